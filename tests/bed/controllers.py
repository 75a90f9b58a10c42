"""The ACK lambda-controller as the tests handle it: the real one, or the sandbox's own in its stead."""

import logging
import time
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import urllib3

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller
from tests.bed.plane import Plane
from tests.bed.processes import Process, free_port, tail
from tests.bed.toolchain import Toolchain

NAMESPACE = "ack-system"  # where ACK looks for its account map

_OWN_KINDS = [
    "aliases",
    "codesigningconfigs",
    "eventsourcemappings",
    "functions",
    "functionurlconfigs",
    "layerversions",
    "versions",
]
_ALL_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
# What lambda-controller's config/rbac grants, so that a right that is missing there is missing here too.
_RULES = [
    {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list", "patch", "watch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["lambda.services.k8s.aws"], "resources": _OWN_KINDS, "verbs": _ALL_VERBS},
    {
        "apiGroups": ["lambda.services.k8s.aws"],
        "resources": [f"{kind}/status" for kind in _OWN_KINDS],
        "verbs": ["get", "patch", "update"],
    },
    {
        "apiGroups": ["services.k8s.aws"],
        "resources": ["fieldexports", "iamroleselectors"],
        "verbs": _ALL_VERBS,
    },
    {
        "apiGroups": ["iam.services.k8s.aws"],
        "resources": ["roles", "roles/status"],
        "verbs": ["get", "list"],
    },
]
_SANDBOX_LOG = logging.getLogger("remediator.sandbox.controller")
_READY_WITHIN = 60.0  # seconds; 1 to 2 on an idle machine


class Handle(Protocol):
    """A controller that a test may stop and start again."""

    log: Path
    access_key: str  # its own, so that the cloud's record of calls tells its calls apart

    def start(self) -> None: ...
    def stop(self) -> None: ...
    @property
    def running(self) -> bool: ...


def service_account(control_plane: Plane) -> Path:
    """Create the account that the controller runs as and answer its kubeconfig."""
    control_plane.namespace(NAMESPACE)
    return control_plane.service_account(NAMESPACE, "ack-lambda-controller", _RULES)


def controller_for(
    tools: Toolchain | None, control_plane: Plane, cloud: Cloud, folder: Path, clock: SandboxClock
) -> Handle:
    """Make the controller that a toolchain has, else the sandbox's own; it is not started yet."""
    kubeconfig = service_account(control_plane)
    if tools is None or tools.controller is None:
        return SandboxController(kubeconfig, cloud.endpoint, cloud.region, folder, clock)
    return RealController(tools.controller.path, kubeconfig, cloud.endpoint, cloud.region, folder)


class RealController:
    """lambda-controller in a process of its own."""

    access_key = "AKIAACKCONTROLLER000"

    def __init__(self, binary: Path, kubeconfig: Path, endpoint: str, region: str, folder: Path) -> None:
        self.log = folder / "lambda-controller.log"
        self._binary = binary
        self._endpoint = endpoint
        self._region = region
        self._process: Process | None = None
        # Nothing is inherited: a profile, a proxy or AWS_CA_BUNDLE of the user's would change what is tested
        # (with the last, every pass fails with "unable to add custom RootCAs").
        self._environment = {
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "ACK_SYSTEM_NAMESPACE": NAMESPACE,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": "unused",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start it and return once it says that it is ready."""
        health = f"127.0.0.1:{free_port()}"
        self._process = Process([self._binary, *self._flags(health)], self.log, self._environment)
        deadline = time.monotonic() + _READY_WITHIN
        while not _healthy(f"http://{health}/readyz"):
            if not self._process.running or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"lambda-controller did not become ready; its log ends:\n{tail(self.log)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; a second call does nothing."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _flags(self, health: str) -> list[str]:
        # CARM stays on, as it is installed by default: without it the controller ignores the annotations of
        # namespaces (runtime pkg/runtime/service_controller.go), and a test could not tell.
        return [
            f"--aws-region={self._region}",
            f"--aws-endpoint-url={self._endpoint}",
            f"--aws-identity-endpoint-url={self._endpoint}",
            "--allow-unsafe-aws-endpoint-urls",
            "--enable-leader-election=false",
            f"--healthz-addr={health}",
            f"--metrics-addr=127.0.0.1:{free_port()}",
            "--log-level=info",
        ]


class SandboxController:
    """The sandbox's own controller, against either API server."""

    access_key = Controller.access_key

    def __init__(self, kubeconfig: Path, endpoint: str, region: str, folder: Path, clock: SandboxClock) -> None:
        self.log = folder / "sandbox-controller.log"
        self._controller = Controller(kubeconfig, endpoint, clock, region=region)
        self._written: logging.Handler | None = None

    @property
    def running(self) -> bool:
        return self._written is not None

    def start(self) -> None:
        """Start it."""
        self._written = logging.FileHandler(self.log)
        _SANDBOX_LOG.addHandler(self._written)
        # Into the file only: what a command prints in the same process is under test, too.
        _SANDBOX_LOG.setLevel(logging.DEBUG)
        _SANDBOX_LOG.propagate = False
        self._controller.start()

    def stop(self) -> None:
        """End it; a second call does nothing."""
        self._controller.stop()
        if self._written is not None:
            _SANDBOX_LOG.removeHandler(self._written)
            _SANDBOX_LOG.setLevel(logging.NOTSET)
            _SANDBOX_LOG.propagate = True
            self._written.close()
            self._written = None


def _healthy(url: str) -> bool:
    try:
        with urllib3.PoolManager(retries=False, timeout=2.0) as pool:
            return pool.request("GET", url).status == HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False
