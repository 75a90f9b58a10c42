"""When the windows of a policy open and close next, as `validate` shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from remediator.model.times import format_time
from remediator.model.window import DAYS, Windows

_SHOWN = 6
_DAY = timedelta(days=1)


def preview(windows: Windows, at: datetime) -> Iterator[str]:
    """Yield lines on how they stand at a moment, on the next changes, and on those around the next setting of clocks.

    Yields nothing where the policy names no windows.
    """
    if not windows:
        return
    closed = windows.closed(at)
    yield f"Windows in {windows.zone.key}, at {_written(windows, at)}: {closed or 'open'}."
    coming = tuple(islice(windows.changes(at), _SHOWN))
    yield from _changes(windows, coming)
    if not coming:
        yield f"  Nothing {'opens' if closed else 'closes'} them."
    clocks = windows.clocks_set(at)
    if clocks is None:
        return
    around = tuple(takewhile(lambda each: each < clocks + _DAY, windows.changes(max(at, clocks - _DAY))))
    if not set(around) <= set(coming):
        yield f"Clocks there are set at {_written(windows, clocks)}; around that:"
        yield from _changes(windows, around)


def _changes(windows: Windows, moments: tuple[datetime, ...]) -> Iterator[str]:
    for each in moments:
        yield f"  {'opens ' if windows.open(each) else 'closes'}  {_written(windows, each)}  {format_time(each)}"


def _written(windows: Windows, at: datetime) -> str:
    """Write it with its offset: an hour that comes twice is told apart by that alone."""
    wall = at.astimezone(windows.zone)
    offset = wall.strftime("%z")
    return f"{DAYS[wall.weekday()]} {wall:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"
