"""Gates that a person's word opens: mode, approval, guard, sightings; and what a word cannot do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.actions.resync import resync
from remediator.gates.approval import approval
from remediator.gates.guard import guard
from remediator.gates.mode import mode
from remediator.gates.sightings import sightings
from remediator.model.decision import Proposal, Ruling, Situation, Verdict
from remediator.model.finding import FindingName
from remediator.model.limits import Ceilings, Limits, Mode
from remediator.model.observation import History
from remediator.model.plan import ActionName
from remediator.model.word import Approval, Rejection
from tests.builders import NOW, deleting
from tests.proposals import proposed, situation

ALLOWED, HELD = Ruling.ALLOWED, Ruling.HELD
CLEARING = proposed()
RESYNCING = proposed(build=resync)
HERE = frozenset({CLEARING.plan.digest, RESYNCING.plan.digest})


def stored(proposal: Proposal, **changes: Any) -> Situation:
    """Build a situation in which a person approved in the cluster, an hour ago."""
    word: dict[str, Any] = {
        "approved_by": "mara",
        "digest": proposal.plan.digest,
        "at": NOW - timedelta(hours=1),
        "ticket": "CHG-7",
    }
    return situation(history=History(approval=Approval(**(word | changes)), sightings=3))


# -- mode -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ceilings", "proposal", "expected"),
    [
        (Ceilings(Mode.DRY_RUN), RESYNCING, HELD),
        (Ceilings(Mode.APPROVE), RESYNCING, ALLOWED),
        (Ceilings(Mode.AUTO), RESYNCING, ALLOWED),
        (Ceilings(Mode.AUTO), CLEARING, ALLOWED),
        (Ceilings(Mode.AUTO, {ActionName.RESYNC: Mode.DRY_RUN}), RESYNCING, HELD),
        (Ceilings(Mode.AUTO, findings={FindingName.FINALIZER_LEFT: Mode.DRY_RUN}), RESYNCING, HELD),
        (Ceilings(Mode.AUTO, findings={FindingName.CONTROLLER_SILENT: Mode.DRY_RUN}), RESYNCING, ALLOWED),
    ],
)
def test_the_mode_is_the_lowest_of_all(ceilings: Ceilings, proposal: Proposal, expected: Ruling) -> None:
    assert mode(proposal, situation(ceilings=ceilings)).ruling is expected


def test_a_person_at_the_terminal_lifts_the_mode_and_for_what_they_approved_alone() -> None:
    assert mode(CLEARING, situation(approved=HERE)).ruling is ALLOWED
    assert mode(CLEARING, situation(approved=frozenset({RESYNCING.plan.digest}))).ruling is HELD


def test_a_stored_approval_does_not_lift_the_mode() -> None:
    assert mode(CLEARING, stored(CLEARING)).ruling is HELD


@pytest.mark.parametrize(
    "ceilings",
    [
        Ceilings(Mode.AUTO, {ActionName.CLEAR_FINALIZER: Mode.DRY_RUN}),
        Ceilings(Mode.DRY_RUN, findings={FindingName.FINALIZER_LEFT: Mode.DRY_RUN}),
    ],
)
def test_nobody_lifts_the_ceiling_of_an_action_or_finding(ceilings: Ceilings) -> None:
    verdict = mode(CLEARING, situation(ceilings=ceilings, approved=HERE))
    assert (verdict.ruling, verdict.asks) == (HELD, False)
    assert "no more than dry-run for ClearFinalizer of FinalizerLeft" in verdict.reason


def test_dry_run_only_waits_for_a_person() -> None:
    assert mode(CLEARING, situation()).asks


# -- approval -------------------------------------------------------------------------------------------------------


def test_an_approval_counts_for_its_digest_alone() -> None:
    other = proposed(deleting(metadata={"generation": 4}))
    assert approval(CLEARING, situation(approved=HERE)).ruling is ALLOWED
    assert approval(other, situation(approved=HERE)).ruling is HELD
    assert approval(CLEARING, situation()).ruling is HELD


def test_an_approval_of_the_short_name_is_none() -> None:
    assert approval(CLEARING, situation(approved=frozenset({CLEARING.plan.proposal_id}))).ruling is HELD


def test_who_approved_is_named_with_the_ticket() -> None:
    there = approval(CLEARING, stored(CLEARING))
    assert (there.ruling, there.reason) == (ALLOWED, f"{CLEARING.plan.proposal_id} is approved by mara, ticket CHG-7")
    here = approval(CLEARING, situation(approved=HERE, approver="joe", ticket="CHG-8"))
    assert here.reason == f"{CLEARING.plan.proposal_id} is approved by joe, ticket CHG-8"
    assert approval(CLEARING, stored(CLEARING, ticket="")).reason.endswith("approved by mara")


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(0), ALLOWED),
        (timedelta(hours=24) - timedelta(microseconds=1), ALLOWED),
        (timedelta(hours=24), HELD),
        (timedelta(days=9), HELD),
        (timedelta(seconds=-5), ALLOWED),
        (timedelta(seconds=-6), HELD),
    ],
)
def test_an_approval_lasts_a_day_from_when_it_was_written(ago: timedelta, expected: Ruling) -> None:
    verdict = approval(CLEARING, stored(CLEARING, at=NOW - ago))
    assert verdict.ruling is expected
    assert ("mara does not count now: it counts for 1d from" in verdict.reason) is (expected is HELD)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digest": "another"}, "mara approved another situation"),
        ({"at": None}, "when mara approved"),
    ],
)
def test_an_approval_that_does_not_count_says_why(changes: dict[str, Any], said: str) -> None:
    verdict = approval(CLEARING, stored(CLEARING, **changes))
    assert (verdict.ruling, verdict.asks) == (HELD, True)
    assert said in verdict.reason


def test_what_goes_by_itself_needs_no_approval() -> None:
    auto = Ceilings(Mode.AUTO)
    assert approval(RESYNCING, situation(ceilings=auto)).ruling is ALLOWED
    assert approval(CLEARING, situation(ceilings=auto)).ruling is HELD
    lowered = Ceilings(Mode.AUTO, {ActionName.RESYNC: Mode.APPROVE})
    assert approval(RESYNCING, situation(ceilings=lowered)).ruling is HELD


def test_no_ceiling_makes_what_cannot_be_undone_go_by_itself() -> None:
    """The schema refuses it; so does the gate."""
    forged = Ceilings(Mode.AUTO, {ActionName.CLEAR_FINALIZER: Mode.AUTO, ActionName.RELEASE: Mode.AUTO})
    assert approval(CLEARING, situation(ceilings=forged)).ruling is HELD


@pytest.mark.parametrize(("reason", "said"), [("", "mara rejected p-"), ("we migrate it", ": we migrate it")])
def test_what_a_person_rejected_does_not_go_by_itself(reason: str, said: str) -> None:
    rejection = Rejection("mara", RESYNCING.plan.digest, reason)
    at = situation(ceilings=Ceilings(Mode.AUTO), history=History(rejection=rejection))
    verdict = approval(RESYNCING, at)
    assert (verdict.ruling, verdict.asks) == (HELD, True)
    assert said in verdict.reason
    elsewhere = History(rejection=Rejection("mara", "another"))
    assert approval(RESYNCING, situation(ceilings=Ceilings(Mode.AUTO), history=elsewhere)).ruling is ALLOWED


# -- guard ----------------------------------------------------------------------------------------------------------


def test_a_cluster_that_is_not_guarded() -> None:
    assert guard(CLEARING, situation()).ruling is ALLOWED


def test_in_a_guarded_cluster_a_person_approves_each_action() -> None:
    why = "prod-eu1 is guarded by the word prod"
    held = guard(RESYNCING, situation(guarded_by=why, ceilings=Ceilings(Mode.AUTO)))
    assert (held.ruling, held.asks) == (HELD, True)
    assert why in held.reason
    assert guard(CLEARING, situation(guarded_by=why, approved=HERE)).ruling is ALLOWED
    kept = stored(CLEARING)
    at = situation(guarded_by=why, history=kept.history)
    assert guard(CLEARING, at).ruling is ALLOWED
    assert "mara, ticket CHG-7" in guard(CLEARING, at).reason


# -- sightings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "needed", "expected"), [(0, 3, HELD), (2, 3, HELD), (3, 3, ALLOWED), (5, 3, ALLOWED), (1, 1, ALLOWED)]
)
def test_so_many_sightings_in_a_row(seen: int, needed: int, expected: Ruling) -> None:
    verdict = sightings(CLEARING, situation(history=History(sightings=seen), limits=Limits(sightings=needed)))
    assert verdict.ruling is expected
    assert f"seen {seen} time{'' if seen == 1 else 's'} in a row, {needed} needed" in verdict.reason


def test_a_person_at_the_terminal_has_looked_and_who_wrote_an_approval_has_not() -> None:
    def told(at: Situation) -> Verdict:
        return sightings(CLEARING, at)

    assert told(situation(approved=HERE)).ruling is ALLOWED
    away = situation(history=History(approval=stored(CLEARING).history.approval, sightings=1))
    assert (told(away).ruling, told(away).asks) == (HELD, True)
