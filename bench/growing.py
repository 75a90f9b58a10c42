"""How ours grows with the fleet."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contenders import Contender
from bench.results import Growth, Results, exponent, say, tell
from bench.rounds import in_turn
from bench.stage import Stage

_ROUNDS = 3
_MEMORY, _EXPONENT = 1.2, 1.05


def grow(results: Results, ours: Contender, stage: Stage, sizes: Sequence[int], rounds: int = _ROUNDS) -> None:
    """Measure ours on larger and larger fleets, all healthy, and fit how its time grows."""
    growth = results.growth = Growth()  # what was measured before it breaks off is told, too
    for size in sizes:
        stage.grow(size)
        growth.taken[size] = in_turn(stage, [ours], rounds)[ours.name]
        growth.server[size] = stage.server_metric("process_resident_memory_bytes") / 1e6
    tell("Growth, a healthy fleet", {f"{size:,} Functions": each for size, each in growth.taken.items()})
    if len(growth.taken) < 2:
        return
    growth.whole = exponent({size: each.wall for size, each in growth.taken.items()})
    growth.from_first = exponent({size: each.wall - each.first for size, each in growth.taken.items()})
    results.promise("exponent of the wall time", growth.whole, _EXPONENT)
    say(f"  from the first request on, without the start of the process: {growth.from_first:.2f}")
    if 10_000 in growth.taken and 100_000 in growth.taken:
        ratio = growth.taken[100_000].rss / growth.taken[10_000].rss
        results.promise("RSS at 100,000 / at 10,000 Functions", ratio, _MEMORY)
