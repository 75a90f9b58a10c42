"""How often AWS is asked: the quotas are shared with people's deployments."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple

from remediator.ports import Clock

_SLOWEST = 16  # times the usual distance
# After being throttled at the slowest: how long nobody asks there, in seconds. And after how long without, all is well.
_CLOSED = 60.0
_FORGIVEN = 300.0


class Place(NamedTuple):
    """What has a quota, credentials and a client of its own."""

    account: str
    region: str


@dataclass
class _Lane:
    """One place: `distance` is between two calls, in seconds; the other times are of the monotonic clock.

    `slowed` counts how often it was, so that who waits for a turn learns that it is another one now.
    """

    distance: float
    turn: float = 0.0
    slowed: int = 0
    slowed_at: float = 0.0
    closed_until: float = 0.0


class Pace:
    """At most one call per span of `seconds` in each place, over all threads; where AWS throttles, fewer.

    Each throttled answer doubles the distance of its place, up to 16 times the usual one. If that is too often still,
    nobody asks there for a minute. What was throttled five minutes ago is forgiven.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._lanes: dict[Place, _Lane] = {}

    def wait(self, place: Place) -> bool:
        """Wait for a turn to call; return False where there is none, for now."""
        while True:
            with self._lock:
                now, lane = self._clock.monotonic(), self._lane(place)
                if now < lane.closed_until:
                    return False
                turn, slowed = max(now, lane.turn), lane.slowed
                lane.turn = turn + lane.distance
            if turn > now:
                self._clock.sleep(turn - now)
            if lane.slowed == slowed:
                return True

    def slow_down(self, place: Place) -> None:
        """Note that AWS throttled a call."""
        with self._lock:
            now, lane = self._clock.monotonic(), self._lane(place)
            if lane.distance >= self._seconds * _SLOWEST:
                lane.closed_until = now + _CLOSED
            lane.distance = min(2 * lane.distance, self._seconds * _SLOWEST)
            lane.turn = now + lane.distance
            lane.slowed, lane.slowed_at = lane.slowed + 1, now

    def _lane(self, place: Place) -> _Lane:
        lane = self._lanes.setdefault(place, _Lane(self._seconds))
        if lane.slowed and self._clock.monotonic() - lane.slowed_at > _FORGIVEN:
            lane.distance = self._seconds
        return lane
