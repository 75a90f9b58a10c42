"""What a Release writes, needs and warns of; and that it can be undone to the letter."""

from __future__ import annotations

import copy
import json
import shlex

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.actions.leftover import undo_leftover, unpublish
from remediator.actions.release import release
from remediator.diagnosis import diagnose
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import History
from remediator.model.plan import ActionName, Operation, Plan, Verification
from remediator.model.resource import FUNCTION_FINALIZER
from tests.builders import ALIVE, ARN, DOWN, GONE, NOW, Json, active, decoded, deleting, failing, function, observe

BLOCKED = FindingName.DELETION_BLOCKED
REFUSED = "InvalidParameterValueException: the function cannot be deleted"
POLICY = "services.k8s.aws/deletion-policy"
BEFORE = "ack-remediator.dev/deletion-policy-before"
MARK = "ack-remediator.dev/resync"
PATHS = {
    MARK: "/metadata/annotations/ack-remediator.dev~1resync",
    BEFORE: "/metadata/annotations/ack-remediator.dev~1deletion-policy-before",
    POLICY: "/metadata/annotations/services.k8s.aws~1deletion-policy",
}


def planned(
    raw: Json,
    live: LiveState | None = None,
    controller: ControllerFacts = ALIVE,
    history: History | None = None,
) -> Plan:
    return release(observe(raw, live or active(), controller=controller, history=history or History()), BLOCKED)


def applied(raw: Json, patch: tuple[Operation, ...]) -> Json:
    """Apply a patch as the API server does: through JSON, on a copy."""
    changed: Json = jsonpatch.apply_patch(copy.deepcopy(raw), json.dumps(patch))
    return changed


def undone(raw: Json) -> Json:
    return applied(raw, undo_leftover(decoded(raw)))


def annotated(**marks: str) -> Json:
    names = {"policy": POLICY, "before": BEFORE, "mark": MARK}
    return deleting(metadata={"annotations": {names.get(key, key): value for key, value in marks.items()}})


def unmet(plan: Plan) -> list[str]:
    return [need.name for need in plan.needs if not need.met]


# -- steps ----------------------------------------------------------------------------------------------------------


def test_the_two_patches_are_just_these() -> None:
    plan = planned(annotated(team="shop"))
    mark = plan.digest[:16]
    first, second = plan.steps
    assert first.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-shop-checkout"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "4711"},
        {"op": "add", "path": PATHS[MARK], "value": mark},
        {"op": "add", "path": PATHS[BEFORE], "value": "absent"},
        {"op": "add", "path": PATHS[POLICY], "value": "retain"},
        {"op": "add", "path": "/spec/publish", "value": False},
    )
    assert second.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-shop-checkout"},
        {"op": "test", "path": PATHS[MARK], "value": mark},
        {"op": "test", "path": "/spec/publish", "value": False},
        {"op": "remove", "path": "/spec/publish"},
    )


def test_without_annotations_the_map_is_made() -> None:
    plan = planned(deleting())
    mark = plan.digest[:16]
    assert plan.steps[0].patch[2] == {
        "op": "add",
        "path": "/metadata/annotations",
        "value": {MARK: mark, BEFORE: "absent", POLICY: "retain"},
    }


def test_it_is_backed_up_and_needs_no_proof_of_anything_gone() -> None:
    plan = planned(deleting())
    assert (plan.action, plan.proofs, plan.backup) == (ActionName.RELEASE, 0, True)
    assert plan.verification is Verification.RELEASED
    assert unmet(plan) == []


def test_the_orphan_is_named_to_who_approves() -> None:
    plan = planned(deleting())
    assert plan.summary == f"let the object go and keep {ARN} in AWS, as an orphan"
    assert plan.notes == (
        f"{ARN} stays in AWS, billed and managed by nobody; this object goes.",
        "A pass of the controller that is under way may still delete the function.",
    )


@pytest.mark.parametrize("metadata", [{"uid": "another"}, {"resourceVersion": "4712"}], ids=["uid", "resourceVersion"])
def test_on_an_object_that_changed_it_fails(metadata: Json) -> None:
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(deleting(metadata=metadata), planned(deleting()).steps[0].patch)


def test_the_second_step_stands_status_writes_in_between() -> None:
    first, second = planned(deleting()).steps
    between = applied(deleting(), first.patch)
    between["metadata"] |= {"resourceVersion": "4799", "generation": 4}
    between["status"]["conditions"] = failing("new")
    after = applied(between, second.patch)
    assert "publish" not in after["spec"]
    assert after["metadata"]["annotations"][POLICY] == "retain"


names = st.text("abcdefghijklmnopqrstuvwxyz./-~", min_size=1, max_size=20)
words = st.text(max_size=8)
policies = st.none() | st.sampled_from(["delete", "retain", "", "absent", "was delete"]) | words
scalars = st.none() | st.booleans() | st.integers() | words
specs = st.dictionaries(st.text("abcdefghijkl", min_size=1, max_size=6), st.recursive(scalars, st.lists, max_leaves=4))


@given(
    extra=specs,
    annotations=st.none() | st.dictionaries(names, words, max_size=3),
    policy=policies,
    steps=st.sampled_from([1, 2]),
)
def test_undone_after_either_step_the_object_is_byte_for_byte_as_it_was(
    extra: Json, annotations: dict[str, str] | None, policy: str | None, steps: int
) -> None:
    if policy is not None:
        annotations = (annotations or {}) | {POLICY: policy}
    raw = deleting(metadata={"annotations": annotations})
    raw["spec"] = extra | raw["spec"]
    between = raw
    for step in planned(raw).steps[:steps]:
        between = applied(between, step.patch)
    mine = {MARK, BEFORE, POLICY}
    assert between["metadata"]["annotations"][POLICY] == "retain"
    theirs = {key: value for key, value in between["metadata"]["annotations"].items() if key not in mine}
    assert theirs == {key: value for key, value in (annotations or {}).items() if key not in mine}
    assert between["spec"] == raw["spec"] | ({"publish": False} if steps == 1 else {})
    after = undone(between)
    assert json.dumps(after["spec"]) == json.dumps(raw["spec"])
    assert after["metadata"].pop("annotations", {}) == (annotations or {})
    assert after["metadata"] == {key: each for key, each in raw["metadata"].items() if key != "annotations"}
    assert after["status"] == raw["status"]


# -- undo -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["delete", "keep", ""])
def test_a_policy_that_somebody_set_meanwhile_stays(policy: str) -> None:
    raw = annotated(mark="m", before="absent", policy=policy)
    assert undone(raw)["metadata"]["annotations"] == {POLICY: policy}


def test_a_policy_that_somebody_took_away_meanwhile_stays_away() -> None:
    assert undone(annotated(mark="m", before="was delete"))["metadata"]["annotations"] == {}


@pytest.mark.parametrize("memory", ["", "retain", "delete"])
def test_what_it_was_before_is_not_guessed(memory: str) -> None:
    raw = annotated(mark="m", before=memory, policy="retain")
    assert undone(raw)["metadata"]["annotations"] == {POLICY: "retain"}


def test_a_retain_without_a_memory_is_not_ours() -> None:
    assert undone(annotated(mark="m", policy="retain"))["metadata"]["annotations"] == {POLICY: "retain"}
    assert undo_leftover(decoded(annotated(policy="retain"))) == ()


def test_a_memory_whose_mark_was_taken_away_is_undone_too() -> None:
    raw = annotated(before="was delete", policy="retain", team="shop")
    raw["spec"]["publish"] = False
    after = undone(raw)
    assert after["metadata"]["annotations"] == {POLICY: "delete", "team": "shop"}
    assert "publish" not in after["spec"]


@pytest.mark.parametrize("key", [MARK, BEFORE, POLICY])
def test_undoing_is_refused_once_somebody_wrote_there(key: str) -> None:
    raw = annotated(mark="m", before="absent", policy="retain")
    patch = undo_leftover(decoded(raw))
    raw["metadata"]["annotations"][key] = "another"
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(raw, patch)


def test_a_second_release_remembers_what_was_there_before_the_first() -> None:
    raw = annotated(mark="m", before="was delete", policy="retain")
    again = applied(raw, planned(raw, history=History(own_retain=True)).steps[0].patch)
    assert undone(again)["metadata"]["annotations"] == {POLICY: "delete"}


def test_while_it_goes_on_just_publish_is_taken_back() -> None:
    between = applied(deleting(), planned(deleting()).steps[0].patch)
    after = applied(between, unpublish(decoded(between)))
    assert "publish" not in after["spec"]
    assert after["metadata"] == between["metadata"]


@pytest.mark.parametrize("publish", [True, None])
def test_a_publish_that_is_not_ours_stays(publish: bool | None) -> None:
    raw = annotated(mark="m", before="absent", policy="retain")
    if publish is not None:
        raw["spec"]["publish"] = publish
    assert unpublish(decoded(raw)) == ()
    assert undone(raw)["spec"] == raw["spec"]


def test_without_our_mark_publish_is_nobodys_business() -> None:
    raw = annotated(policy="retain")
    raw["spec"]["publish"] = False
    assert unpublish(decoded(raw)) == ()


# -- needs ----------------------------------------------------------------------------------------------------------


def test_a_living_object_is_not_let_go() -> None:
    assert unmet(planned(function())) == ["object is being deleted"]


def test_what_ack_does_not_hold_it_cannot_let_go() -> None:
    assert unmet(planned(deleting(metadata={"finalizers": ["a/one"]}))) == ["ACK's finalizer is there"]
    assert unmet(planned(deleting(metadata={"finalizers": None}))) == ["ACK's finalizer is there"]


@pytest.mark.parametrize(
    "live",
    [GONE, unreadable("denied"), active(arn=None), active(arn=ARN.replace("us-east-1", "eu-west-1"))],
    ids=["gone", "unreadable", "of no ARN", "of another region"],
)
def test_what_is_to_be_kept_has_to_be_there(live: LiveState) -> None:
    assert unmet(planned(deleting(), live)) == ["function is there to be kept"]


@pytest.mark.parametrize("status", [None, {}, {"ackResourceMetadata": {"arn": "arn:of:something"}}], ids=str)
def test_without_an_arn_no_orphan_can_be_named(status: Json | None) -> None:
    plan = planned(deleting() | {"status": status})
    assert unmet(plan) == ["function is there to be kept"]
    assert "status records no ARN of it" in [need.why for need in plan.needs]


def test_in_another_region_ack_lets_nothing_go() -> None:
    raw = deleting(metadata={"annotations": {"services.k8s.aws/region": "eu-west-1"}})
    plan = planned(raw)
    assert unmet(plan) == ["ACK finds its place"]
    assert any("services.k8s.aws/region says eu-west-1, status says us-east-1" in need.why for need in plan.needs)


@pytest.mark.parametrize("policy", ["retain", "", "Delete"])
def test_what_says_retain_in_acks_reading_needs_no_release(policy: str) -> None:
    assert unmet(planned(annotated(policy=policy))) == ["it does not say retain yet"]


def test_what_says_delete_can_be_released() -> None:
    assert unmet(planned(annotated(policy="delete"))) == []


def test_a_retain_of_our_own_does_not_stand_in_the_way() -> None:
    assert unmet(planned(annotated(policy="retain"), history=History(own_retain=True))) == []


def test_a_controller_that_is_down_lets_nothing_go() -> None:
    assert unmet(planned(deleting(), controller=DOWN)) == ["controller works"]
    assert unmet(planned(deleting(), controller=ControllerFacts())) == []
    elsewhere = ControllerFacts(ALIVE.health, ALIVE.why, watched_namespaces=("billing",))
    assert unmet(planned(deleting(), controller=elsewhere)) == ["controller watches it"]


@pytest.mark.parametrize("publish", [True, False])
def test_a_publish_that_the_user_set_is_not_touched(publish: bool) -> None:
    assert unmet(planned(deleting(spec={"publish": publish}))) == ["spec.publish is free"]


def test_a_terminal_error_is_no_obstacle() -> None:
    raw = deleting(conditions=[{"type": "ACK.Terminal", "status": "True", "message": "no"}])
    assert unmet(planned(raw)) == []


# -- on request -----------------------------------------------------------------------------------------------------


def asked(raw: Json, requested: ActionName | None, live: LiveState | None = None, **more: object) -> Plan | None:
    seen = observe(raw, live or active(), **({"controller": ALIVE} | more))
    finding = diagnose(seen)
    assert finding is not None
    return plan_for(finding, seen, requested)


blocked = deleting(conditions=failing(REFUSED))
unexplained = deleting()


@pytest.mark.parametrize("raw", [blocked, unexplained], ids=["DeletionBlocked", "DeletionUnexplained"])
def test_what_is_stuck_is_released_where_a_person_asks_for_it(raw: Json) -> None:
    plan = asked(raw, ActionName.RELEASE)
    assert plan is not None
    assert (plan.action, unmet(plan)) == (ActionName.RELEASE, [])


@pytest.mark.parametrize(("raw", "advised"), [(blocked, None), (unexplained, ActionName.RESYNC)])
def test_nobody_is_advised_to_release_anything(raw: Json, advised: ActionName | None) -> None:
    plan = asked(raw, None)
    assert (plan.action if plan else None) == advised


def test_asking_for_what_is_advised_anyway_is_the_same() -> None:
    assert asked(unexplained, ActionName.RESYNC) == asked(unexplained, None) is not None


@pytest.mark.parametrize(
    ("raw", "live", "controller"),
    [
        (deleting(hours=0.1), active(), ALIVE),
        (deleting(), active(), DOWN),
        (deleting(), GONE, ALIVE),
        (deleting(), active(state="Deleting"), ALIVE),
        (deleting(), unreadable("denied"), ALIVE),
        (deleting(conditions=failing("AccessDeniedException: no")), active(), ALIVE),
        (deleting(spec={"name": "renamed"}), active(), ALIVE),
        (function(conditions=failing("what is this")), active(), ALIVE),
    ],
    ids=["young", "unattended", "gone", "in progress", "unreadable", "denied", "renamed", "living"],
)
def test_other_findings_do_not_allow_for_it(raw: Json, live: LiveState, controller: ControllerFacts) -> None:
    assert asked(raw, ActionName.RELEASE, live, controller=controller) is None


@pytest.mark.parametrize("raw", [blocked, unexplained])
def test_a_finalizer_is_never_cleared_because_somebody_asks(raw: Json) -> None:
    assert asked(raw, ActionName.CLEAR_FINALIZER) is None


def test_what_a_finding_advises_by_itself_has_to_be_safe_to_advise() -> None:
    finding = Finding(name=BLOCKED, state=State.STUCK, summary="", since=NOW, remedy=Remedy.RELEASE)
    assert plan_for(finding, observe(deleting(), active()), ActionName.RELEASE) is None


def test_a_name_that_is_a_secret_is_not_shown() -> None:
    raw = deleting(spec={"environment": {"variables": {"NAME": "checkout"}}})
    plan = asked(raw, ActionName.RELEASE)
    assert plan is not None
    told = " ".join((plan.summary, *plan.notes, *(need.why for need in plan.needs)))
    assert "•••" in told
    assert "checkout" not in told


def test_the_finalizer_itself_is_not_in_any_patch() -> None:
    written = json.dumps([step.patch for step in planned(deleting()).steps])
    assert FUNCTION_FINALIZER not in written
    assert "finalizers" not in written


def test_the_steps_can_be_typed_by_hand_whatever_the_policy_says() -> None:
    raw = annotated(policy="it's `mine`")
    patches = [json.loads(shlex.split(each)[-1]) for each in planned(raw).kubectl()]
    between = applied(applied(raw, patches[0]), patches[1])
    assert undone(between) == raw
