"""What ClearFinalizer writes, and all that it needs."""

from __future__ import annotations

import copy
import json

import jsonpatch
import pytest

from remediator.actions import plan_for
from remediator.actions.clear_finalizer import clear_finalizer
from remediator.diagnosis import diagnose
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState
from remediator.model.observation import History
from remediator.model.placement import Placement
from remediator.model.plan import ActionName, Plan, Verification
from remediator.model.resource import FUNCTION_FINALIZER
from tests.builders import ALIVE, DOWN, GONE, NOW, UNPROVEN_GONE, Json, active, deleting, function, observe

TRIED = History(resync_without_effect=True)


def planned(raw: Json, controller: ControllerFacts = DOWN, history: History | None = None) -> Plan:
    seen = observe(raw, GONE, controller=controller, history=history or History())
    return clear_finalizer(seen, FindingName.FINALIZER_LEFT)


def applied(raw: Json, plan: Plan) -> Json:
    (step,) = plan.steps
    changed: Json = jsonpatch.apply_patch(copy.deepcopy(raw), json.dumps(step.patch))
    return changed


def unmet(plan: Plan) -> list[str]:
    return [need.name for need in plan.needs if not need.met]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([FUNCTION_FINALIZER], []),
        (["a/one", FUNCTION_FINALIZER], ["a/one"]),
        ([FUNCTION_FINALIZER, "b/two"], ["b/two"]),
        (["a/one", FUNCTION_FINALIZER, "b/two"], ["a/one", "b/two"]),
    ],
    ids=["alone", "after another", "before another", "between others"],
)
def test_just_our_entry_goes(before: list[str], after: list[str]) -> None:
    raw = deleting(metadata={"finalizers": before})
    cleared = applied(raw, planned(raw))
    assert cleared["metadata"].pop("finalizers") == after
    del raw["metadata"]["finalizers"]
    assert cleared == raw


def test_the_patch_is_just_this() -> None:
    (step,) = planned(deleting(metadata={"finalizers": ["a/one", FUNCTION_FINALIZER]})).steps
    assert step.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-shop-checkout"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "4711"},
        {"op": "test", "path": "/metadata/finalizers/1", "value": FUNCTION_FINALIZER},
        {"op": "remove", "path": "/metadata/finalizers/1"},
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"uid": "another"},
        {"resourceVersion": "4712"},
        {"finalizers": ["a/one"]},
        {"finalizers": ["a/one", FUNCTION_FINALIZER]},
    ],
    ids=["uid", "resourceVersion", "another in its place", "moved"],
)
def test_on_an_object_that_changed_it_fails(metadata: Json) -> None:
    plan = planned(deleting())
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(deleting(metadata=metadata), plan)


def test_it_takes_two_proofs_and_a_backup() -> None:
    plan = planned(deleting())
    assert (plan.action, plan.proofs, plan.backup) == (ActionName.CLEAR_FINALIZER, 2, True)
    assert plan.verification is Verification.OBJECT_GONE
    assert "cannot be undone" in plan.notes[0]
    assert unmet(plan) == []


def test_where_the_finalizer_is_not_there_nothing_is_written() -> None:
    plan = planned(deleting(metadata={"finalizers": ["a/one"]}))
    assert plan.steps == ()
    assert unmet(plan) == ["ACK's finalizer is there"]
    assert unmet(planned(deleting(metadata={"finalizers": None}))) == ["ACK's finalizer is there"]


@pytest.mark.parametrize(("minutes", "missing"), [(19.9, ["deletion is overdue"]), (20, []), (21, [])])
def test_the_deletion_has_to_be_overdue(minutes: float, missing: list[str]) -> None:
    assert unmet(planned(deleting(hours=minutes / 60))) == missing


def test_a_living_object_keeps_its_finalizer() -> None:
    assert unmet(planned(function())) == ["deletion is overdue"]
    assert unmet(planned(function(metadata={"deletionTimestamp": "yesterday"}))) == ["deletion is overdue"]


@pytest.mark.parametrize("controller", [ALIVE, ControllerFacts()], ids=["alive", "unknown"])
def test_a_controller_that_may_work_is_asked_first(controller: ControllerFacts) -> None:
    assert unmet(planned(deleting(), controller)) == ["nobody else will do it"]
    assert unmet(planned(deleting(), controller, TRIED)) == []


def test_where_ack_looks_elsewhere_it_will_not_do_it_either() -> None:
    seen = observe(deleting(), GONE, controller=ALIVE, placement=Placement(drift="the region differs"))
    plan = clear_finalizer(seen, FindingName.IDENTITY_DRIFT)
    assert unmet(plan) == []
    assert [need.why for need in plan.needs if need.name == "nobody else will do it"] == ["the region differs"]
    as_recorded = observe(deleting(), GONE, controller=ALIVE, placement=Placement(region="us-east-1"))
    assert unmet(clear_finalizer(as_recorded, FindingName.FINALIZER_LEFT)) == ["nobody else will do it"]


@pytest.mark.parametrize("live", [GONE, UNPROVEN_GONE, active()], ids=["proven", "unproven", "present"])
def test_under_drift_a_person_may_ask_for_it_where_the_end_is_proven(live: LiveState) -> None:
    seen = observe(deleting(), live, controller=ALIVE, placement=Placement(drift="the region differs"))
    finding = diagnose(seen)
    assert finding is not None and finding.name is FindingName.IDENTITY_DRIFT
    assert plan_for(finding, seen) is None
    plan = plan_for(finding, seen, ActionName.CLEAR_FINALIZER)
    assert (plan is not None) == (live is GONE)


@pytest.mark.parametrize(
    ("remedy", "action"),
    [
        (Remedy.RESYNC, ActionName.RESYNC),
        (Remedy.CLEAR_FINALIZER, ActionName.CLEAR_FINALIZER),
        (Remedy.WAIT, None),
        (Remedy.REPORT, None),
        (Remedy.RELEASE, None),
        (Remedy.RESTART_CONTROLLER, None),
    ],
)
def test_there_is_a_plan_for_what_can_be_done(remedy: Remedy, action: ActionName | None) -> None:
    finding = Finding(name=FindingName.FINALIZER_LEFT, state=State.STUCK, summary="", since=NOW, remedy=remedy)
    plan = plan_for(finding, observe(deleting(), GONE))
    assert (plan.action if plan else None) == action
