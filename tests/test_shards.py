"""Passes of several shards over one cluster and one store: each resource is somebody's, and what is global stays so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from remediator.model.decision import GateName, Population, Ruling
from remediator.model.episode import ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.kind import FUNCTION
from remediator.model.plan import Result
from remediator.model.reference import Link, LinkState
from remediator.model.resource import Resource
from remediator.model.scan import Judged, Scan
from remediator.model.shard import MOST, WHOLE, Shard
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import Json, active, decoded, function, other, waiting
from tests.fakes import FakeCloud, FakeCluster, World
from tests.scanning import heal, healthy, one, stuck

HEAD = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "mode": "auto", "sightings": 1}


class Listed(FakeCluster):
    """Objects that are decoded once: many passes look at many."""

    def __init__(self, *objects: Json) -> None:
        super().__init__(*objects)
        self._resources = [decoded(each) for each in objects]

    def resources(self) -> Iterator[Resource | str]:
        yield from self._resources


class Crew:
    """Workers over one cluster and one store, each of which may be any shard."""

    def __init__(self, *objects: Json, cluster: FakeCluster | None = None, **policy: Any) -> None:
        names = {each["spec"]["name"] for each in objects if each["kind"] == FUNCTION}
        self.world = World(cluster or FakeCluster(*objects), FakeCloud(**dict.fromkeys(names, active())))
        self.policy = Policy.model_validate(HEAD | policy)

    @property
    def cluster(self) -> FakeCluster:
        return self.world.cluster

    def works(self, shard: Shard) -> Pass:
        return Pass(self.world.means, self.policy, shard=shard)

    def passes(self, shard: Shard, *, healthy: bool = False) -> Scan:
        """Look and record, as one worker does."""
        work = self.works(shard)
        scan = work.scan(healthy=healthy)
        work.record(scan)
        return scan

    def goes_round(self, count: int) -> list[Scan]:
        """Let each of so many shards make a pass, and five minutes go by."""
        scans = [self.passes(Shard(index, count)) for index in range(count)]
        self.world.clock.sleep(300)
        return scans


def names(shard: Shard, count: int, prefix: str = "function") -> list[str]:
    """Make up names of Functions that are a shard's."""
    every = (f"{prefix}-{number}" for number in range(10_000))
    mine = (each for each in every if shard.owns(f"uid-of-shop-{each}"))
    return [next(mine) for _ in range(count)]


FIRST, SECOND = Shard(0, 2), Shard(1, 2)


def holding(judged: Judged) -> set[str]:
    assert judged.decision is not None
    return {each.gate for each in judged.decision.verdicts if each.ruling is Ruling.HELD}


# ---- each exactly once -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> list[Json]:
    """A thousand Functions, each tenth of them stuck."""
    return [function(f"f-{n}") if n % 10 else stuck(f"f-{n}") for n in range(1000)]


@pytest.mark.parametrize("count", range(1, MOST + 1))
def test_so_many_workers_see_each_exactly_once(town: list[Json], count: int) -> None:
    crew = Crew(*town, cluster=Listed(*town))
    scans = [crew.passes(Shard(index, count), healthy=True) for index in range(count)]
    seen = Counter(each.seen.resource.metadata.uid for scan in scans for each in scan.results)
    assert seen == Counter(each["metadata"]["uid"] for each in town), "each, and each once"
    asked = Counter(name for name, _ in crew.world.cloud.asked)
    assert asked == Counter(f"f-{n}" for n in range(0, 1000, 10)), "AWS, too, is asked once"
    assert {scan.population.total for scan in scans} == {1000}, "all are counted by everybody"
    assert scans[-1].population.unwell == 100


def test_while_their_number_changes_each_is_sighted_once_a_round() -> None:
    town = [stuck(f"f-{n}") if n < 200 else function(f"f-{n}") for n in range(5000)]
    crew = Crew(*town, cluster=Listed(*town))
    for rounds, count in enumerate((3, 4, 1, 16), 1):
        scans = crew.goes_round(count)
        assert sum(scan.total for scan in scans) == 5000
        episodes = [each.episode for each in crew.world.episodes.records()]
        assert len(episodes) == 200
        assert {each.sightings for each in episodes if each} == {rounds}


def test_nothing_of_anothers_is_kept_probed_recorded_or_proposed() -> None:
    mine, theirs = names(FIRST, 1)[0], names(SECOND, 1)[0]
    crew = Crew(stuck(mine), stuck(theirs), *healthy(8))
    scan = crew.passes(FIRST)
    assert [each.seen.resource.metadata.name for each in scan.results] == [mine]
    assert [name for name, _ in crew.world.cloud.asked] == [mine]
    assert [each.ref.name for each in crew.world.episodes.records()] == [mine]
    assert (scan.total + scan.elsewhere.resources, scan.shard) == (10, FIRST)


def test_its_heartbeats_tell_of_the_controller_to_everybody() -> None:
    functions = healthy(12)
    whole, *parts = (Crew(*functions).passes(shard).heartbeats for shard in (WHOLE, FIRST, SECOND))
    assert parts == [whole, whole]


def test_who_claims_a_function_is_known_whosever_it_is() -> None:
    mine, theirs = names(FIRST, 1)[0], names(SECOND, 1)[0]
    crew = Crew(stuck(mine), function(theirs, spec={"name": mine}))
    assert [each.name for each in one(crew.passes(FIRST), mine).seen.claims] == [theirs]


# ---- what is left to its owner ---------------------------------------------------------------------------------------


def test_only_its_owner_ends_what_is_gone() -> None:
    name = names(SECOND, 1)[0]
    crew = Crew(stuck(name), *healthy(4))
    crew.goes_round(2)
    del crew.cluster.objects["shop", name]
    crew.passes(FIRST)
    assert [each.name for each in crew.world.episodes.unresolved()] == [name]
    crew.passes(SECOND)
    [record] = crew.world.episodes.records()
    assert record.episode is not None
    assert record.episode.resolved_by is ResolvedBy.DELETED


def test_only_its_owner_finishes_what_was_begun() -> None:
    name = names(SECOND, 1)[0]
    crew = Crew(stuck(name), *healthy(4))
    plan = one(crew.passes(SECOND), name).plan
    assert plan is not None
    crew.world.episodes.intend(plan, crew.world.clock.now())
    first, second = crew.works(FIRST), crew.works(SECOND)
    assert first.recover(first.scan()) == ()
    assert len(second.recover(second.scan())) == 1
    assert crew.world.episodes.unfinished(crew.world.clock.now()) == ()


def test_what_others_found_with_what_is_referred_to_is_said() -> None:
    its_owner, another = (FIRST, SECOND) if FIRST.owns("uid-of-shop-checkout") else (SECOND, FIRST)
    uid = next(f"uid-{number}" for number in range(100) if another.owns(f"uid-{number}"))
    said = "the referenced resource is not synced yet. resource:Function, namespace:shop, name:checkout"
    spec = {"functionName": None, "functionRef": {"from": {"name": "checkout"}}}
    alias = other("Alias", conditions=waiting(said), metadata={"uid": uid}, spec=spec)
    crew = Crew(stuck(), alias)
    link = Link("functionRef", "Function", "shop", "checkout", LinkState.NOT_SYNCED, "why")
    crew.cluster.links["Alias", "live"] = (link,)
    assert one(crew.passes(another), "live").seen.references[0].finding == "", "nobody has looked at it yet"
    crew.passes(its_owner)
    assert one(crew.passes(another), "live").seen.references[0].finding == FindingName.CONTROLLER_SILENT


# ---- what is global --------------------------------------------------------------------------------------------------


def test_the_budget_of_a_day_is_that_of_all_shards() -> None:
    mine, theirs = names(FIRST, 1)[0], names(SECOND, 1)[0]
    crew = Crew(stuck(mine), stuck(theirs), *healthy(20), budgets={"perDay": 1})
    heal(crew)
    first, second = crew.works(FIRST), crew.works(SECOND)
    before = second.scan()
    assert [each.result for each in first.proceed(first.scan())] == [Result.RESOLVED]
    [late] = second.proceed(before)
    assert late.result is Result.SKIPPED, "what was free at its scan is used up by now"
    assert "1 of 1 actions of 24 h are used" in late.detail
    assert holding(one(second.scan(), theirs)) == {GateName.BUDGET}


def test_one_at_a_time_in_a_namespace_is_one_of_all_shards() -> None:
    mine, theirs = names(FIRST, 1)[0], names(SECOND, 1)[0]
    crew = Crew(stuck(mine), stuck(theirs), *healthy(20))
    plan = one(crew.passes(FIRST), mine).plan
    assert plan is not None
    crew.world.episodes.intend(plan, crew.world.clock.now())
    assert holding(one(crew.passes(SECOND), theirs)) == {GateName.BUDGET}
    crew.world.clock.sleep(timedelta(minutes=11).total_seconds())
    assert GateName.BUDGET not in holding(one(crew.passes(SECOND), theirs)), "nobody can still be at it"


def two_shards_of_trouble() -> tuple[Crew, list[str], list[str]]:
    """Let three of ten be stuck in each of two shards: neither alone is an incident, by 20 %."""
    mine, theirs = names(FIRST, 3), names(SECOND, 3)
    well = [function(each) for shard in (FIRST, SECOND) for each in names(shard, 7, "well")]
    return Crew(*(stuck(each) for each in (*mine, *theirs)), *well), mine, theirs


def test_the_breaker_counts_what_others_noted() -> None:
    crew, mine, theirs = two_shards_of_trouble()
    first = crew.passes(FIRST)
    assert first.population == Population(20, 3), "nobody has looked at the others yet"
    assert GateName.BREAKER not in holding(one(first, mine[0]))
    second = crew.passes(SECOND)
    assert second.population == Population(20, 6)
    assert GateName.BREAKER in holding(one(second, theirs[0]))
    [told] = [each for each in second.cluster if each.name == "MassChange"]
    assert told.summary.startswith("6 of 20 resources are stuck or unreadable at once; more than 20 % is an incident")


def test_an_incident_that_one_shard_notes_holds_all() -> None:
    crew, mine, theirs = two_shards_of_trouble()
    crew.goes_round(2)
    for each in theirs:
        crew.cluster.objects["shop", each] = function(each)
    for _ in range(2):
        crew.passes(SECOND)
        crew.world.clock.sleep(60)
    calm = crew.passes(FIRST)
    assert calm.population == Population(20, 3), "what its owner saw well is well"
    [verdict] = [each for each in _verdicts(calm, mine[0]) if each.gate == GateName.BREAKER]
    assert verdict.ruling is Ruling.HELD
    assert "it was an incident at" in verdict.reason


def _verdicts(scan: Scan, name: str) -> Any:
    decision = one(scan, name).decision
    assert decision is not None
    return decision.verdicts


def test_what_was_well_once_since_its_owner_noted_it_is_not_unwell() -> None:
    name = names(SECOND, 1)[0]
    crew = Crew(stuck(name), *healthy(9))
    crew.goes_round(2)
    assert crew.passes(FIRST).population.unwell == 1
    crew.cluster.objects["shop", name] = function(name)
    crew.passes(SECOND)
    assert crew.passes(FIRST).population.unwell == 0


def test_what_others_noted_counts_no_more_once_it_is_gone() -> None:
    name = names(SECOND, 1)[0]
    crew = Crew(stuck(name), *healthy(9))
    crew.goes_round(2)
    del crew.cluster.objects["shop", name]
    assert crew.passes(FIRST).population == Population(9, 0)
