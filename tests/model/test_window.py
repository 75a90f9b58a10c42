"""Windows, against what a clock on the wall shows minute by minute, in all zones and whenever clocks are set."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from remediator.model.window import DAYS, Freeze, Weekly, Windows
from remediator.policy.windows import parse_weekly

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What is on a machine beside the zones of the world.
NO_PLACES = ("Factory", "localtime", "posixrules")


def made(*allow: str, deny: tuple[str, ...] = (), zone: ZoneInfo = BERLIN, freezes: tuple[Freeze, ...] = ()) -> Windows:
    return Windows(zone, tuple(map(parse_weekly, allow)), tuple(map(parse_weekly, deny)), freezes)


def changes(windows: Windows, at: datetime, most: int = 9) -> list[str]:
    """Write the next changes by the clock on the wall, each with how it is from then on."""
    written = (each.astimezone(windows.zone) for each in islice(windows.changes(at), most))
    return [
        f"{DAYS[each.weekday()]} {each:%d %H:%M %z} {'open' if windows.open(each) else 'closed'}" for each in written
    ]


# -- against an oracle that knows nothing but a clock on the wall ---------------------------------------------------


class Entry:
    """Days and hours, as a person compares them with a clock: by text."""

    def __init__(self, days: tuple[str, ...], begins: str, ends: str) -> None:
        self.days, self.begins, self.ends = days, begins, ends
        self.text = f"{','.join(days)} {begins}-{ends}"

    def covers(self, wall: datetime) -> bool:
        shown = f"{wall:%H:%M}"
        today, yesterday = wall.strftime("%a"), (wall.replace(tzinfo=None) - DAY).strftime("%a")
        if self.begins < self.ends:
            return today in self.days and self.begins <= shown < self.ends
        return (today in self.days and shown >= self.begins) or (yesterday in self.days and shown < self.ends)


times = st.builds("{:02}:{:02}".format, st.sampled_from([0, 1, 2, 2, 3, 4, 22, 23]), st.sampled_from([0, 15, 30, 59]))
days = st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(tuple)
entries = st.builds(Entry, days, times, times | st.just("24:00")).filter(lambda each: each.begins != each.ends)
zones = st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo"]) | st.sampled_from(
    sorted(each for each in available_timezones() if each not in NO_PLACES)
)


@st.composite
def moments(draw: st.DrawFn, zone: ZoneInfo) -> datetime:
    """Draw a minute, most often a little before clocks are set."""
    at = datetime(1990, 1, 1, tzinfo=UTC) + draw(st.integers(0, 26_000_000)) * MINUTE
    if not draw(st.sampled_from([True, True, False])):
        return at
    hours = (at + each * HOUR for each in range(200 * 24))
    found = next((each for each in hours if each.astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset()), None)
    event("clocks are set" if found else "clocks are never set")
    return (found or at) - draw(st.integers(0, 36 * 60)) * MINUTE


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_minute_is_as_the_clock_on_the_wall_has_it(data: st.DataObject) -> None:
    zone = ZoneInfo(data.draw(zones, "zone"))
    allow, deny = data.draw(st.lists(entries, max_size=3), "allow"), data.draw(st.lists(entries, max_size=2), "deny")
    at = data.draw(moments(zone), "at")
    begins = at + data.draw(st.integers(-600, 3000), "freeze") * MINUTE
    freezes = data.draw(st.sampled_from([(), (), (Freeze(begins, begins + 7 * HOUR),)]), "freezes")
    windows = made(*(each.text for each in allow), deny=tuple(each.text for each in deny), zone=zone, freezes=freezes)

    def oracle(moment: datetime) -> bool:
        wall = moment.astimezone(zone)
        frozen = any(each.begins <= moment < each.ends for each in freezes)
        allowed = not allow or any(each.covers(wall) for each in allow)
        return allowed and not frozen and not any(each.covers(wall) for each in deny)

    end, was, expected = at + 2 * DAY, oracle(at), []
    for minute in range(2 * 24 * 60 + 1):
        moment = at + minute * MINUTE
        shown = oracle(moment)
        assert windows.open(moment) is shown, moment
        if shown is not was:
            was = not was
            expected.append(moment)
    assert list(takewhile(lambda each: each <= end, windows.changes(at))) == expected
    event(f"{min(3, len(expected))} changes")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_next_change_is_the_first_second_at_which_it_is_otherwise(data: st.DataObject) -> None:
    zone = ZoneInfo(data.draw(zones, "zone"))
    windows = made(*(each.text for each in data.draw(st.lists(entries, min_size=1, max_size=2), "allow")), zone=zone)
    at = data.draw(moments(zone), "at") + timedelta(seconds=data.draw(st.sampled_from([0, 0, 1, 59.5])))
    change = windows.next_change(at)
    if change is None:  # then on each of many days, at any hour
        assert {windows.open(at + each * 11 * MINUTE) for each in range(2000)} == {windows.open(at)}
        return
    assert change > at
    second = timedelta(seconds=1)
    assert windows.open(change) is not windows.open(at)
    assert windows.open(max(at, change - second)) is windows.open(at)


# -- by example ------------------------------------------------------------------------------------------------------


def test_a_night_belongs_to_the_day_it_starts_on() -> None:
    friday = made("Fri 22:00-04:00")
    assert changes(friday, datetime(2026, 11, 25, tzinfo=UTC), 2) == [
        "Fri 27 22:00 +0100 open",
        "Sat 28 04:00 +0100 closed",
    ]
    assert not friday.open(datetime(2026, 11, 27, 1, tzinfo=UTC))  # the night of Thursday


def test_deny_beats_allow_and_whatever_is_allowed_nothing_is_outside_of_it() -> None:
    windows = made("Mon-Fri 09:00-17:00", deny=("Wed 12:00-13:00",))
    wednesday = datetime(2026, 11, 25, tzinfo=BERLIN)
    assert changes(windows, wednesday.astimezone(UTC), 4) == [
        "Wed 25 09:00 +0100 open",
        "Wed 25 12:00 +0100 closed",
        "Wed 25 13:00 +0100 open",
        "Wed 25 17:00 +0100 closed",
    ]
    assert windows.closed(wednesday) == "closed outside of Mon-Fri 09:00-17:00"
    assert windows.closed(wednesday + 12 * HOUR) == "Wed 12:00-13:00 is denied"
    assert windows.closed(wednesday + 10 * HOUR) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Sun 02:15-02:45",
            ["Sun 04 02:15 +0200 open"],
        ),  # what lies within the hour that is skipped comes a week later
        ("Sun 02:30-05:00", ["Sun 28 03:00 +0200 open", "Sun 28 05:00 +0200 closed"]),
        ("Sun 01:00-02:30", ["Sun 28 01:00 +0100 open", "Sun 28 03:00 +0200 closed"]),
        ("Sat 23:00-06:00", ["Sat 27 23:00 +0100 open", "Sun 28 06:00 +0200 closed"]),
    ],
)
def test_clocks_that_are_set_forward(text: str, expected: list[str]) -> None:
    assert changes(made(text), datetime(2027, 3, 27, 12, tzinfo=UTC), len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Sun 02:15-02:45",
            [
                "Sun 25 02:15 +0200 open",
                "Sun 25 02:45 +0200 closed",
                "Sun 25 02:15 +0100 open",
                "Sun 25 02:45 +0100 closed",
            ],
        ),
        ("Sun 02:00-03:00", ["Sun 25 02:00 +0200 open", "Sun 25 03:00 +0100 closed"]),  # two hours long
        ("Sun 02:30-05:00", ["Sun 25 02:30 +0200 open", "Sun 25 02:00 +0100 closed", "Sun 25 02:30 +0100 open"]),
    ],
)
def test_an_hour_that_comes_twice_counts_twice(text: str, expected: list[str]) -> None:
    assert changes(made(text), datetime(2026, 10, 24, 12, tzinfo=UTC), len(expected)) == expected


def test_a_day_that_a_place_left_out_takes_its_window_with_it() -> None:
    samoa = made("Fri 10:00-12:00", zone=ZoneInfo("Pacific/Apia"))  # there was no 30 December 2011
    assert changes(samoa, datetime(2011, 12, 28, 12, tzinfo=UTC), 1) == ["Fri 06 10:00 +1400 open"]


def test_a_freeze_closes_whatever_is_allowed_and_says_why() -> None:
    begins, ends = datetime(2026, 12, 20, tzinfo=BERLIN), datetime(2027, 1, 4, tzinfo=BERLIN)
    windows = made("Mon-Fri 09:00-17:00", freezes=(Freeze(begins, ends, "holidays"), Freeze(ends, ends + DAY)))
    assert windows.closed(begins + 34 * HOUR) == "frozen until Mon 2027-01-04 00:00 Europe/Berlin: holidays"
    assert windows.closed(ends) == "frozen until Tue 2027-01-05 00:00 Europe/Berlin"
    assert changes(windows, begins, 2) == ["Tue 05 09:00 +0100 open", "Tue 05 17:00 +0100 closed"]
    alone = made(freezes=(Freeze(begins, ends),))
    assert [alone.open(each) for each in (begins - MINUTE, begins, ends - MINUTE, ends)] == [True, False, False, True]
    assert list(alone.changes(begins - 90 * DAY)) == [begins, ends]


@pytest.mark.parametrize(
    ("windows", "open_"),
    [
        (Windows(), True),
        (made("00:00-24:00"), True),
        (made("Mon-Sun"), True),
        (made("Mon 09:00-10:00", deny=("Mon",)), False),
        (made(deny=("Mon-Sun",)), False),
    ],
)
def test_what_never_changes_has_no_next_change(*, windows: Windows, open_: bool) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert (windows.next_change(at), windows.open(at)) == (None, open_)


def test_only_what_can_be_closed_counts_as_windows() -> None:
    freeze = Freeze(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert [bool(each) for each in (Windows(), Windows(BERLIN), made("Mon"), made(deny=("Mon",)))] == [
        False,
        False,
        True,
        True,
    ]
    assert made(freezes=(freeze,))


def test_when_clocks_are_set_is_known_to_the_second() -> None:
    assert made("Mon").clocks_set(datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC)) == datetime(
        2027, 3, 28, 1, tzinfo=UTC
    )
    assert made("Mon", zone=ZoneInfo("Asia/Tokyo")).clocks_set(datetime(2026, 11, 23, tzinfo=UTC)) is None


def test_a_weekly_window_is_what_it_says() -> None:
    assert Weekly(frozenset({6})).edges == (0, 0)
    assert Weekly(frozenset({6}), 22 * 60, 28 * 60).edges == (1320, 240)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "US/Pacific", "UTC"])
def test_zones_are_known_where_the_machine_has_none(name: str) -> None:
    """A container has no zone files: the dependency tzdata has them."""
    program = f"from zoneinfo import ZoneInfo; print(ZoneInfo({name!r}))"
    empty = {**os.environ, "PYTHONTZPATH": ""}
    ran = subprocess.run([sys.executable, "-c", program], env=empty, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{name}\n", ran.stderr
