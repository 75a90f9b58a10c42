"""One pass, in one direction: list, suspect, probe, diagnose, record, decide, act, verify, report.

`scan` ends at decide and changes nothing. `remediate` goes on with what may be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from remediator.acting import Actor, Progress, acted
from remediator.actions import plan_for
from remediator.actions.leftover import undo_leftover
from remediator.census import Census, noted_by_others, stuck
from remediator.deciding import Decider
from remediator.diagnosis import diagnose
from remediator.diagnosis.references import with_findings
from remediator.errors import ClusterError, NotFound
from remediator.gates import incident
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.decision import Overrides, Situation, Standing
from remediator.model.episode import ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.heartbeat import heartbeats
from remediator.model.kind import FUNCTION, LAMBDA_KINDS
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Outcome
from remediator.model.record import Record
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Judged, Scan, population_of
from remediator.model.shard import WHOLE, Shard
from remediator.observing import Observer
from remediator.policy import Policy
from remediator.ports import Means
from remediator.recovery import recover
from remediator.surveying import Surveyor
from remediator.triage import Triage

_NONE = Overrides()

# In which order kinds are judged.
_RANK = {each.name: rank for rank, each in enumerate(LAMBDA_KINDS)}

# Actions that a person asks for, by namespace and name of a Function.
Requests = Mapping[tuple[str, str], ActionName]
_NOTHING: Requests = {}


def _silently(_: str) -> None:
    """Tell nobody."""


def _nothing(_: Resource) -> bool:
    return False


class Pass:
    """The pass over one cluster under one policy. Holds no state of its own but the ports.

    `places` are the names that the cluster goes by, its context and its server: the policy may guard them.
    `namespace` is the only one that is looked at; None: all are. `shard` is what it looks after: the rest is counted,
    and left alone.
    """

    def __init__(
        self,
        means: Means,
        policy: Policy,
        places: Sequence[str] = (),
        namespace: str | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self._means = means
        self._policy = policy
        self._namespace = namespace
        self._shard = shard
        self._observer = Observer(means, policy)
        self._decider = Decider(means, policy, places)
        self._surveyor = Surveyor(means, policy)
        self._actor = Actor(means, self._observer, self._decider)

    def scan(
        self,
        *,
        rehearse: bool = False,
        overrides: Overrides = _NONE,
        requested: Requests = _NOTHING,
        again: bool = False,
        healthy: bool = False,
    ) -> Scan:
        """List, suspect, probe, diagnose and decide. Writes nothing: `record` does.

        `rehearse`: ask for each proposal whether we may, and let the API server try it as a dry run. `requested`: what
        a person asks for, beside what is advised, by namespace and name. `again`: it is the second look of one pass,
        moments after the first, and counts as no sighting and no recovery of its own. `healthy`: keep what is plainly
        well, too, whatever room that takes; else it is only counted.
        """
        if not again:
            self._means.events.anew()
        started = self._means.clock.now()
        records = self._means.episodes.load(started)
        controller = self._means.cluster.controller(started)
        triage = Triage(self._means, self._policy, self._namespace, controller, requested)
        noted = noted_by_others(self._shard, self._means.episodes.records())
        census = Census(self._shard, stuck(noted))
        census.take(self._means.cluster.resources(), lambda each: triage.deserves(each) or healthy)
        controller = self._observer.heard(controller, census.heartbeats)
        leftovers = tuple(each for each in census.kept if undo_leftover(each))
        observed = self._observer.observe(census.kept, controller, triage.known, census.claims(census.kept))
        judged = self._judge_all(observed, noted, again=again)
        population = population_of(judged, census.well, census.elsewhere)
        if incident(population, self._policy.limits):
            self._means.episodes.incident(started)
        standing = self._means.episodes.standing(started)
        definitions = self._means.cluster.definitions()
        pauses = self._means.pauses.read()
        at = self._decider.situation(population, overrides=overrides, definitions=definitions, pauses=pauses)
        results = tuple(self._decide(each, at, standing, rehearse=rehearse, requested=requested) for each in judged)
        facts = ClusterFacts(
            controller=controller,
            results=results,
            well=census.well,
            elsewhere=census.elsewhere,
            heartbeats=census.heartbeats,
            definitions=definitions,
        )
        cluster, unknown = self._surveyor.survey(facts, triage.known.namespaces, population)
        return Scan(
            results,
            tuple(census.partial),
            leftovers,
            controller,
            started,
            records,
            cluster,
            tuple(filter(None, (*unknown, pauses.unknown))),
            pauses,
            census.well,
            census.heartbeats,
            self._shard,
            census.elsewhere,
        )

    def record(self, scan: Scan) -> tuple[str, ...]:
        """Store what was seen and done, where there is a place for it; say what could not be stored.

        What is new is told beside the resources, too.
        """
        self._note(scan)
        troubles = self._means.episodes.save(self._means.clock.now())
        self._means.events.write()
        unaudited = self._means.audit.decided(scan.results)
        return (*troubles, unaudited) if unaudited else troubles

    def examine(self, namespace: str, name: str, kind: str = FUNCTION) -> Judged:
        """Look at one resource alone, AWS and all that it refers to included.

        The others only tell whether the controller is alive.
        """
        self._means.episodes.load(self._means.clock.now())
        resource = self._means.cluster.get(namespace, name, kind)
        census = Census()
        try:
            census.take(self._means.cluster.resources(), _nothing)
        except ClusterError:  # who may read just this one sees just its heartbeat
            census = Census()
            census.take([resource], _nothing)
        controller = self._observer.controller(census.heartbeats)
        claims = census.claims([resource])(resource)
        seen = self._observer.asked(resource, controller, follow=True, claims=claims)
        definitions = self._means.cluster.definitions()
        pauses = self._means.pauses.read()
        judged, at = self._judge(seen), self._decider.situation(None, definitions=definitions, pauses=pauses)
        standing = self._means.episodes.standing(at.now)
        judged = self._decide(judged, at, standing, rehearse=True)
        facts = ClusterFacts(
            controller=controller, results=(judged,), heartbeats=heartbeats([resource]), definitions=definitions
        )
        around = {} if seen.namespace is None else {seen.namespace.name: seen.namespace}
        cluster, _ = self._surveyor.survey(facts, around, None)
        return msgspec.structs.replace(judged, cluster=cluster)

    def recover(self, scan: Scan, progress: Progress = _silently) -> tuple[str, ...]:
        """Finish or undo what killed processes left, and say in sentences what that was."""
        return recover(self._means, scan, progress)

    def proceed(self, scan: Scan, progress: Progress = _silently) -> Iterator[Outcome]:
        """Act on what nothing holds back: a person approved it before, or the policy asks for nobody."""
        return self._act(scan, scan.ready, progress)

    def remediate(
        self,
        scan: Scan,
        approved: frozenset[str],
        progress: Progress = _silently,
        *,
        before: Sequence[Outcome] = (),
        overrides: Overrides = _NONE,
    ) -> Iterator[Outcome]:
        """Act on the proposals that a person at the terminal approves now, by their digests.

        `before`: what this run has done already; it counts towards the actions of a run. `overrides`: what the person
        told to let them through.
        """
        chosen = [each for each in scan.results if each.plan is not None and each.plan.digest in approved]
        return self._act(scan, chosen, progress, before, approved=approved, overrides=overrides)

    def _act(
        self, scan: Scan, chosen: Iterable[Judged], progress: Progress, before: Sequence[Outcome] = (), **more: Any
    ) -> Iterator[Outcome]:
        """Act on one after the other; yield what came of each once that is known."""
        outcomes = list(before)
        for each in chosen:
            at = self._decider.situation(scan.population, acted=acted(outcomes), **more)
            outcomes.append(self._actor.attempt(each, scan, at, progress))
            self._means.events.write()
            yield outcomes[-1]

    def _judge_all(self, observed: Iterable[Observation], elsewhere: Iterable[Record], *, again: bool) -> list[Judged]:
        """Judge what others refer to before them, so that they can say what is wrong with it."""
        judged: list[Judged] = []
        noted = ((each.ref, each.episode.finding) for each in elsewhere if each.episode is not None)
        found: dict[tuple[str, str, str], FindingName] = {
            (ref.kind, ref.namespace, ref.name): finding.name for ref, finding in noted if finding is not None
        }
        for each in sorted(observed, key=lambda each: _RANK.get(each.resource.kind, 0)):
            seen = msgspec.structs.replace(each, references=with_findings(each.references, found))
            judged.append(self._judge(seen, again=again))
            if (finding := judged[-1].finding) is not None:
                ref = seen.resource.ref
                found[ref.kind, ref.namespace, ref.name] = finding.name
        return judged

    def _judge(self, seen: Observation, *, again: bool = False) -> Judged:
        finding = diagnose(seen)
        if finding is None:
            if not again:
                self._means.episodes.recovered(seen.resource, seen.now)
        else:
            if not again:
                self._means.episodes.sighted(seen.resource, finding, seen.now)
            # Gates count this sighting, too.
            history = self._means.episodes.history(seen.resource.metadata.uid, seen.now)
            seen = msgspec.structs.replace(seen, history=history)
        return Judged(seen, finding, None)

    def _note(self, scan: Scan) -> None:
        """Note what is proposed now, what each gate says of it, and which of those that were unwell are gone."""
        for each in scan.results:
            if each.finding is not None:
                # What a person asked for is theirs, now: nobody else could have it done by approving it.
                advised = each.advised
                # Who approves works by day, and what is approved may be for the night.
                waits = advised is not None and (advised.awaits_person or advised.awaits_window)
                self._means.episodes.proposed(each.seen.resource, each.plan if waits else None, scan.started)
                kind = each.decision.kind if each.decision else None
                self._means.episodes.judged(each.seen.resource, advised.verdicts if advised else (), kind)
        seen = {each.seen.resource.ref for each in scan.results}
        for ref in self._means.episodes.unresolved():
            ours = self._namespace in (None, ref.namespace) and self._shard.owns(ref.uid)
            if ours and ref not in seen and self._is_gone(ref):
                self._means.episodes.ended(ref, scan.started, ResolvedBy.DELETED)

    def _is_gone(self, ref: Ref) -> bool:
        """Whether the API server says so: what a list does not show can be out of scope, or on a page that failed."""
        try:
            return self._means.cluster.get(ref.namespace, ref.name, ref.kind).metadata.uid != ref.uid
        except NotFound:
            return True
        except ClusterError:
            return False

    def _decide(
        self,
        each: Judged,
        at: Situation,
        standing: Standing,
        *,
        rehearse: bool,
        requested: Requests = _NOTHING,
    ) -> Judged:
        if each.finding is None:
            return each
        ref = each.seen.resource.ref
        plan = plan_for(each.finding, each.seen, requested.get(ref[:2]) if ref.kind == FUNCTION else None)
        if plan is not None:
            namespace = each.seen.namespace
            at = self._decider.about(at, each.seen, standing, namespace.annotations if namespace else None)
        decision = self._decider.propose(each.finding, plan, at, rehearse=rehearse)
        return msgspec.structs.replace(each, decision=decision)
