"""What a list comes to: what deserves a closer look is kept, the rest counted, and nearly nothing of it remembered."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest

from remediator.census import Census
from remediator.kubernetes.resources import decode
from remediator.model.plan import ActionName
from remediator.model.resource import Resource
from remediator.model.scan import Well
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import NOW, active, at, decoded, deleting, failing, function, other, synced
from tests.fakes import FakeCloud, FakeCluster, World


def taken(*listed: Resource | str, kept: str = "") -> Census:
    census = Census()
    census.take(listed, lambda each: each.metadata.name in kept.split())
    return census


def test_what_is_not_kept_is_counted_by_kind_and_namespace() -> None:
    shop = [decoded(function(name)) for name in "abc"]
    rest = [decoded(function("a", namespace="post")), decoded(other("Alias", "d"))]
    census = taken(*shop, "Versions could not be listed", *rest, kept="b")
    assert census.kept == [shop[1]]
    assert census.partial == ["Versions could not be listed"]
    assert census.well == {
        Well("Function", "shop"): 2,
        Well("Function", "post"): 1,
        Well("Alias", "shop"): 1,
    }


def test_all_are_asked_for_the_last_pass_of_the_controller() -> None:
    """But those that it looks at no more: they stand still."""
    census = taken(
        decoded(function("kept", conditions=synced(at(hours=3)))),
        decoded(function("moving", conditions=synced(at(hours=2)))),
        decoded(function("slower", conditions=synced(at(hours=5)))),
        decoded(deleting("going", conditions=synced(at(hours=1)))),
        decoded(function("away", namespace="post", conditions=synced(at(hours=4)))),
        decoded(other("Alias", "quick", conditions=synced(at(minutes=1)))),
        decoded(function("new", conditions=[])),
        kept="kept",
    )
    beats = census.heartbeats
    assert (beats.latest, beats.count) == (NOW - timedelta(hours=2), 4)
    assert beats.in_namespace == {"shop": NOW - timedelta(hours=1), "post": NOW - timedelta(hours=4)}


@pytest.mark.parametrize("theirs", ["checkout", "caisse-é", "two\0words", "\ud800"])
def test_who_is_for_the_same_function_is_found_among_those_that_were_not_kept(theirs: str) -> None:
    mine = decoded(function("mine", spec={"name": theirs}))
    rest = [decoded(function("till", namespace="post", spec={"name": "checkout"})), decoded(function("else"))]
    same = taken(mine, *rest, decoded(function("kept-too", spec={"name": theirs})), kept="mine")
    found = same.claims(same.kept)(mine)
    named = {each.name for each in found}
    assert named == ({"till", "kept-too"} if theirs == "checkout" else {"kept-too"})
    assert all(each.uid.startswith("uid-of-") for each in found)


# ---- in a pass -------------------------------------------------------------------------------------------------------


def test_a_pass_keeps_what_was_unwell_until_it_was_seen_to_be_well_twice() -> None:
    cluster = FakeCluster(function("checkout", conditions=failing("boom", at(hours=2))), function("quiet"))
    world = World(cluster, FakeCloud(checkout=active()))
    work = Pass(world.means, Policy())
    work.record(work.scan())
    cluster.the()["status"]["conditions"] = synced(at(minutes=0))
    for _ in range(2):
        world.clock.sleep(60)
        scan = work.scan()
        assert [each.finding for each in scan.results] == [None]
        assert (scan.total, scan.population.total) == (2, 2)
    assert work.scan().results == ()


def test_a_pass_keeps_what_a_person_asks_about() -> None:
    cluster = FakeCluster(function("checkout"), function("quiet"))
    work = Pass(World(cluster, FakeCloud()).means, Policy())
    scan = work.scan(requested={("shop", "checkout"): ActionName.RELEASE})
    assert [each.seen.resource.metadata.name for each in scan.results] == ["checkout"]


class Fleet(FakeCluster):
    """A cluster that reads each of its objects from JSON when it is asked for them, as a real one does."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def resources(self) -> Iterator[Resource | str]:
        for number in range(self.size):
            name = f"checkout-worker-{number:06d}"
            spec = {"name": name, "environment": {"variables": {f"SETTING_{each}": name * 3 for each in range(9)}}}
            yield decode(json.dumps(function(name, namespace=f"team-{number % 20}", spec=spec)).encode())


def peak(size: int) -> int:
    """Scan so many healthy ones, and say how many bytes were in use at most."""
    work = Pass(World(Fleet(size), FakeCloud()).means, Policy())
    tracemalloc.start()
    try:
        scan = work.scan()
        assert (scan.total, scan.results) == (size, ())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_healthy_object_more_is_a_few_bytes_more() -> None:
    """The same of a whole process at 20,000 objects is tests/cluster/test_memory.py."""
    peak(100)
    grown = peak(6_000) - peak(1_000)
    assert grown / 5_000 < 200, "two megabytes for ten thousand"
