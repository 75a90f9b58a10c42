"""An API server as a new user finds it: ACK's definitions and controller, a stuck Function, and nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from remediator.sandbox.clock import SandboxClock
from tests.bed.controlplane import ControlPlane
from tests.bed.toolchain import Toolchain
from tests.cluster.own import _controller, own_plane

__all__ = ["_controller"]


@pytest.fixture(scope="session")
def control_plane(
    tools: Toolchain, clock: SandboxClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    with own_plane(tools, tmp_path_factory.mktemp("walkthrough"), clock) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """The namespace that the page speaks of."""
    return control_plane.namespace("shop")


@pytest.fixture
def _deployment(control_plane: ControlPlane) -> None:
    """Let the controller be seen as it is where it was installed by ACK's chart."""
    path, labels = (
        "/apis/apps/v1/namespaces/ack-system/deployments",
        {"app.kubernetes.io/name": "ack-lambda-controller"},
    )
    container = {"name": "controller", "image": "any/lambda-controller:1.14.1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    body = {
        "metadata": {"name": "ack-lambda-controller"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    control_plane.admin.post(path, body)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Available", "status": "True", "lastTransitionTime": now, "reason": "MinimumReplicas"}
    status = {"availableReplicas": 1, "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    control_plane.admin.merge(f"{path}/ack-lambda-controller/status", {"status": status | {"conditions": [condition]}})
