"""The bench, small, on a real kube-apiserver: what it counts is right, and it writes its results. Times prove nothing
here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import results
from bench.contenders import OURS, Contender, contenders
from bench.results import Results
from bench.rounds import traffic
from bench.stage import Stage
from tests.bed.toolchain import Toolchain
from tests.cluster.own import program

_ROOT = Path(__file__).parents[2]
_FEW, _MANY = 300, 1_200
# What a scan of any number of Functions asks the API server: the list, in one answer, and what is asked once.
REQUESTS = 23


@pytest.fixture(scope="module")
def stage(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    program(tools.apiserver)
    with Stage(tools, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
def ours(stage: Stage) -> Contender:
    return contenders(stage)[0]


@pytest.fixture(scope="module")
def folder(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of the bench, at its smallest, wrote what it found."""
    program(tools.apiserver)
    folder = tmp_path_factory.mktemp("results")
    sizes = ("--functions", f"{_MANY}", "--growth", f"{_FEW},{_MANY}", "--asked", "600")
    command = (sys.executable, "-m", "bench", *sizes, "--rounds", "1", "--pause", "0", "--results", str(folder))
    ran = subprocess.run(
        command,
        env=dict(os.environ) | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stderr  # 1: a promise about times is broken, of so few it says nothing
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Results:
    return results.read(folder)


def test_a_scan_asks_as_often_of_many_as_of_few(stage: Stage, ours: Contender) -> None:
    stage.grow(_FEW)
    few = traffic(stage, [ours], rounds=1)[OURS]
    stage.grow(_MANY)
    many = traffic(stage, [ours], rounds=1)[OURS]
    assert few.requests == many.requests <= REQUESTS
    assert few.received < many.received


def test_a_scan_sees_every_one(stage: Stage, ours: Contender) -> None:
    stage.grow(_FEW)  # or more, as the other test left it
    command = (*ours.command, "-o", "json")
    told = subprocess.run(command, env=ours.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert json.loads(told)["summary"]["total"] == stage.count >= _FEW


def test_aws_is_asked_of_the_stuck_once_and_of_nobody_else(found: Results) -> None:
    it = found.asking
    assert it is not None
    assert (it.functions, it.stuck, it.gone, it.fine) == (600, 6, 1, 1)
    assert it.healthy == 0
    assert it.about[0] == it.stuck
    assert it.calls[0] == it.stuck + it.gone


def test_aws_is_not_asked_again_of_what_it_said_is_fine(found: Results) -> None:
    it = found.asking
    assert it is not None
    assert it.fine_again == 0
    assert it.about[1] == it.stuck - it.fine


def test_aws_is_asked_once_a_second_at_most(found: Results) -> None:
    assert found.asking is not None
    assert found.asking.in_ten <= 11


def test_each_stuck_one_has_a_record(found: Results) -> None:
    it = found.asking
    assert it is not None
    assert it.records == it.stuck - it.fine
    assert 1_000 < it.record < 20_000


def test_everything_that_is_compared_was_measured(found: Results) -> None:
    for taken in (found.warm, found.idle):
        assert set(taken) == set(found.traffic) == set(found.idle_traffic)
        assert all(each.wall > each.first > 0 for each in taken.values())
    assert set(found.growth.taken) == {_FEW, _MANY}
    assert found.listed is not None
    assert 3_000 < found.listed.plain / found.listed.count < 4_500


def test_the_table_has_each_promise(folder: Path, found: Results) -> None:
    written = (folder / results.PAGE).read_text(encoding="utf-8")
    assert [each.what for each in found.promises if f"| {each.what} | {each.measured} |" not in written] == []


@pytest.mark.parametrize("name", [results.RATIOS, results.GROWTH])
def test_the_plots_are_there(folder: Path, name: str) -> None:
    assert (folder / name).read_bytes().startswith(b"\x89PNG")
