"""What the remediator may change on a Function, where it may patch them: what its actions write, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from remediator.actions import toggle
from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.leftover import undo_leftover
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.model.finding import FindingName
from remediator.model.live import LiveState, Presence
from remediator.model.observation import Observation
from remediator.model.plan import Operation, Plan
from remediator.model.resource import DELETION_POLICY, FUNCTION_FINALIZER, Resource
from tests.bed.api import Api, Refused
from tests.bed.controlplane import ControlPlane
from tests.bed.functions import Function
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.install.installation import Installation, Json

pytestmark = [pytest.mark.usefixtures("controller"), pytest.mark.timeout(300)]

OTHERS = "others.example.invalid/held"
RETAIN = {"op": "add", "path": toggle.annotation(DELETION_POLICY), "value": "retain"}
REFUSAL = "ValidatingAdmissionPolicy 'ack-remediator-writes'"


@pytest.fixture
def function(settled: Create, control_plane: ControlPlane) -> Function:
    """A Function that is annotated, labelled and held by others, too, and that ACK has done with."""
    made = settled(memorySize=256)
    metadata: Json = {
        "annotations": {"team": "shop"},
        "labels": {"app": "checkout"},
        "finalizers": [OTHERS, FUNCTION_FINALIZER],
    }
    control_plane.admin.merge(made.path, {"metadata": metadata})
    return made


@pytest.fixture
def remediator(installation: Installation, control_plane: ControlPlane, function: Function) -> Iterator[Api]:
    """Speak as the remediator of an install that acts, once the policy is in force."""
    installation.apply("acting/cronjob")
    installation.wait_for_rights()
    with Api(control_plane.url, control_plane.certificate, installation.token()) as api:
        eventually(
            lambda: refusal(api, function, {"op": "add", "path": "/spec/description", "value": "x"}, dryRun="All"),
            lambda said: REFUSAL in said,
            "the policy is in force",
            control_plane.clock,
        )
        yield api


def refusal(api: Api, function: Function, *operations: Any, **query: str) -> str:
    """Patch, and answer why that was refused; empty where it was taken."""
    try:
        api.patch(function.path, *operations, **query)
    except Refused as refused:
        return refused.message
    return ""


def planned(function: Function, action: Any) -> Plan:
    """Plan an action on it as it is now."""
    resource = msgspec.convert(function.read(), Resource)
    seen = Observation(resource=resource, live_state=LiveState(presence=Presence.PRESENT), now=datetime.now(UTC))
    plan: Plan = action(seen, FindingName.CONTROLLER_SILENT)
    return plan


def steps(plan: Plan) -> list[tuple[Operation, ...]]:
    return [tuple(each.patch) for each in plan.steps]


def test_a_resync_and_what_undoes_half_of_one(remediator: Api, function: Function) -> None:
    before = function.read()
    for step in steps(planned(function, resync)):
        assert refusal(remediator, function, *step) == ""
    assert function.read()["spec"] == before["spec"]
    first, _ = steps(planned(function, resync))
    assert refusal(remediator, function, *first) == ""
    undoing = undo_leftover(msgspec.convert(function.read(), Resource))
    assert undoing
    assert refusal(remediator, function, *undoing) == ""
    after = function.read()
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], {"team": "shop"})


@pytest.mark.parametrize("policy", [None, "delete"])
def test_a_release_and_what_undoes_it(
    remediator: Api, function: Function, control_plane: ControlPlane, policy: str | None
) -> None:
    control_plane.admin.merge(function.path, {"metadata": {"annotations": {DELETION_POLICY: policy}}})
    before = function.read()
    for step in steps(planned(function, release)):
        assert refusal(remediator, function, *step) == ""
    assert function.read()["metadata"]["annotations"][DELETION_POLICY] == "retain"
    undoing = undo_leftover(msgspec.convert(function.read(), Resource))
    assert refusal(remediator, function, *undoing) == ""
    after = function.read()
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])


def test_clearing_the_finalizer(remediator: Api, function: Function) -> None:
    [step] = steps(planned(function, clear_finalizer))
    assert refusal(remediator, function, *step) == ""
    assert function.read()["metadata"]["finalizers"] == [OTHERS]


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(
            [{"op": "replace", "path": "/spec/role", "value": "arn:aws:iam::1:role/admin"}], id="another role"
        ),
        pytest.param([{"op": "replace", "path": "/spec/memorySize", "value": 10240}], id="more memory"),
        pytest.param([{"op": "remove", "path": "/spec/memorySize"}], id="a field less"),
        pytest.param([{"op": "add", "path": "/spec/description", "value": "x"}], id="a field more"),
        pytest.param([{"op": "add", "path": "/spec/code/imageURI", "value": "x"}], id="other code"),
        pytest.param([{"op": "add", "path": "/spec/publish", "value": True}], id="publish"),
        pytest.param([{"op": "remove", "path": "/metadata/finalizers/0"}], id="another's finalizer"),
        pytest.param([{"op": "add", "path": "/metadata/finalizers/-", "value": "a.b/c"}], id="a finalizer more"),
        pytest.param(
            [{"op": "replace", "path": "/metadata/annotations/team", "value": "x"}], id="another's annotation"
        ),
        pytest.param([{"op": "remove", "path": "/metadata/annotations/team"}], id="an annotation less"),
        pytest.param(
            [{"op": "add", "path": "/metadata/annotations/services.k8s.aws~1region", "value": "x"}], id="another region"
        ),
        pytest.param(
            [{"op": "add", "path": toggle.annotation(DELETION_POLICY), "value": "delete"}], id="delete after all"
        ),
        pytest.param([{"op": "add", "path": "/metadata/labels/app", "value": "x"}], id="a label"),
        pytest.param(
            [
                {
                    "op": "add",
                    "path": "/metadata/ownerReferences",
                    "value": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}],
                }
            ],
            id="an owner",
        ),
    ],
)
def test_what_no_action_writes_is_refused(remediator: Api, function: Function, patch: list[Json]) -> None:
    before = function.read()
    assert REFUSAL in refusal(remediator, function, *patch)
    after = function.read()
    assert (after["spec"], after["metadata"]["finalizers"]) == (before["spec"], before["metadata"]["finalizers"])


def test_a_retain_of_somebody_else_is_not_taken_back(
    remediator: Api, function: Function, control_plane: ControlPlane
) -> None:
    control_plane.admin.patch(function.path, RETAIN)
    remove = {"op": "remove", "path": toggle.annotation(DELETION_POLICY)}
    assert "back to what it was before" in refusal(remediator, function, remove)
    memory = toggle.annotation("ack-remediator.dev/deletion-policy-before")
    forged = {"op": "add", "path": memory, "value": "absent"}
    assert "back to what it was before" in refusal(remediator, function, forged, remove)
    assert "which deletion-policy there was" in refusal(remediator, function, forged)


def test_people_are_not_bound_by_it(remediator: Api, function: Function, control_plane: ControlPlane) -> None:
    control_plane.admin.merge(function.path, {"spec": {"memorySize": 512}})
    assert function.read()["spec"]["memorySize"] == 512
