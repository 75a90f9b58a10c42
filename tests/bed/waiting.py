"""Wait for what a controller does in its own time.

Seconds are seconds of the bed's clock, so that a test says "within 20 s" and means it on both beds.
"""

import json
import time
from collections.abc import Callable
from typing import TypeVar

from remediator.sandbox.clock import SandboxClock

Seen = TypeVar("Seen")

_POLL = 0.1  # seconds of the clock, but
_BREATH = 0.02  # real seconds at least: everybody is on the same two cores
_PATIENCE = 20.0  # real seconds: on a fast clock, a busy machine must not look like a broken promise


def eventually(
    read: Callable[[], Seen],
    until: Callable[[Seen], object],
    what: str,
    clock: SandboxClock,
    within: float = 20.0,
) -> Seen:
    """Read until the predicate holds and answer that; after `within` seconds fail with what was seen last."""
    deadline = time.monotonic() + max(within / clock.speed, _PATIENCE if clock.speed > 1 else 0)
    while True:
        seen = read()
        if until(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; seen last:\n{_shown(seen)}")
        _breathe(clock)


def throughout(
    read: Callable[[], Seen], holds: Callable[[Seen], object], what: str, clock: SandboxClock, seconds: float
) -> Seen:
    """Read for that long and fail as soon as the predicate does not hold."""
    deadline = clock.monotonic() + seconds
    while True:
        seen = read()
        if not holds(seen):
            raise AssertionError(f"no longer true within {seconds:g} s: {what}; seen:\n{_shown(seen)}")
        if clock.monotonic() > deadline:
            return seen
        _breathe(clock)


def _breathe(clock: SandboxClock) -> None:
    time.sleep(max(_POLL / clock.speed, _BREATH))


def _shown(seen: object) -> str:
    if isinstance(seen, dict) and "metadata" in seen:
        # managedFields is the larger half of an object, and tells nothing here.
        metadata = {key: value for key, value in seen["metadata"].items() if key != "managedFields"}
        seen = seen | {"metadata": metadata}
    return json.dumps(seen, indent=2, default=str)
