"""What is told of a resource: what is new in its episode, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from remediator.model import episode as steps
from remediator.model.decision import GateName, Ruling, Verdict
from remediator.model.episode import Episode, ResolvedBy
from remediator.model.event import LONGEST_NOTE, Event, EventReason, EventType, events
from remediator.model.finding import FindingName, State
from remediator.model.plan import ActionName, Plan, Result
from remediator.model.resource import Ref
from tests.builders import NOW
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan

REF = Ref("shop", "checkout", "uid-1")
STUCK = finding()
WAITING = finding(state=State.WAITING)
ASKS = Verdict(GateName.APPROVAL, Ruling.HELD, "waits for a person", asks=True)
SPENT = Verdict(GateName.BUDGET, Ruling.HELD, "5 of 5 actions of this run are used")
COOLS = Verdict(GateName.COOL_DOWN, Ruling.HELD, "until 11:00")
LET = Verdict(GateName.OPT_OUT, Ruling.ALLOWED, "nobody opted out")


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def spell(
    seen: Sequence[object] = (STUCK,),
    *,
    minutes: float = 0,
    before: Episode | None = None,
    proposal: Plan | None = None,
    verdicts: Sequence[Verdict] = (),
) -> Episode:
    """Take an episode on by a pass for each of `seen`, a minute apart; None is a clean one."""
    episode = before
    for number, each in enumerate(seen):
        now = later(minutes + number)
        if each is None:
            assert episode is not None
            episode = steps.clean(episode, now)
        else:
            episode = steps.sighted(episode, each, now)  # type: ignore[arg-type]
    assert episode is not None
    return steps.judged(steps.proposed(episode, proposal, later(minutes)), verdicts)


def told(before: Episode | None, after: Episode) -> list[tuple[str, str, str]]:
    return [(each.reason.value, each.action, each.type.value) for each in events(REF, before, after)]


def only(before: Episode | None, after: Episode) -> Event:
    (event,) = events(REF, before, after)
    return event


def attempted(before: Episode, result: Result | None, detail: str = "seen") -> Episode:
    begun = steps.intended(before, plan(), NOW, "us")
    return begun if result is None else steps.concluded(begun, begun.attempts[-1].id, result, detail, NOW)


# ---- found -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.STUCK, State.UNKNOWN, State.ADVISORY])
def test_what_is_found_is_told_once(state: State) -> None:
    found = finding(state=state, summary="Lambda keeps it.")
    first = spell([found])
    event = only(None, first)
    assert (event.reason, event.action) == (EventReason.FOUND, "Diagnose")
    assert event.type is (EventType.NORMAL if state is State.ADVISORY else EventType.WARNING)
    assert event.note == "FunctionPending: Lambda keeps it."
    assert told(first, spell([found], before=first, minutes=5)) == []


def test_a_wait_is_told_when_it_is_over_and_nothing_came_of_it() -> None:
    waits = spell([WAITING])
    assert told(None, waits) == []
    assert told(waits, spell([STUCK], before=waits, minutes=5)) == [("Found", "Diagnose", "Warning")]


def test_another_finding_is_told() -> None:
    first = spell()
    other = finding(name=FindingName.UPDATE_FAILED)
    assert only(first, spell([other], before=first, minutes=5)).note.startswith("UpdateFailed: ")


def test_what_holds_is_told_again_each_half_hour_for_events_are_forgotten() -> None:
    episode, again = spell(), []
    for minutes in range(5, 125, 5):
        after = spell([STUCK], before=episode, minutes=minutes)
        if told(episode, after) == [("Found", "Diagnose", "Warning")]:
            assert only(episode, after).again
            again.append(minutes)
        episode = after
    assert again == [30, 60, 90, 120]


def test_what_is_told_for_the_first_time_or_is_another_matter_is_not_told_again() -> None:
    first = spell()
    other = finding(name=FindingName.UPDATE_FAILED)
    assert not only(None, first).again
    assert not only(first, spell([other], before=first, minutes=45)).again


def test_one_clean_look_tells_nothing() -> None:
    first = spell()
    assert told(first, spell([None], before=first, minutes=40)) == []


# ---- proposed, blocked -----------------------------------------------------------------------------------------------


def test_what_waits_for_a_person_is_told_with_what_they_type() -> None:
    before = spell()
    event = only(before, spell(before=before, minutes=1, proposal=plan(), verdicts=[LET, ASKS]))
    assert (event.reason, event.action, event.type) == (EventReason.PROPOSED, "Resync", EventType.NORMAL)
    assert event.note == (
        f"Resync p-{DIGEST[:10]} would help with FunctionPending, and waits for a person: Make the controller look "
        "again."
    )


def test_a_proposal_is_told_once_and_another_anew() -> None:
    first = spell(proposal=plan(), verdicts=[ASKS])
    same = spell(before=first, minutes=5, proposal=plan(), verdicts=[ASKS])
    assert told(first, same) == []
    other = spell(before=same, minutes=10, proposal=plan(digest=OTHER_DIGEST), verdicts=[ASKS])
    assert told(same, other) == [("Proposed", "Resync", "Normal")]


def test_what_goes_by_itself_is_not_proposed_until_it_waits_after_all() -> None:
    ready = spell(proposal=plan(), verdicts=[LET])
    assert told(None, ready) == [("Found", "Diagnose", "Warning")]
    waits = spell(before=ready, minutes=5, proposal=plan(), verdicts=[ASKS])
    assert told(ready, waits) == [("Proposed", "Resync", "Normal")]


def test_what_is_held_back_is_told_by_what_no_word_lifts() -> None:
    before = spell()
    event = only(before, spell(before=before, minutes=1, verdicts=[ASKS, SPENT]))
    assert (event.reason, event.action, event.type) == (EventReason.BLOCKED, "Decide", EventType.WARNING)
    assert event.note == (
        "What would help with FunctionPending is held back by budget: 5 of 5 actions of this run are used"
    )


def test_a_ceiling_of_the_policy_is_named_where_nothing_else_holds() -> None:
    ceiling = Verdict(GateName.MODE, Ruling.HELD, "the policy allows no more than dry-run")
    assert "mode: the policy allows no more" in events(REF, None, spell(verdicts=[ceiling]))[1].note


def test_another_gate_is_told_and_another_reason_of_it_is_not() -> None:
    first = spell(verdicts=[SPENT])
    reworded = spell(before=first, minutes=5, verdicts=[Verdict(GateName.BUDGET, Ruling.HELD, "20 of 20 today")])
    assert told(first, reworded) == []
    more = spell(before=reworded, minutes=10, verdicts=[SPENT, COOLS])
    assert told(reworded, more) == [("Blocked", "Decide", "Warning")]


# ---- acted -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "kind"),
    [(Result.RESOLVED, "Normal"), (Result.STILL_STUCK, "Warning"), (Result.UNKNOWN, "Warning")],
)
def test_what_came_of_an_action_is_told_once(result: Result, kind: str) -> None:
    begun = attempted(spell(), None)
    assert told(spell(), begun) == []
    after = attempted(spell(), result, "the controller ran a pass")
    event = only(begun, after)
    assert (event.reason.value, event.action, event.type.value) == ("Acted", "Resync", kind)
    assert event.note == f"Resync: {result}: the controller ran a pass"
    assert told(after, after) == []


def test_what_wrote_nothing_was_no_act() -> None:
    assert told(spell(), attempted(spell(), Result.SKIPPED)) == []


def test_what_a_resource_was_never_seen_for_is_told_too() -> None:
    assert told(None, attempted(steps.unseen(NOW), Result.RESOLVED)) == [("Acted", "Resync", "Normal")]


# ---- resolved --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (ResolvedBy.US, "by what was done here"),
        (ResolvedBy.ITSELF, "by itself"),
        (ResolvedBy.USER, "by a change of the spec"),
        (ResolvedBy.DELETED, "the object is gone"),
    ],
)
def test_the_end_of_a_spell_is_told_once(by: ResolvedBy, said: str) -> None:
    before = spell(verdicts=[SPENT])
    after = steps.resolved(before, later(5), by)
    event = only(before, after)
    assert (event.reason, event.action, event.type) == (EventReason.RESOLVED, "Diagnose", EventType.NORMAL)
    assert event.note == f"FunctionPending is over: {said}"
    assert told(after, after) == []


def test_two_clean_looks_in_one_breath_are_told_as_its_end() -> None:
    before = spell()
    assert told(before, spell([None, None], before=before, minutes=5)) == [("Resolved", "Diagnose", "Normal")]


def test_a_short_wait_ends_as_it_began_untold() -> None:
    waits = spell([WAITING])
    assert told(waits, steps.resolved(waits, later(9), ResolvedBy.ITSELF)) == []
    assert told(waits, steps.resolved(waits, later(10), ResolvedBy.ITSELF)) == [("Resolved", "Diagnose", "Normal")]


def test_a_wait_that_something_was_done_about_is_told_to_be_over() -> None:
    acted = attempted(spell([WAITING]), Result.RESOLVED)
    assert told(acted, steps.resolved(acted, later(5), ResolvedBy.US)) == [("Resolved", "Diagnose", "Normal")]


def test_of_what_was_never_found_no_end_is_told() -> None:
    unseen = steps.unseen(NOW)
    assert told(unseen, steps.resolved(unseen, later(30), ResolvedBy.ITSELF)) == []


def test_a_new_spell_is_told_like_the_first() -> None:
    over = steps.resolved(spell(), later(5), ResolvedBy.ITSELF)
    assert told(over, spell(before=over, minutes=60)) == [("Found", "Diagnose", "Warning")]


# ---- names and notes -------------------------------------------------------------------------------------------------


def named(ref: Ref = REF, found: FindingName = FindingName.FUNCTION_PENDING, summary: str = "") -> str:
    (event,) = events(ref, None, spell([finding(name=found, summary=summary)]))
    return event.name


def test_the_same_thing_has_the_same_name_whatever_its_words() -> None:
    assert named(summary="for 12 min") == named(summary="for 17 min")
    others = {
        named(),
        named(Ref("shop", "checkout", "uid-2")),
        named(found=FindingName.UPDATE_FAILED),
        only(spell(), attempted(spell(), Result.UNKNOWN)).name,
        only(spell(), attempted(spell(), Result.STILL_STUCK)).name,
    }
    assert len(others) == 5
    assert all(each.startswith("checkout.") for each in others)


def test_a_name_has_room_for_what_tells_it_apart() -> None:
    long = named(Ref("shop", "a" * 235 + "." + "b" * 17, "uid-1"))
    assert len(long) == 235 + 1 + 16
    assert ".." not in long


def test_a_note_is_one_line_of_so_many_bytes_that_steers_no_terminal() -> None:
    assert only(None, spell([finding(summary="é" * 900)])).note.endswith("é…")
    assert len(only(None, spell([finding(summary="é" * 900)])).note.encode()) in (LONGEST_NOTE - 1, LONGEST_NOTE)
    fits = "x" * (LONGEST_NOTE - len("FunctionPending: "))
    assert only(None, spell([finding(summary=fits)])).note == f"FunctionPending: {fits}"
    assert (
        only(None, spell([finding(summary="one\n two\x1b[2J")])).note
        == "FunctionPending: one two\N{REPLACEMENT CHARACTER}[2J"
    )


def test_several_things_are_told_together() -> None:
    after = attempted(spell(verdicts=[SPENT]), Result.STILL_STUCK)
    assert [each[0] for each in told(None, after)] == ["Found", "Blocked", "Acted"]
    assert ActionName.RESYNC in {each.action for each in events(REF, None, after)}
