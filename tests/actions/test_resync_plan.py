"""What a Resync writes, needs and warns of; and that it leaves the spec as it was."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.actions.leftover import undo_leftover
from remediator.actions.resync import resync
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, Operation, Plan, Verification
from remediator.model.resource import RESYNC_ANNOTATION
from tests.builders import (
    ALIVE,
    BUSY,
    DOWN,
    GONE,
    NOW,
    SHA,
    UNPROVEN_GONE,
    Json,
    active,
    at,
    decoded,
    deleting,
    failing,
    function,
    observe,
)

CONFLICT = FindingName.CONFLICT_BACKOFF
PATH = "/metadata/annotations/ack-remediator.dev~1resync"


def planned(raw: Json, live: LiveState | None = None, controller: ControllerFacts = ALIVE) -> Plan:
    return resync(observe(raw, live or active(), controller=controller), CONFLICT)


def applied(raw: Json, patch: tuple[Operation, ...]) -> Json:
    """Apply a patch as the API server does: through JSON, on a copy."""
    changed: Json = jsonpatch.apply_patch(copy.deepcopy(raw), json.dumps(patch))
    return changed


def unmet(plan: Plan) -> list[str]:
    return [need.name for need in plan.needs if not need.met]


def test_the_two_patches_are_just_these() -> None:
    plan = planned(function(metadata={"annotations": {"team": "shop"}}))
    mark = plan.digest[:16]
    first, second = plan.steps
    assert first.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-shop-checkout"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "4711"},
        {"op": "add", "path": PATH, "value": mark},
        {"op": "add", "path": "/spec/publish", "value": False},
    )
    assert second.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-shop-checkout"},
        {"op": "test", "path": PATH, "value": mark},
        {"op": "remove", "path": PATH},
        {"op": "test", "path": "/spec/publish", "value": False},
        {"op": "remove", "path": "/spec/publish"},
    )


def test_without_annotations_the_map_is_made() -> None:
    assert planned(function()).steps[0].patch[2] == {
        "op": "add",
        "path": "/metadata/annotations",
        "value": {RESYNC_ANNOTATION: planned(function()).digest[:16]},
    }


names = st.text("abcdefghijklmnopqrstuvwxyz./-~", min_size=1, max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
specs = st.dictionaries(st.text("abcdefghijkl", min_size=1, max_size=6), st.recursive(scalars, st.lists, max_leaves=4))


@given(extra=specs, annotations=st.none() | st.dictionaries(names, st.text(max_size=8), max_size=3))
def test_after_both_steps_the_object_is_byte_for_byte_as_it_was(
    extra: Json, annotations: dict[str, str] | None
) -> None:
    raw = function(metadata={"annotations": annotations})
    raw["spec"] = extra | raw["spec"]
    first, second = planned(raw).steps
    between = applied(raw, first.patch)
    assert between["spec"] == raw["spec"] | {"publish": False}
    after = applied(between, second.patch)
    assert json.dumps(after["spec"]) == json.dumps(raw["spec"])
    assert after["metadata"].pop("annotations", {}) == (annotations or {})
    assert after["metadata"] == {key: each for key, each in raw["metadata"].items() if key != "annotations"}
    assert after["status"] == raw["status"]


def test_the_second_step_stands_status_writes_in_between() -> None:
    raw = function()
    first, second = planned(raw).steps
    between = applied(raw, first.patch)
    between["metadata"] |= {"resourceVersion": "4799", "generation": 3}
    between["status"]["conditions"] = failing("new")
    assert "publish" not in applied(between, second.patch)["spec"]


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_the_first_step_refuses_another_object_and_another_version(field: str) -> None:
    raw = function()
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(function(metadata={field: "another"}), planned(raw).steps[0].patch)


@pytest.mark.parametrize(("uid", "mark"), [("another", None), ("uid-of-shop-checkout", "another")])
def test_the_second_step_touches_nobody_elses_work(uid: str, mark: str | None) -> None:
    plan = planned(function())
    theirs = function(
        metadata={"uid": uid, "annotations": {RESYNC_ANNOTATION: mark or plan.digest[:16]}}, spec={"publish": False}
    )
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(theirs, plan.steps[1].patch)


def test_the_second_step_leaves_a_publish_that_somebody_set_meanwhile() -> None:
    plan = planned(function())
    between = applied(function(), plan.steps[0].patch)
    between["spec"]["publish"] = True
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(between, plan.steps[1].patch)
    assert applied(between, undo_leftover(decoded(between)))["spec"]["publish"] is True


# -- undo -----------------------------------------------------------------------------------------------------------


def test_what_a_killed_resync_left_is_undone() -> None:
    raw = function()
    left = applied(raw, planned(raw).steps[0].patch)
    undone = applied(left, undo_leftover(decoded(left)))
    assert undone["spec"] == raw["spec"]
    assert undone["metadata"]["annotations"] == {}


def test_where_there_is_no_mark_nothing_is_undone() -> None:
    assert undo_leftover(decoded(function(spec={"publish": False}))) == ()
    assert undo_leftover(decoded(function(metadata={"annotations": {"team": "shop"}}))) == ()


@pytest.mark.parametrize("publish", [True, None])
def test_a_publish_that_is_not_ours_stays(publish: bool | None) -> None:
    raw = function(metadata={"annotations": {RESYNC_ANNOTATION: "mark", "team": "shop"}})
    if publish is not None:
        raw["spec"]["publish"] = publish
    undone = applied(raw, undo_leftover(decoded(raw)))
    assert undone["spec"] == raw["spec"]
    assert undone["metadata"]["annotations"] == {"team": "shop"}


def test_a_mark_on_an_object_without_spec_is_removed() -> None:
    raw = function(metadata={"annotations": {RESYNC_ANNOTATION: "mark"}})
    del raw["spec"]
    assert applied(raw, undo_leftover(decoded(raw)))["metadata"]["annotations"] == {}


def test_undoing_is_refused_once_another_mark_is_there() -> None:
    raw = function(metadata={"annotations": {RESYNC_ANNOTATION: "mark"}}, spec={"publish": False})
    patch = undo_leftover(decoded(raw))
    raw["metadata"]["annotations"][RESYNC_ANNOTATION] = "another"
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(raw, patch)


# -- needs ----------------------------------------------------------------------------------------------------------


def test_nothing_is_missing_where_the_controller_rests_and_aws_has_settled() -> None:
    plan = planned(function(conditions=failing(BUSY, at(minutes=5))))
    assert unmet(plan) == []
    assert (plan.action, plan.proofs, plan.backup) == (ActionName.RESYNC, 0, False)
    assert plan.verification is Verification.HEARTBEAT


@pytest.mark.parametrize("publish", [True, False])
def test_a_publish_that_the_user_set_is_not_touched(publish: bool) -> None:
    assert unmet(planned(function(spec={"publish": publish}))) == ["spec.publish is free"]


def test_without_a_spec_there_is_nothing_to_toggle() -> None:
    raw = function()
    del raw["spec"]
    assert unmet(planned(raw)) == ["spec.publish is free"]


def test_a_controller_that_is_down_cannot_be_woken() -> None:
    assert unmet(planned(function(), controller=DOWN)) == ["controller works"]
    assert unmet(planned(function(), controller=ControllerFacts())) == []


def test_a_controller_that_does_not_watch_it_will_not_look() -> None:
    elsewhere = ControllerFacts(ALIVE.health, ALIVE.why, watched_namespaces=("billing",))
    assert unmet(planned(function(), controller=elsewhere)) == ["controller watches it"]


def test_terminal_is_not_retried_by_ack() -> None:
    raw = function(conditions=[{"type": "ACK.Terminal", "status": "True", "message": "no"}])
    assert unmet(planned(raw)) == ["not Terminal"]


@pytest.mark.parametrize(
    "live", [active(state="Pending"), active(last_update_status="InProgress"), unreadable("denied")], ids=str
)
def test_nothing_is_done_while_aws_has_not_settled(live: LiveState) -> None:
    assert unmet(planned(function(), live)) == ["AWS has settled"]


@pytest.mark.parametrize("live", [GONE, UNPROVEN_GONE, active(state="Failed"), active(state="Inactive")], ids=str)
def test_aws_has_settled(live: LiveState) -> None:
    assert unmet(planned(function(), live)) == []


@pytest.mark.parametrize(("seconds", "missing"), [(60, ["controller not at it right now"]), (61, [])])
def test_the_controller_is_left_alone_for_a_minute(seconds: float, missing: list[str]) -> None:
    assert unmet(planned(function(conditions=failing("x", at(seconds=seconds))))) == missing


def test_no_heartbeat_yet_is_no_reason_to_wait() -> None:
    plan = planned(function(conditions=[]))
    assert unmet(plan) == []
    assert any("none yet" in need.why for need in plan.needs)


def test_while_deleting_the_frozen_heartbeat_does_not_count() -> None:
    plan = planned(deleting(conditions=failing("x", at(seconds=5))))
    assert unmet(plan) == []
    assert plan.verification is Verification.DELETION_PROGRESS


# -- what is at stake -----------------------------------------------------------------------------------------------


def test_a_deletion_will_be_tried_again() -> None:
    assert planned(deleting(), active()).notes == ("ACK will try DeleteFunction again.",)
    assert planned(deleting(), GONE).notes == ()


# What AWS has of the function that `function` makes, but for its memory.
HOT_FIX = (("handler", "app.handler"), ("memorySize", "512"), ("packageType", "Zip"), ("runtime", "python3.12"))
NOTE = "memorySize is 512 in AWS and 256 in the spec: the controller will set 256."


def hot_fixed(spec: dict[str, Any] | None = None, **live: Any) -> tuple[str, ...]:
    return planned(function(spec=spec), active(revision_id="rev-2", **({"configuration": HOT_FIX} | live))).notes


def test_a_hot_fix_that_would_be_reverted_is_named() -> None:
    assert hot_fixed() == (NOTE,)


@pytest.mark.parametrize(
    ("spec", "live", "note"),
    [
        ({"timeout": 3}, {}, "timeout is not set in AWS and 3 in the spec: the controller will set 3."),
        ({"handler": None}, {}, "handler is app.handler in AWS and not set in the spec: the controller will unset it."),
        ({"description": ""}, {}, 'description is not set in AWS and "" in the spec: the controller will set "".'),
        (
            {},
            {"configuration": (*HOT_FIX, ("layers", "arn:a:1"))},
            "layers is arn:a:1 in AWS and not set in the spec: ACK does not unset it.",
        ),
    ],
)
def test_every_field_that_ack_compares_is_named(spec: dict[str, Any], live: dict[str, Any], note: str) -> None:
    assert sorted(hot_fixed(spec, **live)) == sorted((NOTE, note))


def test_where_the_code_differs_too_the_rest_is_said_to_be_taken_back() -> None:
    spec = {"code": {"sha256": "other"}, "environment": {"variables": {"A": "hunter2"}}}
    code, memory, environment = hot_fixed(spec)
    assert code == f"code.sha256 is {SHA} in AWS and other in the spec: the controller will update the code."
    assert memory.endswith("256 in the spec: the controller will write AWS's value into the spec.")
    assert environment == "environment differs in A: the controller will write AWS's values into the spec."


def test_of_other_kinds_nothing_is_compared() -> None:
    assert planned(function() | {"kind": "Alias"}, active(revision_id="rev-2", configuration=HOT_FIX)).notes == ()


def test_environment_differences_are_named_without_their_values() -> None:
    notes = hot_fixed(
        {"environment": {"variables": {"A": "hunter2", "B": "same"}}},
        environment={"A": "hunter3", "B": "same", "C": "x"},
    )
    assert notes[-1] == "environment differs in A, C: the controller will set the spec's values."
    assert "hunter" not in " ".join(notes)


def test_an_equal_environment_is_not_named() -> None:
    variables = {"A": "x"}
    assert len(hot_fixed({"environment": {"variables": variables}}, environment=variables)) == 1


def test_an_empty_environment_takes_away_what_aws_has() -> None:
    assert hot_fixed({"environment": {}}, environment={"A": "x"})[-1].startswith("environment differs in A: ")


@pytest.mark.parametrize(
    ("raw", "live"),
    [
        (function(), active(configuration=HOT_FIX)),
        (function(), active(revision_id=None, configuration=HOT_FIX)),
        (function(), GONE),
        (function() | {"spec": None}, active(revision_id="rev-2", configuration=HOT_FIX)),
    ],
    ids=["same revision", "no revision", "gone", "no spec"],
)
def test_without_a_newer_revision_nothing_is_at_stake(raw: Json, live: LiveState) -> None:
    assert planned(raw, live).notes == ()


def test_without_a_status_every_revision_is_newer() -> None:
    raw = function() | {"status": None}
    assert planned(raw, active(configuration=HOT_FIX)).notes == (NOTE,)


def test_a_description_that_is_a_secret_is_not_shown() -> None:
    raw = function(spec={"description": "hunter2", "environment": {"variables": {"PASSWORD": "hunter2"}}})
    live = active(revision_id="rev-2", configuration=(("description", "other"),))
    finding = Finding(name=CONFLICT, state=State.STUCK, summary="", since=NOW, remedy=Remedy.RESYNC)
    plan = plan_for(finding, observe(raw, live))
    assert plan is not None
    assert plan.notes[0] == "description is other in AWS and ••• in the spec: the controller will set •••."


def test_the_steps_can_be_typed_by_hand() -> None:
    commands = planned(function()).kubectl()
    head = "kubectl patch functions.lambda.services.k8s.aws checkout -n shop --type=json -p '"
    assert len(commands) == 2
    assert all(each.startswith(head) and each.endswith("'") for each in commands)
    patches = [json.loads(each.removeprefix(head)[:-1]) for each in commands]
    assert "publish" not in applied(applied(function(), patches[0]), patches[1])["spec"]
