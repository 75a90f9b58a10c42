"""Pauses: what somebody said is to be left alone for a while, everywhere or in one namespace."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from remediator.model.times import format_time

# A Lease can last for 68 years; whoever means so long means a policy.
LONGEST_PAUSE = timedelta(days=30)
SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_REASON = 200


class Pause(Struct, frozen=True):
    """One pause: by whom, for what, and until when. An empty namespace means all of them; no end, until resumed.

    `holder` and `reason` are claims of whoever wrote it.
    """

    name: str
    holder: str
    until: datetime | None
    since: datetime | None = None
    reason: str = ""
    namespace: str = ""

    def over(self, at: datetime) -> bool:
        """Tell whether it has ended by itself, by the API server's clock."""
        return self.until is not None and self.until <= at

    def covers(self, namespace: str) -> bool:
        """Tell whether it is about what is in a namespace."""
        return self.namespace in ("", namespace)

    @property
    def said(self) -> str:
        """Say it in half a sentence: `paused by alice until 2026-11-22T16:00:00Z: EKS upgrade`."""
        where = f" in {self.namespace}" if self.namespace else ""
        until = f"until {format_time(self.until)}" if self.until else "until somebody resumes"
        return f"paused{where} by {self.holder or 'somebody'} {until}{f': {self.reason}' if self.reason else ''}"


class Pauses(Struct, frozen=True):
    """What is known of pauses. `unknown` says why they could not be read; then nobody knows whether there are any."""

    found: tuple[Pause, ...] = ()
    unknown: str = ""

    def standing(self, at: datetime, namespace: str | None = None) -> tuple[Pause, ...]:
        """List those that have not ended, for a namespace or for all; the last to end first."""
        there = [each for each in self.found if not each.over(at) and (namespace is None or each.covers(namespace))]
        return tuple(sorted(there, key=lambda each: (each.until is not None, _negated(each.until), each.name)))

    def ends(self, at: datetime) -> datetime | None:
        """Tell when the next of them ends by itself; None where none does."""
        return min((each.until for each in self.standing(at) if each.until is not None), default=None)


def _negated(at: datetime | None) -> float:
    return -at.timestamp() if at else 0.0
