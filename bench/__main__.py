"""`make bench`: what a scan takes, beside what a script, a plain client and the bare bytes take, in one run.

All are measured in turn, several times, on one API server, and medians are compared: what else the machine does hits
all of them alike. `--functions` and `--rounds` make it smaller; `--growth` names the fleets that ours is measured on.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bench.asking import ask
from bench.contenders import CLIENT, FLOOR, KUBECTL, OURS, contenders, keeper
from bench.growing import grow
from bench.machine import this_machine
from bench.measure import Cost, Failed
from bench.report import page
from bench.results import PAGE, Results, say, tell
from bench.rounds import in_turn, listed, traffic
from bench.stage import Stage
from bench.startup import HELP, IMPORTS, startup
from tests.bed.toolchain import Toolchain, prepare

_RESULTS = Path(__file__).with_name("results")
# What is promised of `remediator scan`, as a part of what another takes at the same moment: wall, CPU, memory.
TARGETS = (
    (KUBECTL, "wall", 0.2),
    (CLIENT, "wall", 0.65),
    (FLOOR, "wall", 1.2),
    (KUBECTL, "cpu", 0.1),
    (KUBECTL, "rss", 0.16),
)
_HELP, _FIRST = 2.0, 1.0
# Seconds without a request, on an API server that has no page of the list in its cache any more (`Stage.rest`). Of a
# raw read the medians after 0, 2, 5 and 20 s were 1.03, 1.01, 1.09 and 1.08 s: what a pause does is there after five.
_IDLE = 5.0


class _Steps:
    """Says what comes, and when it came."""

    def __init__(self, plan: list[str]) -> None:
        self._plan = plan
        self._began = time.monotonic()

    @property
    def took(self) -> float:
        return time.monotonic() - self._began

    def show(self) -> None:
        say("To do:")
        for number, step in enumerate(self._plan, 1):
            say(f"  {number}. {step}")

    def next(self) -> None:
        """Say which step begins."""
        number = len(self._plan)
        step = self._plan.pop(0)
        say(f"\n---- {step} ({self.took / 60:.0f} min in, {number} to go)")


@contextmanager
def _stage(tools: Toolchain) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="ack-bench-") as folder, Stage(tools, Path(folder)) as stage:
        yield stage


def _compare(results: Results, taken: dict[str, Cost], when: str) -> None:
    ours = taken[OURS]
    for other, what, most in TARGETS:
        ratio = getattr(ours, what) / getattr(taken[other], what)
        results.promise(f"{what if what == 'wall' else what.upper()} of {OURS} / {other}, {when}", ratio, most)


def _side_by_side(results: Results, stage: Stage, steps: _Steps) -> None:
    stage.grow(results.functions)
    runners = contenders(stage)
    steps.next()
    results.warm = in_turn(stage, runners, results.rounds)
    tell("One after the other", results.warm)
    _compare(results, results.warm, "warm")
    results.promise(f"seconds from the start of {OURS} to its first request", results.warm[OURS].first, _FIRST)
    results.traffic = traffic(stage, runners)
    steps.next()
    stage.rest()
    results.idle = in_turn(stage, runners, results.rounds, results.pause)
    tell("Each after a pause", results.idle)
    _compare(results, results.idle, "idle")
    steps.next()
    results.idle_traffic = traffic(stage, runners)
    floor = next(each for each in runners if each.name == FLOOR)
    results.listed = listed(stage, floor)


def _starts(results: Results, steps: _Steps) -> None:
    steps.next()
    results.startup = startup()
    ratio = results.startup[HELP] / results.startup[IMPORTS]
    results.promise(f"{HELP} to its first byte / {IMPORTS}", ratio, _HELP)


def _measure(results: Results, tools: Toolchain, steps: _Steps, asked: int, sizes: list[int]) -> None:
    _starts(results, steps)
    with _stage(tools) as stage:
        _side_by_side(results, stage, steps)
    with _stage(tools) as stage:
        steps.next()
        stage.grow(asked)
        ask(results, stage, contenders(stage)[0], keeper(stage))
    with _stage(tools) as stage:
        steps.next()
        grow(results, contenders(stage)[0], stage, sizes)


def _write(results: Results, folder: Path) -> None:
    results.write(folder)
    (folder / PAGE).write_text(page(results), encoding="utf-8")
    try:
        from bench.plots import draw
    except ModuleNotFoundError as missing:
        say(f"no plots: there is no {missing.name} (`make bench` installs it)")
    else:
        draw(results, folder)
    say(f"\nwritten to {folder}")


@click.command()
@click.option("--functions", default=10_000, show_default=True, help="How many of them are compared on.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--pause", default=_IDLE, show_default=True, help="Seconds without a request before an idle run.")
@click.option("--growth", default="1000,10000,50000,100000", show_default=True, help="Fleets that ours is measured on.")
@click.option("--asked", default=2_000, show_default=True, help="Functions of the fleet in which some are stuck.")
@click.option("--results", "folder", default=_RESULTS, type=Path, help="Where table and plots go.  [bench/results]")
def main(functions: int, rounds: int, pause: float, growth: str, asked: int, folder: Path) -> None:
    """Measure a scan beside its yardsticks; exit 1 if a promise is broken."""
    sizes = [int(each) for each in growth.split(",")]
    steps = _Steps(
        [
            f"{HELP}, beside {IMPORTS}",
            f"{functions:,} Functions: {rounds} rounds of each, one after the other",
            f"{functions:,} Functions: {rounds} rounds of each, idle, after {pause:g} s without a request",
            "requests, bytes and the API server's CPU, untimed, once more",
            f"{asked:,} Functions, one in a hundred stuck: what AWS is asked, at one call a second",
            f"growth: {growth} Functions",
        ]
    )
    steps.show()
    tools = prepare({**os.environ, "CONTROLLER": "sandbox"}, say)
    words = " ".join(sys.argv[1:])
    command = f"python -m bench {words}" if words else "make bench"
    results = Results(this_machine(tools), functions, rounds, pause, command)
    try:
        _measure(results, tools, steps, asked, sizes)
    except Failed as error:
        say(f"\n{error}")
        results.broke_off = str(error).splitlines()[0]
    results.took = steps.took
    _write(results, folder)
    broken = results.broken
    say(f"broken: {', '.join(broken)}" if broken else "all promises hold")
    sys.exit(1 if broken or results.broke_off else 0)


if __name__ == "__main__":
    main()
