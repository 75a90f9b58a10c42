"""A pass over objects in memory, for the tests of all that a pass does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from remediator.model.controller import ControllerFacts
from remediator.model.finding import FindingName
from remediator.model.live import LiveState
from remediator.model.plan import Outcome
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.scan import Judged, Scan
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import (
    ALIVE,
    BUSY,
    DOWN,
    Json,
    active,
    at,
    deleting,
    failing,
    function,
    synced,
)
from tests.fakes import FakeCloud, FakeCluster, World


def healthy(count: int) -> list[Json]:
    return [function(f"healthy-{number}") for number in range(count)]


def stuck(name: str = "checkout", **more: Any) -> Json:
    """Build a living object that a Resync would help: ControllerSilent, under a controller that lives."""
    return function(name, conditions=failing(BUSY, at(hours=1)), **more)


class Bench:
    """A pass over objects in memory."""

    def __init__(
        self,
        *objects: Json,
        facts: ControllerFacts = ALIVE,
        policy: dict[str, Any] | None = None,
        **answers: LiveState | list[LiveState],
    ) -> None:
        names = {each["spec"]["name"] for each in objects}
        live: dict[str, LiveState | list[LiveState]] = dict.fromkeys(names, active())
        self.world = World(FakeCluster(*objects, facts=facts), FakeCloud(**(live | answers)))
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        self.work = Pass(self.world.means, Policy.model_validate(head | (policy or {})))
        self.said: list[str] = []

    @property
    def cluster(self) -> FakeCluster:
        return self.world.cluster

    def scan(self) -> Scan:
        return self.work.scan()

    def approve(self, scan: Scan, *, only: Callable[[Judged], bool] = lambda _: True) -> tuple[Outcome, ...]:
        digests = frozenset(each.plan.digest for each in scan.proposals if each.plan and only(each))
        return tuple(self.work.remediate(scan, digests, self.said.append))


def one(scan: Scan, name: str = "checkout") -> Judged:
    return next(each for each in scan.results if each.seen.resource.metadata.name == name)


def found(judged: Judged) -> FindingName | None:
    return judged.finding.name if judged.finding else None


class Over(Protocol):
    """Whatever passes are made over a cluster by."""

    @property
    def cluster(self) -> FakeCluster: ...


def heal(bench: Over) -> None:
    """Let the controller run a pass right after each first write."""

    def one_pass(cluster: FakeCluster) -> None:
        for each in cluster.objects.values():
            if each["metadata"].get("annotations", {}).get(RESYNC_ANNOTATION):
                each["status"]["conditions"] = synced(at(seconds=-5))

    bench.cluster.after = dict.fromkeys(range(100), one_pass)


def clearing(*answers: LiveState, **more: Any) -> Bench:
    """Build a pass with one object to clear; the first answer is the scan's."""
    return Bench(*healthy(9), deleting(), facts=DOWN, checkout=list(answers), **more)
