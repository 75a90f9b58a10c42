"""The sandbox with the shop in it, set up and taken down.

The objects are made as users make them, the controller works on them, and then the trouble is laid on: in AWS, or by
setting the stored object back to how it was left hours ago.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller
from remediator.sandbox.scenarios.catalogue import SCENARIOS
from remediator.sandbox.scenarios.scenario import Ending, Scenario, synced
from remediator.sandbox.scenarios.shop import NAMESPACE, Shop

CONTEXT = "sandbox"

_HEALTHY = 45


class Stage:
    """The sandbox with some stories in it; a context manager. Servers listen on loopback, files are in `directory`.

    `healthy` is how many Functions without trouble there are beside those with: where they are fewer than four in
    five, of five or more, the trouble counts as an incident. While the stage is up, this process's environment leads
    to it: `environment` is what leads another process there.
    """

    def __init__(
        self,
        directory: Path,
        *,
        speed: float,
        scenarios: Sequence[Scenario] = SCENARIOS,
        healthy: int = _HEALTHY,
    ) -> None:
        self.clock = SandboxClock(speed=speed)
        self.api = ApiServer(self.clock)
        self.cloud = Cloud(self.clock)
        self.shop = Shop(self.api, self.cloud, self.clock)
        self.kubeconfig = directory / "kubeconfig"
        self.policy = directory / "policy.yaml"
        self._scenarios = tuple(scenarios)
        self._healthy = tuple(f"service-{number:02d}" for number in range(1, healthy + 1))
        self._life = ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to have in its environment to meet this cluster and this cloud, and no other."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIASANDBOXREMEDIATOR",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.cloud.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        with ExitStack() as life:
            life.enter_context(self.api)
            life.enter_context(self.cloud)
            self.api.kubeconfig(self.kubeconfig, context=CONTEXT, namespace=NAMESPACE)
            self._write_policy()
            life.callback(_restore, dict(os.environ))
            _leave_own_aws()
            os.environ.update(self.environment)
            life.enter_context(Controller(self.kubeconfig, self.cloud.endpoint, self.clock))
            self._furnish()
            self._life = life.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._life.close()

    def heal(self) -> None:
        """Wait until what only needed time is synced again."""
        self.shop.settle({each.function: synced for each in self._scenarios if each.ending is Ending.TIME})

    def _write_policy(self) -> None:
        self.policy.touch(mode=0o600)
        self.policy.write_text(
            "apiVersion: ack-remediator.dev/v1alpha1\n"
            "kind: Policy\n"
            "mode: dry-run\n"
            f"aws: {{endpointURL: '{self.cloud.endpoint}'}}\n",
            encoding="utf-8",
        )

    def _furnish(self) -> None:
        shop = self.shop
        shop.show_controller()
        for each in self._scenarios:
            each.make(shop, each.function)
        for name in self._healthy[:1]:
            shop.apply(name)
        shop.settle({each.function: each.made for each in self._scenarios} | dict.fromkeys(self._healthy[:1], synced))
        for name in self._healthy[1:]:
            shop.copy(self._healthy[0], name)
        striking = [each for each in self._scenarios if each.strike is not None]
        if striking:
            shop.rest()
        for each in striking:
            assert each.strike is not None
            each.strike(shop, each.function)
        shop.settle({each.function: each.shown for each in self._scenarios})


def _leave_own_aws() -> None:
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        del os.environ[name]


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
