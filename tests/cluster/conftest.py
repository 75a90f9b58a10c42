"""The remediator's records, on the real API server: without a controller beside it, and with one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.plane import Plane
from tests.cluster.records import Person, Records
from tests.cluster.runner import Runner
from tests.cluster.stuck import ACCESS_KEY


@pytest.fixture(scope="session")
def records(api_server: Plane, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A home namespace with definition, policy and roles, on an API server that no controller works on."""
    return Records.install(api_server, tmp_path_factory.mktemp("records"))


@pytest.fixture
def shop(api_server: Plane) -> str:
    """A namespace with resources, of the test's own."""
    return api_server.namespace()


@pytest.fixture
def api_namespace(api_server: Plane) -> str:
    """Another namespace of the test's own."""
    return api_server.namespace()


# ---- where a controller is at work -----------------------------------------------------------------------------------


@pytest.fixture
def identity(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be somebody to AWS, and leave backups where the test can clean up."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", cloud.region)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def usual_home(control_plane: Plane) -> str:
    """The home namespace of those who name none."""
    return control_plane.namespace("ack-remediator")


@pytest.fixture(scope="module")
def installed(control_plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    """Definition and policy where the controller works; others want that API server without them, so they go again."""
    records = Records.install(control_plane, tmp_path_factory.mktemp("installed"))
    yield records
    records.uninstall()


@pytest.fixture
def home(installed: Records, tmp_path: Path) -> Records:
    """A home of the test's own, whose ServiceAccount has every role that is shipped for it."""
    roles = ("role-records", "role-locks", "role-backups")
    return installed.another(tmp_path, roles=roles, everywhere=("read", "act", "events"))


@pytest.fixture
def runner(home: Records, cloud: Cloud, namespace: str, tmp_path: Path) -> Runner:
    """The remediator that lives there, at work in the test's namespace."""
    return Runner(home, cloud, namespace, tmp_path)


@pytest.fixture
def deployment_is_down(control_plane: Plane) -> Iterator[None]:
    """Let the controller's Deployment be there, and not available."""
    path = "/apis/apps/v1/namespaces/ack-system/deployments"
    labels = {"app": "ack-lambda-controller"}
    control_plane.admin.post(
        path,
        {
            "metadata": {"name": "ack-lambda-controller"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "controller", "image": "any/lambda-controller:1.14.1"}]},
                },
            },
        },
    )
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Available", "status": "False", "lastTransitionTime": now, "reason": "MinimumReplicas"}
    control_plane.admin.merge(f"{path}/ack-lambda-controller/status", {"status": {"conditions": [condition]}})
    yield
    control_plane.admin.delete(f"{path}/ack-lambda-controller")


@pytest.fixture
def alice(home: Records, namespace: str) -> Person:
    """On call: may approve in the test's namespace."""
    return home.person("alice", namespace)


@pytest.fixture
def words(home: Records, runner: Runner) -> list[str]:
    """What the pod's args are, but for the place."""
    policy = runner.policy(schedule={"interval": "5s", "jitter": "0s"})
    where = ["--kubeconfig", str(home.kubeconfig), "--home-namespace", home.home, "-n", runner.namespace]
    return [*where, "--policy", str(policy)]
