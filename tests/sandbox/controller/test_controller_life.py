"""What only the sandbox's controller has to do: end at once, and bear what no real API server would store or do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller


class World:
    """All three, on a clock that runs fast."""

    def __init__(self, api: ApiServer, cloud: Cloud, controller: Controller) -> None:
        self.api = api
        self.cloud = cloud
        self.controller = controller

    def seed(self, name: str, **spec: Any) -> None:
        base = {"name": name, "role": self.cloud.role_arn, "code": dict(self.cloud.code), "runtime": "python3.13"}
        self.api.seed(
            {
                "apiVersion": "lambda.services.k8s.aws/v1alpha1",
                "kind": "Function",
                "metadata": {"name": name},
                "spec": base | {"handler": "app.handler"} | spec,
            }
        )

    def exists(self, name: str) -> bool:
        try:
            self.cloud.configuration(name)
        except LookupError:
            return False
        return True

    def asked(self) -> list[str]:
        return [call.operation for call in self.cloud.calls]


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = SandboxClock(20.0)
    with ApiServer(clock) as api, Cloud(clock) as cloud:
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        with Controller(kubeconfig, cloud.endpoint, clock) as controller:
            yield World(api, cloud, controller)


def stops_at_once(world: World) -> None:
    at = time.monotonic()
    world.controller.stop()
    assert time.monotonic() - at < 1
    mark = len(world.asked())
    time.sleep(0.3)
    assert world.asked()[mark:] == []


def test_it_stops_within_a_second_in_the_middle_of_a_pass(world: World) -> None:
    world.cloud.refuse("GetFunction", "ServiceException", "try again")
    world.seed("orders")
    wait_until(lambda: "GetFunction" in world.asked())
    stops_at_once(world)


def test_it_stops_within_a_second_when_nothing_happens(world: World) -> None:
    time.sleep(0.2)
    stops_at_once(world)


def test_it_stops_within_a_second_when_the_server_is_away(world: World) -> None:
    world.api.stop()
    stops_at_once(world)


def test_one_broken_object_stops_nobody(world: World) -> None:
    kind = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "Function"}
    world.api.seed({**kind, "metadata": {"name": "without-a-spec"}})
    world.api.seed({**kind, "metadata": {"name": "odd"}, "spec": 7, "status": {"conditions": None}})
    world.seed("misfit", environment="not a map", tags=["neither"])
    world.seed("orders")
    wait_until(lambda: world.exists("orders"))


def test_a_server_that_was_away_is_followed_again(world: World) -> None:
    world.seed("orders")
    wait_until(lambda: world.exists("orders"))
    world.api.stop()
    world.seed("bills")
    world.api.start()
    wait_until(lambda: world.exists("bills"))
    world.seed("wages")
    wait_until(lambda: world.exists("wages"))
