"""Each gate by itself: what it lets through, what it holds, and exactly where it turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.resync import resync
from remediator.gates import GATES
from remediator.gates.approval import approval
from remediator.gates.breaker import breaker
from remediator.gates.budget import budget
from remediator.gates.identity import identity
from remediator.gates.mode import mode
from remediator.gates.opt_out import opt_out
from remediator.gates.proofs import proofs
from remediator.gates.unchanged import unchanged
from remediator.model.decision import GateName, Population, Proposal, Ruling, Situation, Verdict
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import Observation
from remediator.model.plan import Evidence, Plan, Proof
from tests.builders import DOWN, GONE, NOW, UNPROVEN_GONE, Json, active, deleting, function, observe

ALLOWED, HELD, LATER = Ruling.ALLOWED, Ruling.HELD, Ruling.LATER
Build = Callable[[Observation, FindingName], Plan]


def situation(**changes: Any) -> Situation:
    base: dict[str, Any] = {
        "now": NOW,
        "population": Population(100, 1),
        "may_act": True,
        "actions_per_run": 5,
        "breaker_percent": 20,
        "breaker_min_population": 5,
        "breaker_objects": 25,
    }
    return Situation(**(base | changes))


def proposed(raw: Json | None = None, build: Build = clear_finalizer) -> Proposal:
    seen = observe(raw or deleting(), GONE, controller=DOWN)
    plan = build(seen, FindingName.FINALIZER_LEFT)
    finding = Finding(name=plan.finding, state=State.STUCK, summary="", since=NOW, remedy=Remedy.CLEAR_FINALIZER)
    return Proposal(finding, plan)


def ruling(verdict: Verdict) -> Ruling:
    assert verdict.reason
    return verdict.ruling


def test_every_gate_of_the_catalogue_is_asked_once() -> None:
    assert [gate(proposed(), situation()).gate for gate in GATES] == [
        GateName.MODE,
        GateName.APPROVAL,
        GateName.OPT_OUT,
        GateName.IDENTITY,
        GateName.PROOFS,
        GateName.UNCHANGED,
        GateName.BUDGET,
        GateName.BREAKER,
    ]
    assert {gate(proposed(), situation()).gate for gate in GATES} == set(GateName)


# -- mode, approval, unchanged, budget ------------------------------------------------------------------------------


def test_mode_holds_in_dry_run() -> None:
    assert ruling(mode(proposed(), situation(may_act=False))) is HELD
    assert ruling(mode(proposed(), situation())) is ALLOWED


def test_approval_counts_for_its_digest_alone() -> None:
    one, other = proposed(), proposed(deleting(metadata={"generation": 4}))
    at = situation(approved=frozenset({one.plan.digest}))
    assert ruling(approval(one, at)) is ALLOWED
    assert ruling(approval(other, at)) is HELD
    assert ruling(approval(one, situation())) is HELD


def test_an_approval_of_the_short_name_is_none() -> None:
    one = proposed()
    assert ruling(approval(one, situation(approved=frozenset({one.plan.proposal_id})))) is HELD


def test_unchanged_is_answered_right_before_the_act() -> None:
    one = proposed()
    assert ruling(unchanged(one, situation())) is LATER
    assert ruling(unchanged(one, situation(evidence=Evidence(one.plan.digest)))) is ALLOWED
    assert ruling(unchanged(one, situation(evidence=Evidence("another")))) is HELD


@pytest.mark.parametrize(("acted", "expected"), [(0, ALLOWED), (4, ALLOWED), (5, HELD), (6, HELD)])
def test_the_budget_is_spent_by_the_fifth(acted: int, expected: Ruling) -> None:
    assert ruling(budget(proposed(), situation(acted=acted))) is expected


def test_a_budget_of_none_allows_none() -> None:
    assert ruling(budget(proposed(), situation(actions_per_run=0))) is HELD


# -- breaker --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "unwell", "expected"),
    [
        (5, 1, ALLOWED),  # exactly 20 %
        (5, 2, HELD),
        (4, 4, ALLOWED),  # too few to speak of a share
        (10, 2, ALLOWED),
        (11, 2, ALLOWED),
        (14, 3, HELD),  # 21.4 %
        (15, 3, ALLOWED),  # exactly 20 %
        (124, 25, HELD),  # 20.16 %
        (125, 25, ALLOWED),  # exactly 20 %, and exactly as many objects as are allowed
        (1000, 25, ALLOWED),
        (1000, 26, HELD),
        (0, 0, ALLOWED),
    ],
)
def test_the_breaker_compares_without_rounding(total: int, unwell: int, expected: Ruling) -> None:
    assert ruling(breaker(proposed(), situation(population=Population(total, unwell)))) is expected


@pytest.mark.parametrize(("percent", "expected"), [(33, HELD), (34, ALLOWED)])
def test_a_third_is_more_than_33_percent(percent: int, expected: Ruling) -> None:
    assert ruling(breaker(proposed(), situation(population=Population(9, 3), breaker_percent=percent))) is expected


def test_the_breaker_cannot_judge_one_resource_alone() -> None:
    assert ruling(breaker(proposed(), situation(population=None))) is LATER


def test_many_objects_are_an_incident_in_a_small_population_too() -> None:
    at = situation(population=Population(4, 3), breaker_objects=2)
    assert ruling(breaker(proposed(), at)) is HELD


# -- identity -------------------------------------------------------------------------------------------------------


def test_arn_and_name_agree() -> None:
    assert ruling(identity(proposed(), situation())) is ALLOWED


@pytest.mark.parametrize("build", [clear_finalizer, resync])
def test_a_renamed_function_is_another_one(build: Build) -> None:
    renamed = deleting(spec={"name": "checkout-v2"})
    assert ruling(identity(proposed(renamed, build), situation())) is HELD


@pytest.mark.parametrize("build", [clear_finalizer, resync])
def test_an_object_without_uid_is_no_certain_object(build: Build) -> None:
    assert ruling(identity(proposed(deleting(metadata={"uid": ""}), build), situation())) is HELD


@pytest.mark.parametrize("place", [None, {"arn": "arn:aws:lambda"}])
def test_without_an_arn_nobody_can_say_what_is_gone(place: Json | None) -> None:
    nameless = deleting(status={"ackResourceMetadata": place})
    assert ruling(identity(proposed(nameless), situation())) is HELD
    assert ruling(identity(proposed(nameless, resync), situation())) is ALLOWED


# -- proofs ---------------------------------------------------------------------------------------------------------


def proven(*proof: Proof) -> Ruling:
    one = proposed()
    return ruling(proofs(one, situation(evidence=Evidence(one.plan.digest, proof))))


def test_a_resync_needs_no_proof() -> None:
    assert ruling(proofs(proposed(build=resync), situation())) is ALLOWED


def test_proofs_are_taken_right_before_the_act() -> None:
    assert ruling(proofs(proposed(), situation())) is LATER


@pytest.mark.parametrize(
    ("apart", "expected"), [(0, HELD), (59.9, HELD), (59.999, HELD), (60.0, ALLOWED), (61, ALLOWED), (-60.0, HELD)]
)
def test_two_proofs_are_sixty_seconds_apart(apart: float, expected: Ruling) -> None:
    assert proven(Proof(GONE, 1000.0), Proof(GONE, 1000.0 + apart)) is expected


def test_one_proof_is_not_enough() -> None:
    assert proven() is HELD
    assert proven(Proof(GONE, 1000.0)) is HELD


def test_every_two_neighbours_have_to_be_apart() -> None:
    assert proven(Proof(GONE, 0.0), Proof(GONE, 1.0), Proof(GONE, 120.0)) is HELD
    assert proven(Proof(GONE, 0.0), Proof(GONE, 60.0), Proof(GONE, 120.0)) is ALLOWED


@pytest.mark.parametrize("doubt", [UNPROVEN_GONE, unreadable("throttled"), active(), active(state="Deleting")], ids=str)
def test_one_doubt_spoils_all_proofs(doubt: LiveState) -> None:
    assert proven(Proof(doubt, 0.0), Proof(GONE, 60.0)) is HELD
    assert proven(Proof(GONE, 0.0), Proof(doubt, 60.0)) is HELD
    assert proven(Proof(GONE, 0.0), Proof(GONE, 60.0), Proof(doubt, 120.0)) is HELD


# -- opt-out --------------------------------------------------------------------------------------------------------


def marked(**annotations: str) -> Ruling:
    names = {
        "ignore": "ack-remediator.dev/ignore",
        "until": "ack-remediator.dev/ignore-until",
        "read_only": "services.k8s.aws/read-only",
        "policy": "services.k8s.aws/deletion-policy",
    }
    raw = function(metadata={"annotations": {names[key]: value for key, value in annotations.items()}})
    return ruling(opt_out(proposed(raw, resync), situation()))


def test_no_mark_no_opt_out() -> None:
    assert ruling(opt_out(proposed(function(), resync), situation())) is ALLOWED
    assert marked() is ALLOWED


@pytest.mark.parametrize("value", ["true", "True", "yes", "", "0", "no", "False", " false"])
def test_ignore_counts_whatever_it_says_but_false(value: str) -> None:
    assert marked(ignore=value) is HELD


def test_ignore_false_is_no_opt_out() -> None:
    assert marked(ignore="false") is ALLOWED


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(timedelta(seconds=1), HELD), (timedelta(0), ALLOWED), (timedelta(seconds=-1), ALLOWED), (timedelta(9), HELD)],
)
def test_ignore_until_ends_at_its_moment(ahead: timedelta, expected: Ruling) -> None:
    assert marked(until=(NOW + ahead).isoformat()) is expected


@pytest.mark.parametrize("value", ["", "tomorrow", "21.11.2026", "2026-11-21T25:00:00Z"])
def test_a_malformed_until_counts_as_for_ever(value: str) -> None:
    assert marked(until=value) is HELD


def test_a_day_alone_is_no_rfc_3339_and_counts_as_for_ever() -> None:
    assert marked(until="2026-11-21") is HELD


def test_until_beats_an_ignore_of_false() -> None:
    assert marked(ignore="false", until=(NOW + timedelta(hours=1)).isoformat()) is HELD


@pytest.mark.parametrize(("value", "expected"), [("true", HELD), ("maybe", HELD), ("", HELD), ("False", ALLOWED)])
def test_what_ack_may_only_read_is_left_alone(value: str, expected: Ruling) -> None:
    assert marked(read_only=value) is expected


@pytest.mark.parametrize(("value", "expected"), [("retain", HELD), ("keep", HELD), ("", HELD), ("delete", ALLOWED)])
def test_what_ack_is_to_keep_is_left_alone(value: str, expected: Ruling) -> None:
    assert marked(policy=value) is expected


def test_an_expired_until_does_not_lift_the_other_marks() -> None:
    past = (NOW - timedelta(hours=1)).isoformat()
    assert marked(until=past, read_only="true") is HELD
    assert marked(until=past, policy="retain") is HELD


def test_the_mark_is_named() -> None:
    raw = function(metadata={"annotations": {"ack-remediator.dev/ignore": "maybe"}})
    reason = opt_out(proposed(raw, resync), situation()).reason
    assert "ack-remediator.dev/ignore: 'maybe' is neither true nor false" in reason
