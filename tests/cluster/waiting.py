"""Wait for what a controller does in its own time."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_POLL = 0.1  # seconds; the API server is on loopback


def eventually(read: Callable[[], Seen], until: Callable[[Seen], object], what: str, within: float = 20.0) -> Seen:
    """Read until the predicate holds and answer that; after `within` seconds fail with what was seen last."""
    deadline = time.monotonic() + within
    while True:
        seen = read()
        if until(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; seen last:\n{_shown(seen)}")
        time.sleep(_POLL)


def throughout(read: Callable[[], Seen], holds: Callable[[Seen], object], what: str, seconds: float) -> Seen:
    """Read for that long and fail as soon as the predicate does not hold."""
    deadline = time.monotonic() + seconds
    while True:
        seen = read()
        if not holds(seen):
            raise AssertionError(f"no longer true within {seconds:g} s: {what}; seen:\n{_shown(seen)}")
        if time.monotonic() > deadline:
            return seen
        time.sleep(_POLL)


def _shown(seen: object) -> str:
    if isinstance(seen, dict) and "metadata" in seen:
        # managedFields is the larger half of an object, and tells nothing here.
        metadata = {key: value for key, value in seen["metadata"].items() if key != "managedFields"}
        seen = seen | {"metadata": metadata}
    return json.dumps(seen, indent=2, default=str)
