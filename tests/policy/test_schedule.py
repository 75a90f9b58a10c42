"""When a daemon looks: what the policy takes, and what it refuses to guess."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from remediator.policy import Policy, Schedule


def schedule(**keys: Any) -> Schedule:
    return Schedule.model_validate(keys)


def test_by_default_it_looks_every_five_minutes() -> None:
    assert Policy().schedule == Schedule()
    assert (Schedule().interval, Schedule().jitter, Schedule().cron) == (
        timedelta(minutes=5),
        timedelta(seconds=15),
        "",
    )


@pytest.mark.parametrize(
    "cron", ["* * * * *", "*/5 * * * *", "10,40 6-18 * * mon-fri", "0 3 1 * *", "0 0 29 2 *", "0 0 * * sun"]
)
def test_cron_expressions_are_taken(cron: str) -> None:
    assert schedule(cron=cron).cron == cron


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"interval": "4s"}, "from 5s to 24h"),
        ({"interval": "25h"}, "from 5s to 24h"),
        ({"interval": "1m", "jitter": "1m"}, "a jitter that is less than the interval"),
        ({"jitter": "2h"}, "from 0s to 1h"),
        ({"cron": "* * * *"}, "expected minute, hour, day, month and day of week"),
        ({"cron": "61 * * * *"}, "higher than the maximum value"),
        ({"cron": "a * * * *"}, "Unrecognized expression"),
        ({"cron": "0 0 * * 0"}, "days of the week by name"),
        ({"cron": "0 0 * * 1-5"}, "days of the week by name"),
        ({"cron": "0 0 * * */2"}, "days of the week by name"),
        ({"cron": "0 0 1 * mon"}, "days of the month or days of the week, not both"),
        ({"cron": "0 0 31 2 *"}, "there is no such day"),
        ({"every": "5m"}, "Extra inputs are not permitted"),
    ],
)
def test_what_never_comes_or_can_be_read_in_two_ways_is_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why.replace("(", r"\(")):
        schedule(**keys)


def test_beside_a_cron_expression_the_interval_says_nothing() -> None:
    assert schedule(cron="0 * * * *", interval="10s").jitter == timedelta(seconds=15)
