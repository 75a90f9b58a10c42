"""Run what is measured in turn, so that whatever else the machine does hits all of it alike."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from bench.contenders import Contender
from bench.measure import Cost, cost, medians
from bench.relay import Relay
from bench.results import Listed, Traffic, say
from bench.stage import Stage

_TRAFFIC_ROUNDS = 3


def in_turn(stage: Stage, runners: Sequence[Contender], rounds: int, pause: float = 0.0) -> dict[str, Cost]:
    """Run each once and then all again, so many rounds; the first round warms up and does not count.

    `pause` is for how many seconds nobody asks the API server anything before each.
    """
    costs: dict[str, list[Cost]] = {each.name: [] for each in runners}
    for number in range(rounds + 1):
        for each in runners:
            time.sleep(pause if number else 0)
            taken = _once(stage, each)
            if number:
                costs[each.name].append(taken)
    return {name: medians(taken) for name, taken in costs.items()}


def _once(stage: Stage, runner: Contender) -> Cost:
    taken = cost(runner.command, runner.environment, stage.folder / "output.txt")
    return msgspec.structs.replace(taken, first=stage.first_request(runner.account, taken.began) - taken.began)


def traffic(stage: Stage, runners: Sequence[Contender], rounds: int = _TRAFFIC_ROUNDS) -> dict[str, Traffic]:
    """Count what one run of each asks of the API server, and what that costs there.

    By way of a relay, which takes time of its own: none of these runs counts as how long something takes.
    """
    counted: dict[str, list[Traffic]] = {each.name: [] for each in runners}
    with Relay(stage.port) as relay:
        for _ in range(rounds):
            for each in runners:
                counted[each.name].append(_counted(stage, each.through(relay.url, stage.folder), relay))
    found = {name: medians(taken) for name, taken in counted.items()}
    say(f"\n{'':<26} {'requests':>8} {'received MB':>12} {'sent kB':>8} {'API server CPU s':>18}")
    for name, it in found.items():
        received, sent = it.received / 1e6, it.sent / 1e3
        say(f"  {name:<24} {it.requests:8.0f} {received:12.2f} {sent:8.1f} {it.server_cpu:18.2f}")
    return found


def _counted(stage: Stage, runner: Contender, relay: Relay) -> Traffic:
    before, cpu = len(stage.requests_of(runner.account)), stage.server_metric("process_cpu_seconds_total")
    sent, received = relay.sent, relay.received
    cost(runner.command, runner.environment, stage.folder / "output.txt")
    time.sleep(1)  # the audit log is written behind, and the API server tidies up
    return Traffic(
        requests=len(stage.requests_of(runner.account)) - before,
        sent=relay.sent - sent,
        received=relay.received - received,
        server_cpu=stage.server_metric("process_cpu_seconds_total") - cpu,
    )


def listed(stage: Stage, floor: Contender) -> Listed:
    """Say how large the list is: as the floor counts it, and as it would without gzip."""
    output = stage.folder / "output.txt"
    sizes = []
    for more in ((), ("--plain",)):
        cost((*floor.command, *more), floor.environment, output)
        sizes.append(int(output.read_text(encoding="utf-8").split()[0]))
    packed, plain = sizes
    found = Listed(stage.count, plain, packed)
    each = plain / stage.count
    say(f"  {plain / 1e6:.1f} MB of JSON, {each:,.0f} bytes a Function; gzip 1:{plain / packed:.1f}")
    return found
