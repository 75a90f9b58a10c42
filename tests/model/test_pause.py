"""Pauses: which stand, for whom, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.model.pause import Pause, Pauses
from tests.builders import NOW

HOUR = timedelta(hours=1)
ALICE = Pause("pause-1", "alice", NOW + HOUR, NOW - HOUR, "EKS upgrade")
BOB = Pause("pause-2", "bob", NOW + 2 * HOUR, NOW, "load test", "shop")
EVER = Pause("pause-3", "", None)
OVER = Pause("pause-4", "carol", NOW, NOW - HOUR)


def test_it_ends_by_itself_at_its_end_and_not_before() -> None:
    assert not ALICE.over(NOW + HOUR - timedelta(microseconds=1))
    assert ALICE.over(NOW + HOUR)
    assert not EVER.over(NOW + 9999 * HOUR)


def test_those_that_stand_are_listed_the_last_to_end_first() -> None:
    pauses = Pauses((ALICE, OVER, BOB, EVER))
    assert pauses.standing(NOW) == (EVER, BOB, ALICE)
    assert pauses.standing(NOW, "shop") == (EVER, BOB, ALICE)
    assert pauses.standing(NOW, "post") == (EVER, ALICE)
    assert pauses.standing(NOW + 2 * HOUR) == (EVER,)
    assert Pauses((BOB,)).standing(NOW, "post") == ()


def test_when_the_next_ends_is_known_where_one_does() -> None:
    assert Pauses((EVER, BOB, ALICE, OVER)).ends(NOW) == ALICE.until
    assert Pauses((EVER, OVER)).ends(NOW) is None
    assert Pauses().ends(NOW) is None


@pytest.mark.parametrize(
    ("pause", "said"),
    [
        (ALICE, "paused by alice until 2026-11-21T13:00:00Z: EKS upgrade"),
        (BOB, "paused in shop by bob until 2026-11-21T14:00:00Z: load test"),
        (EVER, "paused by somebody until somebody resumes"),
    ],
)
def test_it_says_who_and_until_when_and_why(pause: Pause, said: str) -> None:
    assert pause.said == said
