"""Whether a daemon does its work, as a kubelet asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from remediator.model.times import format_duration, format_time

# Passes that may be missing before a daemon counts as stuck itself.
MISSING_PASSES = 3
# The longest that one request may take is a minute, with all its retries; a pass moves from one to the next.
_LEAST_PATIENCE = timedelta(minutes=2)


class Health:
    """What a daemon did last, and what follows from that. Shared by threads.

    A daemon that cannot reach its API server is well: to start it again would help nobody.
    """

    def __init__(self, now: Callable[[], datetime], *, due: Callable[[datetime, int], datetime]) -> None:
        """Begin now; `due` tells when so many passes should have been made after a moment."""
        self._now = now
        self._due = due
        self._moved = self._campaigned = now()
        self._passed = False
        self._trouble = ""

    def moved(self) -> None:
        """Note that the thread that makes the passes does something, or that we began to lead."""
        self._moved = self._now()

    def campaigned(self) -> None:
        """Note that leadership was looked after, whoever leads."""
        self._campaigned = self._now()

    def passed(self, trouble: str = "") -> None:
        """Note that a pass is over, and what kept it from doing its work."""
        self._passed = self._passed or not trouble
        self._trouble = trouble

    @property
    def trouble(self) -> str:
        """What kept the last pass from doing its work; empty where nothing did."""
        return self._trouble

    def alive(self, *, leads: bool) -> str:
        """Say why the process should be started anew; empty where it is well."""
        now = self._now()
        if now - self._campaigned > _LEAST_PATIENCE:
            return f"the scheduler stands still since {_since(self._campaigned, now)}"
        late = max(self._due(self._moved, MISSING_PASSES), self._moved + _LEAST_PATIENCE)
        if leads and now > late:
            return f"no pass has moved since {_since(self._moved, now)}"
        return ""

    def ready(self, *, leads: bool, undecided: str) -> str:
        """Say why it cannot be relied on yet; empty where it can, or stands by."""
        if undecided:
            return f"it is not decided who leads: {undecided}"
        if not leads or self._passed:
            return ""
        return f"the first pass has not succeeded: {self._trouble}" if self._trouble else "the first pass is not over"


def _since(at: datetime, now: datetime) -> str:
    return f"{format_time(at)} ({format_duration(now - at)})"
