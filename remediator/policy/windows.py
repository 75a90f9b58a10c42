"""When something may be begun: the windows of the policy file."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from remediator.model.times import parse_time
from remediator.model.window import DAYS, MINUTES_OF_A_DAY, Freeze, Weekly, Windows
from remediator.policy.sections import Section, said

_EXAMPLES = ["Mon-Fri 22:00-04:00", "Sat,Sun", "09:30-17:00"]
_DAY = f"(?:{'|'.join(DAYS)})"
_RANGE = f"{_DAY}(?:-{_DAY})?"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAYS = f"{_RANGE}(?:,{_RANGE})*"
_HOURS = f"{_TIME}-(?:{_TIME}|24:00)"
_WEEKLY = re.compile(f"(?P<days>{_DAYS})(?: (?P<hours>{_HOURS}))?|(?P<daily>{_HOURS})")
# For programs that check a file by its schema, of which some know no look-ahead, and no names of groups.
_GRAMMAR = f"(?:{_DAYS})(?: {_HOURS})?|{_HOURS}"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"


def parse_weekly(text: str) -> Weekly:
    """Read `Mon-Fri 22:00-04:00`, `Sat,Sun` or `09:30-17:00`; raise ValueError for anything else.

    Without days it is of each day, without hours of all of them.
    """
    match = _WEEKLY.fullmatch(text)
    if match is None:
        raise ValueError("expected days, hours or both, such as 'Mon-Fri 22:00-04:00', 'Sat,Sun' or '09:30-17:00'")
    days, hours = match["days"], match["hours"] or match["daily"]
    begins, ends = 0, MINUTES_OF_A_DAY
    if hours:
        begins, ends = (_minutes(each) for each in hours.split("-"))
        if begins == ends:
            raise ValueError("expected hours that begin and end at different times; none mean the whole day")
        if ends < begins:
            ends += MINUTES_OF_A_DAY
    return Weekly(_days(days) if days else frozenset(range(7)), begins, ends, text)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _days(text: str) -> frozenset[int]:
    """Read days and ranges of them; a range may go over Sunday."""
    found: set[int] = set()
    for each in text.split(","):
        first, _, last = each.partition("-")
        begins = DAYS.index(first)
        found |= {(begins + more) % 7 for more in range((DAYS.index(last or first) - begins) % 7 + 1)}
    return frozenset(found)


def _weekly(text: str) -> str:
    parse_weekly(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # of a directory, such as Europe, or a name that is too long
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        guess = f"did you mean {near[0]}?" if near else "such as UTC, Europe/Berlin or America/New_York"
        raise ValueError(f"expected a time zone of the IANA database; {guess}") from error
    return name


def _moment(value: object) -> date:
    """Read a day, or a moment with its offset: a time without one would be read differently on each machine.

    YAML itself has both, where they are not in quotes.
    """
    if isinstance(value, str):
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            value = _on_calendar(value)
        elif re.fullmatch(_MOMENT, value):
            value = parse_time(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return datetime.fromtimestamp(value.timestamp(), UTC)  # what YAML made has more to it
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("expected a day such as 2026-12-20, or a time with its offset such as 2026-12-20T18:00:00+01:00")


def _on_calendar(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # 31 February
        return None


WeeklyText = Annotated[
    str,
    AfterValidator(_weekly),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_GRAMMAR})$", "examples": _EXAMPLES}),
]
ZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"), AfterValidator(_zone)]
Moment = Annotated[
    date,
    PlainValidator(_moment),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MOMENT, "examples": ["2026-12-20", "2026-12-20T18:00:00+01:00"]}),
]


class FreezeSection(Section):
    """A stretch of time in which nothing is done."""

    begins: Annotated[
        Moment, said("Its first day, in the windows' time zone; or a moment with its offset.", alias="from")
    ]
    ends: Annotated[Moment, said("Its last day, which is part of it; or the moment at which it is over.", alias="to")]
    reason: Annotated[
        Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]{0,200}$")],
        said("Why; it is shown with what is held back."),
    ] = ""

    def within(self, zone: ZoneInfo) -> Freeze:
        """Give it by the clock of a zone."""
        ends = self.ends if isinstance(self.ends, datetime) else self.ends + timedelta(days=1)
        return Freeze(_begins(self.begins, zone), _begins(ends, zone), self.reason)


def _begins(at: date, zone: ZoneInfo) -> datetime:
    """Give a moment as it is, and of a day its first moment."""
    if isinstance(at, datetime):
        return at
    return datetime(at.year, at.month, at.day, tzinfo=zone).astimezone(UTC)


class WindowsSection(Section):
    """When something may be begun. What is begun is finished, and looking goes on at all times."""

    time_zone: Annotated[ZoneName, said("Whose clocks: a name of the IANA database, such as Europe/Berlin.")] = "UTC"
    allow: Annotated[
        tuple[WeeklyText, ...],
        said(
            "Days and hours such as 'Mon-Fri 22:00-04:00', 'Sat,Sun' or '09:30-17:00'; nothing is begun outside of "
            "them. A night belongs to the day it starts on. None: always."
        ),
    ] = ()
    deny: Annotated[tuple[WeeklyText, ...], said("Days and hours in which nothing is begun; deny beats allow.")] = ()
    freezes: Annotated[
        tuple[FreezeSection, ...],
        said("Days in which nothing is begun, such as {from: 2026-12-20, to: 2027-01-03, reason: holidays}."),
    ] = ()

    @model_validator(mode="after")
    def _freezes_begin_before_they_end(self) -> WindowsSection:
        for number, each in enumerate(self.windows.freezes):
            if each.begins >= each.ends:
                raise ValueError(f"expected each freeze to begin before it ends, which freezes.{number} does not")
        return self

    @property
    def windows(self) -> Windows:
        zone = ZoneInfo(self.time_zone)
        return Windows(
            zone,
            tuple(parse_weekly(each) for each in self.allow),
            tuple(parse_weekly(each) for each in self.deny),
            tuple(each.within(zone) for each in self.freezes),
        )
