"""What one process remembers of a resource."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from remediator.episodes import MemoryEpisodes
from remediator.model.decision import Standing
from remediator.model.episode import Episode, ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.observation import History
from remediator.model.plan import ActionName, Outcome, Result
from tests.builders import NOW, decoded, function
from tests.spells import finding, plan

CHECKOUT = decoded(function())
UID = CHECKOUT.metadata.uid


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


def outcome(result: Result, action: ActionName = ActionName.RESYNC, accepted: datetime | None = NOW) -> Outcome:
    return Outcome(action=action, target=CHECKOUT.ref, result=result, detail="", accepted=accepted)


def after(*outcomes: Outcome, seconds: float = 60) -> bool:
    """Say whether, so many seconds after NOW, a Resync counts as without effect."""
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    for each in outcomes:
        episodes.intend(plan(action=each.action), NOW)
        episodes.conclude(UID, each, NOW)
    return episodes.history(UID, later(seconds=seconds)).resync_without_effect


def test_nothing_is_known_of_what_was_never_seen() -> None:
    episodes = MemoryEpisodes()
    assert episodes.history("uid", NOW) == History()
    assert episodes.episode("uid") is None
    assert (episodes.approval("uid"), episodes.rejection("uid")) == (None, None)


def test_it_says_that_it_dies_and_has_nothing_to_load_or_save() -> None:
    episodes = MemoryEpisodes()
    assert "in memory only" in episodes.fleeting
    assert (episodes.load(NOW), episodes.save(NOW)) == ((), ())


def test_what_was_resolved_a_day_ago_is_forgotten_unless_it_tells_of_an_orphan() -> None:
    """A daemon without a place for records lives long, and would grow for ever."""
    episodes, other = MemoryEpisodes(), decoded(function("archive"))
    for each in (CHECKOUT, other):
        episodes.sighted(each, finding(), NOW)
        episodes.ended(each.ref, NOW, ResolvedBy.DELETED)
    episodes.intend(plan(), NOW)
    episodes.conclude(UID, msgspec.structs.replace(outcome(Result.RESOLVED), orphan="arn:aws:lambda:…"), NOW)
    episodes.save(later(hours=23))
    assert episodes.episode(other.metadata.uid) is not None
    episodes.save(later(hours=24))
    assert episodes.episode(other.metadata.uid) is None
    assert episodes.episode(UID) is not None


def test_the_first_sighting_stays() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.sighted(CHECKOUT, finding(), later(hours=1))
    assert episodes.history(UID, NOW).since == NOW
    assert episodes.history("another", NOW).since is None


def test_evidence_sets_the_clock_of_the_spell_and_not_that_of_the_history() -> None:
    """What one finding's evidence tells must not shorten the waiting for another."""
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(since=NOW - timedelta(hours=3)), NOW)
    assert episodes.history(UID, NOW).since == NOW
    known = episodes.episode(UID)
    assert known is not None
    assert known.unhealthy_since == NOW - timedelta(hours=3)


def test_one_clean_sighting_forgets_nothing_two_do() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.recovered(CHECKOUT, later(minutes=1))
    assert episodes.history(UID, NOW).since == NOW
    assert episodes.unresolved() == (CHECKOUT.ref,)
    episodes.recovered(CHECKOUT, later(minutes=2))
    assert episodes.history(UID, NOW).since is None
    assert episodes.unresolved() == ()


def test_clean_sightings_have_to_be_in_a_row() -> None:
    episodes = MemoryEpisodes()
    for minute in range(5):
        episodes.sighted(CHECKOUT, finding(), later(minutes=2 * minute))
        episodes.recovered(CHECKOUT, later(minutes=2 * minute + 1))
    assert episodes.history(UID, NOW).since == NOW


def test_what_was_never_unwell_leaves_no_trace() -> None:
    episodes = MemoryEpisodes()
    episodes.recovered(CHECKOUT, NOW)
    episodes.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    episodes.proposed(CHECKOUT, plan(), NOW)
    episodes.accepted(UID, NOW)
    episodes.conclude(UID, outcome(Result.RESOLVED), NOW)
    assert episodes.episode(UID) is None


def test_what_is_gone_is_resolved_at_once() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    known = episodes.episode(UID)
    assert known is not None
    assert known.resolved_by is ResolvedBy.DELETED


def test_an_attempt_is_followed_from_intent_to_outcome() -> None:
    episodes = MemoryEpisodes(by="cronjob/remediator")
    episodes.sighted(CHECKOUT, finding(name=FindingName.STALE_PENDING), NOW)
    episodes.proposed(CHECKOUT, plan(), NOW)
    attempt = episodes.intend(plan(), NOW)
    assert (attempt.by, attempt.result) == ("cronjob/remediator", None)
    episodes.accepted(UID, later(seconds=1))
    episodes.conclude(UID, outcome(Result.STILL_STUCK, accepted=None), later(seconds=30))
    known = episodes.episode(UID)
    assert known is not None
    assert known.under_way is None
    [kept] = known.attempts
    assert (kept.accepted, kept.concluded) == (later(seconds=1), later(seconds=30))


def test_a_retain_is_our_own_while_a_release_is_under_way() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert not episodes.history(UID, NOW).own_retain
    episodes.intend(plan(), NOW)
    assert not episodes.history(UID, NOW).own_retain
    episodes.intend(plan(action=ActionName.RELEASE), later(seconds=1))
    assert episodes.history(UID, NOW).own_retain
    episodes.conclude(UID, outcome(Result.STILL_STUCK, ActionName.RELEASE), later(minutes=1))
    assert not episodes.history(UID, NOW).own_retain


def test_the_outcome_of_another_action_concludes_nothing() -> None:
    episodes = MemoryEpisodes()
    episodes.intend(plan(), NOW)
    episodes.conclude(UID, outcome(Result.RESOLVED, ActionName.CLEAR_FINALIZER), NOW)
    known = episodes.episode(UID)
    assert known is not None
    assert known.under_way is not None


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
    episodes.sighted(CHECKOUT, finding(), NOW)
    for each in outcomes:
        intended = each.accepted or NOW
        episodes.intend(plan(action=each.action), intended)
        episodes.conclude(UID, each, intended)
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
    attempts = after_outcomes(*outcomes).history(UID, NOW).attempts
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
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert episodes.standing(NOW).breaker_opened_at is None
    episodes.incident(NOW)
    assert episodes.standing(NOW).breaker_opened_at == NOW


def test_one_of_those_unwell_keeps_an_incident_for_all() -> None:
    other = decoded(function("another", metadata={"uid": "uid-another"}))
    episodes = MemoryEpisodes()
    for each in (CHECKOUT, other):
        episodes.sighted(each, finding(), NOW)
    episodes.incident(NOW)
    episodes.ended(other.ref, NOW, ResolvedBy.DELETED)
    episodes.incident(later(minutes=5))
    kept = {uid: (episodes.episode(uid) or pytest.fail()).incident_at for uid in (UID, "uid-another")}
    assert kept == {UID: later(minutes=5), "uid-another": NOW}
    assert episodes.standing(NOW).breaker_opened_at == later(minutes=5)


def test_a_new_spell_does_not_forget_the_incident() -> None:
    episodes = MemoryEpisodes()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.incident(NOW)
    episodes.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    episodes.sighted(CHECKOUT, finding(), later(minutes=5))
    assert episodes.standing(NOW).breaker_opened_at == NOW


def test_an_attempt_that_was_killed_counts_as_done() -> None:
    episodes = MemoryEpisodes()
    episodes.intend(plan(), NOW)
    assert episodes.standing(later(minutes=11)).acted_today == 1


def test_what_was_begun_is_unfinished_until_it_is_concluded() -> None:
    episodes = MemoryEpisodes()
    attempt = episodes.intend(plan(), NOW)
    assert episodes.unfinished(NOW) == ((CHECKOUT.ref, attempt),)
    episodes.conclude(UID, outcome(Result.UNKNOWN), NOW)
    assert episodes.unfinished(NOW) == ()


def test_who_has_written_is_given_the_time_to_see_the_effect() -> None:
    episodes = MemoryEpisodes()
    episodes.intend(plan(), NOW)
    episodes.accepted(UID, NOW)
    assert episodes.unfinished(later(minutes=9)) == ()
    assert len(episodes.unfinished(later(minutes=10))) == 1


def test_what_somebody_is_at_counts_in_its_namespace_until_it_must_be_over() -> None:
    episodes = MemoryEpisodes()
    episodes.intend(plan(), NOW)
    assert episodes.standing(later(minutes=9)).under_way == {CHECKOUT.metadata.namespace: 1}
    assert episodes.standing(later(minutes=10)).under_way == {}


def test_sightings_are_counted_in_a_row() -> None:
    episodes = MemoryEpisodes()
    for minute in range(3):
        episodes.sighted(CHECKOUT, finding(), later(minutes=minute))
    assert episodes.history(UID, later(minutes=3)).sightings == 3
    episodes.recovered(CHECKOUT, later(minutes=4))
    assert episodes.history(UID, later(minutes=4)).sightings == 0


def test_who_wants_to_know_is_told_of_each_spell_that_ends_once() -> None:
    told: list[Episode] = []
    episodes = MemoryEpisodes(resolved=told.append)
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.recovered(CHECKOUT, later(minutes=1))
    assert told == []
    for minute in (2, 3):
        episodes.recovered(CHECKOUT, later(minutes=minute))
        episodes.ended(CHECKOUT.ref, later(minutes=minute), ResolvedBy.DELETED)
    assert [(each.resolved_by, each.resolved_at) for each in told] == [(ResolvedBy.ITSELF, later(minutes=2))]
    episodes.sighted(CHECKOUT, finding(), later(minutes=4))
    episodes.ended(CHECKOUT.ref, later(minutes=5), ResolvedBy.DELETED)
    assert [each.resolved_by for each in told] == [ResolvedBy.ITSELF, ResolvedBy.DELETED]


def test_nobody_is_told_that_an_act_alone_resolved_anything() -> None:
    told: list[Episode] = []
    episodes = MemoryEpisodes(resolved=told.append)
    episodes.intend(plan(), NOW)
    episodes.ended(plan().target, later(minutes=1), None)
    assert episodes.unresolved() == ()
    assert told == []
