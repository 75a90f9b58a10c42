"""What one pass saw and decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from remediator.model.cluster import ClusterFinding
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Decision, DecisionKind, Population
from remediator.model.finding import Finding, State
from remediator.model.heartbeat import Heartbeats
from remediator.model.kind import FUNCTION
from remediator.model.observation import Observation
from remediator.model.pause import Pauses
from remediator.model.plan import Plan
from remediator.model.resource import Resource
from remediator.model.shard import WHOLE, Shard


class Judged(Struct, frozen=True):
    """One resource with what was found and decided; a finding of None is a healthy one.

    `cluster` are the findings of the cluster that explain it, where it was looked at alone; else they are the scan's.
    """

    seen: Observation
    finding: Finding | None
    decision: Decision | None
    cluster: tuple[ClusterFinding, ...] = ()

    @property
    def state(self) -> State:
        return self.finding.state if self.finding else State.HEALTHY

    @property
    def plan(self) -> Plan | None:
        return self.decision.proposal.plan if self.decision and self.decision.proposal else None

    @property
    def advised(self) -> Decision | None:
        """The decision on what the finding advises; None where a person asked for something else."""
        if self.plan is None or self.finding is None or self.finding.remedy.value != self.plan.action.value:
            return None
        return self.decision


class Well(NamedTuple):
    """What is counted apart of what is plainly well."""

    kind: str
    namespace: str


class Elsewhere(Struct, frozen=True):
    """What was seen of the other shards' share: how many resources, and of the Functions, how many their owners noted.

    What they noted as stuck or unreadable at their last look, and nobody noted as well since, is unwell.
    """

    resources: int = 0
    functions: Population = Population(0, 0)


_NOWHERE = Elsewhere()


class Scan(Struct, frozen=True):
    """What a pass saw. `partial` says, in sentences, what it could not see; `records`, what is wrong with our own.

    `results` are what deserved a closer look, some of which turned out to be healthy; the rest, of which nothing is
    kept, is counted in `well`. `heartbeats` are those of all.

    `cluster` are the findings about the cluster as a whole: behind many of `results` stands one of them. `unknown` says
    what of the cluster could not be looked at for them. `pauses` are those of when it was looked.

    All of it is of the `shard` that looked, but for `heartbeats`; the others' is summed up in `elsewhere`.
    """

    results: tuple[Judged, ...]
    partial: tuple[str, ...]
    leftovers: tuple[Resource, ...]
    controller: ControllerFacts
    started: datetime
    records: tuple[str, ...] = ()
    cluster: tuple[ClusterFinding, ...] = ()
    unknown: tuple[str, ...] = ()
    pauses: Pauses = Pauses()
    well: Mapping[Well, int] = {}
    heartbeats: Heartbeats = Heartbeats()
    shard: Shard = WHOLE
    elsewhere: Elsewhere = _NOWHERE

    @property
    def total(self) -> int:
        """Count all that was seen of the shard."""
        return len(self.results) + sum(self.well.values())

    def count(self, state: State) -> int:
        plain = sum(self.well.values()) if state is State.HEALTHY else 0
        return plain + sum(1 for each in self.results if each.state is state)

    @property
    def kinds(self) -> frozenset[str]:
        """Name the kinds of which anything was seen."""
        return frozenset({each.seen.resource.kind for each in self.results} | {each.kind for each in self.well})

    @property
    def population(self) -> Population:
        return population_of(self.results, self.well, self.elsewhere)

    @property
    def proposals(self) -> tuple[Judged, ...]:
        """What a person could approve."""
        return tuple(each for each in self.results if each.decision and each.decision.awaits_person)

    @property
    def ready(self) -> tuple[Judged, ...]:
        """What nothing holds back: a person approved it before, or the policy asks for nobody."""
        return tuple(each for each in self.results if each.decision and each.decision.kind is DecisionKind.ACT)


def population_of(judged: Iterable[Judged], well: Mapping[Well, int], elsewhere: Elsewhere = _NOWHERE) -> Population:
    """Count Functions: a hundred healthy Versions beside them must not hide that half of them turned bad.

    Those of other shards count, too: an incident is one of the cluster.
    """
    states = [each.state for each in judged if each.seen.resource.is_function]
    plain = sum(count for each, count in well.items() if each.kind == FUNCTION)
    unwell = sum(each in (State.STUCK, State.UNKNOWN) for each in states)
    return Population(total=len(states) + plain + elsewhere.functions.total, unwell=unwell + elsewhere.functions.unwell)
