"""Act on what was decided: look once more, take the lock, decide on what is there now, write, see what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from remediator.actions import plan_for
from remediator.deciding import Decider
from remediator.diagnosis import diagnose
from remediator.errors import Busy, Changed, ClusterError, NotFound
from remediator.execute import Begun, begin, finish
from remediator.gates import SECONDS_BETWEEN_PROOFS, approve
from remediator.model.audit import Moment
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Decision, Ruling, Situation
from remediator.model.finding import Finding
from remediator.model.identities import Identities
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.placement import Placement
from remediator.model.plan import Evidence, Outcome, Plan, Proof, Result
from remediator.model.scan import Judged, Scan
from remediator.observing import Observer
from remediator.ports import Hold, Means

_ATTEMPTS = 3
_NOBODY = "nobody: the policy lets it go by itself"

# Told, in a sentence, what is done or waited for.
Progress = Callable[[str], None]


class Actor:
    """Acts on one resource after the other."""

    def __init__(self, means: Means, observer: Observer, decider: Decider) -> None:
        self._means = means
        self._observer = observer
        self._decider = decider

    def attempt(self, judged: Judged, scan: Scan, at: Situation, progress: Progress) -> Outcome:
        """Act on one resource, if every gate still lets it; anew when the object moved in between."""
        assert judged.plan is not None
        chosen = judged.plan
        why = "the object kept changing"
        for _ in range(_ATTEMPTS):
            try:
                taken = self._means.clock.now()
                proofs = self._proofs(chosen, judged.seen.placement, progress)
                # Looked at after AWS was asked, which can take minutes: the controller may have come back by now, and
                # somebody may have told it to look elsewhere.
                controller = self._observer.controller(scan.heartbeats)
                known = self._observer.identities([chosen.resource], controller)
                evidence = Evidence(chosen.digest, proofs, taken)
                # Seven questions, which nobody else is to wait for under the lock.
                now = msgspec.structs.replace(at, definitions=self._means.cluster.definitions())
                with self._means.lock.held(progress) as hold:
                    begun = self._begin(judged, evidence, (controller, known), now, hold, progress)
            except NotFound:
                return _skipped(chosen, "the object is gone")
            except Changed as error:
                why = error.message
            except Busy as error:
                return _skipped(chosen, f"held back by action-lock: {error.message}")
            except ClusterError as error:
                return _skipped(chosen, f"nothing was written: {error.message}")
            else:
                if isinstance(begun, Outcome):
                    return begun
                return finish(begun, self._means, self._observer.look(controller))
        return _skipped(chosen, f"changed {_ATTEMPTS} times while we looked: {why}")

    def _begin(
        self,
        judged: Judged,
        evidence: Evidence,
        around: tuple[ControllerFacts, Identities],
        at: Situation,
        hold: Hold,
        progress: Progress,
    ) -> Begun | Outcome:
        """Decide on what is there now, and write. The lock is ours: what records say of others is up to date."""
        chosen, finding = judged.plan, judged.finding
        assert chosen is not None and finding is not None
        self._means.episodes.load(self._means.clock.now())
        pauses = self._means.pauses.read()
        annotations = self._means.cluster.namespace_annotations(chosen.target.namespace)
        # Read last of all: the guard of the first write is then as fresh as can be.
        resource = self._means.cluster.get(*chosen.target[:2])
        seen = self._observer.seen(resource, evidence.proofs[-1].live, *around)
        found = diagnose(seen)
        plan = plan_for(found, seen, chosen.action) if found else None
        if found is None or plan is None or plan.digest != chosen.digest:
            return _skipped(chosen, _what_changed(chosen, seen, found))
        standing = self._means.episodes.standing(seen.now)
        at = self._decider.about(at, seen, standing, annotations)
        at = msgspec.structs.replace(at, evidence=evidence, pauses=pauses, locked=hold.keep(), locked_why=hold.why)
        decision, at = self._decider.decide(finding, plan, at)
        unaudited = self._means.audit.decided([Judged(seen, finding, decision)], Moment.ACT)
        key = approve(decision, at)
        if key is None:
            return _skipped(chosen, f"held back by {_holding(decision)}")
        if unaudited:
            return _skipped(chosen, f"nothing was written: {unaudited}")
        progress(f"{plan.action} {plan.target}: acting, then watching for the effect")
        # A reason that a person gave for passing by a gate can quote anything.
        return begin(key, self._means, hold, mask(at.approved_by(plan.digest), plan.secrets) or _NOBODY)

    def _proofs(self, plan: Plan, placement: Placement | None, progress: Progress) -> tuple[Proof, ...]:
        """Ask AWS as often as the plan needs, at least once, far enough apart; stop at the first that is not gone."""
        clock, probe = self._means.clock, self._means.cloud.probe
        taken = [Proof(probe(plan.resource, placement), clock.monotonic())]
        while len(taken) < plan.proofs and taken[-1].live.proven_gone:
            wait = f"the next in {SECONDS_BETWEEN_PROOFS:.0f} s"
            progress(f"{plan.action} {plan.target}: proof {len(taken)} of {plan.proofs}: AWS says gone; {wait}")
            clock.sleep(SECONDS_BETWEEN_PROOFS + 1)
            taken.append(Proof(probe(plan.resource, placement), clock.monotonic()))
        return tuple(taken)


def acted(outcomes: Sequence[Outcome]) -> int:
    """Count those that count towards the actions of a run."""
    return sum(each.result is not Result.SKIPPED for each in outcomes)


def _skipped(plan: Plan, why: str) -> Outcome:
    return Outcome(
        action=plan.action,
        target=plan.target,
        result=Result.SKIPPED,
        detail=mask(why, plan.secrets),  # the API server quotes values that it refuses
        proposal_id=plan.proposal_id,
    )


def _holding(decision: Decision) -> str:
    """Say what keeps the key back: what holds; where nothing does, what could not be told even now."""
    holding = decision.held or tuple(each for each in decision.verdicts if each.ruling is not Ruling.ALLOWED)
    return "; ".join(f"{each.gate}: {each.reason}" for each in holding)


def _what_changed(plan: Plan, seen: Observation, found: Finding | None) -> str:
    if seen.resource.metadata.uid != plan.target.uid:
        return "the object was deleted and created anew since it was proposed"
    if found is None:
        return "nothing is wrong any more"
    if found.name is not plan.finding:
        return f"it is {found.name} now: {found.summary}"
    return "the situation changed since it was proposed; look again"
