"""Accounts, roles and regions on the real thing: where ACK works, and as whom the product looks there.

The controller finds its own role for an account in its map. The product never assumes that one, but another, which
the policy names: where that is dead or AWS throttles, it says so, and goes on elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.cli.wiring import Wired, wire
from remediator.model.finding import FindingName
from remediator.model.kind import LAMBDA_KINDS
from remediator.model.placement import Placement
from remediator.model.scan import Judged
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import NAMESPACE as SYSTEM
from tests.bed.controllers import Handle, RealController
from tests.bed.functions import Function, collection, condition, is_ready, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.stuck import ACCESS_KEY, judged, rewind, rules

pytestmark = pytest.mark.usefixtures("controller", "identity")

OTHER, DEAD, THROTTLED = "444455556666", "565656565656", "787878787878"
REGION = "services.k8s.aws/region"
OWNER = "services.k8s.aws/owner-account-id"
READ_ROLE = "ack-remediator-read"


@pytest.fixture(scope="session")
def kubeconfig(control_plane: Plane) -> Path:
    """Someone who may read, by the role that is shipped for it."""
    control_plane.namespace("identity")
    return control_plane.service_account("identity", "ack-remediator", rules("read"))


@pytest.fixture
def remediator(kubeconfig: Path, cloud: Cloud, tmp_path: Path) -> Callable[..., Wired]:
    """Wire the product up: for one namespace, or for what has a label in all of them."""

    def make(namespace: str | None = None, selector: str | None = None, **aws: Any) -> Wired:
        policy = tmp_path / "policy.yaml"
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        policy.write_text(json.dumps(head | {"aws": {"endpointURL": cloud.endpoint} | aws}))
        return wire(
            kubeconfig=kubeconfig,
            namespace=namespace,
            all_namespaces=namespace is None,
            selector=selector,
            policy=policy,
        )

    return make


@pytest.fixture
def account_map(control_plane: Plane, cloud: Cloud) -> Iterator[str]:
    """ACK's map from accounts to roles, and the roles that are in it."""
    path = f"/api/v1/namespaces/{SYSTEM}/configmaps"
    roles = {account: cloud.add_role("ack-write", account=account) for account in (OTHER, DEAD, THROTTLED)}
    control_plane.admin.post(path, {"metadata": {"name": "ack-role-account-map"}, "data": roles})
    yield f"{path}/ack-role-account-map"
    control_plane.admin.delete(f"{path}/ack-role-account-map")


@pytest.fixture
def rolled_back(
    control_plane: Plane, cloud: Cloud, clock: SandboxClock, account_map: str, controller: Handle
) -> Iterator[Callable[[str, str], Function]]:
    """Let the controller make a function in an account and region, and AWS then say that its last update failed."""
    if not isinstance(controller, RealController):
        pytest.skip("the sandbox's controller assumes no role: this takes CONTROLLER=real")
    made: list[tuple[Function, str, str]] = []

    def make(account: str, region: str) -> Function:
        namespace = control_plane.namespace()
        if account != cloud.account:
            annotate(control_plane, namespace, OWNER, account)
        function = Function(control_plane.admin, cloud, clock, namespace, f"{namespace}-{region}")
        made.append((function, account, region))
        own = cloud.create_function("template", account=account, region=region)
        template = cloud.configuration("template", account=account, region=region)
        assert f":{account}:" in own
        body = {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "metadata": {"name": function.name, "annotations": {REGION: region}, "labels": {"story": "fleet"}},
            "spec": {
                "name": function.name,
                "role": template["Role"],
                "runtime": "python3.13",
                "handler": "app.handler",
                "code": dict(cloud.code),
            },
        }
        control_plane.admin.post(collection(namespace), body)
        seen = function.becomes(lambda seen: is_ready(seen) and seen["metadata"]["generation"] == 2, "is synced")
        assert seen["status"]["ackResourceMetadata"]["ownerAccountID"] == account
        function.falls_silent()
        cloud.set_update(function.name, "Failed", reason_code="InternalError", account=account, region=region)
        rewind(control_plane, function, 5, lastUpdateStatus="InProgress")
        return function

    yield make
    for function, account, region in made:
        function.discard()
        for name in (function.name, "template"):
            cloud.remove(name, account=account, region=region)


def annotate(control_plane: Plane, namespace: str, key: str, value: str) -> None:
    control_plane.admin.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": {key: value}}})


def placed(wired: Wired, function: Function) -> Placement:
    placement = judged(wired, function)[1].seen.placement
    assert placement is not None
    return placement


# ---- a fleet ---------------------------------------------------------------------------------------------------------


def test_a_fleet_over_accounts_and_regions_is_told_apart(
    remediator: Callable[..., Wired], rolled_back: Callable[[str, str], Function], cloud: Cloud
) -> None:
    ours = [rolled_back(cloud.account, region) for region in ("us-east-1", "eu-west-1")]
    theirs = [rolled_back(OTHER, region) for region in ("us-east-1", "eu-west-1")]
    dead, throttled = rolled_back(DEAD, "us-east-1"), rolled_back(THROTTLED, "us-east-1")
    for account in (OTHER, THROTTLED):
        cloud.add_role(READ_ROLE, account=account)
    cloud.throttle("GetFunctionConfiguration", account=THROTTLED)
    begin = len(cloud.calls)
    scan = remediator(selector="story=fleet", assumeRole=True).work.scan()
    assert scan.partial == ()
    found = {each.seen.resource.metadata.name: each for each in scan.results}
    for function in ours + theirs:
        assert _name(found[function.name]) is FindingName.UPDATE_FAILED
        live = found[function.name].seen.live_state
        assert f"::{live.account}:" in (live.identity or "")
    assert _name(found[dead.name]) is _name(found[throttled.name]) is FindingName.UNREADABLE
    assert f"may not assume arn:aws:iam::{DEAD}:role/{READ_ROLE}" in found[dead.name].seen.live_state.why
    assert "TooManyRequests" in found[throttled.name].seen.live_state.why
    calls = [each for each in cloud.calls_since(begin) if each.operation == "GetFunctionConfiguration"]
    turns = [each.at for each in calls if each.account == THROTTLED]
    assert len(turns) == 3
    assert (turns[1] - turns[0]).total_seconds() > 1.5
    assert (turns[2] - turns[1]).total_seconds() > 3.5
    assert len(calls) - len(turns) == len(ours + theirs)
    assert max(each.at for each in calls if each.account != THROTTLED) < turns[-1]


def test_without_a_word_in_the_policy_no_role_is_assumed(
    remediator: Callable[..., Wired], rolled_back: Callable[[str, str], Function], cloud: Cloud
) -> None:
    function, begin = rolled_back(OTHER, "us-east-1"), len(cloud.calls)
    _, each = judged(remediator(function.namespace), function)
    assert _name(each) is FindingName.UNREADABLE
    assert "with aws.assumeRole: true in the policy" in each.seen.live_state.why
    ours = {call.operation for call in cloud.calls_since(begin) if call.access_key == ACCESS_KEY}
    assert ours == {"GetCallerIdentity"}
    assert each.seen.placement is not None
    assert (each.seen.placement.account, each.seen.placement.role) == (OTHER, f"arn:aws:iam::{OTHER}:role/ack-write")


def _name(each: Judged) -> FindingName | None:
    return each.finding.name if each.finding else None


# ---- where ACK looks, and does not -----------------------------------------------------------------------------------


def test_a_region_that_the_object_was_not_made_in_is_told_under_green_conditions(
    settled: Create, remediator: Callable[..., Wired], namespace: str, cloud: Cloud
) -> None:
    function = settled()
    assert placed(remediator(namespace), function).obstacle == ""
    function.annotate({REGION: "eu-west-1"})
    index = len(cloud.calls)
    function.edit(timeout=9)
    assert is_ready(function.stays(is_ready, "looks healthy", 2))
    assert function.asked(index) == [], "the controller does nothing"
    placement = placed(remediator(namespace), function)
    assert placement.drift == (
        "annotation services.k8s.aws/region says eu-west-1, status says us-east-1: "
        "ACK does nothing then, without a word"
    )
    assert placement.region == "us-east-1"


def test_a_region_of_the_namespace_is_suspected_while_nobody_can_see_the_controllers_flags(
    settled: Create, remediator: Callable[..., Wired], namespace: str, control_plane: Plane
) -> None:
    function = settled()
    annotate(control_plane, namespace, "services.k8s.aws/default-region", "eu-west-1")
    placement = placed(remediator(namespace), function)
    assert (placement.drift, bool(placement.unsure)) == ("", True)
    assert "default-region says eu-west-1" in placement.suspected


def test_an_account_without_a_role_is_told_with_map_and_key(
    settled: Create, remediator: Callable[..., Wired], namespace: str, control_plane: Plane
) -> None:
    function = settled()
    annotate(control_plane, namespace, OWNER, OTHER)
    assert OTHER in placed(remediator(namespace), function).suspected
    function.edit(timeout=9)
    seen = function.becomes(lambda seen: synced(seen) == "False", "says why")
    assert condition(seen, "ACK.ResourceSynced")["message"] == "IAM Role is not available"
    # The controller's own word: now it is certain that it heeds the annotation.
    placement = placed(remediator(namespace), function)
    assert placement.role_missing == f"there is no ConfigMap {SYSTEM}/ack-role-account-map with a role for {OTHER}"
    assert placement.unsure == ""


def test_who_may_not_read_any_of_it_is_told_so_and_sees_the_rest(
    settled: Create, cloud: Cloud, namespace: str, control_plane: Plane, tmp_path: Path
) -> None:
    function = settled()
    kinds = [each.plural for each in LAMBDA_KINDS]
    rule = {"apiGroups": ["lambda.services.k8s.aws"], "resources": kinds, "verbs": ["get", "list"]}
    account = control_plane.service_account(namespace, "only-the-kinds", [rule])
    wired = wire(kubeconfig=account, namespace=namespace)
    placement = placed(wired, function)
    assert placement.unsure.startswith(f"namespace {namespace} could not be read: ")
    assert "forbidden" in placement.unsure
    assert (placement.account, placement.region, placement.obstacle) == (cloud.account, "us-east-1", "")
