"""When a daemon looks: every so often, or by a cron expression."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, model_validator

from remediator.policy.sections import Duration, Section, between, said

_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def _cron(text: str) -> str:
    """Refuse what never comes, and what different programs read differently.

    Days of the week by number begin with Sunday in crontab(5), and with Monday in APScheduler. Where days of the month
    and of the week are both named, one of them is enough for cron, and APScheduler wants both.
    """
    if not text:
        return text
    # Half a second that all other commands do without.
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415

    try:
        trigger = CronTrigger.from_crontab(text, timezone=UTC)
    except ValueError as error:
        raise ValueError(
            f"expected minute, hour, day, month and day of week, such as '*/5 * * * *': {error}"
        ) from error
    _, _, day, _, weekday = text.split()
    if re.search(r"[0-9]", weekday):
        raise ValueError(
            "expected days of the week by name, such as mon-fri: by number they begin with Sunday or Monday"
        )
    if day != "*" and weekday != "*":
        raise ValueError("expected days of the month or days of the week, not both: is one enough, or must both hold?")
    if trigger.get_next_fire_time(None, _ANY_MOMENT) is None:
        raise ValueError("there is no such day")
    return text


class Schedule(Section):
    """When `remediator daemon` makes a pass. What has a deadline is looked at when that passes, whatever this says."""

    interval: Annotated[
        Duration, between("5s", "24h"), said("How long from one pass to the next. A new leader begins with one.")
    ] = timedelta(minutes=5)
    jitter: Annotated[
        Duration, between("0s", "1h"), said("Up to so much later, at random. Less than the interval.")
    ] = timedelta(seconds=15)
    cron: Annotated[
        Annotated[str, AfterValidator(_cron)],
        said("Instead of the interval: minute, hour, day, month, day of week by name, in UTC; */10 6-18 * * mon-fri."),
    ] = ""

    @model_validator(mode="after")
    def _jitter_is_less(self) -> Schedule:
        if not self.cron and self.jitter >= self.interval:
            raise ValueError("expected a jitter that is less than the interval")
        return self
