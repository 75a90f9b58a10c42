"""A shop whose cluster and whose AWS are reached through faults, by people and programs with little patience."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from tests.cli.shop import LeapingClock, Result, Shop, forget, models_read_once, open_shop, signals_as_before

__all__ = ["_logs_as_before", "models_read_once", "signals_as_before"]

# Seconds. What never ends must be ended by one of them; a test that waits for all of them must still be quick.
BRIEF = Patience(connect=0.3, read=0.3, answer=0.5, throttled=0.5)
BRIEF_AWS = AwsPatience(connect=0.3, read=0.3, answer=0.5, attempts=1)
LONGEST = 5.0


class Storm:
    """The shop, and the faults before each of its APIs."""

    def __init__(self, shop: Shop, kubernetes: Faults, aws: Faults) -> None:
        self.shop = shop
        self.kubernetes = kubernetes
        self.aws = aws

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
def raging(directory: Path, clock: SandboxClock) -> Iterator[Storm]:
    with pytest.MonkeyPatch.context() as patch:
        forget(patch, directory / "home")
        with (
            open_shop(directory, patch, clock) as shop,
            Faults(shop.api.url) as kubernetes,
            Faults(shop.cloud.endpoint) as aws,
        ):
            patch.setenv("KUBECONFIG", str(kubernetes.kubeconfig(shop.kubeconfig, directory / "through")))
            patch.setattr("remediator.cli.wiring.Transport", partial(Transport, patience=BRIEF))
            patch.setattr("remediator.cli.wiring.AwsCloud", partial(AwsCloud, patience=BRIEF_AWS))
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


@pytest.fixture
def manned_storm(models_read_once: None, tmp_path: Path) -> Iterator[Storm]:
    """An empty shop with a controller at work, whom no fault befalls; a minute passes in a second."""
    clock = SandboxClock(60.0)
    with raging(tmp_path, clock) as storm, Controller(storm.shop.kubeconfig, storm.shop.cloud.endpoint, clock):
        storm.shop.controller()
        yield storm


@pytest.fixture
def unmanned_storm(models_read_once: None, tmp_path: Path) -> Iterator[Storm]:
    """An empty shop whose controller is gone, and nobody waits."""
    with raging(tmp_path, LeapingClock()) as storm:
        storm.shop.controller(available=False)
        yield storm
