"""What is wrong with the cluster as a whole, on the real thing: told once, and where it must be, nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.controller import Health
from remediator.model.finding import FindingName, State
from remediator.model.scan import Scan
from remediator.sandbox.cloud import Cloud
from tests.bed.api import found
from tests.bed.controllers import Handle
from tests.bed.functions import Function
from tests.bed.plane import CRDS, Plane
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.records import Records
from tests.cluster.runner import Runner
from tests.cluster.stuck import rolled_back

pytestmark = pytest.mark.usefixtures("controller", "identity")

Json = dict[str, Any]
Deploy = Callable[..., str]
DEPLOYMENTS = "/apis/apps/v1/namespaces/{namespace}/deployments"
LABELS = {"app": "ack-lambda-controller"}


@pytest.fixture
def deploy(control_plane: Plane) -> Iterator[Deploy]:
    """Let a Deployment of the controller be there, in a namespace of its own; no kubelet runs anything of it."""
    made: list[str] = []

    def make(*args: str, image: str = "any/lambda-controller:1.14.1", available: bool = True, **env: Json) -> str:
        namespace = control_plane.namespace()
        path = DEPLOYMENTS.format(namespace=namespace)
        container = {"name": "controller", "image": image, "args": list(args), "env": list(env.values())}
        spec = {
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
        }
        control_plane.admin.post(path, {"metadata": {"name": "ack"}, "spec": spec})
        made.append(f"{path}/ack")
        since = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Available", "status": str(available), "lastTransitionTime": since, "reason": "Said"}
        replicas = (
            {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1} if available else {}
        )
        status = {"observedGeneration": 1, "conditions": [condition], **replicas}
        control_plane.admin.merge(f"{path}/ack/status", {"status": status})
        return namespace

    yield make
    for each in made:
        control_plane.admin.delete(each)


def told(scan: Scan, name: ClusterFindingName) -> ClusterFinding:
    """Pick a finding that must be there, once."""
    (one,) = [each for each in scan.cluster if each.name is name]
    return one


def names(scan: Scan) -> list[ClusterFindingName]:
    assert scan.partial == ()
    return [each.name for each in scan.cluster]


def test_a_controller_that_is_not_in_the_cluster_is_known_by_its_heartbeats(settled: Create, runner: Runner) -> None:
    """As where ACK is managed by EKS: nothing is wrong with that."""
    settled()
    scan = runner.wire().work.scan()
    assert (scan.controller.health, scan.controller.deployment) == (Health.ALIVE, None)
    assert "perhaps ACK is managed by EKS; judged by heartbeats" in scan.controller.why
    assert (names(scan), scan.unknown) == ([], ())


def test_how_it_was_started_is_read_from_its_deployment(settled: Create, runner: Runner, deploy: Deploy) -> None:
    settled()
    namespace = deploy(
        *("--aws-region", "$(AWS_REGION)", "--watch-namespace", "$(WATCH)", "--enable-carm=false"),
        *("--reconcile-default-resync-seconds", "900", "--feature-gates=IAMRoleSelector=true"),
        region={"name": "AWS_REGION", "value": "eu-west-1"},
        watch={"name": "WATCH", "value": runner.namespace},
        own={"name": "ACK_SYSTEM_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    )
    facts = runner.wire().work.scan().controller
    assert (facts.health, facts.deployment, facts.version) == (Health.ALIVE, f"{namespace}/ack", "1.14.1")
    assert (facts.region, facts.watched_namespaces, facts.carm) == ("eu-west-1", (runner.namespace,), False)
    assert (facts.resync, facts.feature_gates) == (timedelta(minutes=15), {"IAMRoleSelector": True})
    assert (facts.system_namespace, facts.unsure) == (namespace, "")


def test_a_controller_in_a_crash_loop_explains_what_nobody_looks_at(
    settled: Create, runner: Runner, deploy: Deploy, control_plane: Plane, controller: Handle
) -> None:
    green, going = settled(), settled()
    controller.stop()
    namespace = deploy(available=False)
    control_plane.admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    pod = {
        "metadata": {"name": "ack-1", "labels": LABELS},
        "spec": {"containers": [{"name": "controller", "image": "x"}]},
    }
    control_plane.admin.post(f"/api/v1/namespaces/{namespace}/pods", pod)
    crashed: Json = {
        "name": "controller",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 17,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/ack-1/status"
    control_plane.admin.merge(path, {"status": {"containerStatuses": [crashed]}})
    # Whoever finished a pass since it went away would be another one.
    for each in (green, going):
        long_ago = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        conditions = [condition | {"lastTransitionTime": long_ago} for condition in each.read()["status"]["conditions"]]
        control_plane.admin.merge(f"{each.path}/status", {"status": {"conditions": conditions}})
    going.delete()
    scan = runner.wire().work.scan()
    one = told(scan, ClusterFindingName.CONTROLLER_DOWN)
    assert (one.state, one.affected) == (State.STUCK, 1)
    assert "is in CrashLoopBackOff after 17 restarts, last ended with Error, exit code 1" in one.summary
    assert one.summary.endswith("This explains 1 finding; 1 more looks healthy only because nobody looks.")
    (found_one,) = [each.finding for each in scan.results if each.finding]
    assert found_one.name is FindingName.DELETION_UNATTENDED


def test_a_controller_per_team_of_which_one_is_down(settled: Create, runner: Runner, deploy: Deploy) -> None:
    settled()
    away = deploy(f"--watch-namespace={runner.namespace}", available=False)
    deploy("--watch-namespace=somewhere-else")
    scan = runner.wire().work.scan()
    assert scan.controller.watches(runner.namespace) is False
    # The one that runs beside the cluster has finished a pass since: somebody works on it all the same.
    assert [each.deployment for each in scan.controller.installs if each.health is Health.DOWN] == [f"{away}/ack"]
    assert names(scan) == []


@pytest.fixture
def going_definition(control_plane: Plane) -> Iterator[str]:
    """Delete the definition of a kind that nobody works on here; an object with a finalizer keeps it from going."""
    name = "layerversions.lambda.services.k8s.aws"
    admin, path = control_plane.admin, f"{CRDS}/{name}"
    before, namespace = admin.get(path), control_plane.namespace()
    objects = f"/apis/lambda.services.k8s.aws/v1alpha1/namespaces/{namespace}/layerversions"
    layer = {
        "metadata": {"name": "layer", "finalizers": ["example.org/keep"]},
        "spec": {"layerName": "x", "content": {}},
    }
    admin.post(objects, layer | {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "LayerVersion"})
    admin.delete(path)
    yield name
    admin.merge(f"{objects}/layer", {"metadata": {"finalizers": None}})
    eventually(lambda: found(admin, path), lambda it: it is None, "it is gone", control_plane.clock)
    metadata = {"name": name, "annotations": before["metadata"].get("annotations", {})}
    admin.post(CRDS, {key: before[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata})
    eventually(
        lambda: admin.get(path).get("status", {}).get("conditions") or [],
        lambda seen: any(each["type"] == "Established" and each["status"] == "True" for each in seen),
        "it is established",
        control_plane.clock,
    )


def test_nothing_is_done_while_a_definition_goes(
    settled: Create,
    runner: Runner,
    home: Records,
    control_plane: Plane,
    cloud: Cloud,
    going_definition: str,
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    wired = runner.wire(mode="auto")
    scan = wired.work.scan(rehearse=True)
    one = told(scan, ClusterFindingName.CRD_DELETING)
    assert one.subject == f"customresourcedefinition/{going_definition}"
    assert going_definition in one.summary
    assert one.evidence["since"]
    (decision,) = [each.decision for each in scan.results if each.decision]
    assert [each.gate for each in decision.held_by_fact] == ["crd"]
    assert list(wired.work.proceed(scan)) == []


def test_a_namespace_that_goes_is_told_with_what_is_in_it(
    settled: Create, runner: Runner, control_plane: Plane, controller: Handle
) -> None:
    function = settled()
    controller.stop()
    control_plane.admin.delete(f"/api/v1/namespaces/{function.namespace}")
    function.delete()
    scan = runner.wire().work.scan()
    one = told(scan, ClusterFindingName.NAMESPACE_TERMINATING)
    assert (one.subject, one.affected) == (f"namespace/{function.namespace}", 1)
    assert one.evidence["resources"] == f"{function.namespace}/{function.name}"


def test_a_version_with_known_bugs_is_told(settled: Create, runner: Runner, deploy: Deploy) -> None:
    settled()
    deploy(image="some.registry:5000/mirror/lambda-controller:v1.7.3@sha256:" + "0a" * 32)
    one = told(runner.wire().work.scan(), ClusterFindingName.CONTROLLER_VERSION)
    assert one.state is State.ADVISORY
    assert one.evidence["community#2433"].endswith("fixed in 1.7.4")


def test_several_workers_and_conflicts(
    settled: Create, runner: Runner, deploy: Deploy, cloud: Cloud, control_plane: Plane
) -> None:
    deploy("--reconcile-resource-max-concurrent-syncs=Function=4")
    made: list[Function] = [settled(), settled()]
    for each in made:
        cloud.set_update(each.name, "InProgress", seconds=60)
        each.edit(memorySize=512)
    for each in made:
        each.becomes(lambda seen: "update is in progress" in str(seen["status"]), "meets a 409")
    one = told(runner.wire().work.scan(), ClusterFindingName.CONTROLLER_CONCURRENCY)
    assert (one.state, one.affected) == (State.ADVISORY, 2)
    assert one.summary.startswith("The controller works on 4 Functions at a time")


def test_approvals_without_their_policy_are_told(settled: Create, runner: Runner, home: Records) -> None:
    settled()
    assert names(runner.wire().work.scan()) == []
    with home.without_policy():
        one = told(runner.wire().work.scan(), ClusterFindingName.APPROVALS_UNGUARDED)
        assert "the API server takes a forged one" in one.summary
