"""Where deletions get stuck most: in a namespace that is going itself, in which nothing can be created any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from remediator.cli.wiring import Wired
from remediator.errors import Forbidden
from remediator.model.episode import Phase
from remediator.model.plan import ActionName, Result
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import Faults
from tests.bed.api import Refused
from tests.bed.controllers import Handle
from tests.bed.functions import Function
from tests.bed.plane import RBAC, Plane
from tests.bed.plugin import Create
from tests.cluster.records import Person, Records
from tests.cluster.runner import Elsewhere, Runner
from tests.cluster.stuck import nobody_wrote

pytestmark = pytest.mark.usefixtures("controller", "identity")


@pytest.fixture
def alice(home: Records) -> Person:
    """May approve everywhere: what binds a role in a namespace goes with that namespace."""
    return home.person("alice", everywhere=("approver",))


def goes(control_plane: Plane, function: Function) -> None:
    """Delete the namespace, and what is in it, as Kubernetes does; it stays, for nobody here lets it go."""
    control_plane.admin.delete(f"/api/v1/namespaces/{function.namespace}")
    function.delete()
    nobody_wrote(control_plane, function)
    with pytest.raises(Refused, match="because it is being terminated"):
        control_plane.admin.post(f"/api/v1/namespaces/{function.namespace}/configmaps", {"metadata": {"name": "x"}})


def through(front: Faults, runner: Runner, folder: Path) -> Callable[[], Wired]:
    """Start remediators behind a proxy that takes down what they ask for."""
    kubeconfig = front.kubeconfig(runner.home.kubeconfig, folder / "front")
    return lambda: runner.wire(kubeconfig, clock=Elsewhere())


def events_of(function: Function) -> str:
    """Say where is told of a Function: that is tried there, refused, and changes nothing."""
    return f"/apis/events.k8s.io/v1/namespaces/{function.namespace}/events"


def created_in(front: Faults, namespace: str) -> set[str]:
    """List in which collections of a namespace something was to be created."""
    posts = [each.path for each in front.requests if each.method in ("POST", "PUT")]
    assert posts, "nothing went through the proxy"
    return {path for path in posts if f"/namespaces/{namespace}/" in path}


def test_a_resync_there_is_recorded_at_home(
    settled: Create,
    runner: Runner,
    alice: Person,
    control_plane: Plane,
    cloud: Cloud,
    controller: Handle,
    tmp_path: Path,
) -> None:
    function = settled()
    cloud.deny("GetFunction", name=function.name, access_key=controller.access_key)
    goes(control_plane, function)
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        start = through(front, runner, tmp_path)
        assert runner.run(start()) == []
        runner.approve(alice, function)
        # The right is granted, and ACK, backing off, does not know: that is what a Resync is for.
        (outcome,) = runner.run(start(), say=lambda _: cloud.allow())
        assert created_in(front, function.namespace) == {events_of(function)}
    assert (outcome.action, outcome.result) == (ActionName.RESYNC, Result.RESOLVED), outcome.detail
    function.disappears()
    assert function.live() is None
    (attempt,) = runner.attempts(function)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.RESOLVED, alice.name)
    assert runner.run() == []
    status = runner.record(function)["status"]
    assert (status["phase"], status["resolvedBy"], status["attempts"]) == (Phase.RESOLVED, "deleted", [attempt])


@pytest.mark.usefixtures("deployment_is_down")
def test_a_finalizer_is_cleared_there_with_backup_and_record_at_home(
    settled: Create,
    runner: Runner,
    alice: Person,
    control_plane: Plane,
    cloud: Cloud,
    controller: Handle,
    tmp_path: Path,
) -> None:
    function = settled()
    controller.stop()
    goes(control_plane, function)
    cloud.remove(function.name)
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        start = through(front, runner, tmp_path)
        assert runner.run(start()) == []
        runner.approve(alice, function)
        (outcome,) = runner.run(start())
        assert created_in(front, function.namespace) == {events_of(function)}
    assert (outcome.action, outcome.result) == (ActionName.CLEAR_FINALIZER, Result.RESOLVED), outcome.detail
    assert function.find() is None
    (attempt,) = runner.attempts(function)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.RESOLVED, alice.name)
    kind, namespace, name = attempt["backup"].split("/")
    assert (kind, namespace) == ("secret", runner.home.home)
    assert control_plane.admin.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")["immutable"] is True


def test_who_may_approve_by_a_binding_in_that_namespace_may_no_longer(
    settled: Create, runner: Runner, home: Records, control_plane: Plane, cloud: Cloud, controller: Handle
) -> None:
    function = settled()
    bob = home.person("bob", function.namespace)
    cloud.deny("GetFunction", name=function.name, access_key=controller.access_key)
    goes(control_plane, function)
    control_plane.admin.delete(f"{RBAC}/namespaces/{function.namespace}/rolebindings/{home.people}-bob")
    runner.run()
    with pytest.raises(Forbidden, match="may not approve remediations in namespace"):
        runner.approve(bob, function)
