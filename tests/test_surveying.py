"""The cluster as a whole, in a pass: what is asked for it, what is said of it, and what it holds back."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.model.cluster import ClusterFindingName
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import DecisionKind
from remediator.model.definition import Definition, Definitions
from remediator.model.namespace import Namespace
from remediator.model.plan import Result
from remediator.model.scan import Scan
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import BUSY, DOWN, Json, active, at, deleting, failing, function
from tests.fakes import FakeCloud, FakeCluster, World

GOING = Definitions((Definition("functions.lambda.services.k8s.aws", "Function"),))
HEAD = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}


def stuck(name: str = "checkout", **more: Any) -> Json:
    return function(name, conditions=failing(BUSY, at(hours=1)), **more)


class Bench:
    """A pass over objects in memory; `namespaces` are those of the cluster, None: we may not read them."""

    def __init__(
        self,
        *objects: Json,
        facts: ControllerFacts | None = None,
        namespaces: dict[str, Namespace] | None = None,
        **policy: Any,
    ) -> None:
        self.cluster = FakeCluster(*objects, **({"facts": facts} if facts else {}))
        if namespaces is None:
            self.cluster.annotated = dict.fromkeys({each["metadata"]["namespace"] for each in objects})
        self.cluster.known = namespaces or {}
        names = {each["spec"]["name"] for each in objects}
        self.world = World(self.cluster, FakeCloud(**dict.fromkeys(names, active())))
        self.work = Pass(self.world.means, Policy.model_validate(HEAD | policy))

    def guarded(self, guarded: bool | None, why: str = "so it is") -> Bench:
        self.asked = 0

        def ask() -> tuple[bool | None, str]:
            self.asked += 1
            return guarded, why

        self.world.episodes.approvals_guarded = ask  # type: ignore[method-assign]
        return self

    def scan(self) -> Scan:
        return self.work.scan()


def told(scan: Scan) -> list[ClusterFindingName]:
    return [each.name for each in scan.cluster]


def test_where_all_is_well_nothing_is_said_() -> None:
    bench = Bench(function())
    scan = bench.scan()
    assert (scan.cluster, scan.unknown) == ((), ())


def test_a_controller_that_is_down_is_told_once() -> None:
    scan = Bench(*[function(f"f-{number}") for number in range(9)], stuck(), facts=DOWN).scan()
    assert told(scan) == [ClusterFindingName.CONTROLLER_DOWN]
    assert scan.cluster[0].affected == 1


def test_nothing_is_proposed_while_a_definition_goes() -> None:
    bench = Bench(*[function(f"f-{number}") for number in range(9)], stuck(), mode="auto", sightings=1)
    (before,) = [each.decision for each in bench.scan().results if each.decision]
    assert before is not None
    bench.cluster.defined = GOING
    scan = bench.scan()
    assert told(scan) == [ClusterFindingName.CRD_DELETING]
    (after,) = [each.decision for each in scan.results if each.decision]
    assert after is not None
    assert (before.kind, after.kind) == (DecisionKind.ACT, DecisionKind.BLOCKED)
    assert [each.gate for each in after.held_by_fact] == ["crd"]


def test_nothing_is_done_where_a_definition_went_since_the_scan() -> None:
    bench = Bench(*[function(f"f-{number}") for number in range(9)], stuck(), mode="auto", sightings=1)
    scan = bench.scan()
    assert len(scan.ready) == 1
    bench.cluster.defined = GOING
    (outcome,) = bench.work.proceed(scan)
    assert outcome.result is Result.SKIPPED
    assert "crd: functions.lambda.services.k8s.aws is being deleted" in outcome.detail
    assert bench.cluster.patches == []


def test_a_namespace_that_goes_is_found_by_what_is_deleted_in_it() -> None:
    namespaces = {"shop": Namespace("shop", terminating=True), "post": Namespace("post", terminating=True)}
    bench = Bench(deleting(), namespaces=namespaces)
    assert [each.subject for each in bench.scan().cluster] == ["namespace/shop"]


def test_where_namespaces_may_not_be_listed_that_is_said() -> None:
    scan = Bench(deleting()).scan()
    assert scan.cluster == ()
    assert scan.unknown == ("whether these namespaces are being deleted cannot be read: shop",)


def test_so_many_at_once_are_told_by_the_breakers_measure() -> None:
    few = Bench(*[function(f"f-{number}") for number in range(4)], stuck())
    assert told(few.scan()) == []
    many = Bench(*[function(f"f-{number}") for number in range(3)], stuck("a"), stuck("b"))
    (one,) = many.scan().cluster
    assert (one.name, one.affected) == (ClusterFindingName.MASS_CHANGE, 2)
    assert "more than 20 % is an incident" in one.summary
    wider = Bench(*[function(f"f-{number}") for number in range(3)], stuck("a"), stuck("b"), breaker={"percent": 40})
    assert told(wider.scan()) == []


@pytest.mark.parametrize(
    ("mode", "guarded", "asked", "names", "unknown"),
    [
        ("dry-run", False, 0, [], ()),
        ("approve", True, 1, [], ()),
        ("approve", False, 1, [ClusterFindingName.APPROVALS_UNGUARDED], ()),
        ("approve", None, 1, [], ("so it is",)),
        ("auto", False, 1, [ClusterFindingName.APPROVALS_UNGUARDED], ()),
    ],
)
def test_approvals_are_tried_where_they_count(
    mode: str, guarded: bool | None, asked: int, names: list[str], unknown: tuple[str, ...]
) -> None:
    bench = Bench(function(), mode=mode).guarded(guarded)
    scan = bench.scan()
    assert (told(scan), scan.unknown, bench.asked) == (names, unknown, asked)


def test_in_memory_there_is_nothing_to_guard() -> None:
    assert told(Bench(function(), mode="approve").scan()) == []


def test_what_is_not_known_is_told_together() -> None:
    unsure = ControllerFacts(Health.ALIVE, "there", unsure="--watch-namespace cannot be read")
    bench = Bench(function(), facts=unsure)
    bench.cluster.defined = Definitions(unknown="functions cannot be read: not yours")
    assert bench.scan().unknown == (
        "the controller's flags: --watch-namespace cannot be read",
        "functions cannot be read: not yours",
    )


def test_of_one_resource_alone_what_explains_it_is_told() -> None:
    bench = Bench(deleting(), facts=DOWN, mode="approve", namespaces={"shop": Namespace("shop", terminating=True)})
    bench.guarded(False)
    bench.cluster.defined = GOING
    one = bench.work.examine("shop", "checkout")
    assert [each.name for each in one.cluster] == ["ControllerDown", "CrdDeleting", "NamespaceTerminating"]
    assert bench.asked == 0
