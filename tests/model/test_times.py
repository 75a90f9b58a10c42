"""Times and durations as Kubernetes and AWS write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.times import format_duration, format_micro_time, format_time, parse_duration, parse_time

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.000+0000",
        "2026-11-21T12:00:00+00:00",
        "2026-11-21T14:00:00+02:00",
        "2026-11-21T12:00:00",
    ],
)
def test_every_spelling_of_noon_is_noon(text: str) -> None:
    parsed = parse_time(text)
    assert parsed == NOON
    assert parsed is not None
    assert parsed.tzinfo is UTC


def test_a_micro_time_has_six_digits_even_of_a_whole_second() -> None:
    assert format_micro_time(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-11-21T12:00:00.000000Z"
    assert format_micro_time(NOON + timedelta(microseconds=70)) == "2026-11-21T12:00:00.000070Z"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "1763",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_what_is_no_time_of_a_function_is_none(text: str | None) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize("text", ["2026-11-21", "20261121", "2026-W47-6"])
def test_a_day_alone_is_no_time(text: str) -> None:
    assert parse_time(text) is None


def test_times_are_written_in_utc_and_whole_seconds() -> None:
    there = datetime(2026, 11, 21, 14, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(there) == "2026-11-21T12:00:00Z"
    assert format_time(None) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9000, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - the zone is given beside it
def test_what_is_written_is_read_again(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


@given(st.text())
def test_no_text_breaks_the_reading_of_a_time(text: str) -> None:
    parsed = parse_time(text)
    assert parsed is None or parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_read(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "5 m", "30m1h", "1.5h", "5M", "5min", "P1D", "1h\n", "999999999999d", "١m"]
)
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write it as 90s, 15m, 2h, 7d or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651d", "999999999h", "999999999m", "999999999s"])
def test_nothing_is_waited_for_longer_than_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than ten years"):
        parse_duration(text)
    assert parse_duration("3650d") == timedelta(days=3650)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(0), "0s"),
        (timedelta(seconds=45.9), "45s"),
        (timedelta(seconds=60), "1m"),
        (timedelta(minutes=5, seconds=7), "5m07s"),
        (timedelta(minutes=9, seconds=59), "9m59s"),
        (timedelta(minutes=12, seconds=30), "12m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=3, minutes=5, seconds=59), "3h05m"),
        (timedelta(days=9, hours=4, minutes=30), "9d4h"),
        (timedelta(days=2, minutes=59), "2d"),
    ],
)
def test_spans_are_written_by_their_two_largest_units(span: timedelta, text: str) -> None:
    assert format_duration(span) == text
