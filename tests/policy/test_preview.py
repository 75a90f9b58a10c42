"""When windows open and close next, as `validate` tells it."""

from __future__ import annotations

from datetime import UTC, datetime

from remediator.policy.preview import preview
from remediator.policy.windows import WindowsSection

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def shown(at: datetime = MONDAY, zone: str = "Europe/Berlin", **keys: object) -> list[str]:
    windows = WindowsSection.model_validate({"timeZone": zone, **keys}).windows
    return list(preview(windows, at))


def test_without_windows_there_is_nothing_to_show() -> None:
    assert shown() == []


def test_the_next_changes_and_those_around_the_next_setting_of_clocks_are_shown() -> None:
    assert shown(allow=["Sat-Sun 01:00-02:30"]) == [
        "Windows in Europe/Berlin, at Mon 2026-11-23 10:00 +01:00: closed outside of Sat-Sun 01:00-02:30.",
        "  opens   Sat 2026-11-28 01:00 +01:00  2026-11-28T00:00:00Z",
        "  closes  Sat 2026-11-28 02:30 +01:00  2026-11-28T01:30:00Z",
        "  opens   Sun 2026-11-29 01:00 +01:00  2026-11-29T00:00:00Z",
        "  closes  Sun 2026-11-29 02:30 +01:00  2026-11-29T01:30:00Z",
        "  opens   Sat 2026-12-05 01:00 +01:00  2026-12-05T00:00:00Z",
        "  closes  Sat 2026-12-05 02:30 +01:00  2026-12-05T01:30:00Z",
        "Clocks there are set at Sun 2027-03-28 03:00 +02:00; around that:",
        "  closes  Sat 2027-03-27 02:30 +01:00  2027-03-27T01:30:00Z",
        "  opens   Sun 2027-03-28 01:00 +01:00  2027-03-28T00:00:00Z",
        "  closes  Sun 2027-03-28 03:00 +02:00  2027-03-28T01:00:00Z",
    ]


def test_what_is_shown_already_is_not_shown_twice() -> None:
    friday = datetime(2026, 10, 23, 9, tzinfo=UTC)
    lines = shown(friday, allow=["Sat-Sun 02:00-02:30"])
    assert lines[3:7] == [
        "  opens   Sun 2026-10-25 02:00 +02:00  2026-10-25T00:00:00Z",
        "  closes  Sun 2026-10-25 02:30 +02:00  2026-10-25T00:30:00Z",
        "  opens   Sun 2026-10-25 02:00 +01:00  2026-10-25T01:00:00Z",
        "  closes  Sun 2026-10-25 02:30 +01:00  2026-10-25T01:30:00Z",
    ]
    assert len(lines) == 7


def test_where_clocks_are_never_set_or_nothing_changes_around_that_nothing_is_said_of_them() -> None:
    assert len(shown(allow=["Mon"], zone="Asia/Tokyo")) == 7
    assert len(shown(allow=["Wed"])) == 7


def test_what_never_changes_is_told() -> None:
    assert shown(deny=["Mon-Sun"]) == [
        "Windows in Europe/Berlin, at Mon 2026-11-23 10:00 +01:00: Mon-Sun is denied.",
        "  Nothing opens them.",
    ]
    assert shown(allow=["Mon-Sun"], zone="UTC")[1:] == ["  Nothing closes them."]
