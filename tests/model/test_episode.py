"""Spells: their clock, what was tried in them, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model import episode as steps
from remediator.model.attempt import LONGEST_EVIDENCE, LONGEST_TEXT
from remediator.model.decision import Ruling, Verdict
from remediator.model.episode import (
    ATTEMPTS_KEPT,
    EVIDENCE_KEPT,
    FINDINGS_KEPT,
    SIGHTINGS_COUNTED,
    VERDICTS_KEPT,
    Episode,
    Phase,
    ResolvedBy,
)
from remediator.model.finding import FindingName, State
from remediator.model.plan import ActionName, Result
from remediator.model.word import Approval, Rejection, Release
from tests.builders import NOW
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan

PENDING, STALE, CONFLICT = FindingName.FUNCTION_PENDING, FindingName.STALE_PENDING, FindingName.CONFLICT_BACKOFF
UNWELL = steps.sighted(None, finding(), NOW, generation=2)


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


def approval(digest: str = DIGEST, at: datetime | None = NOW) -> Approval:
    return Approval("alice", digest, at=at)


def tried(
    before: Episode,
    result: Result | None = Result.STILL_STUCK,
    at: datetime = NOW,
    action: ActionName = ActionName.RESYNC,
    digest: str = DIGEST,
) -> Episode:
    """Try an action; it ends ten seconds later."""
    begun = steps.intended(before, plan(action=action, digest=digest), at, "tests")
    assert begun.under_way is not None
    if result is None:
        return begun
    accepted = None if result is Result.SKIPPED else at
    done = at + timedelta(seconds=10)
    return steps.concluded(begun, begun.under_way.id, result, "seen", done, accepted=accepted)


def twice_clean(before: Episode, *, generation: int = 2) -> Episode:
    once = steps.clean(before, before.last_seen + timedelta(minutes=1), generation=generation)
    return steps.clean(once, before.last_seen + timedelta(minutes=2), generation=generation)


# ---- the clock -------------------------------------------------------------------------------------------------------


def test_a_spell_begins_where_evidence_says_and_not_later_than_now() -> None:
    assert steps.sighted(None, finding(since=NOW - timedelta(hours=1)), NOW).unhealthy_since == later(hours=-1)
    assert steps.sighted(None, finding(since=later(hours=1)), NOW).unhealthy_since == NOW


def test_evidence_that_turns_up_later_moves_the_beginning_back() -> None:
    after = steps.sighted(UNWELL, finding(name=CONFLICT, since=later(hours=-2)), later(minutes=5))
    assert (after.unhealthy_since, after.first_seen) == (later(hours=-2), NOW)


def test_the_root_is_what_was_found_last() -> None:
    after = steps.sighted(UNWELL, finding(name=CONFLICT, also=(PENDING,)), later(minutes=5))
    assert [each.name for each in after.findings] == [CONFLICT, PENDING]
    assert after.finding is not None
    assert after.finding.name is CONFLICT
    assert after.findings[1].since == NOW


def test_a_finding_that_is_among_its_own_consequences_is_listed_once() -> None:
    after = steps.sighted(None, finding(also=(PENDING, STALE, STALE)), NOW)
    assert [each.name for each in after.findings] == [PENDING, STALE]


def test_a_finding_missed_once_keeps_its_clock_and_missed_twice_begins_anew() -> None:
    once = steps.sighted(UNWELL, finding(name=CONFLICT, since=later(minutes=1)), later(minutes=1))
    assert [(each.name, each.missed) for each in once.findings] == [(CONFLICT, 0), (PENDING, 1)]
    back = steps.sighted(once, finding(since=later(minutes=2)), later(minutes=2))
    assert back.finding is not None
    assert (back.finding.since, back.finding.seen) == (NOW, 2)
    gone = steps.sighted(once, finding(name=CONFLICT, since=later(minutes=1)), later(minutes=2))
    assert [each.name for each in gone.findings] == [CONFLICT]
    anew = steps.sighted(gone, finding(since=later(minutes=3)), later(minutes=3))
    assert anew.finding is not None
    assert anew.finding.since == later(minutes=3)


def test_a_sighting_told_twice_counts_once() -> None:
    assert steps.sighted(UNWELL, finding(), NOW).sightings == 1


def test_a_clock_that_was_set_back_does_not_set_back_the_episode() -> None:
    assert steps.sighted(UNWELL, finding(), later(minutes=-5)).last_seen == NOW
    assert steps.clean(UNWELL, later(minutes=-5)).last_seen == NOW


def test_one_clean_sighting_is_luck_and_two_are_recovery() -> None:
    once = steps.clean(UNWELL, later(minutes=1), generation=2)
    assert (once.clean, once.sightings, once.resolved_at) == (1, 0, None)
    assert steps.clean(once, later(minutes=1)) == once
    twice = steps.clean(once, later(minutes=2), generation=2)
    assert (twice.resolved_at, twice.resolved_by) == (later(minutes=2), ResolvedBy.ITSELF)
    assert steps.clean(twice, later(minutes=3)) == twice


@given(st.lists(st.sampled_from([PENDING, CONFLICT, STALE, None]), max_size=40))
def test_the_clock_survives_flapping_findings_and_one_clean_sighting(seen: list[FindingName | None]) -> None:
    """Two clean sightings in a row are left out: those end a spell."""
    now = UNWELL
    before: FindingName | None = PENDING
    for minute, name in enumerate(seen, start=1):
        at = later(minutes=minute)
        if name is None and before is not None:
            now = steps.clean(now, at)
            before = None
        else:
            before = name or PENDING
            now = steps.sighted(now, finding(name=before, since=at), at)
    assert (now.unhealthy_since, now.first_seen, now.resolved_at) == (NOW, NOW, None)
    assert now.sightings <= SIGHTINGS_COUNTED
    if before is not None:
        assert now.finding is not None
        assert now.finding.name is before


# ---- recovery --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "generation", "healer"),
    [
        (UNWELL, 2, ResolvedBy.ITSELF),
        (UNWELL, 0, ResolvedBy.ITSELF),
        (UNWELL, 3, ResolvedBy.USER),
        (tried(UNWELL, Result.RESOLVED), 4, ResolvedBy.US),
        (tried(UNWELL, Result.UNKNOWN), 4, ResolvedBy.US),
        (tried(UNWELL, Result.STILL_STUCK), 4, ResolvedBy.ITSELF),
        (tried(UNWELL, Result.STILL_STUCK), 5, ResolvedBy.USER),
        (tried(UNWELL, Result.SKIPPED), 2, ResolvedBy.ITSELF),
        (tried(UNWELL, Result.STILL_STUCK, action=ActionName.CLEAR_FINALIZER), 3, ResolvedBy.USER),
    ],
)
def test_whose_doing_a_recovery_was(before: Episode, generation: int, healer: ResolvedBy) -> None:
    assert twice_clean(before, generation=generation).resolved_by is healer


def test_an_attempt_of_an_earlier_spell_heals_no_later_one() -> None:
    again = steps.sighted(twice_clean(tried(UNWELL, Result.UNKNOWN)), finding(), later(hours=1), generation=4)
    assert twice_clean(again, generation=4).resolved_by is ResolvedBy.ITSELF


def test_a_resolved_spell_stays_resolved_and_takes_its_proposal_along() -> None:
    ended = steps.resolved(steps.proposed(UNWELL, plan(), NOW), later(minutes=1), ResolvedBy.DELETED)
    assert ended.proposal is None
    assert steps.resolved(ended, later(minutes=2), ResolvedBy.USER) == ended
    assert steps.proposed(ended, plan(), later(minutes=2)).proposal is None


def test_a_new_spell_begins_with_the_attempts_of_the_last_day() -> None:
    old = tried(UNWELL, at=later(hours=-23), digest=OTHER_DIGEST)
    old = tried(old, at=later(hours=-1))
    ended = steps.resolved(old, later(minutes=1), ResolvedBy.ITSELF)
    again = steps.sighted(ended, finding(since=later(hours=2)), later(hours=2), generation=7)
    assert (again.unhealthy_since, again.first_seen, again.generation) == (later(hours=2), later(hours=2), 7)
    assert [each.digest for each in again.attempts] == [DIGEST]
    assert (again.sightings, again.resolved_at, again.resolved_by) == (1, None, None)


# ---- what is proposed ------------------------------------------------------------------------------------------------


def test_the_same_proposal_keeps_its_time_and_another_does_not() -> None:
    first = steps.proposed(UNWELL, plan(), NOW)
    assert steps.proposed(first, plan(summary="in other words"), later(minutes=5)) == first
    other = steps.proposed(first, plan(digest=OTHER_DIGEST), later(minutes=5)).proposal
    assert other is not None
    assert (other.digest, other.at) == (OTHER_DIGEST, later(minutes=5))
    assert steps.proposed(first, None, later(minutes=5)).proposal is None


def test_an_approval_is_for_what_is_proposed_now() -> None:
    offered = steps.proposed(UNWELL, plan(), NOW)
    assert offered.approved(approval(), NOW)
    assert not offered.approved(None, NOW)
    assert not offered.approved(approval(OTHER_DIGEST), NOW)
    assert not offered.approved(approval(at=None), NOW)
    assert not UNWELL.approved(approval(), NOW)


def test_an_approval_of_an_earlier_spell_covers_nothing_in_the_next() -> None:
    ended = steps.resolved(steps.proposed(UNWELL, plan(), NOW), later(hours=1), ResolvedBy.ITSELF)
    again = steps.proposed(steps.sighted(ended, finding(), later(hours=2)), plan(), later(hours=2))
    assert not again.approved(approval(at=later(minutes=5)), later(hours=2))
    assert again.approved(approval(at=later(hours=2, seconds=-1)), later(hours=2)), "whole seconds, another clock"


# ---- what was tried --------------------------------------------------------------------------------------------------


def test_an_intent_is_written_down_once_however_often_it_is_told() -> None:
    begun = steps.intended(UNWELL, plan(), NOW, "tests")
    assert steps.intended(begun, plan(), NOW, "tests") == begun


def test_a_killed_attempt_is_closed_by_the_next() -> None:
    begun = tried(tried(UNWELL, None), None, at=later(minutes=5))
    assert [each.result for each in begun.attempts] == [Result.UNKNOWN, None]
    assert [each.id for each in begun.attempts] == ["p-ababababab-1", "p-ababababab-2"]
    assert "its process ended" in begun.attempts[0].detail


def test_what_has_a_result_keeps_it() -> None:
    done = tried(UNWELL, Result.RESOLVED)
    assert steps.concluded(done, done.attempts[0].id, Result.UNKNOWN, "late", later(minutes=9)) == done
    assert steps.concluded(done, "p-another-1", Result.UNKNOWN, "late", later(minutes=9)) == done


def test_the_moment_of_acceptance_is_kept_and_so_is_the_backup() -> None:
    begun = tried(UNWELL, None)
    taken = steps.accepted(begun, begun.attempts[0].id, later(seconds=1))
    assert steps.accepted(taken, begun.attempts[0].id, later(seconds=5)) == taken
    assert steps.accepted(taken, "p-another-1", later(seconds=5)) == taken
    done = steps.concluded(taken, begun.attempts[0].id, Result.RESOLVED, "", later(seconds=9), backup="secret/b")
    assert (done.attempts[0].accepted, done.attempts[0].backup) == (later(seconds=1), "secret/b")


@pytest.mark.parametrize(
    ("seconds", "accepted", "result", "told"),
    [(60, NOW, Result.UNKNOWN, True), (59, NOW, Result.UNKNOWN, False), (60, None, Result.UNKNOWN, False)],
)
def test_a_resync_without_effect(seconds: float, accepted: datetime | None, result: Result, told: bool) -> None:
    begun = tried(UNWELL, None)
    done = steps.concluded(begun, begun.attempts[0].id, result, "", NOW, accepted=accepted)
    assert done.resync_without_effect(later(seconds=seconds)) is told


def test_a_resync_of_an_earlier_spell_proves_nothing_for_this_one() -> None:
    again = steps.sighted(twice_clean(tried(UNWELL, Result.UNKNOWN)), finding(), later(hours=1))
    assert not again.resync_without_effect(later(hours=2))


def test_attempts_count_for_a_day() -> None:
    once = tried(UNWELL)
    assert len(once.counted(ActionName.RESYNC, later(hours=23, minutes=59))) == 1
    assert once.counted(ActionName.RESYNC, later(hours=24)) == ()
    assert once.counted(ActionName.CLEAR_FINALIZER, NOW) == ()


RESULTS = st.lists(st.sampled_from(list(Result)), max_size=ATTEMPTS_KEPT - 1)


@given(RESULTS, st.sets(st.integers(0, ATTEMPTS_KEPT)))
def test_attempts_count_across_spells_and_a_success_resets(results: list[Result], recoveries: set[int]) -> None:
    now, expected = UNWELL, 0
    for minute, result in enumerate(results):
        at = later(minutes=10 * minute)
        if minute in recoveries:
            now = steps.sighted(twice_clean(now), finding(), at)
        now = tried(now, result, at=at)
        expected = {Result.RESOLVED: 0, Result.SKIPPED: expected}.get(result, expected + 1)
    assert len(now.counted(ActionName.RESYNC, later(hours=4))) == expected


def test_what_was_skipped_pushes_nothing_out_that_counts() -> None:
    now = tried(UNWELL)
    for minute in range(3 * ATTEMPTS_KEPT):
        now = tried(now, Result.SKIPPED, at=later(minutes=minute + 1))
    assert len(now.attempts) == ATTEMPTS_KEPT
    assert len(now.counted(ActionName.RESYNC, later(hours=2))) == 1
    assert len({each.id for each in now.attempts}) == ATTEMPTS_KEPT


# ---- quarantine ------------------------------------------------------------------------------------------------------


def test_three_attempts_are_a_quarantine_until_a_person_releases_it() -> None:
    now = UNWELL
    for minute in range(3):
        assert not now.quarantined(3, later(hours=1))
        now = tried(now, at=later(minutes=minute))
    assert now.quarantined(3, later(hours=1))
    freed = steps.released(now, Release("alice", at=later(hours=1)))
    assert not freed.quarantined(3, later(hours=1))
    assert steps.released(freed, Release("alice", at=later(hours=1))) == freed
    assert steps.released(freed, Release("alice", at=later(hours=2))).released_at == later(hours=2)
    assert steps.released(now, Release("alice")) == steps.released(now, None) == now
    again = steps.sighted(twice_clean(freed), finding(), later(hours=3))
    assert again.released_at == later(hours=1), "a new spell does not forget it"


def test_another_action_than_the_one_in_quarantine_may_be_proposed() -> None:
    worn = tried(tried(UNWELL, at=NOW), at=later(minutes=1))
    other = steps.proposed(worn, plan(action=ActionName.CLEAR_FINALIZER), later(minutes=2))
    assert worn.quarantined(2, later(hours=1))
    assert not other.quarantined(2, later(hours=1))


# ---- where it stands -------------------------------------------------------------------------------------------------

OFFERED = steps.proposed(UNWELL, plan(), NOW)
BEGUN = tried(OFFERED, None)


@pytest.mark.parametrize(
    ("episode", "word", "expected"),
    [
        (UNWELL, None, Phase.WATCHING),
        (OFFERED, None, Phase.AWAITING_APPROVAL),
        (OFFERED, approval(OTHER_DIGEST), Phase.AWAITING_APPROVAL),
        (OFFERED, approval(), Phase.APPROVED),
        (BEGUN, approval(), Phase.ACTING),
        (steps.accepted(BEGUN, BEGUN.attempts[0].id, NOW), approval(), Phase.VERIFYING),
        (tried(tried(tried(OFFERED))), approval(), Phase.QUARANTINED),
        (steps.resolved(OFFERED, NOW, ResolvedBy.USER), approval(), Phase.RESOLVED),
    ],
)
def test_the_phase_is_one_word(episode: Episode, word: Approval | None, expected: Phase) -> None:
    assert steps.phase(episode, word, 3, later(minutes=1)) is expected


def test_an_approval_expires_into_waiting() -> None:
    assert steps.phase(OFFERED, approval(), 3, later(hours=24)) is Phase.AWAITING_APPROVAL


def test_what_a_person_rejected_is_watched_on_until_something_else_is_proposed() -> None:
    rejection = Rejection("alice", DIGEST)
    assert steps.phase(OFFERED, None, 3, NOW, rejection=rejection) is Phase.WATCHING
    other = steps.proposed(OFFERED, plan(digest=OTHER_DIGEST), NOW)
    assert steps.phase(other, None, 3, NOW, rejection=rejection) is Phase.AWAITING_APPROVAL


# ---- what is worth a write -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda: steps.sighted(UNWELL, finding(), later(minutes=1)),
        lambda: steps.sighted(UNWELL, finding(since=later(hours=-1)), NOW),
        lambda: steps.sighted(settled(), finding(name=CONFLICT), later(minutes=9)),
        lambda: steps.sighted(settled(), finding(state=State.WAITING), later(minutes=9)),
        lambda: steps.sighted(settled(), finding(also=(STALE,)), later(minutes=9)),
        lambda: steps.clean(settled(), later(minutes=9)),
        lambda: steps.proposed(settled(), plan(), later(minutes=9)),
        lambda: tried(settled(), None),
        lambda: tried(settled(), Result.UNKNOWN),
        lambda: steps.released(settled(), Release("alice", at=NOW)),
        lambda: steps.resolved(settled(), later(minutes=9), ResolvedBy.USER),
        lambda: steps.sighted(settled(), finding(), later(minutes=SIGHTINGS_COUNTED, seconds=601)),
    ],
)
def test_another_class_of_situation_is_worth_a_write(change: Callable[[], Episode]) -> None:
    after = change()
    before = UNWELL if after.sightings == 2 or after.unhealthy_since < NOW else settled()
    assert steps.worth_writing(before, after)


def settled() -> Episode:
    """See it so often that one more sighting tells nothing new."""
    now = UNWELL
    for minute in range(1, SIGHTINGS_COUNTED + 1):
        now = steps.sighted(now, finding(), later(minutes=minute))
    return now


def test_one_more_sighting_is_not_worth_a_write() -> None:
    again = finding(summary="Lambda keeps the function Pending, still.", evidence={"heartbeat": "moved"})
    after = steps.sighted(settled(), again, later(minutes=SIGHTINGS_COUNTED, seconds=600))
    assert not steps.worth_writing(settled(), after)
    assert steps.worth_writing(None, after)


# ---- bounds ----------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sighted"), st.sampled_from(list(FindingName))),
        st.tuples(st.just("tried"), st.sampled_from([*Result, None])),
        st.tuples(st.just("clean"), st.none()),
    ),
    max_size=120,
)


@given(STEPS)
def test_nothing_grows_without_bound(taken: list[tuple[str, object]]) -> None:
    long = "word " * 2000
    now = UNWELL
    for minute, (kind, value) in enumerate(taken, start=1):
        at = later(minutes=minute)
        if kind == "clean":
            now = steps.clean(now, at)
        elif kind == "tried":
            assert value is None or isinstance(value, Result)
            now = steps.proposed(tried(now, value, at=at), plan(summary=long), at)
            now = steps.judged(now, [Verdict("gate", Ruling.HELD, long)] * 2 * VERDICTS_KEPT)
        else:
            assert isinstance(value, FindingName)
            evidence = {f"fact{number}": long for number in range(2 * EVIDENCE_KEPT)}
            found = finding(name=value, summary=long, evidence=evidence, also=tuple(FindingName))
            now = steps.sighted(now, found, at)
    assert len(now.findings) <= FINDINGS_KEPT
    assert len(now.attempts) <= ATTEMPTS_KEPT
    assert sum(each.result is None for each in now.attempts) <= 1
    for each in now.findings:
        assert len(each.summary) <= LONGEST_TEXT
        assert len(each.evidence) <= EVIDENCE_KEPT
        assert all(len(text) <= LONGEST_EVIDENCE for text in each.evidence.values())
    assert len(now.verdicts) <= VERDICTS_KEPT
    assert all(len(each.reason) <= LONGEST_EVIDENCE for each in now.verdicts)
    assert now.proposal is None or len(now.proposal.summary) <= LONGEST_TEXT
    assert msgspec.json.decode(msgspec.json.encode(now), type=Episode) == now


def test_what_gates_say_is_written_when_they_say_something_else() -> None:
    held = steps.judged(UNWELL, [Verdict("budget", Ruling.HELD, "1 of 1 used")])
    assert [(each.gate, each.ruling, each.reason) for each in held.verdicts] == [("budget", "held", "1 of 1 used")]
    in_other_words = steps.judged(held, [Verdict("budget", Ruling.HELD, "2 of 2 used")])
    assert not steps.worth_writing(held, in_other_words)
    assert steps.worth_writing(held, steps.judged(held, [Verdict("budget", Ruling.ALLOWED, "0 of 1 used")]))
    assert steps.worth_writing(UNWELL, held)


def test_of_what_is_resolved_gates_say_nothing() -> None:
    held = steps.judged(UNWELL, [Verdict("budget", Ruling.HELD, "")])
    ended = steps.resolved(held, NOW, ResolvedBy.ITSELF)
    assert ended.verdicts == ()
    assert steps.judged(ended, [Verdict("budget", Ruling.HELD, "")]).verdicts == ()


def test_what_was_never_noted_to_be_unwell_can_be_acted_on() -> None:
    assert steps.unseen(NOW) == Episode(unhealthy_since=NOW, first_seen=NOW, last_seen=NOW, sightings=0)
