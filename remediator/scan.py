"""One pass, in one direction: list, suspect, probe, diagnose, record, decide, act, verify, report.

`scan` ends at decide and changes nothing. `remediate` goes on with what a person approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime

import msgspec
from msgspec import Struct

from remediator.actions import plan_for
from remediator.actions.resync import undo_leftover
from remediator.diagnosis import diagnose, is_suspect
from remediator.errors import Changed, ClusterError, NotFound
from remediator.execute import Means, execute, undo
from remediator.gates import SECONDS_BETWEEN_PROOFS, approve, decide
from remediator.model.decision import Decision, Population, Situation
from remediator.model.finding import Finding, State
from remediator.model.live import LiveState, unreadable
from remediator.model.masking import mask
from remediator.model.observation import ControllerFacts, Observation
from remediator.model.plan import Evidence, Outcome, Plan, Proof, Result
from remediator.model.resource import Ref, Resource
from remediator.policy import Mode, Policy

_ATTEMPTS = 3
NOT_ASKED = "AWS was not asked"


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
    """What a pass saw. `partial` says, in sentences, what it could not see."""

    results: tuple[Judged, ...]
    partial: tuple[str, ...]
    leftovers: tuple[Resource, ...]
    controller: ControllerFacts
    started: datetime

    def count(self, state: State) -> int:
        return sum(1 for each in self.results if each.state is state)

    @property
    def proposals(self) -> tuple[Judged, ...]:
        """What a person could approve."""
        return tuple(each for each in self.results if each.decision and each.decision.awaits_person)


class Pass:
    """The pass over one cluster under one policy. Holds no state of its own but the ports."""

    def __init__(self, means: Means, policy: Policy) -> None:
        self._means = means
        self._policy = policy

    def scan(self) -> Scan:
        """List, suspect, probe, diagnose, record and decide. Writes nothing."""
        started = self._means.clock.now()
        listed = list(self._means.cluster.resources())
        resources = [each for each in listed if isinstance(each, Resource)]
        partial = tuple(each for each in listed if isinstance(each, str))
        leftovers = tuple(each for each in resources if undo_leftover(each))
        controller = self._controller(resources)
        judged = [self._judge(seen) for seen in self._observe(resources, controller)]
        population = _population(judged)
        results = tuple(self._decide(each, population) for each in judged)
        return Scan(results, partial, leftovers, controller, started)

    def examine(self, namespace: str, name: str) -> Judged:
        """Look at one resource alone, AWS included; the others only tell whether the controller is alive."""
        resource = self._means.cluster.get(namespace, name)
        try:
            others = [each for each in self._means.cluster.resources() if isinstance(each, Resource)]
        except ClusterError:
            others = [resource]  # who may read just this one sees just its heartbeat
        seen = self._seen(resource, self._means.cloud.probe(resource), self._controller(others))
        return self._decide(self._judge(seen), None)

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
    ) -> tuple[Outcome, ...]:
        """Act on the approved proposals, one after the other, and see what came of each.

        `before`: what this run has done already; it counts towards the actions of a run.
        """
        population = _population(scan.results)
        outcomes: list[Outcome] = []
        for each in scan.results:
            if each.plan is not None and each.plan.digest in approved:
                acted = sum(outcome.result is not Result.SKIPPED for outcome in (*before, *outcomes))
                at = situation(self._policy, self._means.clock.now(), population, acted=acted, approved=approved)
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
        return Judged(seen, finding, None)

    # -- decide ------------------------------------------------------------------------------------------------

    def _decide(self, each: Judged, population: Population | None) -> Judged:
        if each.finding is None:
            return each
        at = situation(self._policy, self._means.clock.now(), population)
        decision = decide(each.finding, plan_for(each.finding, each.seen), at)
        return msgspec.structs.replace(each, decision=decision)

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
                proofs = self._proofs(approved_plan, progress)
                # Looked at after AWS was asked, which can take minutes: the controller may have come back by now.
                controller = self._controller(each.seen.resource for each in scan.results)
                # Read last of all: the guard of the first write is then as fresh as can be.
                resource = self._means.cluster.get(*approved_plan.target[:2])
                seen = self._seen(resource, proofs[-1].live, controller)
                found = diagnose(seen)
                plan = plan_for(found, seen) if found else None
                if found is None or plan is None or plan.digest != approved_plan.digest:
                    return _skipped(approved_plan, _what_changed(approved_plan, seen, found))
                evidence = Evidence(approved_plan.digest, proofs)
                now = msgspec.structs.replace(at, now=self._means.clock.now(), evidence=evidence)
                decision = decide(finding, plan, now)
                key = approve(decision, now)
                if key is None:
                    held = "; ".join(f"{each.gate}: {each.reason}" for each in decision.held)
                    return _skipped(approved_plan, f"held back by {held}")
                progress(f"{plan.action} {plan.target}: acting, then watching for the effect")
                return execute(key, self._means, self._look(controller))
            except NotFound:
                return _skipped(approved_plan, "the object is gone")
            except Changed as error:
                why = error.message
            except ClusterError as error:
                return _skipped(approved_plan, f"nothing was written: {error.message}")
        return _skipped(approved_plan, f"changed {_ATTEMPTS} times while we looked: {why}")

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


def situation(
    policy: Policy,
    now: datetime,
    population: Population | None,
    *,
    acted: int = 0,
    approved: frozenset[str] = frozenset(),
) -> Situation:
    """Say to the gates what the policy allows, what was done and what a person approved."""
    return Situation(
        now=now,
        population=population,
        may_act=bool(approved) or policy.mode is Mode.APPROVE,
        actions_per_run=policy.actions_per_run,
        breaker_percent=policy.breaker.percent,
        breaker_min_population=policy.breaker.min_population,
        breaker_objects=policy.breaker.objects,
        acted=acted,
        approved=approved,
    )


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


def _what_changed(plan: Plan, seen: Observation, found: Finding | None) -> str:
    if seen.resource.metadata.uid != plan.target.uid:
        return "the object was deleted and created anew since it was proposed"
    if found is None:
        return "nothing is wrong any more"
    if found.name is not plan.finding:
        return f"it is {found.name} now: {found.summary}"
    return "the situation changed since it was proposed; look again"
