"""What one process remembers of a resource."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from remediator.episodes import MemoryEpisodes
from remediator.model.decision import Standing
from remediator.model.observation import History
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Ref
from tests.builders import NOW


def outcome(result: Result, action: ActionName = ActionName.RESYNC, accepted: datetime | None = NOW) -> Outcome:
    return Outcome(action=action, target=Ref("shop", "checkout", "uid"), result=result, detail="", accepted=accepted)


def after(*outcomes: Outcome, seconds: float = 60) -> bool:
    """Say whether, so many seconds after NOW, a Resync counts as without effect."""
    episodes = MemoryEpisodes()
    for each in outcomes:
        episodes.intend("uid", each.action, NOW)
        episodes.conclude("uid", each)
    return episodes.history("uid", NOW + timedelta(seconds=seconds)).resync_without_effect


def test_nothing_is_known_of_what_was_never_seen() -> None:
    assert MemoryEpisodes().history("uid", NOW) == History()


def test_the_first_sighting_stays() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted("uid", NOW)
    episodes.sighted("uid", NOW + timedelta(hours=1))
    assert episodes.history("uid", NOW).since == NOW
    assert episodes.history("another", NOW).since is None


def test_one_clean_sighting_forgets_nothing_two_do() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted("uid", NOW)
    episodes.recovered("uid")
    assert episodes.history("uid", NOW).since == NOW
    episodes.recovered("uid")
    assert episodes.history("uid", NOW).since is None


def test_clean_sightings_have_to_be_in_a_row() -> None:
    episodes = MemoryEpisodes()
    for _ in range(5):
        episodes.sighted("uid", NOW)
        episodes.recovered("uid")
    assert episodes.history("uid", NOW).since == NOW


def test_what_was_never_unwell_can_be_well() -> None:
    episodes = MemoryEpisodes()
    for _ in range(3):
        episodes.recovered("uid")
    episodes.sighted("uid", NOW)
    episodes.recovered("uid")
    assert episodes.history("uid", NOW).since == NOW


@pytest.mark.parametrize(
    ("result", "without_effect"),
    [(Result.UNKNOWN, True), (Result.STILL_STUCK, True), (Result.RESOLVED, False), (Result.SKIPPED, False)],
)
def test_a_resync_without_effect_is_remembered(result: Result, without_effect: bool) -> None:
    assert after(outcome(result)) is without_effect


@pytest.mark.parametrize(("seconds", "without_effect"), [(59, False), (60, True), (86400, True)])
def test_an_effect_is_given_a_minute(seconds: float, without_effect: bool) -> None:
    assert after(outcome(Result.UNKNOWN), seconds=seconds) is without_effect


def test_a_resync_that_was_not_accepted_proves_nothing() -> None:
    assert not after(outcome(Result.UNKNOWN, accepted=None))


def test_another_action_is_no_resync() -> None:
    assert not after(outcome(Result.STILL_STUCK, ActionName.CLEAR_FINALIZER))


def test_every_attempt_counts_not_the_last_alone() -> None:
    assert after(outcome(Result.UNKNOWN), outcome(Result.SKIPPED, accepted=None))


# -- what gates count -----------------------------------------------------------------------------------------------


def after_outcomes(*outcomes: Outcome) -> MemoryEpisodes:
    episodes = MemoryEpisodes()
    for each in outcomes:
        episodes.conclude("uid", each)
    return episodes


@pytest.mark.parametrize(
    ("outcomes", "counted"),
    [
        ((), 0),
        ((outcome(Result.STILL_STUCK),), 1),
        ((outcome(Result.UNKNOWN), outcome(Result.STILL_STUCK)), 2),
        ((outcome(Result.SKIPPED, accepted=None),), 0),
        ((outcome(Result.UNKNOWN), outcome(Result.RESOLVED)), 0),
        ((outcome(Result.RESOLVED), outcome(Result.UNKNOWN)), 1),
        ((outcome(Result.UNKNOWN, ActionName.CLEAR_FINALIZER),), 0),
        ((outcome(Result.UNKNOWN, accepted=NOW - timedelta(hours=24)),), 0),
    ],
)
def test_attempts_count_from_the_last_that_helped(outcomes: tuple[Outcome, ...], counted: int) -> None:
    attempts = after_outcomes(*outcomes).history("uid", NOW).attempts
    assert len(attempts.get(ActionName.RESYNC, ())) == counted


def test_what_was_done_today_is_what_was_written() -> None:
    episodes = after_outcomes(
        outcome(Result.RESOLVED),
        outcome(Result.UNKNOWN, ActionName.CLEAR_FINALIZER),
        outcome(Result.SKIPPED, accepted=None),
        outcome(Result.RESOLVED, accepted=NOW - timedelta(hours=24)),
    )
    assert episodes.standing(NOW) == Standing(acted_today=2)


def test_the_last_incident_is_remembered() -> None:
    episodes = MemoryEpisodes()
    assert episodes.standing(NOW).breaker_opened_at is None
    episodes.incident(NOW)
    assert episodes.standing(NOW).breaker_opened_at == NOW


def test_sightings_are_counted_in_a_row() -> None:
    episodes = MemoryEpisodes()
    for _ in range(3):
        episodes.sighted("uid", NOW)
    assert episodes.history("uid", NOW).sightings == 3
    episodes.recovered("uid")
    assert episodes.history("uid", NOW).sightings == 0
