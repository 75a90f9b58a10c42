"""Each gate by itself: what it lets through, what it holds, and exactly where it turns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.gates import GATES
from remediator.gates.identity import identity
from remediator.gates.opt_out import opt_out
from remediator.gates.proofs import proofs
from remediator.gates.unchanged import unchanged
from remediator.model.decision import GateName, Ruling, Situation, Verdict
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import History
from remediator.model.placement import Placement
from remediator.model.plan import Evidence, Proof
from tests.builders import GONE, NOW, UNPROVEN_GONE, Json, active, deleting, function
from tests.proposals import Build, proposed, situation

ALLOWED, HELD, LATER = Ruling.ALLOWED, Ruling.HELD, Ruling.LATER


def ruling(verdict: Verdict) -> Ruling:
    assert verdict.reason
    return verdict.ruling


def test_every_gate_of_the_catalogue_is_asked_once_in_the_order_of_its_names() -> None:
    assert [gate(proposed(), situation()).gate for gate in GATES] == list(GateName)


# -- unchanged ------------------------------------------------------------------------------------------------------


def test_unchanged_is_answered_right_before_the_act() -> None:
    one = proposed()
    assert ruling(unchanged(one, situation())) is LATER
    assert ruling(unchanged(one, situation(evidence=Evidence(one.plan.digest)))) is ALLOWED
    assert ruling(unchanged(one, situation(evidence=Evidence("another")))) is HELD


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
    assert ruling(identity(proposed(nameless, release), situation())) is HELD
    assert ruling(identity(proposed(nameless, resync), situation())) is ALLOWED


@pytest.mark.parametrize(("build", "expected"), [(release, HELD), (resync, ALLOWED), (clear_finalizer, ALLOWED)])
@pytest.mark.parametrize(
    "at",
    [
        situation(placement=Placement(drift="the namespace says eu-west-1")),
        situation(placement=Placement(role_missing="no role for 444455556666")),
        situation(placement=Placement(suspected="the namespace says eu-west-1", unsure="its flags cannot be seen")),
    ],
    ids=["drift", "no role", "what looks like it"],
)
def test_in_another_place_ack_lets_nothing_go(build: Build, at: Situation, expected: Ruling) -> None:
    assert ruling(identity(proposed(deleting(), build), at)) is expected


def test_the_region_of_the_object_itself_is_looked_at_too() -> None:
    elsewhere = deleting(metadata={"annotations": {"services.k8s.aws/region": "eu-west-1"}})
    assert ruling(identity(proposed(elsewhere, release), situation())) is HELD
    assert ruling(identity(proposed(deleting(), release), situation())) is ALLOWED
    assert ruling(identity(proposed(deleting(), release), situation(placement=Placement(unsure="?")))) is ALLOWED


# -- proofs ---------------------------------------------------------------------------------------------------------


def proven(*proof: Proof) -> Ruling:
    one = proposed()
    return ruling(proofs(one, situation(evidence=Evidence(one.plan.digest, proof))))


def test_a_resync_needs_no_proof() -> None:
    assert ruling(proofs(proposed(build=resync), situation())) is ALLOWED


@pytest.mark.parametrize(("build", "why"), [(resync, "undone within seconds"), (release, "a function that is there")])
def test_what_asks_for_no_proof_says_why(build: Build, why: str) -> None:
    verdict = proofs(proposed(deleting(), build), situation())
    assert verdict.ruling is ALLOWED
    assert why in verdict.reason


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
    return ruling(opt_out(proposed(raw, resync), situation(namespace_annotations={})))


def test_no_mark_no_opt_out() -> None:
    assert ruling(opt_out(proposed(function(), resync), situation(namespace_annotations={}))) is ALLOWED
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


RETAIN = {"services.k8s.aws/deletion-policy": "retain"}
NAMESPACE_POLICY = "lambda.services.k8s.aws/deletion-policy"


def test_a_retain_that_our_own_release_wrote_does_not_block_its_second_step() -> None:
    ours = situation(namespace_annotations={}, history=History(own_retain=True))
    raw = deleting(metadata={"annotations": RETAIN})
    assert ruling(opt_out(proposed(raw, release), ours)) is ALLOWED
    assert ruling(opt_out(proposed(raw, release), situation(namespace_annotations={}))) is HELD


@pytest.mark.parametrize("build", [resync, clear_finalizer])
def test_our_own_retain_is_a_mark_for_everything_but_a_release(build: Build) -> None:
    ours = situation(namespace_annotations={}, history=History(own_retain=True))
    assert ruling(opt_out(proposed(deleting(metadata={"annotations": RETAIN}), build), ours)) is HELD


def test_our_own_retain_lifts_no_other_mark() -> None:
    ours = situation(namespace_annotations={}, history=History(own_retain=True))
    raw = deleting(metadata={"annotations": RETAIN | {"ack-remediator.dev/ignore": "true"}})
    assert ruling(opt_out(proposed(raw, release), ours)) is HELD


@pytest.mark.parametrize(("value", "expected"), [("retain", HELD), ("", HELD), ("Delete", HELD), ("delete", ALLOWED)])
@pytest.mark.parametrize("build", [resync, clear_finalizer, release])
def test_the_policy_of_the_namespace_counts_where_the_object_has_none(
    build: Build, value: str, expected: Ruling
) -> None:
    at = situation(namespace_annotations={NAMESPACE_POLICY: value})
    verdict = opt_out(proposed(deleting(), build), at)
    assert verdict.ruling is expected
    assert ("on the namespace, lambda.services.k8s.aws/deletion-policy" in verdict.reason) is (expected is HELD)


def test_the_objects_own_policy_beats_that_of_its_namespace() -> None:
    """As in ACK: the annotation of the object, then that of the namespace."""
    raw = deleting(metadata={"annotations": {"services.k8s.aws/deletion-policy": "delete"}})
    at = situation(namespace_annotations={NAMESPACE_POLICY: "retain"})
    assert ruling(opt_out(proposed(raw), at)) is ALLOWED
    assert ruling(opt_out(proposed(raw), situation(namespace_annotations=None))) is ALLOWED


@pytest.mark.parametrize(("build", "expected"), [(resync, ALLOWED), (clear_finalizer, HELD), (release, HELD)])
def test_a_namespace_that_cannot_be_read_holds_what_cannot_be_undone(build: Build, expected: Ruling) -> None:
    one = proposed(deleting(), build)
    assert ruling(opt_out(one, situation())) is LATER
    assert ruling(opt_out(one, situation(evidence=Evidence(one.plan.digest)))) is expected
