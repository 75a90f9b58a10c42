"""What holds in every situation, however it came about: what is never done, and that a dry run does not flatter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.diagnosis import diagnose
from remediator.gates import GATES, OVERRIDABLE, approve, decide
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import (
    Decision,
    DecisionKind,
    GateName,
    Overrides,
    Population,
    Proposal,
    Rehearsal,
    Rehearsed,
    Ruling,
    Situation,
)
from remediator.model.definition import Definition, Definitions
from remediator.model.finding import FindingName
from remediator.model.limits import ACTION_CEILINGS, Ceilings, Limits, Mode
from remediator.model.live import LiveState, Presence, unreadable
from remediator.model.observation import History, Observation
from remediator.model.placement import Placement
from remediator.model.plan import ActionName, Evidence, Plan, Proof
from remediator.model.selection import Selection, Selector
from remediator.model.word import Approval, Override
from tests.builders import ALIVE, ARN, DOWN, GONE, NOW, UNPROVEN_GONE, active, at, deleting, observe
from tests.proposals import BUILDERS, PROOFS, TAKEN, proposed

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"
FRESH = NOW - timedelta(seconds=70)
ELSEWHERE = [Placement(drift="elsewhere"), Placement(role_missing="no role"), Placement(suspected="elsewhere?")]
NAMESPACE_POLICY = "lambda.services.k8s.aws/deletion-policy"


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw the usual three times out of four: only then is there something left that a single gate can hold."""
    return st.sampled_from([usual] * 3 * max(1, len(others)) + list(others))


answers = mostly(GONE, UNPROVEN_GONE, unreadable("no"), active(), active(state="Deleting"))
raws = st.builds(
    lambda hours, metadata, name: deleting(hours=hours, metadata=metadata, spec={"name": name}),
    mostly(3, 0.1, 1 / 3),
    mostly(
        {},
        {"finalizers": ["example.com/audit"]},
        {"finalizers": ["a/b", FINALIZER]},
        {"uid": ""},
        {"annotations": {"ack-remediator.dev/ignore": "true"}},
        {"annotations": {"ack-remediator.dev/ignore-until": "soon"}},
        {"annotations": {"services.k8s.aws/read-only": "true"}},
        {"annotations": {"services.k8s.aws/deletion-policy": "retain"}},
        {"annotations": {"services.k8s.aws/region": "eu-west-1"}},
        {"deletionTimestamp": "yesterday"},
        {"deletionTimestamp": None},
        {"namespace": "kube-system"},
        {"managedFields": [{"manager": "kubectl-edit", "time": at(seconds=5)}]},
    ),
    mostly("checkout", "renamed"),
)
proofs = st.one_of(
    st.just(PROOFS),
    st.lists(st.tuples(answers, st.sampled_from([0.0, 1.0, 59.9, 60.0, 61.0, 119.9, 120.0])), max_size=4).map(
        lambda taken: tuple(Proof(live, seconds) for live, seconds in taken)
    ),
)
attempts = mostly((), (NOW,), (NOW - timedelta(hours=2),), (NOW - timedelta(hours=20),) * 3)


@st.composite
def words(draw: st.DrawFn, digest: str) -> Approval:
    """Draw a stored approval that counts, or one that does not for one reason or two."""
    return Approval(
        "mara",
        draw(mostly(digest, "another")),
        override=draw(mostly((), (Override.BUDGET, Override.COOL_DOWN), tuple(Override))),
        reason=draw(mostly("drill", "")),
        at=draw(mostly(NOW - timedelta(hours=1), NOW - timedelta(hours=24), NOW + timedelta(hours=1), None)),
    )


def histories(digest: str) -> st.SearchStrategy[History]:
    return st.builds(
        History,
        sightings=mostly(3, 0, 2),
        attempts=st.fixed_dictionaries(dict.fromkeys(ActionName, attempts)),
        approval=st.one_of(st.none(), words(digest)),
        own_retain=st.booleans(),
    )


modes = st.sampled_from(Mode)
all_ceilings = st.builds(
    Ceilings,
    modes,
    st.dictionaries(st.sampled_from(ActionName), modes, max_size=1),
    st.dictionaries(st.just(FindingName.FINALIZER_LEFT), modes, max_size=1),
)
# What has more ways to be wrong than one.
OFTEN = ("ceilings", "evidence", "evidence", "history", "history", "approved")
USUAL: dict[str, Any] = {
    "population": Population(100, 1),
    "ceilings": Ceilings(Mode.AUTO, ACTION_CEILINGS | {ActionName.RESTART_CONTROLLER: Mode.APPROVE}),
    "namespace_annotations": {},
    "placement": Placement(),
    "permitted": True,
    "rehearsal": TAKEN,
    "skew": 0.0,
}


def otherwise(digest: str) -> dict[str, st.SearchStrategy[Any]]:
    """Say what each part of a situation can be instead of as usual."""
    evidence = st.builds(Evidence, mostly(digest, "another"), proofs, mostly(FRESH, NOW - timedelta(minutes=6), None))
    return {
        "population": st.sampled_from([Population(5, 2), None]),
        "ceilings": all_ceilings,
        "limits": st.sampled_from([Limits(per_run=0), Limits(sightings=1)]),
        "selection": st.sampled_from([Selection(exclude=Selector(("shop",))), Selection(Selector(("post",)))]),
        "guarded_by": st.just("prod-eu1 is guarded by the word prod"),
        "history": histories(digest),
        "controller": st.sampled_from([ControllerFacts(), ControllerFacts(Health.ALIVE, "", restarting=True)]),
        "definitions": st.sampled_from(
            [Definitions((Definition("functions", "Function"),)), Definitions(unknown="a fault", faulty=True)]
        ),
        "namespace_annotations": st.sampled_from([None, {NAMESPACE_POLICY: "retain"}]),
        "placement": st.sampled_from(ELSEWHERE),
        "acted_in_run": st.sampled_from([4, 5]),
        "acted_today": st.just(20),
        "under_way_in_namespace": st.just(1),
        "breaker_opened_at": st.sampled_from([NOW - timedelta(minutes=1), NOW - timedelta(hours=1)]),
        "approved": st.sampled_from([frozenset(), frozenset({"another"})]),
        "overrides": st.just(Overrides(frozenset(GateName), "joe", "drill")),
        "evidence": st.one_of(st.none(), evidence),
        "permitted": st.sampled_from([False, None]),
        "rehearsal": st.sampled_from([Rehearsal(Rehearsed.REFUSED, "no"), Rehearsal(Rehearsed.NOT_VERIFIED, ""), None]),
        "skew": st.sampled_from([6.0, None]),
    }


@st.composite
def situations(draw: st.DrawFn, digest: str, facts: ControllerFacts) -> Situation:
    """Draw a situation right before the act, in which a few things are not as they should be."""
    usual = USUAL | {
        "controller": facts,
        "approved": frozenset({digest}),
        "evidence": Evidence(digest, PROOFS, FRESH),
        "history": History(sightings=3),
    }
    others = otherwise(digest)
    chosen = draw(st.lists(st.sampled_from([*sorted(others), *OFTEN]), max_size=3, unique=True))
    return Situation(now=NOW, **(usual | {name: draw(others[name]) for name in chosen}))


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, Observation]:
    action = draw(st.sampled_from(ActionName))
    facts = draw(mostly(DOWN if action is ActionName.CLEAR_FINALIZER else ALIVE, DOWN, ALIVE, ControllerFacts()))
    tried = draw(st.booleans())
    live = draw(st.one_of(st.just(active()), answers) if action is ActionName.RELEASE else answers)
    seen = observe(draw(raws), live, controller=facts, history=History(resync_without_effect=tried))
    return BUILDERS[action](seen, FindingName.FINALIZER_LEFT), seen


def key_to(plan: Plan, at_act: Situation) -> Plan | None:
    """Ask for the key with a decision that somebody forged."""
    forged = Decision(DecisionKind.ACT, (), Proposal(proposed().finding, plan))
    key = approve(forged, at_act)
    return key.value if key else None


def proven_twice(taken: tuple[Proof, ...]) -> bool:
    """Say, without the gate's code, whether there are two proofs and all are far enough apart."""
    if len(taken) < 2 or not all(each.live.gone and each.live.vouched == "proven" for each in taken):
        return False
    return all(taken[index + 1].taken - taken[index].taken >= 60 for index in range(len(taken) - 1))


def counts(word: Approval | None, digest: str) -> bool:
    """Say, without the gate's code, whether a stored approval is for this, and of the last day."""
    return (
        word is not None
        and word.digest == digest
        and word.at is not None
        and timedelta(0) <= NOW - word.at < timedelta(hours=24)
    )


@settings(max_examples=400)
@given(data=st.data(), drawn=plans())
def test_what_is_never_done(data: st.DataObject, drawn: tuple[Plan, Observation]) -> None:
    plan, seen = drawn
    now = data.draw(situations(plan.digest, seen.controller))
    opened = key_to(plan, now)
    event(f"{plan.action}: {'opened' if opened else 'withheld'}")
    if opened is None:
        return
    assert opened is plan
    metadata, marks = plan.resource.metadata, dict(plan.resource.annotations)
    by_terminal, by_word = plan.digest in now.approved, counts(now.history.approval, plan.digest)

    # nobody's word, nothing done: but a Resync where the policy says so, in a cluster that nobody guards
    if not (by_terminal or by_word):
        assert plan.action is ActionName.RESYNC
        assert now.ceilings.mode is Mode.AUTO
        assert now.ceilings.actions.get(ActionName.RESYNC, Mode.AUTO) is Mode.AUTO
        assert now.ceilings.findings.get(FindingName.FINALIZER_LEFT, Mode.AUTO) is Mode.AUTO
        assert not now.guarded_by
    assert by_terminal or now.ceilings.mode is not Mode.DRY_RUN
    assert now.ceilings.actions.get(plan.action, ACTION_CEILINGS[plan.action]) is not Mode.DRY_RUN
    assert now.ceilings.findings.get(plan.finding) is not Mode.DRY_RUN

    # nothing that is opted out, excluded, another's, or changed
    if plan.action is ActionName.RELEASE and now.history.own_retain:
        marks.pop("services.k8s.aws/deletion-policy", None)
    if plan.action is not ActionName.RELEASE:
        marks.pop("services.k8s.aws/region", None)
    assert not marks
    if plan.action is not ActionName.RESTART_CONTROLLER:  # it is about no resource of ACK's
        if now.namespace_annotations is None:
            assert plan.action is ActionName.RESYNC
        else:
            own = plan.resource.annotations and plan.action is ActionName.RELEASE
            assert NAMESPACE_POLICY not in now.namespace_annotations or own
        assert metadata.namespace == "shop"
        assert now.selection == Selection()
        assert plan.resource.function_name == "checkout"
    assert not metadata.managed_fields
    assert metadata.uid
    assert now.evidence is not None
    assert now.evidence.approved_digest == plan.digest
    assert now.evidence.taken == FRESH

    # nothing beyond what is allowed to be done, unless a person said so
    lifted = set(now.overrides.gates & set(OVERRIDABLE))
    if by_word and now.history.approval and now.history.approval.reason:
        lifted |= {gate for gate in OVERRIDABLE if gate.value in {each.value for each in now.history.approval.override}}
    if GateName.BUDGET not in lifted:
        assert now.acted_in_run < now.limits.per_run
        assert (now.acted_today, now.under_way_in_namespace) == (0, 0)
    if GateName.BREAKER not in lifted and plan.action is not ActionName.RESTART_CONTROLLER:
        assert now.population == Population(100, 1)
        assert now.breaker_opened_at in (None, NOW - timedelta(hours=1))
    made = now.history.attempts.get(plan.action, ())
    assert len(made) < now.limits.attempts
    assert GateName.COOL_DOWN in lifted or made != (NOW,)
    assert by_terminal or GateName.SIGHTINGS in lifted or now.history.sightings >= now.limits.sightings

    # nothing blindly, nothing that the API server would not take
    assert now.population is not None or plan.action is ActionName.RESTART_CONTROLLER
    assert (now.permitted, now.rehearsal) == (True, TAKEN)
    assert not now.controller.restarting
    assert not now.definitions.deleting
    assert not now.definitions.faulty or plan.action is ActionName.RESYNC
    assert all(need.met for need in plan.needs)

    if plan.action.destructive:
        assert now.skew == 0.0
    if plan.action is ActionName.RELEASE:
        assert now.controller.health is not Health.DOWN
        assert plan.resource.deleting
        assert plan.resource.managed
        assert plan.resource.arn_text == ARN
        assert (seen.live_state.presence, seen.live_state.arn) == (Presence.PRESENT, ARN)
        assert now.placement not in ELSEWHERE
    if plan.action is ActionName.CLEAR_FINALIZER:
        assert proven_twice(now.evidence.proofs)
        assert plan.resource.managed
        assert plan.resource.deleted_at is not None
        assert NOW - plan.resource.deleted_at >= timedelta(minutes=20)
        assert seen.controller.health is Health.DOWN or seen.history.resync_without_effect


@settings(max_examples=150)
@given(data=st.data(), drawn=plans())
def test_a_dry_run_says_what_a_real_run_would(data: st.DataObject, drawn: tuple[Plan, Observation]) -> None:
    """But for what can only be told at the act, and for the mode and the person's word, which a dry run is without."""
    plan, seen = drawn
    real = data.draw(situations(plan.digest, seen.controller))
    dry = msgspec.structs.replace(
        real, ceilings=msgspec.structs.replace(real.ceilings, mode=Mode.DRY_RUN), evidence=None
    )
    for_people = {GateName.MODE, GateName.APPROVAL}
    listed, acted = (decide(proposed().finding, plan, each).verdicts for each in (dry, real))
    assert [each.gate for each in listed] == [each.gate for each in acted]
    for before, after in zip(listed, acted, strict=True):
        if before.ruling is not Ruling.LATER and before.gate not in for_people:
            assert before == after


@given(data=st.data(), drawn=plans())
def test_a_gate_answers_whatever_it_is_asked(data: st.DataObject, drawn: tuple[Plan, Observation]) -> None:
    plan, seen = drawn
    now = data.draw(situations(plan.digest, seen.controller))
    for gate in GATES:
        verdict = gate(Proposal(proposed().finding, plan), now)
        assert verdict.gate in set(GateName)
        assert verdict.reason
        assert verdict.ruling is Ruling.HELD or not verdict.asks


@given(raw=raws, live=answers)
def test_what_is_not_diagnosed_as_gone_is_never_proposed_to_be_cleared(raw: dict[str, Any], live: LiveState) -> None:
    seen = observe(raw, live, controller=DOWN)
    finding = diagnose(seen)
    plan = plan_for(finding, seen) if finding else None
    if plan is not None and plan.action is ActionName.CLEAR_FINALIZER:
        assert live.gone
