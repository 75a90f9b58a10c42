"""A scan of a large healthy fleet takes hardly more memory than one of a small: the whole process, as users run it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench.contenders import Contender, contenders
from bench.measure import Cost, cost
from bench.stage import Stage
from tests.bed.toolchain import Toolchain

pytestmark = pytest.mark.timeout(300)

MOST = 2.0  # MB for ten thousand


@pytest.fixture(scope="module")
def stage(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tools, tmp_path_factory.mktemp("fleet")) as stage:
        yield stage


def scanned(stage: Stage, ours: Contender, size: int) -> Cost:
    """Let there be so many, scan them three times, and take what needed least: the rest is the allocator's mood."""
    stage.grow(size)
    output = stage.folder / "output.txt"
    taken = [cost((*ours.command, "-o", "json"), ours.environment, output) for _ in range(3)]
    told = output.read_text(encoding="utf-8")
    summary = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]["summary"]
    assert (summary["total"], summary["healthy"]) == (size, size)
    return min(taken, key=lambda each: each.rss)


def test_ten_thousand_healthy_objects_more_are_less_than_two_megabytes_more(stage: Stage) -> None:
    ours = contenders(stage)[0]
    few, many = scanned(stage, ours, 10_000), scanned(stage, ours, 20_000)
    assert many.rss - few.rss < MOST, f"{few.rss:.1f} MB at 10,000, {many.rss:.1f} MB at 20,000"
