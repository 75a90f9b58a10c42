"""Region and account: where a function is made, and the silence when either is changed afterwards."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import NAMESPACE as SYSTEM
from tests.bed.functions import FINALIZER, condition, heartbeat, is_ready, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

OTHER = "444455556666"
REGION = {"services.k8s.aws/region": "eu-west-1"}
NO_ROLE = "IAM Role is not available"


def reason(trouble: str) -> str:
    return f'retrieving role ARN for account/team ID "{OTHER}" from "ack-role-account-map" configmap: {trouble}'


def annotate_namespace(plane: Plane, namespace: str, key: str, value: str) -> None:
    plane.admin.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": {key: value}}})


@pytest.fixture
def account_map(control_plane: Plane) -> Iterator[str]:
    """The path of ACK's map from accounts to roles, with a role for another account in it."""
    path = f"/api/v1/namespaces/{SYSTEM}/configmaps"
    role = f"arn:aws:iam::{OTHER}:role/ack"
    control_plane.admin.post(path, {"metadata": {"name": "ack-role-account-map"}, "data": {OTHER: role}})
    yield f"{path}/ack-role-account-map"
    control_plane.admin.delete(f"{path}/ack-role-account-map")


def test_an_annotation_chooses_the_region(create: Create, cloud: Cloud) -> None:
    function = create(metadata={"annotations": REGION})
    seen = function.becomes(is_ready, "is synced")
    assert seen["status"]["ackResourceMetadata"]["region"] == "eu-west-1"
    assert ":eu-west-1:" in seen["status"]["ackResourceMetadata"]["arn"]
    assert {call.region for call in function.calls()} == {"eu-west-1"}
    cloud.remove(function.name, region="eu-west-1")


def test_a_namespace_chooses_it_for_all_in_it(
    create: Create, cloud: Cloud, control_plane: Plane, namespace: str
) -> None:
    annotate_namespace(control_plane, namespace, "services.k8s.aws/default-region", "eu-west-1")
    function = create()
    seen = function.becomes(is_ready, "is synced")
    assert seen["status"]["ackResourceMetadata"]["region"] == "eu-west-1"
    cloud.remove(function.name, region="eu-west-1")


def test_a_changed_region_is_refused_in_silence(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.annotate(REGION)
    before, index = function.read(), len(cloud.calls)
    function.edit(timeout=9)
    seen = function.stays(lambda seen: seen["status"] == before["status"], "nothing is said", 2)
    assert is_ready(seen)
    assert function.asked(index) == []
    # It is tried again all the while: once the annotation is gone it needs no other push.
    function.annotate(dict.fromkeys(REGION))
    function.becomes_live(lambda it: it and it["Timeout"] == 9, "the change reaches it")


def test_a_region_of_the_namespace_that_comes_later_is_refused_in_silence_too(
    settled: Create, cloud: Cloud, control_plane: Plane, namespace: str
) -> None:
    function = settled()
    annotate_namespace(control_plane, namespace, "services.k8s.aws/default-region", "eu-west-1")
    before, index = function.read(), len(cloud.calls)
    function.edit(timeout=9)
    function.stays(lambda seen: seen["status"] == before["status"], "nothing is said", 2)
    assert function.asked(index) == []


def test_in_another_region_not_even_a_deletion_is_looked_at_retain_or_not(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.annotate(REGION)
    index = len(cloud.calls)
    function.delete()
    function.toggle()
    function.stays(is_ready, "looks healthy", 1)
    function.annotate({"services.k8s.aws/deletion-policy": "retain"})
    function.toggle()
    seen = function.stays(is_ready, "looks healthy", 1)
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    assert function.asked(index) == []
    assert function.live() is not None


def test_an_account_without_a_role_is_told_over_conditions_of_before(
    settled: Create, cloud: Cloud, control_plane: Plane, namespace: str
) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    annotate_namespace(control_plane, namespace, "services.k8s.aws/owner-account-id", OTHER)
    function.edit(timeout=9)
    seen = function.becomes(lambda seen: synced(seen) == "False", "says why")
    said = condition(seen, "ACK.ResourceSynced")
    assert (said["message"], said["reason"]) == (NO_ROLE, reason("CARM configmap not found"))
    assert condition(seen, "Ready") == condition(before, "Ready")
    again = function.becomes(lambda now: heartbeat(now) != heartbeat(seen), "is tried again", 30)
    first, second = (datetime.fromisoformat(str(heartbeat(each))) for each in (seen, again))
    # Whole seconds: 15 can look like 14.
    assert 14 < (second - first).total_seconds() < 25
    assert function.asked(index) == []


@pytest.mark.usefixtures("account_map")
def test_an_account_that_the_map_does_not_know_has_no_role(
    create: Create, control_plane: Plane, namespace: str, account_map: str
) -> None:
    control_plane.admin.merge(account_map, {"data": {OTHER: None, "777788889999": "arn:aws:iam::777788889999:role/x"}})
    annotate_namespace(control_plane, namespace, "services.k8s.aws/owner-account-id", OTHER)
    function = create()
    seen = function.becomes(lambda seen: synced(seen) == "False", "says why")
    assert condition(seen, "ACK.ResourceSynced")["reason"] == reason("key not found in CARM configmap")
    assert "finalizers" not in seen["metadata"]
    assert function.asked() == []


@pytest.mark.usefixtures("account_map")
def test_a_changed_account_is_refused_in_silence_and_deletions_too(
    settled: Create, cloud: Cloud, control_plane: Plane, namespace: str
) -> None:
    function = settled()
    annotate_namespace(control_plane, namespace, "services.k8s.aws/owner-account-id", OTHER)
    before, index = function.read(), len(cloud.calls)
    function.edit(timeout=9)
    function.stays(lambda seen: seen["status"] == before["status"], "nothing is said", 2)
    function.delete()
    seen = function.stays(is_ready, "looks healthy", 1)
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    assert function.asked(index) == []
