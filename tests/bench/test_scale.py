"""The paper on scale says what follows from the last run, and from nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import results
from bench.scale import PAPER, Constants, Line, computed, constants, tables

_RUN = Path(__file__).parents[2] / "bench" / "results"


@pytest.fixture
def run() -> Constants:
    return Constants(
        wall=Line(0.5, 0.0001),
        cpu=Line(0.5, 0.00003),
        rss=Line(70, 0.0001),
        server_memory=Line(800, 0.02),
        server_cpu=0.00013,
        plain=4_000,
        packed=500,
        requests=23,
        record=3_000,
    )


def test_the_tables_are_those_of_the_last_run() -> None:
    text = PAPER.read_text(encoding="utf-8")
    assert computed(text, constants(results.read(_RUN))) == text, "python -m bench.scale"


@pytest.mark.parametrize(
    "row",
    [
        "| 10,000 | 1.5 | 0.8 | 71 | 5.0 | 1.3 | 0.4% | 1.0 | 0.04 |",
        "| 1,000,000 * | 100.5 | 30.5 | 170 | 500.0 | 130.0 | 43.3% | 20.8 | 4.00 |",
        "| 100,000 | 1.0% | 1,000 | 1,000 | 200 | with GetFunction |",
        "| 1,000 | 10,000 | 1.00 | 4.33 | 1,440.0 | 300.0 | 100.0 vCPU, 250.00 GiB | 3,766 |",
    ],
)
def test_each_size_follows_from_the_constants(run: Constants, row: str) -> None:
    assert row in tables(run).splitlines()


def test_what_no_one_measured_is_marked(run: Constants) -> None:
    assert all("*" in line for line in tables(run).splitlines() if line.startswith("| 1,000,000") and "GB" in line)


def test_text_around_the_tables_stays(run: Constants) -> None:
    begin, end = PAPER.read_text(encoding="utf-8").split("<!-- computed", 1)[0], "after\n"
    text = f"{begin}<!-- computed by python -m bench.scale -->\nold\n<!-- end of what is computed -->\n{end}"
    new = computed(text, run)
    assert new.startswith(begin)
    assert new.endswith(end)
    assert "\nold\n" not in new
