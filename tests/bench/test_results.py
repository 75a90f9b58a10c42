"""What is told of a run: what was promised, what came of it, and how it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import results
from bench.contenders import KUBECTL, OURS
from bench.machine import Machine
from bench.measure import Cost, medians
from bench.report import page
from bench.results import Asking, Growth, Listed, Promise, Results, Traffic, exponent

MACHINE = Machine("2026-11-23 04:00 UTC", "0123456789ab", 2, "any", 8.0, "Linux 6", 0.5, {"Python": "3.11"})


def cost(wall: float) -> Cost:
    return Cost(wall, wall / 2, 50.0, began=0.0, first=0.4)


@pytest.fixture
def measured() -> Results:
    run = Results(MACHINE, functions=10_000, rounds=5, pause=5.0)
    run.warm = run.idle = {OURS: cost(1.0), KUBECTL: cost(8.0)}
    run.traffic = {OURS: Traffic(23, 27_000, 4_800_000, 1.7)}
    run.listed = Listed(10_000, 39_000_000, 4_800_000)
    run.growth = Growth({1_000: cost(0.7), 10_000: cost(1.0)}, {1_000: 900.0, 10_000: 990.0}, whole=0.5, from_first=0.9)
    run.asking = Asking(2_000, 0, 20, 4, 4, (20, 16), (24, 20), 0, 10, 45.0, 16, 6_000.0)
    run.promise("wall of ours / theirs", 0.125, 0.2)
    return run


def test_what_is_written_is_read_again(measured: Results, tmp_path: Path) -> None:
    measured.write(tmp_path / "new")
    assert results.read(tmp_path / "new") == measured


@pytest.mark.parametrize(
    "told", ["| wall of ours / theirs | 0.125 | ≤ 0.2 | met |", "all promises are met", "b = 0.50"]
)
def test_the_page_tells(measured: Results, told: str) -> None:
    assert told in page(measured)


def test_the_page_says_plainly_what_is_missed(measured: Results) -> None:
    measured.promise("CPU of ours / theirs", 0.3, 0.1)
    told = page(measured)
    assert "1 of 2 promises are MISSED" in told
    assert "| CPU of ours / theirs | 0.3 | ≤ 0.1 | **MISSED** |" in told


def test_a_page_of_half_a_run_leaves_out_what_was_not_measured() -> None:
    told = page(Results(MACHINE, functions=10, rounds=1, pause=0))
    assert "Growth" not in told
    assert "AWS is asked" not in told


@pytest.mark.parametrize(
    ("promise", "held", "bound"),
    [
        (Promise("p", 0.2, 0.2), True, "≤ 0.2"),
        (Promise("p", 0.201, 0.2), False, "≤ 0.2"),
        (Promise("p", 20, 20, 20), True, "= 20"),
        (Promise("p", 19, 20, 20), False, "= 20"),
    ],
)
def test_a_promise_is_held_up_to_its_bound(promise: Promise, held: bool, bound: str) -> None:
    assert (promise.held, promise.bound) == (held, bound)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    assert exponent({size: 0.003 * size**power for size in (1_000, 10_000, 100_000)}) == pytest.approx(power)


def test_medians_are_taken_of_each_number_on_its_own() -> None:
    taken = [Cost(1, 30, 200, 0), Cost(2, 10, 300, 0), Cost(3, 20, 100, 0)]
    assert medians(taken) == Cost(2, 20, 200, 0)


def test_a_run_that_broke_off_says_so(measured: Results) -> None:
    measured.broke_off = "remediator scan ended with 1:"
    assert "it BROKE OFF (remediator scan ended with 1:)" in page(measured)
