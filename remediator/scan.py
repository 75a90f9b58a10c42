"""One pass, in one direction: list, suspect, probe, diagnose, record, decide, act, verify, report.

`scan` ends at decide and changes nothing. `remediate` goes on with what a person approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from remediator.actions import plan_for
from remediator.actions.resync import undo_leftover
from remediator.diagnosis import diagnose, is_suspect
from remediator.errors import Changed, ClusterError, NotFound
from remediator.execute import Means, execute, undo
from remediator.gates import SECONDS_BETWEEN_PROOFS, approve, decide, incident
from remediator.model.decision import (
    Decision,
    Overrides,
    Population,
    Rehearsal,
    Rehearsed,
    Ruling,
    Situation,
    Standing,
)
from remediator.model.episode import ResolvedBy
from remediator.model.finding import Finding, State
from remediator.model.live import LiveState, unreadable
from remediator.model.masking import mask
from remediator.model.observation import ControllerFacts, Observation
from remediator.model.plan import Evidence, Outcome, Plan, Proof, Result
from remediator.model.resource import Ref, Resource
from remediator.policy import Policy
from remediator.situation import about, situation

_ATTEMPTS = 3
NOT_ASKED = "AWS was not asked"
_NONE = Overrides()

# A namespace's annotations by its name; None where they cannot be read.
Namespaces = Callable[[str], Mapping[str, str] | None]


class Judged(Struct, frozen=True):
    """One resource with what was found and decided; a finding of None is a healthy one."""

    seen: Observation
    finding: Finding | None
    decision: Decision | None

    @property
    def state(self) -> State:
        return self.finding.state if self.finding else State.HEALTHY

    @property
    def plan(self) -> Plan | None:
        return self.decision.proposal.plan if self.decision and self.decision.proposal else None


class Scan(Struct, frozen=True):
    """What a pass saw. `partial` says, in sentences, what it could not see; `records`, what is wrong with our own."""

    results: tuple[Judged, ...]
    partial: tuple[str, ...]
    leftovers: tuple[Resource, ...]
    controller: ControllerFacts
    started: datetime
    records: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        return sum(1 for each in self.results if each.state is state)

    @property
    def proposals(self) -> tuple[Judged, ...]:
        """What a person could approve."""
        return tuple(each for each in self.results if each.decision and each.decision.awaits_person)


class Pass:
    """The pass over one cluster under one policy. Holds no state of its own but the ports.

    `places` are the names that the cluster goes by, its context and its server: the policy may guard them.
    `namespace` is the only one that is looked at; None: all are.
    """

    def __init__(self, means: Means, policy: Policy, places: Sequence[str] = (), namespace: str | None = None) -> None:
        self._means = means
        self._policy = policy
        self._places = tuple(places)
        self._namespace = namespace

    def scan(self, *, rehearse: bool = False, overrides: Overrides = _NONE) -> Scan:
        """List, suspect, probe, diagnose and decide. Writes nothing: `record` does.

        `rehearse`: ask for each proposal whether we may, and let the API server try it as a dry run.
        """
        started = self._means.clock.now()
        records = self._means.episodes.load(started)
        listed = list(self._means.cluster.resources())
        resources = [each for each in listed if isinstance(each, Resource)]
        partial = tuple(each for each in listed if isinstance(each, str))
        leftovers = tuple(each for each in resources if undo_leftover(each))
        controller = self._controller(resources)
        judged = [self._judge(seen) for seen in self._observe(resources, controller)]
        population = _population(judged)
        if incident(population, self._policy.limits):
            self._means.episodes.incident(started)
        namespaces = cache(self._means.cluster.namespace_annotations)
        standing = self._means.episodes.standing(started)
        at = self._situation(population, overrides=overrides)
        results = tuple(self._decide(each, at, standing, namespaces, rehearse=rehearse) for each in judged)
        return Scan(results, partial, leftovers, controller, started, records)

    def record(self, scan: Scan) -> tuple[str, ...]:
        """Store what was seen and done, where there is a place for it; say what could not be stored."""
        self._note(scan)
        return self._means.episodes.save(self._means.clock.now())

    def examine(self, namespace: str, name: str) -> Judged:
        """Look at one resource alone, AWS included; the others only tell whether the controller is alive."""
        self._means.episodes.load(self._means.clock.now())
        resource = self._means.cluster.get(namespace, name)
        try:
            others = [each for each in self._means.cluster.resources() if isinstance(each, Resource)]
        except ClusterError:
            others = [resource]  # who may read just this one sees just its heartbeat
        seen = self._seen(resource, self._means.cloud.probe(resource), self._controller(others))
        judged, at = self._judge(seen), self._situation(None)
        standing = self._means.episodes.standing(at.now)
        return self._decide(judged, at, standing, self._means.cluster.namespace_annotations, rehearse=True)

    def undo_leftovers(self, scan: Scan) -> int:
        """Finish what a killed Resync left half done; how many there were."""
        return sum(undo(each, self._means.cluster) for each in scan.leftovers)

    def remediate(
        self,
        scan: Scan,
        approved: frozenset[str],
        progress: Callable[[str], None] = lambda _: None,
        *,
        before: Sequence[Outcome] = (),
        overrides: Overrides = _NONE,
    ) -> tuple[Outcome, ...]:
        """Act on the approved proposals, one after the other, and see what came of each.

        `before`: what this run has done already; it counts towards the actions of a run. `overrides`: what the person
        who approved told to let them through.
        """
        population = _population(scan.results)
        outcomes: list[Outcome] = []
        for each in scan.results:
            if each.plan is not None and each.plan.digest in approved:
                acted = sum(outcome.result is not Result.SKIPPED for outcome in (*before, *outcomes))
                at = self._situation(population, acted=acted, approved=approved, overrides=overrides)
                outcomes.append(self._attempt(each, scan, at, progress))
        return tuple(outcomes)

    # -- observe -----------------------------------------------------------------------------------------------

    def _observe(self, resources: Sequence[Resource], controller: ControllerFacts) -> Iterable[Observation]:
        now = self._means.clock.now()
        suspects = [each for each in resources if is_suspect(each, now, self._policy.timeouts)]
        live = self._probe(suspects)
        return [self._seen(each, live.get(each.ref, unreadable(NOT_ASKED)), controller) for each in resources]

    def _probe(self, suspects: Sequence[Resource]) -> dict[Ref, LiveState]:
        """Ask AWS about each suspect, side by side; one failure concerns one resource."""
        if not suspects:
            return {}
        with ThreadPoolExecutor(max_workers=self._policy.aws.workers) as pool:
            asked = [pool.submit(copy_context().run, self._means.cloud.probe, each) for each in suspects]
            return {each.ref: answer.result() for each, answer in zip(suspects, asked, strict=True)}

    def _seen(self, resource: Resource, live: LiveState, controller: ControllerFacts) -> Observation:
        now = self._means.clock.now()
        return Observation(
            resource=resource,
            live_state=live,
            now=now,
            controller=controller,
            history=self._means.episodes.history(resource.metadata.uid, now),
            timeouts=self._policy.timeouts,
        )

    def _judge(self, seen: Observation) -> Judged:
        finding = diagnose(seen)
        if finding is None:
            self._means.episodes.recovered(seen.resource, seen.now)
        else:
            self._means.episodes.sighted(seen.resource, finding, seen.now)
            # Gates count this sighting, too.
            history = self._means.episodes.history(seen.resource.metadata.uid, seen.now)
            seen = msgspec.structs.replace(seen, history=history)
        return Judged(seen, finding, None)

    def _note(self, scan: Scan) -> None:
        """Note what is proposed now, and which of those that were unwell are gone."""
        for each in scan.results:
            if each.finding is not None:
                waits = each.decision is not None and each.decision.awaits_person
                self._means.episodes.proposed(each.seen.resource, each.plan if waits else None, scan.started)
        seen = {each.seen.resource.ref for each in scan.results}
        for ref in self._means.episodes.unresolved():
            if self._namespace in (None, ref.namespace) and ref not in seen and self._is_gone(ref):
                self._means.episodes.ended(ref, scan.started, ResolvedBy.DELETED)

    def _is_gone(self, ref: Ref) -> bool:
        """Whether the API server says so: what a list does not show can be out of scope, or on a page that failed."""
        try:
            return self._means.cluster.get(ref.namespace, ref.name).metadata.uid != ref.uid
        except NotFound:
            return True
        except ClusterError:
            return False

    # -- decide ------------------------------------------------------------------------------------------------

    def _situation(self, population: Population | None, **more: Any) -> Situation:
        return situation(self._policy, self._means.clock.now(), population, places=self._places, **more)

    def _decide(
        self, each: Judged, at: Situation, standing: Standing, namespaces: Namespaces, *, rehearse: bool
    ) -> Judged:
        if each.finding is None:
            return each
        plan = plan_for(each.finding, each.seen)
        if plan is not None:
            at = self._about(at, each.seen, standing, namespaces(plan.target.namespace))
        decision = decide(each.finding, plan, at)
        if plan is not None and rehearse and decision.awaits_person:
            decision = decide(each.finding, plan, self._preflight(plan, at))
        return msgspec.structs.replace(each, decision=decision)

    def _about(
        self, at: Situation, seen: Observation, standing: Standing, annotations: Mapping[str, str] | None
    ) -> Situation:
        skew = self._means.cluster.skew()
        return msgspec.structs.replace(about(at, seen, standing), namespace_annotations=annotations, skew=skew)

    def _preflight(self, plan: Plan, at: Situation) -> Situation:
        """Ask whether we may, and where we may, whether it would be taken. What cannot be tried is told, no error."""
        permitted, why = self._means.cluster.permitted(plan.target)
        try:
            tried = self._rehearsed(plan, permitted=permitted, why=why)
        except (Changed, NotFound) as error:
            said = mask(error.message, plan.resource.secrets)
            tried = Rehearsal(Rehearsed.NOT_VERIFIED, f"the object moved while we looked: {said}")
        return msgspec.structs.replace(at, permitted=permitted, permitted_why=why, rehearsal=tried)

    def _rehearsed(self, plan: Plan, *, permitted: bool | None, why: str) -> Rehearsal:
        if permitted is False:
            return Rehearsal(Rehearsed.NOT_VERIFIED, why)
        return self._means.cluster.rehearse(plan.resource, plan.steps[0].patch)

    def _controller(self, resources: Iterable[Resource]) -> ControllerFacts:
        """Find out how the controller is, heartbeats included.

        Not those of what it no longer looks at by itself: while an object is being deleted, and after a Terminal
        error, the heartbeat stands still, and says nothing about the controller.
        """
        moving = [each.heartbeat for each in resources if not (each.deleting or each.terminal)]
        known = [each for each in moving if each is not None]
        return self._means.cluster.controller(known, self._means.clock.now())

    # -- act and verify ----------------------------------------------------------------------------------------

    def _attempt(self, judged: Judged, scan: Scan, at: Situation, progress: Callable[[str], None]) -> Outcome:
        """Look once more, decide on what is there now, and act; anew when the object moved in between."""
        assert judged.finding is not None and judged.plan is not None
        approved_plan, finding = judged.plan, judged.finding
        why = "the object kept changing"
        for _ in range(_ATTEMPTS):
            try:
                taken = self._means.clock.now()
                proofs = self._proofs(approved_plan, progress)
                # Looked at after AWS was asked, which can take minutes: the controller may have come back by now.
                controller = self._controller(each.seen.resource for each in scan.results)
                annotations = self._means.cluster.namespace_annotations(approved_plan.target.namespace)
                # Read last of all: the guard of the first write is then as fresh as can be.
                resource = self._means.cluster.get(*approved_plan.target[:2])
                seen = self._seen(resource, proofs[-1].live, controller)
                found = diagnose(seen)
                plan = plan_for(found, seen) if found else None
                if found is None or plan is None or plan.digest != approved_plan.digest:
                    return _skipped(approved_plan, _what_changed(approved_plan, seen, found))
                evidence = Evidence(approved_plan.digest, proofs, taken)
                standing = self._means.episodes.standing(at.now)
                now = msgspec.structs.replace(self._about(at, seen, standing, annotations), evidence=evidence)
                decision, now = self._rehearsed_decision(finding, plan, now)
                key = approve(decision, now)
                if key is None:
                    return _skipped(approved_plan, f"held back by {_holding(decision)}")
                progress(f"{plan.action} {plan.target}: acting, then watching for the effect")
                return execute(key, self._means, self._look(controller))
            except NotFound:
                return _skipped(approved_plan, "the object is gone")
            except Changed as error:
                why = error.message
            except ClusterError as error:
                return _skipped(approved_plan, f"nothing was written: {error.message}")
        return _skipped(approved_plan, f"changed {_ATTEMPTS} times while we looked: {why}")

    def _rehearsed_decision(self, finding: Finding, plan: Plan, at: Situation) -> tuple[Decision, Situation]:
        """Decide, and where nothing else holds it back, again with what a dry run of the first write says."""
        at = msgspec.structs.replace(at, now=self._means.clock.now())
        decision = decide(finding, plan, at)
        if decision.held:
            return decision, at
        permitted, why = self._means.cluster.permitted(plan.target)
        tried = self._rehearsed(plan, permitted=permitted, why=why)
        now = self._means.clock.now()
        at = msgspec.structs.replace(at, now=now, permitted=permitted, permitted_why=why, rehearsal=tried)
        return decide(finding, plan, at), at

    def _look(self, controller: ControllerFacts) -> Callable[[Resource], tuple[Observation, Finding | None]]:
        def look(resource: Resource) -> tuple[Observation, Finding | None]:
            seen = self._seen(resource, self._means.cloud.probe(resource), controller)
            return seen, diagnose(seen)

        return look

    def _proofs(self, plan: Plan, progress: Callable[[str], None]) -> tuple[Proof, ...]:
        """Ask AWS as often as the plan needs, at least once, far enough apart; stop at the first that is not gone."""
        clock, probe = self._means.clock, self._means.cloud.probe
        taken = [Proof(probe(plan.resource), clock.monotonic())]
        while len(taken) < plan.proofs and taken[-1].live.proven_gone:
            wait = f"the next in {SECONDS_BETWEEN_PROOFS:.0f} s"
            progress(f"{plan.action} {plan.target}: proof {len(taken)} of {plan.proofs}: AWS says gone; {wait}")
            clock.sleep(SECONDS_BETWEEN_PROOFS + 1)
            taken.append(Proof(probe(plan.resource), clock.monotonic()))
        return tuple(taken)


def _population(judged: Iterable[Judged]) -> Population:
    states = [each.state for each in judged]
    return Population(total=len(states), unwell=sum(each in (State.STUCK, State.UNKNOWN) for each in states))


def _skipped(plan: Plan, why: str) -> Outcome:
    return Outcome(
        action=plan.action,
        target=plan.target,
        result=Result.SKIPPED,
        detail=mask(why, plan.resource.secrets),  # the API server quotes values that it refuses
        proposal_id=plan.proposal_id,
    )


def _holding(decision: Decision) -> str:
    """Say what keeps the key back: what holds, and what could not be told even now."""
    return "; ".join(f"{each.gate}: {each.reason}" for each in decision.verdicts if each.ruling is not Ruling.ALLOWED)


def _what_changed(plan: Plan, seen: Observation, found: Finding | None) -> str:
    if seen.resource.metadata.uid != plan.target.uid:
        return "the object was deleted and created anew since it was proposed"
    if found is None:
        return "nothing is wrong any more"
    if found.name is not plan.finding:
        return f"it is {found.name} now: {found.summary}"
    return "the situation changed since it was proposed; look again"
