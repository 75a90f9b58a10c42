"""Proposals, and situations in which nothing holds them back: a test says what is otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.model.decision import Population, Proposal, Rehearsal, Rehearsed, Situation
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.observation import Observation
from remediator.model.pause import Pauses
from remediator.model.plan import ActionName, Evidence, Plan, Proof
from tests.builders import ALIVE, DOWN, GONE, NOW, Json, deleting, observe
from tests.workloads import restart

Build = Callable[[Observation, FindingName], Plan]

PROOFS = (Proof(GONE, 0.0), Proof(GONE, 60.0))
TAKEN = Rehearsal(Rehearsed.VERIFIED, "the API server takes the first write")


BUILDERS: dict[ActionName, Build] = {
    ActionName.RESYNC: resync,
    ActionName.RELEASE: release,
    ActionName.CLEAR_FINALIZER: clear_finalizer,
    ActionName.RESTART_CONTROLLER: lambda seen, _: restart(now=seen.now).plan,
}


def proposed(raw: Json | None = None, build: Build = clear_finalizer) -> Proposal:
    """Propose an action on an object; on one that is left behind by its function, where none is given."""
    seen = observe(raw or deleting(), GONE, controller=DOWN)
    plan = build(seen, FindingName.FINALIZER_LEFT)
    finding = Finding(name=plan.finding, state=State.STUCK, summary="left", since=NOW, remedy=Remedy.CLEAR_FINALIZER)
    return Proposal(finding, plan)


def situation(**changes: Any) -> Situation:
    """Build a situation as a scan has it: nobody approved, nothing is looked at for the act."""
    base: dict[str, Any] = {"now": NOW, "population": Population(100, 1)}
    return Situation(**(base | changes))


def ready(plan: Plan, **changes: Any) -> Situation:
    """Build a situation right before the act in which nothing is missing."""
    base: dict[str, Any] = {
        "controller": DOWN if plan.action is ActionName.CLEAR_FINALIZER else ALIVE,
        "namespace_annotations": {},
        "approved": frozenset({plan.digest}),
        "evidence": Evidence(plan.digest, PROOFS, NOW),
        "permitted": True,
        "rehearsal": TAKEN,
        "skew": 0.0,
        "pauses": Pauses(),
        "locked": True,
    }
    return situation(**(base | changes))
