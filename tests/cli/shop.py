"""A shop on the sandbox, furnished by hand, and the command line as a person types it.

No controller runs here unless a test starts one: what is seeded stays as it is.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.cli import main
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller
from tests.boto import shared_models

API_VERSION = "lambda.services.k8s.aws/v1alpha1"
FINALIZER = "finalizers.lambda.services.k8s.aws/Function"
CONTEXT = "shop-cluster"
SECRET = "correct-horse-battery"

Json = dict[str, Any]

# What Lambda chooses where the author does not, and ACK writes into the spec after it made a function.
_WRITTEN_BACK: Json = {
    "architectures": ["x86_64"],
    "description": "",
    "ephemeralStorage": {"size": 512},
    "handler": "app.handler",
    "runtime": "python3.13",
    "snapStart": {"applyOn": "None"},
    "timeout": 3,
    "tracingConfig": {"mode": "PassThrough"},
}


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


class _Terminal(io.StringIO):
    """A standard input that is a terminal with somebody at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="session")
def models_read_once() -> Iterator[None]:
    with shared_models():
        yield


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Give SIGTERM back: `run` takes it for the whole process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def forget(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let this process be on a machine that knows of no cluster and no AWS account."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "KUBE", "REMEDIATOR_")) or name.upper().endswith("_PROXY"):
            patch.delenv(name)
    home.mkdir()
    for name, value in {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TERM": "dumb"}.items():
        patch.setenv(name, value)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be on a machine that knows of nothing; return its home directory."""
    home = tmp_path / "home"
    forget(monkeypatch, home)
    return home


def type_command(
    patch: pytest.MonkeyPatch, *words: str, columns: int | None = 80, typed: str | None = None, pipe: str = ""
) -> Result:
    """Run a command in this process. `typed` is what a person types at its terminal, else `pipe` is its input.

    It prints for a terminal of so many columns; None: into a pipe, behind which the width is not known.
    """
    out, err = io.StringIO(), io.StringIO()
    with patch.context() as here, redirect_stdout(out), redirect_stderr(err):
        if columns is None:
            here.delenv("COLUMNS", raising=False)
        else:
            here.setenv("COLUMNS", str(columns))
        here.setattr(sys, "stdin", io.StringIO(pipe) if typed is None else _Terminal(typed))
        with pytest.raises(SystemExit) as ended:
            main(list(words))
    code = ended.value.code
    assert isinstance(code, int)
    result = Result(code, out.getvalue(), err.getvalue())
    for text in (result.out, result.err):
        assert "Traceback" not in text
        assert SECRET not in text
    return result


Typing = Callable[..., Result]


@pytest.fixture
def typed_anywhere(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Typing:
    """Type commands on a machine that knows of nothing."""

    def run(*words: str, **more: Any) -> Result:
        return type_command(monkeypatch, *words, **more)

    return run


class Shop:
    """A cluster and a Lambda with Functions in them, each as it was left."""

    def __init__(
        self, directory: Path, patch: pytest.MonkeyPatch, api: ApiServer, cloud: Cloud, clock: SandboxClock
    ) -> None:
        self.api = api
        self.cloud = cloud
        self.directory = directory
        self.kubeconfig = api.kubeconfig(directory / "kubeconfig", context=CONTEXT, namespace="shop")
        self.certificate = directory / "ca.crt"
        self.certificate.write_bytes(api.certificate)
        self.policy = directory / "policy.yaml"
        self.write_policy()
        self.clock = clock
        self._patch = patch

    def write_policy(self, more: str = "breaker: {percent: 100}\n", *, endpoint: str = "") -> None:
        self.policy.write_text(
            "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"
            f"aws: {{endpointURL: '{endpoint or self.cloud.endpoint}'}}\n{more}",
            encoding="utf-8",
        )

    def __call__(self, command: str, *words: str, policy: bool = True, verbose: str = "", **more: Any) -> Result:
        """Type a command against this cluster, under its policy."""
        with_policy = ("--policy", str(self.policy)) if policy else ()
        before = (verbose,) if verbose else ()
        return type_command(self._patch, *before, command, *with_policy, *words, **more)

    # ---- what is in it -------------------------------------------------------------------------------------------

    def ago(self, **span: float) -> str:
        return (self.clock.now() - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def function(
        self,
        name: str,
        *,
        namespace: str = "shop",
        live: bool = True,
        heartbeat: str | None = None,
        error: str = "",
        deleted_minutes_ago: float | None = None,
        annotations: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
        status: Json | None = None,
        **spec: Any,
    ) -> Json:
        """Make a Function on both sides: synced two hours ago, or failing with `error`; `live=False`: gone in AWS."""
        arn = f"arn:aws:lambda:us-east-1:{self.cloud.account}:function:{name}"
        if live:
            self.cloud.create_function(name, MemorySize=256, Environment={"Variables": {"DB_PASSWORD": SECRET}})
        moment = heartbeat or self.ago(hours=2)
        synced: Json = {"type": "ACK.ResourceSynced", "status": "True", "lastTransitionTime": moment}
        conditions = [synced]
        if error:
            synced |= {"status": "Unknown", "reason": error}
            conditions.append({"type": "ACK.Recoverable", "status": "True", "message": error})
        metadata: Json = {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": self.ago(days=3),
            "finalizers": [FINALIZER],
            "annotations": annotations or {},
            "labels": labels or {},
        }
        if deleted_minutes_ago is not None:
            metadata["deletionTimestamp"] = self.ago(minutes=deleted_minutes_ago)
            metadata["deletionGracePeriodSeconds"] = 0
        place = {"arn": arn, "ownerAccountID": self.cloud.account, "region": "us-east-1"}
        return self.api.seed(
            {
                "apiVersion": API_VERSION,
                "kind": "Function",
                "metadata": metadata,
                "spec": {
                    "name": name,
                    "packageType": "Zip",
                    "role": self.cloud.role_arn,
                    "code": dict(self.cloud.code),
                    "memorySize": 256,
                    "environment": {"variables": {"DB_PASSWORD": SECRET}},
                    **_WRITTEN_BACK,
                    **spec,
                },
                "status": {
                    "ackResourceMetadata": place,
                    "conditions": conditions,
                    "state": "Active",
                    "lastUpdateStatus": "Successful",
                    **(status or {}),
                },
            }
        )

    def rolled_back(self, name: str = "checkout", **more: Any) -> Json:
        """Make one whose last update AWS rolled back: a Resync helps."""
        made = self.function(name, status={"lastUpdateStatus": "InProgress"}, **more)
        self.cloud.set_update(name, "Failed", reason_code="InternalError", reason="An internal error occurred.")
        return made

    def left(self, name: str = "archive", **more: Any) -> Json:
        """Make one that is being deleted and gone in AWS: only ACK's finalizer is left."""
        return self.function(name, live=False, deleted_minutes_ago=45, **more)

    def controller(self, *, available: bool = True) -> None:
        """Let a Deployment of the controller be seen; nothing runs in it."""
        since = self.ago(days=9) if available else self.ago(minutes=50)
        condition = {"type": "Available", "status": str(available), "lastTransitionTime": since}
        image = "example.invalid/aws-controllers-k8s/lambda-controller:1.14.1"
        self.api.seed(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "ack-lambda-controller", "namespace": "ack-system"},
                "spec": {"template": {"spec": {"containers": [{"name": "controller", "image": image}]}}},
                "status": {"availableReplicas": int(available), "conditions": [condition]},
            }
        )

    def furnish(self) -> None:
        """Put in one of each kind of trouble, and something healthy."""
        self.controller()
        for name in ("mailer", "search"):
            self.function(name, labels={"team": "healthy"})
        self.rolled_back(labels={"team": "shop"})
        self.left(labels={"team": "shop"})
        self.left("legacy", annotations={"ack-remediator.dev/ignore": "true"})
        self.function("payments", status={"state": "Pending"})
        self.cloud.set_state("payments", "Pending", reason_code="Creating", reason="The function is being created.")
        quoting = f"TeapotException: {SECRET} is no stage"
        self.function("exports", namespace="post", error=quoting, heartbeat=self.ago(minutes=1))
        self.function("receipts", code={**self.cloud.code, "sha256": "9f" * 32})

    def is_there(self, name: str) -> bool:
        try:
            self.stored(name)
        except LookupError:
            return False
        return True

    def stored(self, name: str, namespace: str = "shop") -> Json:
        return self.api.stored(API_VERSION, "Function", namespace, name)


class LeapingClock(SandboxClock):
    """Time as it is, but that nobody waits: who sleeps is at once where the sleep would have ended."""

    def __init__(self) -> None:
        super().__init__()
        self._leapt = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            return super().monotonic() + self._leapt

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._leapt += max(0.0, seconds)


@contextmanager
def open_shop(directory: Path, patch: pytest.MonkeyPatch, clock: SandboxClock) -> Iterator[Shop]:
    """Open an empty shop, and let this process be a person's who works with it."""
    with ApiServer(clock) as api, Cloud(clock) as cloud:
        shop = Shop(directory, patch, api, cloud, clock)
        patch.setenv("KUBECONFIG", str(shop.kubeconfig))
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAONCALL")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        patch.setattr("remediator.cli.wiring.SystemClock", lambda: clock)
        yield shop


@pytest.fixture
def empty_shop(
    models_read_once: None, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    with open_shop(tmp_path, monkeypatch, LeapingClock()) as shop:
        yield shop


@pytest.fixture
def attended_shop(
    models_read_once: None, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop with a controller at work in it, and a clock that runs fast, but for everybody alike."""
    clock = SandboxClock(60.0)
    with (
        open_shop(tmp_path, monkeypatch, clock) as shop,
        Controller(shop.kubeconfig, shop.cloud.endpoint, clock),
    ):
        shop.controller()
        yield shop


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    empty_shop.furnish()
    return empty_shop
