"""When something may be begun: hours that come again each week, and stretches of time in which nothing is done.

What a clock on the wall of the zone shows decides, at each moment. Where clocks are set forward, the hour that they
skip never comes: a window that lies within it does not open that day, one that begins within it opens when they are
set. An hour that comes twice counts twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTES_OF_A_DAY = 24 * 60

_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)
# A window that a week misses since clocks skip its hours comes the week after; and Samoa once left out a whole day.
_SEARCHED = timedelta(days=22)


class Weekly(Struct, frozen=True):
    """Hours of some days of the week, 0 being Monday, in minutes since midnight.

    A night belongs to the day that it starts on: `ends` is then more than the minutes of a day.
    """

    days: frozenset[int]
    begins: int = 0
    ends: int = MINUTES_OF_A_DAY
    text: str = ""

    def covers(self, wall: datetime) -> bool:
        """Tell whether it holds at what a clock on the wall shows."""
        day, minute = wall.weekday(), wall.hour * 60 + wall.minute
        today = day in self.days and self.begins <= minute < self.ends
        return today or ((day - 1) % 7 in self.days and minute < self.ends - MINUTES_OF_A_DAY)

    @property
    def edges(self) -> tuple[int, int]:
        """The minutes since midnight at which it can begin and end."""
        return self.begins, self.ends % MINUTES_OF_A_DAY


class Freeze(Struct, frozen=True):
    """A stretch of time in which nothing is done: from `begins` on, and `ends` is no part of it."""

    begins: datetime
    ends: datetime
    reason: str = ""

    def covers(self, at: datetime) -> bool:
        """Tell whether it holds at a moment."""
        return self.begins <= at < self.ends


class Windows(Struct, frozen=True):
    """When something may be begun. Deny beats allow; where anything is allowed, nothing is outside of that."""

    zone: ZoneInfo = ZoneInfo("UTC")
    allow: tuple[Weekly, ...] = ()
    deny: tuple[Weekly, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything that can be closed."""
        return bool(self.allow or self.deny or self.freezes)

    def closed(self, at: datetime) -> str:
        """Say why nothing may be begun at a moment; empty where something may."""
        for freeze in self.freezes:
            if freeze.covers(at):
                return f"frozen until {self.local(freeze.ends)}{f': {freeze.reason}' if freeze.reason else ''}"
        wall = at.astimezone(self.zone)
        for denied in self.deny:
            if denied.covers(wall):
                return f"{denied.text} is denied"
        if self.allow and not any(each.covers(wall) for each in self.allow):
            return f"closed outside of {', '.join(each.text for each in self.allow)}"
        return ""

    def open(self, at: datetime) -> bool:
        """Tell whether something may be begun at a moment."""
        return not self.closed(at)

    def next_change(self, at: datetime) -> datetime | None:
        """Find the next moment at which it opens or closes, to the second; None where it stays as it is."""
        return next(self.changes(at), None)

    def changes(self, at: datetime) -> Iterator[datetime]:
        """Yield the moments after `at` at which it opens and closes in turn, as long as there are any."""
        was, moment = self.open(at), at
        while moment <= max([at, *self._ends_of_freezes]) + _SEARCHED:
            following = self._edge_after(moment)
            if following is None:
                return
            moment = following
            if self.open(moment) != was:
                was, at = not was, moment
                yield moment

    def clocks_set(self, at: datetime) -> datetime | None:
        """Find the next moment, within 400 days, at which the zone's clocks are set; None where they are not."""
        last = at.astimezone(UTC).replace(microsecond=0) + timedelta(days=400)
        found = self._clocks_set(at.astimezone(UTC).replace(microsecond=0), last)
        return found if found < last else None

    def local(self, at: datetime) -> str:
        """Write a moment as people in the zone do: `Mon 2026-11-23 22:00 Europe/Berlin`."""
        wall = at.astimezone(self.zone)
        return f"{DAYS[wall.weekday()]} {wall:%Y-%m-%d %H:%M} {self.zone.key}"

    @property
    def _ends_of_freezes(self) -> tuple[datetime, ...]:
        return tuple(moment for each in self.freezes for moment in (each.begins, each.ends))

    def _edge_after(self, at: datetime) -> datetime | None:
        """Find the next moment at which anything can be otherwise: an edge, or the setting of clocks."""
        at = at.astimezone(UTC).replace(microsecond=0)
        ahead = [moment for moment in self._ends_of_freezes if moment > at]
        if weekly := (*self.allow, *self.deny):
            wall = at.astimezone(self.zone)
            since = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
            edges = {MINUTES_OF_A_DAY, *(edge for each in weekly for edge in each.edges)}
            ahead.append(at + min(timedelta(minutes=edge) - since for edge in edges if timedelta(minutes=edge) > since))
            return self._clocks_set(at, min(ahead))
        return min(ahead, default=None)

    def _clocks_set(self, after: datetime, until: datetime) -> datetime:
        """Find the first moment in a day at which clocks are set, up to `until`; `until` where they are not."""
        offset, late = after.astimezone(self.zone).utcoffset(), after
        while late < until:
            early, late = late, min(late + _HOUR, until)
            if late.astimezone(self.zone).utcoffset() == offset:
                continue
            while late - early > _SECOND:
                middle = early + (late - early) // _SECOND // 2 * _SECOND
                if middle.astimezone(self.zone).utcoffset() == offset:
                    early = middle
                else:
                    late = middle
            return late
        return until
