"""Which Functions are due for a pass: the event filter and the rate limiter of controller-runtime in small."""

from __future__ import annotations

from collections.abc import Iterable

from remediator.sandbox.ack.resource import Resource

_BASE_SECONDS = 0.005
_CAP_SECONDS = 1000.0

Key = tuple[str, str]


class Queue:
    """Decide by what a list or a watch shows; times are seconds of the clock. Not thread-safe: its owner holds a lock.

    Only a new object, one that is gone, a changed generation and a timer count. Annotations, labels, finalizers and
    status do not (controller-runtime's GenerationChangedPredicate).
    """

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[str, int]] = {}
        self._due: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}

    def listed(self, resources: Iterable[Resource], now: float) -> None:
        """Take in a list of all Functions."""
        found = {_key(resource): resource for resource in resources}
        for key in self._seen.keys() - found.keys():
            self._gone(key, now)
        for resource in found.values():
            self.changed(resource, now)

    def changed(self, resource: Resource, now: float) -> None:
        """Take in a Function as it is now. A change bypasses the back-off, and leaves the count of failures."""
        key, mark = _key(resource), _mark(resource)
        if self._seen.get(key) != mark:
            self._seen[key] = mark
            self._defer(key, now)

    def deleted(self, resource: Resource, now: float) -> None:
        """Take in that a Function is gone: a change too, and the pass that finds nothing forgets its failures."""
        self._gone(_key(resource), now)

    def next_due(self) -> float | None:
        """Return when the next pass is due; None if none is."""
        return min(self._due.values(), default=None)

    def take(self, now: float) -> Key | None:
        """Take out what has been due for longest; what happens from here on makes it due once more."""
        due = self.next_due()
        if due is None or due > now:
            return None
        key = next(key for key, at in self._due.items() if at == due)
        del self._due[key]
        return key

    def again(self, key: Key, now: float, seconds: float | None) -> None:
        """Note a pass that ended well: the next is after `seconds`, None for never. Failures are forgotten."""
        self._failures.pop(key, None)
        if seconds is not None:
            self._defer(key, now + seconds)

    def failed(self, key: Key, now: float) -> None:
        """Note a pass that failed: the next is after 5 ms x 2^n, 1000 s at most."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # 2^18 is past the cap already; a higher power only grows.
        self._defer(key, now + min(_BASE_SECONDS * 2 ** min(failures, 18), _CAP_SECONDS))

    def _gone(self, key: Key, now: float) -> None:
        if self._seen.pop(key, None) is not None:
            self._defer(key, now)

    def _defer(self, key: Key, at: float) -> None:
        """Make it due at that time, or earlier if it is already."""
        self._due[key] = min(at, self._due.get(key, at))


def _key(resource: Resource) -> Key:
    return resource["metadata"]["namespace"], resource["metadata"]["name"]


def _mark(resource: Resource) -> tuple[str, int]:
    """Return what a change is told by: an object made anew under its old name is another one."""
    return resource["metadata"].get("uid", ""), resource["metadata"].get("generation", 0)
