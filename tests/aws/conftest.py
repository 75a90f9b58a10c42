"""A Lambda of the sandbox, a person's credentials for it, and time that passes only when somebody sleeps."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.aws.live import USUAL_PATIENCE, AwsCloud, Patience
from remediator.model.resource import AckMetadata, FunctionSpec, FunctionStatus, Metadata, Resource
from remediator.policy import Aws
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.boto import shared_models

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCESS_KEY = "AKIAONCALL"
# One try, and not a long one: what botocore says in the end is the same after three.
# Long enough for a machine that does other things to answer what is to be answered.
BRIEF = Patience(connect=1.5, read=1.5, attempts=1)


class FakeClock:
    """The Clock port: sleeping is what moves it, and every sleep is remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            return self._seconds

    def sleep(self, seconds: float, /) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._seconds += seconds


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give keys in the environment, and hide everything that the machine's owner may have configured."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    with shared_models():
        yield


@pytest.fixture(scope="module")
def _running() -> Iterator[Cloud]:
    with Cloud(SandboxClock()) as running:
        yield running


@pytest.fixture
def cloud(_running: Cloud) -> Iterator[Cloud]:
    yield _running
    _running.allow()
    for region in ("us-east-1", "eu-west-1"):
        for name in ("orders", "other"):
            _running.remove(name, region=region)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ask(cloud: Cloud, clock: FakeClock) -> Callable[..., AwsCloud]:
    """Make an adapter that the policy lets ask the sandbox; `endpointURL=None` for one that it does not."""

    def make(patience: Patience = USUAL_PATIENCE, **settings: Any) -> AwsCloud:
        return AwsCloud(Aws.model_validate({"endpointURL": cloud.endpoint, **settings}), clock, patience)

    return make


def resource(
    name: str | None = "orders",
    *,
    arn: str | None = None,
    region: str | None = None,
    annotations: dict[str, str] | None = None,
) -> Resource:
    """Build what the cluster says of a function: with the ARN that the controller recorded, or without."""
    place = AckMetadata(arn=arn, region=region) if arn or region else None
    return Resource(
        metadata=Metadata(name="orders", namespace="shop", uid="u-1", annotations=annotations),
        spec=FunctionSpec(name=name),
        status=FunctionStatus(ack_resource_metadata=place) if place else None,
    )


def arn_of(name: str = "orders", *, region: str = "us-east-1", account: str = "123456789012") -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"
