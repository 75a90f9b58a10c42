"""Cron expressions as cron reads them, and what words say of one."""

from __future__ import annotations

import re

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
NUMBERS = {"": 1, "two": 2, "five": 5, "ten": 10, "fifteen": 15, "thirty": 30}
CLAIM = re.compile(rf"\bevery(?: ({'|'.join(filter(None, NUMBERS))}|\d+))? (minute|hour|day)s?\b")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def field(text: str, least: int, most: int) -> set[int]:
    """Expand one field of a cron expression, as crontab(5) has it."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = least if first == "*" else int(first)
        end = most if first == "*" or (step and not last) else int(last or first)
        assert least <= begin <= end <= most, text
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def minutes_between(expression: str) -> set[int]:
    """Say how many minutes are between one time and the next, over days of which each is alike."""
    minute, hour, *rest = (field(text, *span) for text, span in zip(expression.split(), RANGES, strict=True))
    assert [len(each) for each in rest] == [31, 12, 7], "not every day is alike: say in a test what is claimed of it"
    times = sorted(60 * each + other for each in hour for other in minute)
    return {
        (later - earlier) % (24 * 60) or 24 * 60 for earlier, later in zip(times, [*times[1:], times[0]], strict=True)
    }


def claimed(text: str) -> int:
    """Read how often something is said to be done, in minutes."""
    found = CLAIM.search(" ".join(text.split()).lower())
    assert found, f"nothing is claimed of a schedule in {text!r}"
    count = found[1] or ""
    return (int(count) if count.isdecimal() else NUMBERS[count]) * MINUTES[found[2]]
