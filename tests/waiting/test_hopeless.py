"""Which findings end the waiting: every one of the catalogue, held against each thing that can be waited for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from remediator.diagnosis import diagnose
from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.observation import Observation
from remediator.waiting.attention import Attention, Looked
from remediator.waiting.goal import Goal, GoalKind
from remediator.waiting.hopeless import is_hopeless, nobody_works
from tests.builders import ALIVE, BUSY, DOWN, NOW, SHA, Json, active, failing, function, observe
from tests.written_cases import case_in, directories, observation

SYNCED, SETTLED, DELETED = Goal(GoalKind.SYNCED), Goal(GoalKind.SETTLED), Goal(GoalKind.DELETED)
LONG_AGO = Attention(Looked.SINCE, None, None, timedelta(hours=1))
JUST_NOW = Attention(Looked.BEFORE, None, None, timedelta(seconds=1))

# Once a finding is stuck, or advised: does it end the waiting for synced, settled, deleted? `some`: it depends on more
# than its name, as said below. "-": never seen there, since it is of what is being deleted, or of what is not. Of the
# settled it is asked only where AWS is not well.
YES, NO, SOME = "yes", "no", "some"
TABLE: dict[FindingName, tuple[str, str, str]] = {
    # What a pass, a person or a role map has to put right first.
    FindingName.ADOPTED_GONE: (YES, YES, "-"),
    FindingName.ALREADY_EXISTS: (YES, YES, "-"),
    FindingName.CONCURRENCY_REFUSED: (YES, YES, "-"),
    FindingName.CONTROLLER_SILENT: (YES, YES, "-"),
    FindingName.CREATE_FAILED: (YES, YES, "-"),  # but see below where an update is tried again
    FindingName.DELETION_BLOCKED: ("-", YES, YES),
    FindingName.DELETION_UNATTENDED: ("-", YES, YES),
    FindingName.DELETION_UNEXPLAINED: ("-", YES, YES),
    FindingName.FINALIZER_LEFT: ("-", YES, YES),
    FindingName.IDENTITY_DRIFT: (YES, YES, YES),
    FindingName.IMAGE_MISSING: (YES, YES, "-"),
    FindingName.INVALID_REQUEST: (YES, YES, "-"),
    FindingName.LOST_UPDATE: (YES, YES, "-"),
    FindingName.NAME_CHANGED: (YES, YES, NO),  # the object goes, its function stays: that is warned of
    FindingName.NEVER_RECONCILED: (YES, YES, "-"),
    FindingName.NOT_SYNCED_UNEXPLAINED: (YES, YES, "-"),
    FindingName.PERMISSION_DENIED: (YES, YES, YES),
    FindingName.REFERENCES_UNRESOLVED: (YES, YES, "-"),
    FindingName.ROLE_NOT_ASSUMABLE: (YES, YES, "-"),
    FindingName.ROLE_UNAVAILABLE: (YES, YES, YES),
    FindingName.RUNTIME_RETIRED: (YES, YES, "-"),
    FindingName.TERMINAL_ERROR: (YES, YES, "-"),
    FindingName.UNCLASSIFIED_ERROR: (YES, YES, "-"),
    # Not where the controller still tries an update that may cure it, or AWS is at one.
    FindingName.CHECKSUM_MISMATCH: (SOME, SOME, "-"),
    FindingName.UPDATE_FAILED: (SOME, SOME, "-"),
    # Under a controller that never counts it as synced.
    FindingName.FUNCTION_INACTIVE: (SOME, SOME, "-"),
    # What AWS, the controller or others end, sooner or later, or nobody knows.
    FindingName.CONFLICT_BACKOFF: (NO, NO, "-"),
    FindingName.DELETION_BACKOFF: ("-", NO, NO),
    FindingName.DELETION_IN_PROGRESS: ("-", NO, NO),
    FindingName.FUNCTION_PENDING: (NO, NO, "-"),
    FindingName.REPLICATED_FUNCTION: ("-", NO, NO),
    FindingName.STALE_PENDING: (NO, NO, "-"),
    FindingName.THROTTLED: (NO, NO, "-"),
    FindingName.UNREADABLE: (NO, NO, NO),
    FindingName.UPDATE_IN_PROGRESS: (NO, NO, "-"),
}


def found_in_cases() -> Iterator[tuple[Path, Observation, Finding]]:
    for directory in directories():
        seen = observation(directory, case_in(directory).given)
        finding = diagnose(seen)
        if finding is not None and seen.resource.is_function:
            yield directory, seen, finding


def answers() -> dict[tuple[FindingName, bool], list[set[bool]]]:
    """Ask of every case there is, whether its finding waits or not, for each of the three."""
    told: dict[tuple[FindingName, bool], list[set[bool]]] = {}
    for _, seen, finding in found_in_cases():
        three = told.setdefault((finding.name, finding.state is State.WAITING), [set(), set(), set()])
        for said, goal in zip(three, (SYNCED, SETTLED, DELETED), strict=True):
            if goal is SETTLED or seen.resource.deleting == (goal is DELETED):
                said.add(is_hopeless(goal, finding, seen, LONG_AGO))
    return told


def test_every_finding_is_decided_on_for_each_goal() -> None:
    words = {frozenset({True}): YES, frozenset({False}): NO, frozenset({True, False}): SOME, frozenset(): "-"}
    told = {
        name: tuple(words[frozenset(each)] for each in three)
        for (name, waiting), three in answers().items()
        if not waiting
    }
    assert told == TABLE
    assert set(TABLE) == set(FindingName)


def test_what_waits_ends_no_waiting() -> None:
    waiting = [three for (_, waits), three in answers().items() if waits]
    assert len(waiting) > 10
    assert set().union(*(said for three in waiting for said in three)) == {False}


def test_nothing_wrong_ends_no_waiting() -> None:
    assert not is_hopeless(SYNCED, None, observe(function(), active()), LONG_AGO)


# -- what was just changed may be the cure --------------------------------------------------------------------------


def test_a_change_that_the_controller_has_not_seen_may_be_the_cure() -> None:
    """But for what no change of the spec cures: it is all the same whether the controller has seen it."""
    regardless = {
        finding.name
        for _, seen, finding in found_in_cases()
        if is_hopeless(DELETED if seen.resource.deleting else SYNCED, finding, seen, JUST_NOW)
    }
    assert regardless == {
        FindingName.ADOPTED_GONE,
        FindingName.CHECKSUM_MISMATCH,  # in a form that Lambda never has
        FindingName.IDENTITY_DRIFT,
        FindingName.LOST_UPDATE,
        FindingName.NAME_CHANGED,
        FindingName.NEVER_RECONCILED,
    }


def judged(raw: Json, goal: Goal = SYNCED, paid: Attention = LONG_AGO, **live: str) -> bool:
    seen = observe(raw, active(**live), controller=ALIVE)
    return is_hopeless(goal, diagnose(seen), seen, paid)


FAILED = {"last_update_status": "Failed", "last_update_status_reason_code": "InvalidConfiguration"}


@pytest.mark.parametrize(
    ("conditions", "hopeless"),
    [
        (None, True),  # the object is green: ACK tries nothing any more
        (failing(BUSY), False),
        (failing("ServiceException: Service failed"), False),
        (failing("AccessDeniedException: User: arn:x is not authorized to perform: lambda:UpdateFunctionCode"), True),
        (failing("InvalidParameterValueException: no such subnet"), True),
        (failing("The function is in the following state: Failed"), True),
    ],
)
def test_an_update_that_failed_may_be_cured_by_one_that_is_tried_again(
    conditions: list[Json] | None, hopeless: bool
) -> None:
    raw = function(conditions=conditions)
    assert judged(raw, SYNCED, LONG_AGO, **FAILED) is hopeless
    assert judged(raw, SETTLED, LONG_AGO, **FAILED) is hopeless
    assert judged(raw, state="Failed") is hopeless


@pytest.mark.parametrize(("stated", "hopeless"), [("9f" * 32, True), ("v42", True), (SHA.replace("n4", "m4"), False)])
def test_a_digest_of_the_right_form_may_be_of_what_is_about_to_be_uploaded(stated: str, hopeless: bool) -> None:
    assert judged(function(spec={"code": {"sha256": stated}}, conditions=failing(BUSY))) is hopeless


def test_a_digest_that_a_synced_object_does_not_have_never_comes_once_ack_has_looked() -> None:
    raw = function(spec={"code": {"sha256": SHA.replace("n4", "m4")}})
    assert judged(raw)
    assert not judged(raw, paid=JUST_NOW)
    assert judged(function(spec={"code": {"sha256": "9f" * 32}}), paid=JUST_NOW)


def test_what_aws_is_at_ends_whatever_becomes_of_the_object() -> None:
    drifted = function(spec={"name": "other"})
    assert judged(drifted, SETTLED)
    assert not judged(drifted, SETTLED, state="Pending")
    assert judged(drifted, SYNCED, state="Pending")


@pytest.mark.parametrize(("version", "hopeless"), [("1.6.2", True), ("1.6.3", False), (None, False)])
def test_an_old_controller_never_counts_a_function_that_sleeps(version: str | None, hopeless: bool) -> None:
    unsynced = [{"type": "ACK.ResourceSynced", "status": "False", "message": "Resource not synced"}]
    facts = ControllerFacts(Health.ALIVE, "it runs", version)
    seen = observe(function(conditions=unsynced), active(state="Inactive"), controller=facts)
    finding = diagnose(seen)
    assert finding is not None
    assert finding.name is FindingName.FUNCTION_INACTIVE
    assert is_hopeless(SYNCED, finding, seen, LONG_AGO) is hopeless


def test_a_finding_that_heals_or_says_wait_ends_no_waiting_however_stuck() -> None:
    seen = observe(function(), active())
    stuck = Finding(name=FindingName.INVALID_REQUEST, state=State.STUCK, summary="no", since=NOW, remedy=Remedy.REPORT)
    assert is_hopeless(SYNCED, stuck, seen, LONG_AGO)
    for change in ({"self_heals_at": NOW}, {"remedy": Remedy.WAIT}):
        assert not is_hopeless(SYNCED, msgspec.structs.replace(stuck, **change), seen, LONG_AGO)


# -- where nobody works ---------------------------------------------------------------------------------------------


def facts(since: datetime | None, *, restarting: bool = False) -> ControllerFacts:
    name = "ack-system/ack-lambda-controller"
    install = Install(name, Health.DOWN, "it is not available", since)
    return ControllerFacts(
        Health.DOWN, "it is not available", restarting=restarting, deployment=name, installs=(install,)
    )


@pytest.mark.parametrize(
    ("controller", "why"),
    [
        (ALIVE, ""),
        (ControllerFacts(), ""),  # as where EKS runs it
        (DOWN, "its Deployment has 0 of 1 pods ready"),
        (facts(None), "it is not available"),
        (facts(NOW - timedelta(minutes=10)), "it is not available"),
        (facts(NOW - timedelta(seconds=60)), "it is not available"),
        (facts(NOW - timedelta(seconds=59)), ""),  # its pod may have been moved
        (facts(NOW - timedelta(minutes=10), restarting=True), ""),
        (
            ControllerFacts(Health.ALIVE, "it runs", watched_namespaces=("post",)),
            "the controller does not watch this namespace",
        ),
    ],
)
def test_nobody_works_where_the_controller_is_down_for_a_while_or_looks_elsewhere(
    controller: ControllerFacts, why: str
) -> None:
    assert nobody_works(observe(function(), active(), controller=controller)) == why
