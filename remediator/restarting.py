"""Restart a controller that hangs, where a person asks for it: look, wait for creates, decide, act, see the effect.

It is about a Deployment, and all resources together; what is done to one resource is in `acting`. Gates, intent, lock
and verification are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from remediator.actions.restart_controller import HELPED, NO_CREATE, Ground, Waiting, creates, named, restart_controller
from remediator.deciding import Decider
from remediator.errors import Busy, Changed, ClusterError, NotFound, RemediatorError, UsageError
from remediator.execute import Begun, begin, finish
from remediator.gates import approve
from remediator.model.audit import Moment
from remediator.model.controller import Health, Install
from remediator.model.decision import Decision, Overrides, Ruling, Situation, Verdict
from remediator.model.finding import Finding, State
from remediator.model.live import unreadable
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Evidence, Outcome, Plan, Result
from remediator.model.resource import Resource
from remediator.model.scan import Judged, Scan
from remediator.policy import Policy
from remediator.ports import Hold, Means
from remediator.scan import Pass

_NOT_ASKED = "AWS has nothing to say of a Deployment"
_POLL = 5.0
# Of what is not there any more: no heartbeat of anything.
_OVER = object()

Progress = Callable[[str], None]


class Restart(Struct, frozen=True):
    """A restart as it was judged, and what it would do."""

    judged: Judged
    plan: Plan

    @property
    def held(self) -> tuple[Verdict, ...]:
        """What holds it back beside a person."""
        return self.judged.decision.held_by_fact if self.judged.decision else ()

    @property
    def waits(self) -> bool:
        """Whether nothing holds it back but creates that are in flight."""
        return [each.gate for each in self.held] == [NO_CREATE]


class _Listed(Struct, frozen=True):
    """What was listed; `unseen` says in sentences what could not be."""

    resources: tuple[Resource, ...]
    unseen: tuple[str, ...]

    def of(self, install: Install) -> _Listed:
        """Leave out what another controller looks at."""
        mine = tuple(each for each in self.resources if install.watches(each.metadata.namespace))
        return _Listed(mine, self.unseen)


def install_of(scan: Scan, named: str) -> Install:
    """Find the Deployment to restart, by namespace/name or the only one; raise where there is none, or a choice."""
    installs = {each.deployment: each for each in scan.controller.installs}
    if not installs:
        raise RemediatorError(
            f"there is no controller to restart: {scan.controller.why}",
            hint="Where EKS runs ACK, AWS restarts it. Else: may we list Deployments? `remediator doctor` says.",
        )
    if named in installs:
        return installs[named]
    choice = ", ".join(sorted(installs))
    if named:
        raise UsageError(f"no controller runs in Deployment {named}", hint=f"These have one: {choice}.")
    if len(installs) > 1:
        raise UsageError("there are several controllers", hint=f"Name one with --deployment: {choice}.")
    return next(iter(installs.values()))


class Restarter:
    """Restarts the controller of one cluster under one policy.

    `everything`: whether passes look at all namespaces; where they do not, nobody knows what is in flight elsewhere.
    `overrides` are what the person told to let it through.
    """

    def __init__(
        self, means: Means, policy: Policy, work: Pass, decider: Decider, overrides: Overrides, *, everything: bool
    ) -> None:
        self._means = means
        self._policy = policy
        self._work = work
        self._decider = decider
        self._overrides = overrides
        self._everything = everything

    def look(self, scan: Scan, install: Install) -> Restart:
        """Judge a restart by what a pass saw; raise ClusterError where the Deployment cannot be read.

        What is in flight is listed anew: a pass keeps none of what is plainly well, what ACK is just making included.
        """
        finding, plan = restart_controller(self._ground(scan, install, self._listed(install)))
        seen = self._seen(scan, plan)
        decision = self._decider.propose(finding, plan, self._situation(scan, seen), rehearse=True)
        return Restart(Judged(seen, finding, decision), plan)

    def attempt(
        self, restart: Restart, scan: Scan, install: Install, progress: Progress, *, patience: timedelta
    ) -> Outcome:
        """Restart what a person approved just now, once no create is in flight; wait for that for so long."""
        plan = restart.plan
        try:
            if self._waited(install, progress, patience):
                scan = self._work.scan(again=True)  # what was seen before is too old by now
            listed = self._listed(install)  # before the lock is asked for: nobody else is to wait for a long list
            with self._means.lock.held(progress) as hold:
                done = self._begin(plan, scan, self._ground(scan, install, listed), hold, progress)
        except NotFound:
            return _skipped(plan, "the Deployment is gone")
        except Busy as error:
            return _skipped(plan, f"held back by action-lock: {error.message}")
        except Changed as error:
            return _skipped(plan, f"the Deployment changed while we looked: {error.message}")
        except ClusterError as error:
            return _skipped(plan, f"nothing was written: {error.message}")
        outcome = done if isinstance(done, Outcome) else finish(done, self._means, _nothing_to_look_at)
        # A Deployment is not unwell: its record is of what was done to it, and over with that, whatever came of it.
        now = self._means.clock.now()
        self._means.episodes.ended(plan.target, now, None)
        self._means.episodes.save(now)
        return outcome

    def _begin(self, chosen: Plan, scan: Scan, on: Ground, hold: Hold, progress: Progress) -> Begun | Outcome:
        """Decide on what is there now, and write. The lock is ours: what records say of others is up to date."""
        on = msgspec.structs.replace(on, recorded=self._recorded(on.workload.ref.uid))
        finding, plan = restart_controller(on)
        if plan.digest != chosen.digest:
            return _skipped(chosen, "the situation changed since it was proposed; look again")
        seen = self._seen(scan, plan)
        at = msgspec.structs.replace(
            self._situation(scan, seen),
            approved=frozenset({chosen.digest}),
            evidence=Evidence(chosen.digest, taken=scan.started),
            locked=hold.keep(),
            locked_why=hold.why,
        )
        decision, at = self._decider.decide(finding, plan, at)
        unaudited = self._means.audit.decided([Judged(seen, finding, decision)], Moment.ACT)
        key = approve(decision, at)
        if key is None:
            return _skipped(chosen, f"held back by {_holding(decision)}")
        if unaudited:
            return _skipped(chosen, f"nothing was written: {unaudited}")
        progress(f"{plan.action} {plan.target}: acting, then watching for the effect")
        return begin(key, self._means, hold, at.approved_by(plan.digest))

    def _waited(self, install: Install, progress: Progress, patience: timedelta) -> bool:
        """Wait for creates that are in flight; whether there were any. What is in flight at the end holds it back."""
        clock, told = self._means.clock, ""
        deadline = clock.monotonic() + patience.total_seconds()
        while begun := creates(self._listed(install).resources, clock.now()):
            if clock.monotonic() >= deadline:
                break
            said = f"waiting until ACK has made {named(begun)}"
            if said != told:
                progress(said)
                told = said
            clock.sleep(_POLL)
        return bool(told)

    def _listed(self, install: Install) -> _Listed:
        """List anew what the controller looks at: what is in flight is a matter of seconds."""
        found = list(self._means.cluster.resources())
        resources = tuple(each for each in found if isinstance(each, Resource))
        return _Listed(resources, tuple(each for each in found if isinstance(each, str))).of(install)

    def _ground(self, scan: Scan, install: Install, listed: _Listed) -> Ground:
        listed = listed.of(install)
        workload = self._means.cluster.workload(*install.deployment.split("/", 1))
        beats = {each.ref: each.heartbeat for each in listed.resources}
        waiting = tuple(
            Waiting(each.seen.resource, each.finding.name)
            for each in scan.results
            if each.finding is not None
            and each.finding.name in HELPED
            and each.state is State.STUCK
            # One that was looked at since waits for the controller no more.
            and beats.get(each.seen.resource.ref, _OVER) == each.seen.resource.heartbeat
        )
        # Kubernetes takes it for alive, and no heartbeat moves.
        hangs = install.health is Health.ALIVE and scan.controller.health is Health.DOWN
        unseen = listed.unseen if self._everything else (*listed.unseen, "not all namespaces were looked at")
        return Ground(
            workload=workload,
            controller=msgspec.structs.replace(scan.controller, version=install.version),
            resources=listed.resources,
            unseen=unseen,
            waiting=waiting,
            unwell=scan.population.unwell,
            hangs=scan.controller.why if hangs else "",
            recorded=self._recorded(workload.ref.uid),
            terms=self._policy.restarts,
            now=self._means.clock.now(),
        )

    def _recorded(self, uid: str) -> datetime | None:
        """Say when we restarted it last, as far as records tell, whatever came of that."""
        episode = self._means.episodes.episode(uid)
        done = [each for each in episode.attempts if each.result is not Result.SKIPPED] if episode else []
        return max((each.intended for each in done if each.action is ActionName.RESTART_CONTROLLER), default=None)

    def _seen(self, scan: Scan, plan: Plan) -> Observation:
        now = self._means.clock.now()
        history = self._means.episodes.history(plan.target.uid, now)
        return Observation(plan.resource, unreadable(_NOT_ASKED), now, scan.controller, history)

    def _situation(self, scan: Scan, seen: Observation) -> Situation:
        definitions = self._means.cluster.definitions()
        pauses = self._means.pauses.read()
        at = self._decider.situation(scan.population, overrides=self._overrides, definitions=definitions, pauses=pauses)
        return self._decider.about(at, seen, self._means.episodes.standing(seen.now), None)


def _skipped(plan: Plan, why: str) -> Outcome:
    return Outcome(
        action=plan.action, target=plan.target, result=Result.SKIPPED, detail=why, proposal_id=plan.proposal_id
    )


def _holding(decision: Decision) -> str:
    """Say what holds it back; where nothing does, what could not be told even now."""
    untold = (each for each in decision.verdicts if each.ruling is Ruling.LATER)
    return "; ".join(f"{each.gate}: {each.reason}" for each in decision.held or untold)


def _nothing_to_look_at(_: Resource) -> tuple[Observation, Finding | None]:
    raise AssertionError("a restart is not verified by one resource's finding")
