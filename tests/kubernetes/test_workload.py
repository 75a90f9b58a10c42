"""A controller's Deployment: what is read of it, and the one thing that is written to it."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.errors import ClusterError, NotFound
from remediator.kubernetes.remediation_object import new_object
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.decision import Rehearsed
from remediator.model.resource import Ref
from remediator.model.times import parse_time
from remediator.model.workload import DEPLOYMENT, RESTARTED_AT
from remediator.sandbox.apiserver import ApiServer

LABELS = {"app": "ack"}
SECRET = "correct-horse-battery"
ANNOTATIONS = "/spec/template/metadata/annotations"
TOLD = f"{ANNOTATIONS}/kubectl.kubernetes.io~1restartedAt"
NOW = "2026-11-21T12:00:00Z"
BEGAN, ROLLED = "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"
Json = dict[str, Any]


def seed(api: ApiServer, annotations: Json | None = None, **spec: Any) -> None:
    container = {"name": "controller", "image": "any/lambda-controller:1", "env": [{"name": "A", "value": SECRET}]}
    marks = {} if annotations is None else {"annotations": annotations}
    template = {"metadata": {"labels": LABELS, **marks}, "spec": {"containers": [container]}}
    done = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": ROLLED}
    counts = {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}
    metadata = {"name": "ack", "namespace": "ack-system", "generation": 1}
    whole = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template, **spec}
    body = {"apiVersion": "apps/v1", "kind": DEPLOYMENT, "metadata": metadata, "spec": whole}
    api.seed(body | {"status": {"observedGeneration": 1, "conditions": [done], **counts}})


def seed_pod(api: ApiServer, name: str, created: str) -> None:
    metadata = {"name": name, "namespace": "ack-system", "labels": LABELS, "creationTimestamp": created}
    container = {"name": "controller", "image": "any"}
    api.seed({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}})


@pytest.fixture
def cluster(transport: Transport) -> KubernetesCluster:
    return KubernetesCluster(transport)


def test_it_is_read_with_its_pods(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api, {RESTARTED_AT: BEGAN})
    seed_pod(api, "older", BEGAN)
    seed_pod(api, "younger", NOW)
    found = cluster.workload("ack-system", "ack")
    assert (found.desired, found.current, found.updated, found.available) == (2, 2, 1, 1)
    assert (found.restarted_at, found.annotated, found.unknown) == (BEGAN, True, "")
    assert (found.rolled_out, found.started) == (parse_time(ROLLED), parse_time(NOW))
    assert not (found.rolled or found.rolling or found.paused)


def test_its_environment_is_nobodys_business(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api)
    found = cluster.workload("ack-system", "ack")
    assert SECRET not in repr(found)
    assert SECRET not in repr(cluster.get("ack-system", "ack", DEPLOYMENT))


def test_one_without_pods_or_annotations(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api, paused=True)
    found = cluster.workload("ack-system", "ack")
    assert (found.annotated, found.restarted_at, found.started, found.paused) == (False, None, None, True)


def test_pods_that_may_not_be_listed_are_not_known(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api)
    api.refuse("list", "pods", code=403, reason="Forbidden", message="no rights")
    found = cluster.workload("ack-system", "ack")
    assert found.unknown == "its pods could not be listed: the API server refuses: no rights"


def test_one_that_is_not_there(cluster: KubernetesCluster) -> None:
    with pytest.raises(NotFound):
        cluster.workload("ack-system", "none")
    with pytest.raises(NotFound):
        cluster.get("ack-system", "none", DEPLOYMENT)


def ref_of(cluster: KubernetesCluster) -> Ref:
    return cluster.workload("ack-system", "ack").ref


@pytest.mark.parametrize("annotations", [None, {"a": "b"}])
def test_a_restart_is_tried_and_written(api: ApiServer, cluster: KubernetesCluster, annotations: Json | None) -> None:
    seed(api, annotations)
    patch: list[Json] = [{"op": "add", "path": TOLD, "value": NOW}]
    if annotations is None:
        patch.insert(0, {"op": "add", "path": ANNOTATIONS, "value": {}})
    before = cluster.get("ack-system", "ack", DEPLOYMENT)
    assert cluster.permitted(before.ref) == (True, "we may patch it")
    assert cluster.rehearse(before, patch).result is Rehearsed.VERIFIED
    assert cluster.workload("ack-system", "ack").restarted_at is None
    after = cluster.patch(before.ref, patch)
    assert after.metadata.generation == before.metadata.generation + 1
    assert cluster.workload("ack-system", "ack").restarted_at == NOW


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "evil"},
        {"op": "add", "path": ANNOTATIONS, "value": {"a": "b"}},
        {"op": "add", "path": f"{ANNOTATIONS}/other", "value": "x"},
        {"op": "remove", "path": TOLD},
        {"op": "replace", "path": "/spec/replicas", "value": 0},
    ],
    ids=lambda each: f"{each['op']} {each['path']}",
)
def test_nothing_but_a_restart_is_written_to_it(api: ApiServer, cluster: KubernetesCluster, operation: Json) -> None:
    seed(api, {RESTARTED_AT: BEGAN})
    before = api.stored("apps/v1", DEPLOYMENT, "ack-system", "ack")
    patch = [{"op": "add", "path": TOLD, "value": NOW}, operation]
    with pytest.raises(ClusterError, match="is never written to but to restart it"):
        cluster.patch(ref_of(cluster), patch)
    with pytest.raises(ClusterError, match="is never written to but to restart it"):
        cluster.rehearse(cluster.get("ack-system", "ack", DEPLOYMENT), patch)
    assert api.stored("apps/v1", DEPLOYMENT, "ack-system", "ack") == before


def test_its_record_is_of_the_api_that_it_is_of() -> None:
    target = new_object(Ref("ack-system", "ack", "UID", DEPLOYMENT))
    assert target["metadata"]["name"] == "deployment-uid"
    assert target["spec"]["target"]["apiVersion"] == "apps/v1"
