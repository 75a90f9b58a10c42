"""What is put together about a resource, and what AWS is asked for it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from remediator.model.controller import ControllerFacts
from remediator.model.finding import FindingName
from remediator.model.identities import Identities, RoleMap
from remediator.model.live import LiveState, unreadable
from remediator.model.namespace import Namespace
from remediator.model.observation import Observation
from remediator.model.placement import Placement
from remediator.model.resource import Resource
from remediator.observing import NOT_ASKED, Observer
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import ALIVE, GONE, Json, active, at, deleting, failing, function, synced
from tests.fakes import FakeCloud, FakeCluster, World

OTHER = "444455556666"
STARTED = ControllerFacts(ALIVE.health, ALIVE.why, deployment="ack-system/ack", region="us-east-1")


def pending(name: str = "checkout", **more: Any) -> Json:
    """A suspect: an update was under way when the controller last looked. AWS may say that all is well by now."""
    return function(name, status={"lastUpdateStatus": "InProgress"} | more.pop("status", {}), **more)


def passing(cluster: FakeCluster, cloud: FakeCloud) -> tuple[World, Pass]:
    world = World(cluster, cloud)
    return world, Pass(world.means, Policy())


# ---- placement and namespace -----------------------------------------------------------------------------------------


def test_every_resource_is_placed_and_not_suspects_alone() -> None:
    """Of a drift nothing shows on the object: it looks healthy for ever."""
    cluster = FakeCluster(function(), facts=STARTED)
    cluster.annotated["shop"] = {"services.k8s.aws/default-region": "eu-west-1"}
    world, work = passing(cluster, FakeCloud())
    (each,) = work.scan().results
    assert each.seen.placement is not None and each.seen.namespace is not None
    assert "default-region says eu-west-1" in each.seen.placement.drift
    assert each.seen.namespace.annotations == cluster.annotated["shop"]
    assert (world.cloud.asked, each.seen.live_state.why) == ([], NOT_ASKED)


def test_aws_is_asked_where_ack_would_look() -> None:
    cluster = FakeCluster(pending(status={"ackResourceMetadata": None}), facts=STARTED)
    cluster.annotated["shop"] = {"services.k8s.aws/owner-account-id": OTHER}
    cluster.roles = RoleMap({OTHER: f"arn:aws:iam::{OTHER}:role/ack"})
    world, work = passing(cluster, FakeCloud(checkout=active()))
    work.scan()
    (placement,) = world.cloud.placements
    assert placement is not None
    assert (placement.account, placement.region) == (OTHER, "us-east-1")


def test_a_namespace_that_cannot_be_read_is_told_and_none() -> None:
    cluster = FakeCluster(function(), facts=STARTED)
    cluster.annotated["shop"] = None
    (each,) = passing(cluster, FakeCloud())[1].scan(healthy=True).results
    assert each.seen.namespace is None
    assert each.seen.placement is not None
    assert each.seen.placement.unsure == "a namespace could not be read"


def test_identities_are_read_once_a_pass_before_anything_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ACK looks for elsewhere must be told from the rest while it is listed: it shows on nothing else."""
    asked: list[Iterable[str] | None] = []

    def identities(_: FakeCluster, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities:
        asked.append(namespaces)
        return Identities()

    monkeypatch.setattr(FakeCluster, "identities", identities)
    cluster = FakeCluster(function("a"), function("b", namespace="pay"), function("c"))
    passing(cluster, FakeCloud())[1].scan()
    Pass(World(cluster, FakeCloud()).means, Policy(), namespace="pay").scan()
    assert asked == [None, ["pay"]]


def test_of_namespaces_that_may_not_be_listed_each_is_read_when_it_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    cluster = FakeCluster(
        *(function(name, namespace=space) for space in ("hidden", "moved", "shop") for name in "ab"), facts=STARTED
    )

    def namespace(_: FakeCluster, name: str) -> Namespace | str:
        read.append(name)
        if name == "hidden":
            return "namespace hidden could not be read: no"
        return Namespace(name, {"services.k8s.aws/default-region": "eu-west-1"} if name == "moved" else {})

    monkeypatch.setattr(FakeCluster, "namespace", namespace)
    unlisted = Identities(namespaces_unread="", namespaces_unlisted=True, accounts=RoleMap({}), selectors_unread="")
    monkeypatch.setattr(FakeCluster, "identities", lambda *_: unlisted)
    cluster.write(lambda each: each["status"].update(state="Pending"), "b")
    work = passing(cluster, FakeCloud(b=active()))[1]
    scan = work.scan()
    assert read == ["hidden", "moved", "shop"]
    suspect = next(each for each in scan.results if each.seen.resource.metadata.namespace == "hidden")
    assert suspect.seen.placement is not None
    assert suspect.seen.placement.unsure == "namespace hidden could not be read: no", "of a suspect that is asked, too"
    everything = work.scan(healthy=True).results
    assert all((each.seen.namespace is None) == (each.seen.resource.ref.namespace == "hidden") for each in everything)
    found = {each.seen.resource.ref.namespace: each.finding.name for each in scan.results if each.finding}
    assert found == {"moved": FindingName.IDENTITY_DRIFT}
    assert {each.namespace: count for each, count in scan.well.items()} == {"hidden": 1, "shop": 2}


def test_one_that_is_looked_at_alone_is_placed_too() -> None:
    cluster = FakeCluster(function(metadata={"annotations": {"services.k8s.aws/region": "eu-west-1"}}), facts=STARTED)
    world, work = passing(cluster, FakeCloud(checkout=active()))
    seen = work.examine("shop", "checkout").seen
    assert seen.placement is not None
    assert seen.placement.drift
    assert world.cloud.placements == [seen.placement]


# ---- those that AWS said were fine -----------------------------------------------------------------------------------


def scans(raw: Json, *answers: LiveState, change: Json | None = None) -> tuple[list[str], list[FindingName | None]]:
    """Scan twice, with a change of the object in between; tell what was asked and what was found."""
    cluster = FakeCluster(raw)
    world, work = passing(cluster, FakeCloud(checkout=list(answers)))
    found = []
    for again in (False, True):
        if again:
            world.clock.sleep(300)
            for path, fields in (change or {}).items():
                cluster.the()[path] |= fields
        (each,) = work.scan().results
        found.append(each.finding.name if each.finding else None)
    return [name for name, _ in world.cloud.asked], found


def test_a_suspect_that_aws_said_is_fine_is_not_asked_about_again() -> None:
    asked, found = scans(pending(), active(), active(last_update_status="Failed"))
    assert (asked, found) == (["checkout"], [None, None])


@pytest.mark.parametrize(
    "change",
    [{"status": {"conditions": synced(at(seconds=1))}}, {"metadata": {"generation": 3}}],
    ids=["heartbeat", "generation"],
)
def test_it_is_once_the_controller_looked_or_somebody_edited_it(change: Json) -> None:
    asked, found = scans(pending(), active(), active(last_update_status="Failed"), change=change)
    assert (asked, found) == (["checkout"] * 2, [None, FindingName.UPDATE_FAILED])


def test_it_is_where_the_old_answer_would_make_a_finding_by_now() -> None:
    change = {"spec": {"code": {"sha256": "0" * 64}}}
    asked, found = scans(pending(), active(), active(), change=change)
    assert asked == ["checkout"] * 2
    assert found == [None, FindingName.CHECKSUM_MISMATCH]


@pytest.mark.parametrize(
    ("raw", "live"),
    [
        (pending(), active(last_update_status="Failed")),
        (pending(), unreadable("AccessDenied")),
        (pending(), active(state="Pending")),
        (deleting(), active(state="Deleting")),
        (function(conditions=failing("ServiceException: An internal error occurred.")), active()),
    ],
)
def test_what_made_a_finding_is_asked_about_at_each_scan(raw: Json, live: LiveState) -> None:
    assert scans(raw, live)[0] == ["checkout"] * 2


def test_gone_is_never_remembered() -> None:
    adopted = pending(metadata={"annotations": {"services.k8s.aws/adopted": "true"}})
    assert scans(adopted, GONE)[0] == ["checkout"] * 2


def test_what_is_looked_at_again_is_asked_about_again() -> None:
    """A remembered answer is for scans: never for what is about to be done, nor for one that a person asks about."""
    cluster = FakeCluster(pending())
    world, work = passing(cluster, FakeCloud(checkout=active()))
    work.scan()
    work.examine("shop", "checkout")
    observer = Observer(world.means, Policy())
    resource = cluster.get("shop", "checkout")
    observer.observe([resource], ALIVE)
    observer.look(ALIVE)(resource)
    assert len(world.cloud.asked) == 4


def test_what_is_no_longer_listed_is_forgotten() -> None:
    cluster = FakeCluster(pending())
    world, work = passing(cluster, FakeCloud(checkout=active()))
    work.scan()
    kept = dict(cluster.objects)
    cluster.objects.clear()
    work.scan()
    cluster.objects.update(kept)
    work.scan()
    assert len(world.cloud.asked) == 2


def test_three_scans_remember_as_well_as_two() -> None:
    world, work = passing(FakeCluster(pending()), FakeCloud(checkout=active()))
    for _ in range(3):
        work.scan()
    assert len(world.cloud.asked) == 1


# ---- side by side ----------------------------------------------------------------------------------------------------


class OneHangs(FakeCloud):
    """An AWS that answers for one account only once all others were asked."""

    def __init__(self, others: int) -> None:
        super().__init__()
        self._others = threading.Semaphore(0)
        self._expected = others

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        arn = resource.arn
        if arn is not None and arn.account == OTHER:
            for _ in range(self._expected):
                assert self._others.acquire(timeout=20), "the others wait for this one"
                self._others.release()
            return unreadable("late")
        self._others.release()
        return active()


def test_an_account_that_hangs_holds_up_no_other() -> None:
    """It has more suspects than there are threads for one place, and they come first."""
    there = {"arn": f"arn:aws:lambda:us-east-1:{OTHER}:function:x", "ownerAccountID": OTHER, "region": "us-east-1"}
    slow = [pending(f"slow-{number}", status={"ackResourceMetadata": there}) for number in range(8)]
    cloud = OneHangs(others=1)
    observer = Observer(World(FakeCluster(), cloud).means, Policy())
    cluster = FakeCluster(*slow, pending("quick"))
    resources = [each for each in cluster.resources() if isinstance(each, Resource)]
    seen: dict[str, Observation] = {
        each.resource.metadata.name: each for each in observer.observe(resources, ControllerFacts())
    }
    assert seen["quick"].live_state.present
    assert all(seen[f"slow-{number}"].live_state.why == "late" for number in range(8))
