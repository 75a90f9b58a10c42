"""The bed as fixtures: an API server, a Lambda under the test's control, the ACK controller between.

The sandbox is made anew for each module, the real thing once for the whole session. What a test changes about it
(refusals, a stopped controller, Functions) is put back after it, so that tests may run in any order.
"""

import itertools
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed import toolchain
from tests.bed.controllers import Handle, controller_for
from tests.bed.controlplane import ControlPlane
from tests.bed.existing import Existing
from tests.bed.functions import READS, Function, collection, is_ready
from tests.bed.gobuild import BuildFailed, Unavailable
from tests.bed.plane import Plane
from tests.bed.processes import tail
from tests.bed.prometheus import Prometheus, Pushgateway
from tests.bed.sandbox import SPEED, SandboxPlane
from tests.bed.toolchain import SANDBOX_CRDS, Missing, Toolchain

# Of the bed's own, so that a test that makes a cloud of the usual account may run in the same process.
ACCOUNT = "111122223333"

_TOOLCHAIN = pytest.StashKey[Toolchain]()
_CONTROLLER = pytest.StashKey[Handle]()
_LOG_START = pytest.StashKey[int]()
_STARTED = pytest.StashKey[dict[str, float]]()

Create = Callable[..., Function]
Watch = Callable[..., Prometheus]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the caller choose the bed."""
    parser.addoption("--bed", choices=["sandbox", "cluster"], default="sandbox", help="what tests run on")
    parser.addoption(
        "--kubeconfig", type=Path, help="with --bed cluster: a cluster that is there, new, and nobody else's"
    )


def pytest_configure(config: pytest.Config) -> None:
    """End in order when asked to: a CI that gives up sends SIGTERM, not Ctrl-C."""
    config.stash[_STARTED] = {}
    if _real(config):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Find or build the programs before anything else, for it can take minutes and can fail."""
    if not _real(session.config):
        return
    try:
        prepared = toolchain.prepare(
            os.environ,
            lambda line: print(line, file=sys.stderr, flush=True),
            control_plane=_there_already(session.config) is None,
        )
    except (Missing, Unavailable, BuildFailed) as reason:
        pytest.exit(f"cannot test on a cluster: {reason}", returncode=reason.exit_code)
    session.config.stash[_TOOLCHAIN] = prepared


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print what the run stands on."""
    prepared = config.stash.get(_TOOLCHAIN, None)
    return prepared.lines() if prepared is not None else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Repeat at the end what a reader of the closing lines must not miss."""
    prepared = config.stash.get(_TOOLCHAIN, None)
    if prepared is None:
        return
    started = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in config.stash[_STARTED].items())
    if started:  # where workers have one each, they know
        terminalreporter.write_line(f"The real stack started in: {started}.")
    if prepared.controller is None:
        terminalreporter.write_sep("=", "not the real lambda-controller", yellow=True, bold=True)
        terminalreporter.write_line(f"The sandbox's own controller played its part: {prepared.fallback}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the real thing the time-out is for a hang: each wait has a deadline of its own."""
    if _real(config):
        for item in items:
            item.add_marker(pytest.mark.timeout(300))
    if _there_already(config) is not None:
        # One cluster, and a controller is at work in it: there is no API server beside it that is left alone.
        left_out = [item for item in items if "api_server" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the controller logged meanwhile."""
    report = yield
    handle = item.config.stash.get(_CONTROLLER, None)
    since = item.stash.get(_LOG_START, None)
    if report.failed and handle is not None and since is not None:
        report.sections.append((f"end of the controller's log ({handle.log})", tail(handle.log, since=since)))
    return report


def _real(config: pytest.Config) -> bool:
    return str(config.getoption("--bed")) == "cluster"


def _there_already(config: pytest.Config) -> Path | None:
    path: Path | None = config.getoption("--kubeconfig")
    return path if _real(config) else None


def _reach(fixture_name: str, config: pytest.Config) -> Literal["session", "module"]:
    """Keep the real thing for the whole session: it takes seconds to start."""
    return "session" if _real(config) else "module"


@contextmanager
def _timed(config: pytest.Config, what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    config.stash[_STARTED][what] = time.monotonic() - started


@pytest.fixture(scope="session")
def tools(pytestconfig: pytest.Config) -> Toolchain:
    """What a run on the real thing stands on, for tests that start a program of it themselves."""
    return pytestconfig.stash[_TOOLCHAIN]


@pytest.fixture(scope="session")
def _no_aws_of_the_users() -> Iterator[None]:
    """Keep profiles, regions, endpoints and keys of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_CONFIG_FILE", os.devnull)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope=_reach)
def clock(pytestconfig: pytest.Config) -> SandboxClock:
    """The time on the bed: the real one's is the wall's, the sandbox's runs fast."""
    return SandboxClock(1.0 if _real(pytestconfig) else SPEED)


@contextmanager
def _plane(config: pytest.Config, folder: Path, clock: SandboxClock, crds: Path | None) -> Iterator[Plane]:
    """Start an API server; `crds` are installed in the real one, None: those of the controller at work."""
    if not _real(config):
        with ApiServer(clock) as server:
            plane = SandboxPlane(server, folder, clock)
            yield plane
            plane.admin.__exit__()
        return
    tools = config.stash[_TOOLCHAIN]
    there = _there_already(config)
    if there is not None:
        with Existing(there, folder, clock) as existing:
            existing.install(crds or tools.crds)
            yield existing
        return
    assert tools.apiserver is not None and tools.etcd is not None
    with _timed(config, "API server"):
        running = ControlPlane(tools.apiserver.path, tools.etcd.path, folder, clock)
        running.start()
    try:
        running.install(crds or tools.crds)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope=_reach)
def control_plane(
    clock: SandboxClock, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    """The API server that the controller works on."""
    with _plane(pytestconfig, tmp_path_factory.mktemp("control-plane"), clock, None) as plane:
        yield plane


@pytest.fixture(scope=_reach)
def api_server(
    clock: SandboxClock, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    """An API server that no controller works on: what a test writes there stays as it is."""
    with _plane(pytestconfig, tmp_path_factory.mktemp("api-server"), clock, SANDBOX_CRDS) as plane:
        yield plane


@pytest.fixture(scope=_reach)
def _cloud(_no_aws_of_the_users: None, clock: SandboxClock) -> Iterator[Cloud]:
    with Cloud(clock, account=ACCOUNT) as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud) -> Iterator[Cloud]:
    """Lambda and STS, under the test's control; refusals and durations end with the test."""
    takes = _cloud.create_takes, _cloud.update_takes, _cloud.delete_takes
    yield _cloud
    _cloud.allow()
    _cloud.create_takes, _cloud.update_takes, _cloud.delete_takes = takes


@pytest.fixture(scope=_reach)
def _controller(
    control_plane: Plane,
    _cloud: Cloud,
    clock: SandboxClock,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Handle]:
    folder = tmp_path_factory.mktemp("controller")
    handle = controller_for(pytestconfig.stash.get(_TOOLCHAIN, None), control_plane, _cloud, folder, clock)
    pytestconfig.stash[_CONTROLLER] = handle
    with _timed(pytestconfig, "controller"):
        handle.start()
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
def namespace(control_plane: Plane) -> str:
    """A namespace of the test's own."""
    return control_plane.namespace()


@pytest.fixture
def create(
    control_plane: Plane, cloud: Cloud, namespace: str, clock: SandboxClock, request: pytest.FixtureRequest
) -> Iterator[Create]:
    """Create Functions: `create(environment=…)` answers a `Function`. All go with the test, in AWS too.

    Keywords are fields of the spec, but for `name` and `metadata`. Names differ from test to test: there is
    but one Lambda.
    """
    numbers, made = itertools.count(1), list[Function]()
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_").lower())[:30].strip("-")

    def make(name: str | None = None, metadata: dict[str, Any] | None = None, **spec: Any) -> Function:
        called = name or f"{stem}-{namespace}-{next(numbers)}"
        function = Function(control_plane.admin, cloud, clock, namespace, called)
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


@pytest.fixture
def settled(create: Create) -> Create:
    """Create a Function and wait until ACK is done with it: all is written back, and AWS is asked no more."""

    def make(*args: Any, **spec: Any) -> Function:
        function = create(*args, **spec)
        function.becomes(lambda seen: is_ready(seen) and seen["metadata"]["generation"] == 2, "is synced and ready")
        # The defaults that were written back make a second pass, and each reads twice.
        function.gets_asked(lambda calls: calls.count(READS[-1]) >= 4, "the second pass ends")
        function.becomes(function.is_written, "what the pass found is written")
        function.falls_silent()
        return function

    return make


def _debian(program: str) -> str:
    """Find a program of Debian's; skip, out loud, where it is not there."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not there: PATH=$PATH:$(.ci/prometheus) has what Debian's packages have")
    return found


@pytest.fixture
def watch(tmp_path: Path, clock: SandboxClock) -> Iterator[Watch]:
    """Let a Prometheus watch addresses by the rules that are shipped, cut short: `watch(job=address)`.

    `tls` are the `tls_config` of jobs that are scraped in TLS.
    """
    program = _debian("prometheus")
    with ExitStack() as stack:

        def start(tls: Mapping[str, Any] | None = None, **targets: str) -> Prometheus:
            return stack.enter_context(Prometheus(program, tmp_path, targets, tls or {}, clock))

        yield start


@pytest.fixture
def pushgateway(tmp_path: Path) -> Iterator[Pushgateway]:
    """A Pushgateway of the test's own."""
    with Pushgateway(_debian("prometheus-pushgateway"), tmp_path) as gateway:
        yield gateway
