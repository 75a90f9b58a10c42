"""A shop whose cluster and whose AWS are reached through faults, by people and programs with little patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from remediator.aws.live import AwsCloud
from remediator.aws.live import Patience as AwsPatience
from remediator.kubernetes.transport import Patience, Transport
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.controller import Controller
from remediator.sandbox.faults import Faults
from tests.cli.conftest import _logs_as_before
from tests.cli.shop import Json, LeapingClock, Result, Shop, forget, models_read_once, open_shop, signals_as_before

__all__ = ["_logs_as_before", "models_read_once", "signals_as_before"]

# Seconds. What never ends must be ended by one of them; a test that waits for all of them must still be quick.
BRIEF = Patience(connect=1.0, read=0.8, answer=1.0, throttled=0.5)
BRIEF_AWS = AwsPatience(connect=1.0, read=1.0, answer=1.2, attempts=1)
LONGEST = 10.0
# How many functions there are for tests that write: one for each, in a namespace of its own name.
_MANNED, _UNMANNED = 5, 20


class Storm:
    """The shop, and the faults before each of its APIs."""

    def __init__(self, shop: Shop, kubernetes: Faults, aws: Faults) -> None:
        self.shop = shop
        self.kubernetes = kubernetes
        self.aws = aws
        self.names: list[str] = []

    def next_name(self) -> str:
        """Take a function that no other test has touched."""
        return self.names.pop()

    def __call__(self, command: str, *words: str, columns: int = 400, typed: str | None = None) -> Result:
        """Type a command; it ends in time, whatever befalls it, and prints no traceback."""
        began = time.monotonic()
        result = self.shop(command, *words, columns=columns, typed=typed)
        assert time.monotonic() - began < LONGEST
        return result

    def calm(self) -> None:
        self.kubernetes.calm()
        self.aws.calm()


@contextmanager
def raging(directory: Path, clock: SandboxClock, *, patient: bool = False) -> Iterator[Storm]:
    """Put faults before a shop's APIs. Who is `patient` waits as people do, and not as who tries what never ends."""
    with pytest.MonkeyPatch.context() as patch:
        forget(patch, directory / "home")
        with (
            open_shop(directory, patch, clock) as shop,
            Faults(shop.api.url, ca=shop.certificate) as kubernetes,
            Faults(shop.cloud.endpoint) as aws,
        ):
            patch.setenv("KUBECONFIG", str(kubernetes.kubeconfig(shop.kubeconfig, directory / "through")))
            if not patient:
                patch.setattr("remediator.cli.wiring.Transport", partial(Transport, patience=BRIEF))
                patch.setattr("remediator.cli.wiring.IN_TIME", BRIEF)
                patch.setattr("remediator.aws.live.AwsCloud", partial(AwsCloud, patience=BRIEF_AWS))
            shop.write_policy(endpoint=aws.url)
            yield Storm(shop, kubernetes, aws)


@pytest.fixture(scope="module")
def _read_only_storm(models_read_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with raging(tmp_path_factory.mktemp("storm"), LeapingClock()) as storm:
        shop = storm.shop
        quiet = shop.ago(hours=12)
        shop.function("mailer", heartbeat=quiet)
        shop.rolled_back(heartbeat=quiet)
        shop.left()
        yield storm


@pytest.fixture
def storm(_read_only_storm: Storm) -> Iterator[Storm]:
    """A shop for those who only read: `checkout` waits for a Resync, `archive` is only held by ACK's finalizer."""
    yield _read_only_storm
    _read_only_storm.calm()


@pytest.fixture(scope="module")
def _manned_storm(models_read_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Functions whose update AWS rolled back, unseen by the controller that is at work; a minute passes in a second."""
    clock = SandboxClock(60.0)
    with raging(tmp_path_factory.mktemp("manned"), clock) as storm:
        shop = storm.shop
        shop.controller()
        storm.names = [f"checkout-{number}" for number in range(_MANNED)]
        made = {name: shop.function(name, namespace=name) for name in storm.names}
        with Controller(shop.kubeconfig, shop.cloud.endpoint, clock):
            _until(lambda: all(_version(shop.stored(name, namespace=name)) != _version(made[name]) for name in made))
            _until_at_rest(shop)
            for name, before in made.items():
                stale = shop.stored(name, namespace=name)
                stale["status"] |= {"conditions": before["status"]["conditions"], "lastUpdateStatus": "InProgress"}
                stale["spec"]["memorySize"] = 512
                shop.api.seed(stale)
                shop.cloud.set_update(name, "Failed", reason_code="InternalError", reason="An internal error occurred.")
            yield storm


@pytest.fixture
def manned_storm(_manned_storm: Storm) -> Iterator[Storm]:
    """A shop with a controller at work, whom no fault befalls; its `next_name` is that of one that a Resync heals."""
    yield _manned_storm
    _manned_storm.calm()


@pytest.fixture(scope="module")
def _unmanned_storm(models_read_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with raging(tmp_path_factory.mktemp("unmanned"), LeapingClock()) as storm:
        storm.shop.controller(available=False)
        storm.names = [f"archive-{number:02d}" for number in range(_UNMANNED)]
        for name in storm.names:
            storm.shop.left(name, namespace=name)
        yield storm


@pytest.fixture
def unmanned_storm(_unmanned_storm: Storm) -> Iterator[Storm]:
    """A shop whose controller is gone, and nobody waits; its `next_name` is that of one held by ACK's finalizer."""
    yield _unmanned_storm
    _unmanned_storm.calm()


def _version(stored: Json) -> str:
    return str(stored["metadata"]["resourceVersion"])


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline, "the sandbox's controller did not settle"
        time.sleep(0.02)


def _until_at_rest(shop: Shop) -> None:
    """Wait until the controller asks AWS nothing more: what is set back then stays as it is."""
    before = -1
    while before != (before := len(shop.cloud.calls)):
        time.sleep(0.3)
