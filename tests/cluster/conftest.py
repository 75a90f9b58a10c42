"""The real thing as fixtures: a control plane, a Lambda under the test's control, the ACK controller between.

One of each for the whole session. What a test changes about them (refusals, a stopped controller, Functions)
is put back after it, so that tests may run in any order.
"""

import itertools
import os
import re
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.cluster import controllers, toolchain
from tests.cluster.controllers import Handle, RealController, SandboxController
from tests.cluster.controlplane import ControlPlane
from tests.cluster.functions import Function, collection
from tests.cluster.gobuild import BuildFailed, Unavailable
from tests.cluster.processes import tail
from tests.cluster.toolchain import Missing, Toolchain

_TOOLCHAIN = pytest.StashKey[Toolchain]()
_CONTROLLER = pytest.StashKey[Handle]()
_LOG_START = pytest.StashKey[int]()

Create = Callable[..., Function]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, and end in order when asked to: a CI that gives up sends SIGTERM, not Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "cluster: needs a real control plane; run by `make test-cluster`")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Find or build the programs before anything else, for it can take minutes and can fail."""
    try:
        prepared = toolchain.prepare(os.environ, lambda line: print(line, file=sys.stderr, flush=True))
    except (Missing, Unavailable, BuildFailed) as reason:
        pytest.exit(f"cannot test on a cluster: {reason}", returncode=reason.exit_code)
    session.config.stash[_TOOLCHAIN] = prepared


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print what the run stands on."""
    return config.stash[_TOOLCHAIN].lines()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Repeat at the end what a reader of the closing lines must not miss."""
    prepared = config.stash.get(_TOOLCHAIN, None)
    if prepared is not None and prepared.controller is None:
        terminalreporter.write_sep("=", "not the real lambda-controller", yellow=True, bold=True)
        terminalreporter.write_line(f"The sandbox's own controller played its part: {prepared.fallback}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; the time-out is for a hang, each wait has a deadline of its own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the controller logged meanwhile."""
    report = yield
    handle = item.config.stash.get(_CONTROLLER, None)
    if report.failed and handle is not None:
        logged = tail(handle.log, since=item.stash.get(_LOG_START, 0))
        report.sections.append((f"end of the controller's log ({handle.log})", logged))
    return report


@pytest.fixture(scope="session", autouse=True)
def _no_aws_of_the_users() -> Iterator[None]:
    """Keep profiles, regions, endpoints and keys of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_CONFIG_FILE", os.devnull)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session", name="toolchain")
def _toolchain(pytestconfig: pytest.Config) -> Toolchain:
    """The programs of this run."""
    return pytestconfig.stash[_TOOLCHAIN]


@pytest.fixture(scope="session")
def control_plane(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A kube-apiserver with etcd the controller's CRDs, RBAC on."""
    folder = tmp_path_factory.mktemp("control-plane")
    with ControlPlane(toolchain.apiserver.path, toolchain.etcd.path, folder) as plane:
        plane.install(toolchain.crds)
        yield plane


@pytest.fixture(scope="session")
def _cloud(_no_aws_of_the_users: None) -> Iterator[Cloud]:
    with Cloud(SandboxClock()) as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud) -> Iterator[Cloud]:
    """Lambda and STS, under the test's control; refusals and durations end with the test."""
    takes = _cloud.create_takes, _cloud.update_takes, _cloud.delete_takes
    yield _cloud
    _cloud.allow()
    _cloud.create_takes, _cloud.update_takes, _cloud.delete_takes = takes


@pytest.fixture(scope="session")
def _controller(
    toolchain: Toolchain,
    control_plane: ControlPlane,
    _cloud: Cloud,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Handle]:
    folder = tmp_path_factory.mktemp("controller")
    kubeconfig = controllers.service_account(control_plane)
    handle: Handle
    if toolchain.controller is None:
        handle = SandboxController(kubeconfig, _cloud.endpoint, _cloud.region, folder)
    else:
        handle = RealController(toolchain.controller.path, kubeconfig, _cloud.endpoint, _cloud.region, folder)
    pytestconfig.stash[_CONTROLLER] = handle
    yield handle
    handle.stop()


@pytest.fixture
def controller(_controller: Handle, request: pytest.FixtureRequest) -> Handle:
    """The ACK controller, running; the next test gets it running again, whatever this one does to it."""
    request.node.stash[_LOG_START] = _controller.log.stat().st_size if _controller.log.exists() else 0
    if not _controller.running:
        _controller.start()
    return _controller


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A namespace of the test's own."""
    return control_plane.namespace()


@pytest.fixture
def create(
    control_plane: ControlPlane, cloud: Cloud, namespace: str, request: pytest.FixtureRequest
) -> Iterator[Create]:
    """Create Functions: `create(environment=…)` answers a `Function`. All go with the test, in AWS too.

    Keywords are fields of the spec, but for `name` and `metadata`. Names differ from test to test: there is
    but one Lambda.
    """
    numbers, made = itertools.count(1), list[Function]()
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_").lower())[:30].strip("-")

    def make(name: str | None = None, metadata: dict[str, Any] | None = None, **spec: Any) -> Function:
        function = Function(control_plane.admin, namespace, name or f"{stem}-{namespace}-{next(numbers)}")
        body = {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "metadata": {"name": function.name} | (metadata or {}),
            "spec": {
                "name": function.name,
                "role": cloud.role_arn,
                "runtime": "python3.13",
                "handler": "app.handler",
                "code": dict(cloud.code),
            }
            | spec,
        }
        made.append(function)
        control_plane.admin.post(collection(namespace), body)
        return function

    yield make
    for function in made:
        function.discard()
        cloud.remove(function.name)
