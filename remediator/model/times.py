"""Times as Kubernetes and AWS write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}")
_EARLIEST_YEAR, _LATEST_YEAR = 1970, 9000
_LONGEST = timedelta(days=3650)
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")


def parse_time(text: str | None) -> datetime | None:
    """Read RFC 3339, and Lambda's `2026-11-21T10:00:00.000+0000`; None for what is neither.

    A time without zone is taken as UTC, as both systems mean it. Nonsense is None rather than an error, years that
    no function was made in included (Go writes an absent time as year 1): one strange timestamp must not hide the
    rest of an object.
    """
    if not text or not _DATE_AND_TIME.match(text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR else None


def format_time(at: datetime | None) -> str | None:
    """Write RFC 3339 in UTC, whole seconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(at: datetime) -> str:
    """Write RFC 3339 in UTC with six digits after the point: Kubernetes' MicroTime, which takes no other form."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `2h`, `7d` or a sum such as `1h30m`, largest unit first; else raise ValueError."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is no duration; write it as 90s, 15m, 2h, 7d or 1h30m")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if days > _LONGEST.days or max(hours, minutes, seconds) > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than ten years")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(span: timedelta) -> str:
    """Write the two largest units: `45s`, `12m`, `3h05m`, `9d4h`. Negative spans are written as `0s`."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days}d{hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    if minutes:
        rest = seconds % 60
        return f"{minutes}m{rest:02d}s" if minutes < 10 and rest else f"{minutes}m"
    return f"{seconds}s"
