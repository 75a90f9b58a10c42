"""One plan on one object, carried out in memory: what tests of execution need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from remediator.actions import plan_for
from remediator.diagnosis import diagnose
from remediator.execute import begin, finish
from remediator.gates import Approved, approve, decide
from remediator.model.decision import Population
from remediator.model.finding import Finding
from remediator.model.live import LiveState
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Evidence, Outcome, Plan, Proof
from remediator.model.resource import Resource
from tests.builders import (
    ALIVE,
    BUSY,
    DOWN,
    GONE,
    NOW,
    Json,
    active,
    at,
    deleting,
    failing,
    function,
    observe,
)
from tests.fakes import FakeCloud, FakeCluster, World
from tests.proposals import ready

LATER = at(seconds=-5)


def stuck(**more: Any) -> Json:
    """Build a living object that waits for a Resync: a 409 of five minutes ago, and AWS has settled since."""
    return function(conditions=failing(BUSY, at(minutes=5)), **more)


def left(**more: Any) -> Json:
    """Build an object that waits for ClearFinalizer."""
    return deleting(**more)


def world(raw: Json, *live: LiveState) -> World:
    return World(FakeCluster(raw), FakeCloud(checkout=list(live) or [active()]))


def key(raw: Json, live: LiveState, requested: ActionName | None = None, **more: Any) -> Approved[Plan]:
    """Get a plan approved as it would be right before the act."""
    seen = observe(raw, live, now=NOW + timedelta(minutes=15), **more)
    finding = diagnose(seen)
    plan = plan_for(finding, seen, requested) if finding else None
    assert finding is not None
    assert plan is not None
    proofs = (Proof(live, 0.0), Proof(live, 60.0))
    situation = ready(plan, population=Population(1, 1), evidence=Evidence(plan.digest, proofs, NOW))
    approved = approve(decide(finding, plan, situation), situation)
    assert approved is not None
    return approved


def run(here: World, approved: Approved[Plan]) -> Outcome:
    def look(resource: Resource) -> tuple[Observation, Finding | None]:
        seen = Observation(resource, here.cloud.probe(resource), here.clock.now())
        return seen, diagnose(seen)

    with here.means.lock.held(lambda _: None) as hold:
        begun = begin(approved, here.means, hold)
    return begun if isinstance(begun, Outcome) else finish(begun, here.means, look)


def resync(here: World, raw: Json, live: LiveState | None = None) -> Outcome:
    outcome = run(here, key(raw, live or active()))
    assert outcome.action is ActionName.RESYNC
    return outcome


def release(here: World, raw: Json) -> Outcome:
    """Carry out what a person asked for, about a function that AWS had when it was asked for."""
    outcome = run(here, key(raw, active(), requested=ActionName.RELEASE, controller=ALIVE))
    assert outcome.action is ActionName.RELEASE
    return outcome


def clear(here: World, raw: Json) -> Outcome:
    outcome = run(here, key(raw, GONE, controller=DOWN))
    assert outcome.action is ActionName.CLEAR_FINALIZER
    return outcome


def untouched(here: World, raw: Json) -> bool:
    """Whether spec and annotations are as they were."""
    now = here.cluster.the()
    return now["spec"] == raw["spec"] and not now["metadata"].get("annotations")
