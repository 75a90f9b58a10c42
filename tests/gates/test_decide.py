"""From a finding and its plan to a decision; and the one key to a write."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import remediator
from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.resync import resync
from remediator.gates import Approved, approve, decide
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import (
    Decision,
    DecisionKind,
    GateName,
    Overrides,
    Population,
    Rehearsal,
    Rehearsed,
    Ruling,
)
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.limits import Ceilings, Mode
from remediator.model.observation import History
from remediator.model.plan import ActionName, Evidence, Need, Proof
from remediator.model.selection import Selection, Selector
from remediator.model.word import Approval
from tests.builders import ALIVE, DOWN, GONE, NOW, UNPROVEN_GONE, active, deleting, observe
from tests.proposals import PROOFS, ready, situation

LEFT = observe(deleting(), GONE, controller=DOWN)
PLAN = clear_finalizer(LEFT, FindingName.FINALIZER_LEFT)
FINDING = Finding(
    name=FindingName.FINALIZER_LEFT, state=State.STUCK, summary="left", since=NOW, remedy=Remedy.CLEAR_FINALIZER
)


def test_waiting_is_waited_for() -> None:
    waiting = msgspec.structs.replace(FINDING, state=State.WAITING, remedy=Remedy.WAIT)
    assert decide(waiting, None, ready(PLAN)) == Decision(DecisionKind.WAIT)


@pytest.mark.parametrize("state", [State.STUCK, State.ADVISORY, State.UNKNOWN])
def test_what_no_action_helps_is_reported(state: State) -> None:
    finding = msgspec.structs.replace(FINDING, state=state, remedy=Remedy.REPORT)
    assert decide(finding, None, ready(PLAN)) == Decision(DecisionKind.REPORT)


def test_with_nothing_missing_it_is_acted_on() -> None:
    decision = decide(FINDING, PLAN, ready(PLAN))
    assert decision.kind is DecisionKind.ACT
    assert decision.held == ()
    key = approve(decision, ready(PLAN))
    assert key is not None
    assert key.value is PLAN


def test_in_dry_run_it_is_proposed() -> None:
    decision = decide(FINDING, PLAN, situation(controller=DOWN, namespace_annotations={}))
    assert decision.kind is DecisionKind.PROPOSE
    assert [each.gate for each in decision.held] == [GateName.MODE, GateName.APPROVAL, GateName.SIGHTINGS]
    assert decision.awaits_person


def test_a_read_only_account_proposes_to_those_who_may() -> None:
    decision = decide(FINDING, PLAN, situation(controller=DOWN, namespace_annotations={}, permitted=False))
    assert decision.kind is DecisionKind.PROPOSE


def test_where_more_than_a_person_is_missing_it_is_blocked() -> None:
    decision = decide(FINDING, PLAN, situation(controller=DOWN, acted_in_run=5))
    assert decision.kind is DecisionKind.BLOCKED
    assert not decision.awaits_person


def test_a_decision_without_a_plan_awaits_nobody() -> None:
    assert not Decision(DecisionKind.REPORT).awaits_person
    assert approve(Decision(DecisionKind.ACT), ready(PLAN)) is None


def test_every_gate_and_every_need_is_in_the_decision() -> None:
    said = [each.gate for each in decide(FINDING, PLAN, ready(PLAN)).verdicts]
    assert said == [
        *GateName,
        *("ACK's finalizer is there", "deletion is overdue", "nobody else will do it"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"ceilings": Ceilings(Mode.AUTO, {ActionName.CLEAR_FINALIZER: Mode.DRY_RUN})},
        {"approved": frozenset()},
        {"approved": frozenset({"another"})},
        {"approved": frozenset(), "guarded_by": "prod is guarded", "ceilings": Ceilings(Mode.AUTO)},
        {"selection": Selection(exclude=Selector(("shop",)))},
        {"namespace_annotations": None},
        {"namespace_annotations": {"lambda.services.k8s.aws/deletion-policy": "retain"}},
        {"evidence": None},
        {"evidence": Evidence("another", PROOFS, NOW)},
        {"evidence": Evidence(PLAN.digest, (), NOW)},
        {"evidence": Evidence(PLAN.digest, PROOFS[:1], NOW)},
        {"evidence": Evidence(PLAN.digest, (Proof(GONE, 0.0), Proof(GONE, 59.9)), NOW)},
        {"evidence": Evidence(PLAN.digest, (Proof(GONE, 0.0), Proof(UNPROVEN_GONE, 60.0)), NOW)},
        {"evidence": Evidence(PLAN.digest, (Proof(active(), 0.0), Proof(GONE, 60.0)), NOW)},
        {"evidence": Evidence(PLAN.digest, PROOFS)},
        {"evidence": Evidence(PLAN.digest, PROOFS, NOW - timedelta(minutes=6))},
        {"controller": ControllerFacts(Health.DOWN, "", restarting=True)},
        {"permitted": None},
        {"permitted": False},
        {"rehearsal": None},
        {"rehearsal": Rehearsal(Rehearsed.REFUSED, "")},
        {"rehearsal": Rehearsal(Rehearsed.NOT_VERIFIED, "")},
        {"acted_in_run": 5},
        {"acted_today": 20},
        {"under_way_in_namespace": 1},
        {"population": None},
        {"population": Population(5, 2)},
        {"population": Population(1000, 26)},
        {"breaker_opened_at": NOW},
        {"history": History(attempts={ActionName.CLEAR_FINALIZER: (NOW,)})},
        {"history": History(attempts={ActionName.CLEAR_FINALIZER: (NOW - timedelta(hours=20),) * 3})},
        {"skew": None},
        {"skew": 6.0},
    ],
    ids=str,
)
def test_a_single_gate_that_holds_or_cannot_tell_withholds_the_key(changes: dict[str, Any]) -> None:
    at_act = ready(PLAN, **changes)
    assert approve(decide(FINDING, PLAN, at_act), at_act) is None


@pytest.mark.parametrize("index", range(len(PLAN.needs)))
def test_a_single_unmet_need_withholds_the_key(index: int) -> None:
    needs = [*PLAN.needs]
    needs[index] = Need(needs[index].name, False, "not so")
    plan = msgspec.structs.replace(PLAN, needs=tuple(needs))
    decision = decide(FINDING, plan, ready(PLAN))
    assert decision.kind is DecisionKind.BLOCKED
    assert approve(decision, ready(PLAN)) is None


def test_an_altered_decision_opens_nothing() -> None:
    held = decide(FINDING, PLAN, ready(PLAN, permitted=False))
    forged = Decision(
        DecisionKind.ACT,
        tuple(msgspec.structs.replace(each, ruling=Ruling.ALLOWED) for each in held.verdicts),
        held.proposal,
    )
    assert approve(forged, ready(PLAN, permitted=False)) is None


def test_a_kept_decision_is_asked_anew() -> None:
    decision = decide(FINDING, PLAN, ready(PLAN))
    assert approve(decision, ready(PLAN, acted_in_run=5)) is None


def test_nobody_else_can_make_a_key() -> None:
    with pytest.raises(TypeError, match="only decide"):
        Approved(PLAN, seal=object())
    with pytest.raises(TypeError):
        Approved(PLAN)  # type: ignore[call-arg]


def test_a_key_cannot_be_filled_with_more() -> None:
    key = approve(decide(FINDING, PLAN, ready(PLAN)), ready(PLAN))
    with pytest.raises(AttributeError):
        key.other = PLAN  # type: ignore[union-attr]


def test_only_decide_takes_the_seal() -> None:
    package = Path(remediator.__file__).parent
    takers = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and any(each.name in ("seal", "_SEAL") for each in node.names)
    ]
    assert takers == ["gates/decide.py"]


def test_only_the_executor_writes_to_a_target() -> None:
    """Whatever reaches the API server's objects of others goes by the one place that asks for the key.

    But for a person's mark that it is to be left alone: it only ever holds us back.
    """
    package = Path(remediator.__file__).parent
    writers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "sandbox" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "patch" and ast.unparse(node.value).endswith("cluster")
    }
    assert writers == {"execute.py", "leaving.py"}


def test_a_resync_is_let_through_by_approval_alone() -> None:
    seen = observe(deleting(), GONE, controller=ALIVE)
    plan = resync(seen, FindingName.FINALIZER_LEFT)
    now = ready(plan, evidence=Evidence(plan.digest, (), NOW))
    assert approve(decide(FINDING, plan, now), now) is not None


def test_a_resync_goes_by_itself_where_the_policy_says_so() -> None:
    seen = observe(deleting(), GONE, controller=ALIVE)
    plan = resync(seen, FindingName.FINALIZER_LEFT)
    alone = ready(plan, approved=frozenset(), ceilings=Ceilings(Mode.AUTO), history=History(sightings=3))
    assert approve(decide(FINDING, plan, alone), alone) is not None
    once = msgspec.structs.replace(alone, history=History(sightings=1))
    assert approve(decide(FINDING, plan, once), once) is None


def test_a_stored_approval_lets_through_what_the_mode_allows() -> None:
    word = Approval("mara", PLAN.digest, at=NOW)
    history = History(sightings=3, approval=word)
    now = ready(PLAN, approved=frozenset(), ceilings=Ceilings(Mode.APPROVE), history=history)
    assert approve(decide(FINDING, PLAN, now), now) is not None
    lowered = msgspec.structs.replace(now, ceilings=Ceilings(Mode.DRY_RUN))
    assert approve(decide(FINDING, PLAN, lowered), lowered) is None


def test_no_secret_is_in_a_verdict() -> None:
    secret = "correct-horse-battery"
    raw = deleting(spec={"name": "checkout", "environment": {"variables": {"DB_PASSWORD": secret}}})
    plan = clear_finalizer(observe(raw, GONE, controller=DOWN), FindingName.FINALIZER_LEFT)
    said = f"Invalid value: {secret!r}"
    at = ready(
        plan,
        permitted=False,
        permitted_why=said,
        rehearsal=Rehearsal(Rehearsed.REFUSED, said),
        controller=ControllerFacts(Health.DOWN, said),
        acted_in_run=5,
        overrides=Overrides(frozenset({GateName.BUDGET}), "mara", said),
    )
    reasons = [each.reason for each in decide(FINDING, plan, at).verdicts]
    assert not any(secret in reason for reason in reasons)
    # Why a gate was passed by is told with the approval, too.
    assert sum("Invalid value: '•••'" in reason for reason in reasons) == 4
