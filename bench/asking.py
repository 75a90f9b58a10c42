"""What AWS is asked: of those that are stuck, once, in turn, and not again about those that it says are fine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from bench.contenders import Contender
from bench.measure import cost
from bench.results import Asking, Results, say
from bench.stage import Stage, Unwell
from remediator.sandbox.cloud import Call

_WINDOW = timedelta(seconds=10)
# One call a second, GetFunctionConfiguration's; the first of eleven can be at the beginning of ten seconds, and the
# last at their end.
_IN_TEN = 11


def ask(results: Results, stage: Stage, ours: Contender, keeper: Contender) -> None:
    """Let ours look at the healthy fleet; then, with one in a hundred stuck, twice in one process."""
    output = stage.folder / "output.txt"
    cost(ours.command, ours.environment, output)
    healthy = len(stage.calls_to_aws())
    unwell = stage.fall_ill()
    taken = cost(keeper.command, keeper.environment, output)
    asked = stage.calls_to_aws(healthy)
    lines = output.read_text(encoding="utf-8").splitlines()
    passes = [json.loads(line) for line in lines if line.startswith("{")]  # what it logs is there, too
    unkept = [trouble for each in passes for trouble in each["unkept"]]
    assert not unkept, unkept
    split = sum(call.at.timestamp() < passes[0]["over"] for call in asked)
    results.asking = _asking(stage, unwell, (asked[:split], asked[split:]), healthy, taken.wall)
    _judge(results, results.asking)


def _asking(
    stage: Stage, unwell: Unwell, passes: tuple[Sequence[Call], Sequence[Call]], healthy: int, seconds: float
) -> Asking:
    first, second = ({_name(call) for call in calls} for calls in passes)
    records = stage.records()
    return Asking(
        functions=stage.count,
        healthy=healthy,
        stuck=unwell.count,
        gone=len(unwell.gone),
        fine=len(unwell.fine),
        about=(len(first), len(second)),
        calls=(len(passes[0]), len(passes[1])),
        fine_again=len(second & unwell.fine),
        in_ten=max(_densest(calls) for calls in passes),
        seconds=seconds,
        records=len(records),
        record=median(records),
    )


def _name(call: Call) -> str:
    assert call.function is not None
    return call.function.rpartition(":")[2]


def _densest(calls: Sequence[Call]) -> int:
    """Count the most calls of any ten seconds."""
    times = [call.at for call in calls]
    return max((sum(begin <= at < begin + _WINDOW for at in times) for begin in times), default=0)


def _judge(results: Results, it: Asking) -> None:
    say(f"\n{it.functions:,} Functions, {it.stuck} of them stuck: {it.gone} gone from AWS, {it.fine} fine there")
    say(f"  asked about, pass by pass: {it.about[0]}, {it.about[1]}; calls: {it.calls[0]}, {it.calls[1]}")
    say(f"  {it.records} records of {it.record:,.0f} bytes")
    results.promise("AWS calls for a healthy fleet", it.healthy, 0)
    results.promise(f"Functions that AWS is asked about, {it.stuck} being stuck", it.about[0], it.stuck, it.stuck)
    # That one is gone is proven by its ARN and by its name.
    results.promise("AWS calls for them, one more for each that is gone", it.calls[0], it.stuck + it.gone)
    results.promise("of those that AWS said are fine, asked about again", it.fine_again, 0)
    results.promise("most AWS calls in any 10 s, at 1 a second", it.in_ten, _IN_TEN)
