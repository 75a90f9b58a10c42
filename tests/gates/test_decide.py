"""From a finding and its plan to a decision; and the one key to a write."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import remediator
from remediator.actions import plan_for
from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.resync import resync
from remediator.diagnosis import diagnose
from remediator.gates import Approved, approve, decide
from remediator.model.decision import (
    Decision,
    DecisionKind,
    GateName,
    Population,
    Proposal,
    Ruling,
    Situation,
)
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import ControllerFacts, Health, History
from remediator.model.plan import ActionName, Evidence, Need, Plan, Proof
from tests.builders import ALIVE, DOWN, GONE, NOW, UNPROVEN_GONE, active, deleting, observe

LEFT = observe(deleting(), GONE, controller=DOWN)
PLAN = clear_finalizer(LEFT, FindingName.FINALIZER_LEFT)
FINDING = Finding(
    name=FindingName.FINALIZER_LEFT, state=State.STUCK, summary="left", since=NOW, remedy=Remedy.CLEAR_FINALIZER
)
PROOFS = (Proof(GONE, 0.0), Proof(GONE, 60.0))


def ready(plan: Plan = PLAN, **changes: Any) -> Situation:
    """Build a situation in which nothing is missing."""
    base: dict[str, Any] = {
        "now": NOW,
        "population": Population(100, 1),
        "may_act": True,
        "actions_per_run": 5,
        "breaker_percent": 20,
        "breaker_min_population": 5,
        "breaker_objects": 25,
        "approved": frozenset({plan.digest}),
        "evidence": Evidence(plan.digest, PROOFS),
    }
    return Situation(**(base | changes))


def test_waiting_is_waited_for() -> None:
    waiting = msgspec.structs.replace(FINDING, state=State.WAITING, remedy=Remedy.WAIT)
    assert decide(waiting, None, ready()) == Decision(DecisionKind.WAIT)


@pytest.mark.parametrize("state", [State.STUCK, State.ADVISORY, State.UNKNOWN])
def test_what_no_action_helps_is_reported(state: State) -> None:
    finding = msgspec.structs.replace(FINDING, state=state, remedy=Remedy.REPORT)
    assert decide(finding, None, ready()) == Decision(DecisionKind.REPORT)


def test_with_nothing_missing_it_is_acted_on() -> None:
    decision = decide(FINDING, PLAN, ready())
    assert decision.kind is DecisionKind.ACT
    assert decision.held == ()
    key = approve(decision, ready())
    assert key is not None
    assert key.value is PLAN


def test_in_dry_run_it_is_proposed() -> None:
    decision = decide(FINDING, PLAN, ready(may_act=False, approved=frozenset(), evidence=None))
    assert decision.kind is DecisionKind.PROPOSE
    assert [each.gate for each in decision.held] == [GateName.MODE, GateName.APPROVAL]
    assert decision.awaits_person


def test_where_more_than_a_word_is_missing_it_is_blocked() -> None:
    decision = decide(FINDING, PLAN, ready(acted=5, approved=frozenset(), evidence=None))
    assert decision.kind is DecisionKind.BLOCKED
    assert not decision.awaits_person


def test_a_decision_without_a_plan_awaits_nobody() -> None:
    assert not Decision(DecisionKind.REPORT).awaits_person
    assert approve(Decision(DecisionKind.ACT), ready()) is None


def test_every_gate_and_every_need_is_in_the_decision() -> None:
    said = [each.gate for each in decide(FINDING, PLAN, ready()).verdicts]
    assert said == [
        *("mode", "approval", "opt-out", "identity", "proofs", "unchanged", "budget", "breaker"),
        *("ACK's finalizer is there", "deletion is overdue", "nobody else will do it"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"may_act": False},
        {"approved": frozenset()},
        {"approved": frozenset({"another"})},
        {"evidence": None},
        {"evidence": Evidence("another", PROOFS)},
        {"evidence": Evidence(PLAN.digest)},
        {"evidence": Evidence(PLAN.digest, PROOFS[:1])},
        {"evidence": Evidence(PLAN.digest, (Proof(GONE, 0.0), Proof(GONE, 59.9)))},
        {"evidence": Evidence(PLAN.digest, (Proof(GONE, 0.0), Proof(UNPROVEN_GONE, 60.0)))},
        {"evidence": Evidence(PLAN.digest, (Proof(active(), 0.0), Proof(GONE, 60.0)))},
        {"acted": 5},
        {"population": None},
        {"population": Population(5, 2)},
        {"population": Population(1000, 26)},
    ],
    ids=str,
)
def test_a_single_gate_that_holds_or_cannot_tell_withholds_the_key(changes: dict[str, Any]) -> None:
    at_act = ready(**changes)
    assert approve(decide(FINDING, PLAN, at_act), at_act) is None


@pytest.mark.parametrize("index", range(len(PLAN.needs)))
def test_a_single_unmet_need_withholds_the_key(index: int) -> None:
    needs = [*PLAN.needs]
    needs[index] = Need(needs[index].name, False, "not so")
    plan = msgspec.structs.replace(PLAN, needs=tuple(needs))
    decision = decide(FINDING, plan, ready())
    assert decision.kind is DecisionKind.BLOCKED
    assert approve(decision, ready()) is None


def test_an_altered_decision_opens_nothing() -> None:
    held = decide(FINDING, PLAN, ready(may_act=False))
    forged = Decision(
        DecisionKind.ACT,
        tuple(msgspec.structs.replace(each, ruling=Ruling.ALLOWED) for each in held.verdicts),
        held.proposal,
    )
    assert approve(forged, ready(may_act=False)) is None


def test_a_kept_decision_is_asked_anew() -> None:
    decision = decide(FINDING, PLAN, ready())
    assert approve(decision, ready(acted=5)) is None


def test_nobody_else_can_make_a_key() -> None:
    with pytest.raises(TypeError, match="only decide"):
        Approved(PLAN, seal=object())
    with pytest.raises(TypeError):
        Approved(PLAN)  # type: ignore[call-arg]


def test_a_key_cannot_be_filled_with_more() -> None:
    key = approve(decide(FINDING, PLAN, ready()), ready())
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


# -- property: no ClearFinalizer without its proofs -----------------------------------------------------------------

answers = st.sampled_from([GONE, GONE, GONE, UNPROVEN_GONE, unreadable("no"), active(), active(state="Deleting")])
proof_lists = st.lists(
    st.tuples(answers, st.sampled_from([0.0, 1.0, 59.9, 60.0, 61.0, 119.9, 120.0, 180.0])), max_size=4
).map(lambda taken: tuple(Proof(live, seconds) for live, seconds in taken))
raws = st.builds(
    lambda hours, metadata, name: deleting(hours=hours, metadata=metadata, spec={"name": name}),
    st.sampled_from([0.1, 1 / 3, 3]),
    st.sampled_from(
        [
            {},
            {},
            {"finalizers": ["example.com/audit"]},
            {"finalizers": ["a/b", "finalizers.lambda.services.k8s.aws/Function"]},
            {"uid": ""},
            {"annotations": {"ack-remediator.dev/ignore": "true"}},
            {"annotations": {"services.k8s.aws/read-only": "true"}},
            {"deletionTimestamp": "yesterday"},
            {"deletionTimestamp": None},
        ]
    ),
    st.sampled_from(["checkout", "checkout", "renamed"]),
)


@st.composite
def situations(draw: st.DrawFn, digest: str) -> Situation:
    digests = st.sampled_from([digest, digest, digest, "another"])
    return ready(
        may_act=draw(st.booleans()),
        approved=frozenset(draw(st.lists(digests, max_size=2))),
        evidence=draw(st.one_of(st.none(), st.builds(Evidence, digests, proof_lists))),
        acted=draw(st.sampled_from([0, 4, 5])),
        population=draw(st.sampled_from([Population(100, 1), Population(5, 1), Population(5, 2), None])),
    )


def proven_twice(proofs: tuple[Proof, ...]) -> bool:
    """Say, without the gate's code, whether there are two proofs and all are far enough apart."""
    if len(proofs) < 2 or not all(each.live.gone and each.live.vouched == "proven" for each in proofs):
        return False
    return all(proofs[index + 1].taken - proofs[index].taken >= 60 for index in range(len(proofs) - 1))


@settings(max_examples=200)
@given(
    data=st.data(),
    raw=raws,
    live=answers,
    controller=st.sampled_from([DOWN, DOWN, ALIVE, ControllerFacts()]),
    tried=st.booleans(),
)
def test_no_finalizer_is_cleared_without_its_proofs(
    data: st.DataObject, raw: dict[str, Any], live: LiveState, controller: ControllerFacts, tried: bool
) -> None:
    seen = observe(raw, live, controller=controller, history=History(resync_without_effect=tried))
    plan = clear_finalizer(seen, FindingName.FINALIZER_LEFT)
    now = data.draw(situations(plan.digest))
    key = approve(Decision(DecisionKind.ACT, (), Proposal(FINDING, plan)), now)
    event("approved" if key else "withheld")
    if key is None:
        return
    assert key.value.action is ActionName.CLEAR_FINALIZER
    assert now.may_act
    assert plan.digest in now.approved
    assert now.evidence is not None
    assert now.evidence.approved_digest == plan.digest
    assert proven_twice(now.evidence.proofs)
    assert all(need.met for need in plan.needs)
    assert seen.resource.managed
    assert seen.resource.deleted_at is not None
    assert NOW - seen.resource.deleted_at >= timedelta(minutes=20)
    assert controller.health is Health.DOWN or tried
    assert now.acted < now.actions_per_run
    assert not seen.resource.annotations
    assert seen.resource.function_name == "checkout"


@given(data=st.data(), live=answers)
def test_what_is_not_diagnosed_as_gone_is_never_proposed_to_be_cleared(data: st.DataObject, live: LiveState) -> None:
    seen = observe(data.draw(raws), live, controller=DOWN)
    finding = diagnose(seen)
    plan = plan_for(finding, seen) if finding else None
    if plan is not None and plan.action is ActionName.CLEAR_FINALIZER:
        assert live.gone


def test_a_resync_is_let_through_by_approval_alone() -> None:
    seen = observe(deleting(), GONE, controller=ALIVE)
    plan = resync(seen, FindingName.FINALIZER_LEFT)
    now = ready(plan, evidence=Evidence(plan.digest))
    assert approve(decide(FINDING, plan, now), now) is not None
