"""Which Functions are due for a pass: the informer, event filter and rate limiter of controller-runtime in small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from remediator.sandbox.ack.resource import Resource

_BASE_SECONDS = 0.005
_CAP_SECONDS = 1000.0

Key = tuple[str, str]


@dataclass(slots=True)
class _Entry:
    uid: str
    generation: int
    due: float | None
    failures: int = 0


class Queue:
    """Decide by what a list shows; times are seconds of the clock.

    Only a new object, a changed generation and a timer count. Annotations, labels, finalizers and status do not
    (controller-runtime's GenerationChangedPredicate).
    """

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}

    def observe(self, listed: Iterable[Resource], now: float) -> None:
        """Take in a list of all Functions."""
        seen: dict[Key, _Entry] = {}
        for resource in listed:
            metadata = resource["metadata"]
            key = (metadata["namespace"], metadata["name"])
            uid, generation = metadata.get("uid", ""), metadata.get("generation", 0)
            entry = self._entries.get(key)
            if entry is None or entry.uid != uid:
                entry = _Entry(uid, generation, now)
            elif entry.generation != generation:
                # An event bypasses the back-off, and leaves the count of failures as it is.
                entry.generation, entry.due = generation, now
            seen[key] = entry
        self._entries = seen

    def ready(self, now: float) -> list[Key]:
        """Return what is due, longest due first."""
        due = [(entry.due, key) for key, entry in self._entries.items() if entry.due is not None and entry.due <= now]
        return [key for _, key in sorted(due)]

    def again(self, key: Key, now: float, seconds: float | None) -> None:
        """Note a pass that ended well: the next is after `seconds`, None for never. Failures are forgotten."""
        if entry := self._entries.get(key):
            entry.failures = 0
            entry.due = None if seconds is None else now + seconds

    def failed(self, key: Key, now: float) -> None:
        """Note a pass that failed: the next is after 5 ms x 2^n, 1000 s at most."""
        if entry := self._entries.get(key):
            # 2^18 is past the cap already; a higher power only grows.
            entry.due = now + min(_BASE_SECONDS * 2 ** min(entry.failures, 18), _CAP_SECONDS)
            entry.failures += 1
