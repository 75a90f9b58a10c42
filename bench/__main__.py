"""`make bench`: what a scan takes, beside what a script, a plain client and the bare bytes take, in one run.

All are measured in turn, several times, on one API server, and medians are compared: what else the machine does hits
all of them alike. `--functions` and `--rounds` make it smaller; `--growth` names the fleets that ours is measured on.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from bench.contenders import CLIENT, FLOOR, KUBECTL, OURS, Contender, contenders
from bench.measure import Cost, cost, medians
from bench.stage import Stage
from bench.startup import startup
from tests.bed.toolchain import prepare

# What is promised of `remediator scan`, as a part of what another takes at the same moment: wall, CPU, memory.
TARGETS = (
    (KUBECTL, "wall", 0.2),
    (CLIENT, "wall", 0.65),
    (FLOOR, "wall", 1.2),
    (KUBECTL, "cpu", 0.1),
    (KUBECTL, "rss", 0.16),
)
_MEMORY_GROWTH, _EXPONENT = 1.2, 1.05
_IDLE = 20.0  # seconds without a request


def _say(line: str = "") -> None:
    click.echo(line)


class Results:
    """What was measured, told as it comes, and what of it breaks a promise."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def promise(self, what: str, value: float, most: float) -> None:
        """Tell a number and whether it is as small as was promised."""
        held = value <= most
        _say(f"  {what:<58} {value:8.2f}   ≤ {most:<5g} {'met' if held else 'MISSED'}")
        if not held:
            self.broken.append(what)


def _in_turn(runners: Sequence[Contender], rounds: int, stage: Stage, pause: float = 0.0) -> dict[str, Cost]:
    """Run each once and then all again, so many rounds; the first round warms up and does not count."""
    costs: dict[str, list[Cost]] = {each.name: [] for each in runners}
    for number in range(rounds + 1):
        for each in runners:
            time.sleep(pause if number else 0)
            taken = cost(each.command, each.environment, stage.folder / "output.txt")
            if number:
                costs[each.name].append(taken)
    return {name: medians(taken) for name, taken in costs.items()}


def _tell(title: str, taken: dict[str, Cost]) -> None:
    _say(f"\n{title}")
    _say(f"  {'':<24} {'wall s':>8} {'CPU s':>8} {'RSS MB':>8}")
    for name, each in taken.items():
        _say(f"  {name:<24} {each.wall:8.2f} {each.cpu:8.2f} {each.rss:8.1f}")


def _compare(results: Results, taken: dict[str, Cost], when: str) -> None:
    ours = taken[OURS]
    for other, what, most in TARGETS:
        if other in taken:
            ratio = getattr(ours, what) / getattr(taken[other], what)
            results.promise(f"{what} of {OURS} / {other}, {when}", ratio, most)


def _requests(runners: Sequence[Contender], stage: Stage) -> None:
    """Tell what one run of each asks of the API server, and what that costs there."""
    _say(f"\n{'':<26} {'requests':>8} {'API server CPU s':>18}")
    for each in runners:
        before, cpu = stage.requests_of(each.account), stage.server_cpu()
        cost(each.command, each.environment, stage.folder / "output.txt")
        time.sleep(1)  # the audit log is written behind
        _say(f"  {each.name:<24} {stage.requests_of(each.account) - before:8} {stage.server_cpu() - cpu:18.2f}")


def _grow(results: Results, ours: Contender, stage: Stage, sizes: Sequence[int], rounds: int) -> None:
    """Measure ours on larger and larger fleets, and fit how its time grows."""
    taken: dict[int, Cost] = {}
    for size in sizes:
        stage.grow(size)
        taken[size] = _in_turn([ours], rounds, stage)[OURS]
    _tell("Growth, a healthy fleet", {f"{size:,} Functions": each for size, each in taken.items()})
    if len(taken) > 1:
        start = taken[sizes[0]].wall
        results.promise("exponent of the wall time", _exponent({n: c.wall for n, c in taken.items()}), _EXPONENT)
        _say(f"  (of {start:.2f} s at {sizes[0]:,} most is the start of the process)")
    if 10_000 in taken and 100_000 in taken:
        results.promise("RSS at 100,000 / at 10,000", taken[100_000].rss / taken[10_000].rss, _MEMORY_GROWTH)


def _exponent(walls: dict[int, float]) -> float:
    """Fit t = a·nᵇ by least squares over the logarithms, and answer b."""
    points = [(math.log(size), math.log(wall)) for size, wall in walls.items()]
    x, y = (sum(each[axis] for each in points) / len(points) for axis in (0, 1))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def _unwell(stage: Stage, ours: Contender) -> None:
    """Let one in a hundred be stuck: AWS is asked of each of those once, and of no other."""
    count = stage.fall_ill()
    before = stage.calls_to_aws()
    taken = cost(ours.command, ours.environment, stage.folder / "output.txt")
    _tell(f"{count} of {stage.count:,} are stuck; AWS is asked once a second", {OURS: taken})
    _say(f"  calls to AWS about functions: {stage.calls_to_aws() - before}")


@click.command()
@click.option("--functions", default=10_000, show_default=True, help="How many of them are compared on.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--growth", default="1000,10000,50000,100000", show_default=True, help="Fleets that ours is measured on.")
def main(functions: int, rounds: int, growth: str) -> None:
    """Measure a scan beside its yardsticks; exit 1 if a promise is broken."""
    results = Results()
    _say(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    results.promise("wall of remediator --help / import click, rich", startup(), 2.0)
    tools = prepare({**os.environ, "CONTROLLER": "sandbox"}, _say)
    with tempfile.TemporaryDirectory(prefix="ack-bench-") as folder, Stage(tools, Path(folder)) as stage:
        stage.grow(functions)
        runners = contenders(stage)
        ours = runners[0]
        warm = _in_turn(runners, rounds, stage)
        _tell(f"{functions:,} healthy Functions, one after the other", warm)
        _compare(results, warm, "warm")
        idle = _in_turn(runners, rounds, stage, _IDLE)
        _tell(f"{functions:,} healthy Functions, each after {_IDLE:g} s without a request", idle)
        _compare(results, idle, "idle")
        _requests(runners, stage)
        _unwell(stage, ours)
    with tempfile.TemporaryDirectory(prefix="ack-bench-") as folder, Stage(tools, Path(folder)) as stage:
        ours = contenders(stage)[0]
        _grow(results, ours, stage, [int(each) for each in growth.split(",")], max(1, rounds // 2))
    _say(f"\nbroken: {', '.join(results.broken)}" if results.broken else "\nall promises hold")
    sys.exit(1 if results.broken else 0)


if __name__ == "__main__":
    main()
