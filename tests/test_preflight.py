"""What is tried and asked before an act, and what holds one back by number."""

from __future__ import annotations

import pytest

from remediator.errors import Changed
from remediator.gates import parse_override
from remediator.model.decision import Rehearsal, Rehearsed
from remediator.model.plan import Result
from remediator.model.scan import Judged
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import (
    BUSY,
    GONE,
    at,
    failing,
    function,
    synced,
)
from tests.fakes import failing_with
from tests.scanning import Bench, clearing, heal, healthy, one, stuck

# -- preflight ------------------------------------------------------------------------------------------------------


def rulings(judged: Judged) -> dict[str, str]:
    assert judged.decision is not None
    return {each.gate: each.ruling for each in judged.decision.verdicts}


def reason(judged: Judged, gate: str) -> str:
    assert judged.decision is not None
    return next(each.reason for each in judged.decision.verdicts if each.gate == gate)


def test_a_scan_asks_nothing_beforehand_and_a_run_rehearses_what_it_proposes() -> None:
    bench = Bench(*healthy(9), stuck(), function("slow", conditions=failing("x")))
    listed = rulings(one(bench.scan()))
    assert (listed["permission"], listed["rehearsal"], bench.cluster.rehearsed) == ("later", "later", [])
    scan = bench.work.scan(rehearse=True)
    tried = rulings(one(scan))
    assert (tried["permission"], tried["rehearsal"]) == ("allowed", "allowed")
    assert bench.cluster.rehearsed == [list((one(scan).plan or pytest.fail()).steps[0].patch)]
    assert bench.cluster.patches == []


def test_what_is_blocked_is_not_rehearsed() -> None:
    bench = Bench(*healthy(9), stuck(metadata={"annotations": {"ack-remediator.dev/ignore": "true"}}))
    bench.work.scan(rehearse=True)
    assert bench.cluster.rehearsed == []


def test_a_read_only_account_proposes_without_an_error() -> None:
    bench = Bench(*healthy(9), stuck())
    bench.cluster.may = (False, "we may not patch functions in shop")
    scan = bench.work.scan(rehearse=True)
    told = rulings(one(scan))
    assert (told["permission"], told["rehearsal"]) == ("held", "later")
    assert reason(one(scan), "rehearsal") == "not verified: we may not patch functions in shop"
    assert len(scan.proposals) == 1
    assert bench.cluster.rehearsed == []
    (outcome,) = bench.approve(scan)
    assert "permission: we may not patch functions in shop" in outcome.detail
    assert bench.cluster.patches == []


def test_an_object_that_moves_while_it_is_rehearsed_is_told_and_no_error() -> None:
    secret = "correct-horse-battery"
    bench = Bench(*healthy(9), stuck(spec={"environment": {"variables": {"DB_PASSWORD": secret}}}))
    bench.cluster.on_rehearsal = [failing_with(Changed(f"Invalid value: {secret!r}"))]
    judged = one(bench.work.scan(rehearse=True))
    assert rulings(judged)["rehearsal"] == "later"
    assert reason(judged, "rehearsal") == "not verified: the object moved while we looked: Invalid value: '•••'"


def test_what_admission_refuses_is_blocked() -> None:
    bench = Bench(*healthy(9), stuck())
    bench.cluster.rehearsal = Rehearsal(Rehearsed.REFUSED, "change freeze")
    assert bench.work.scan(rehearse=True).proposals == ()
    (outcome,) = bench.approve(bench.scan())
    assert "rehearsal: refused: change freeze" in outcome.detail
    assert bench.cluster.patches == []


def test_what_cannot_be_verified_is_listed_and_not_done() -> None:
    bench = Bench(*healthy(9), stuck())
    bench.cluster.rehearsal = Rehearsal(Rehearsed.NOT_VERIFIED, "a webhook knows no dry run")
    scan = bench.work.scan(rehearse=True)
    assert len(scan.proposals) == 1
    (outcome,) = bench.approve(scan)
    assert "rehearsal: not verified: a webhook knows no dry run" in outcome.detail
    assert bench.cluster.patches == []


@pytest.mark.parametrize("may", [None, False])
def test_whoever_may_not_or_does_not_know_writes_nothing(*, may: bool | None) -> None:
    bench = Bench(*healthy(9), stuck())
    scan = bench.scan()
    bench.cluster.may = (may, "nobody says")
    (outcome,) = bench.approve(scan)
    assert outcome.result is Result.SKIPPED
    assert "permission: nobody says" in outcome.detail
    assert bench.cluster.patches == []


def test_an_object_that_moves_at_the_rehearsal_is_looked_at_again() -> None:
    bench = Bench(*healthy(9), stuck())
    heal(bench)
    scan = bench.scan()
    bench.cluster.on_rehearsal = [failing_with(Changed("409"))] * 2
    (outcome,) = bench.approve(scan)
    assert outcome.result is Result.RESOLVED
    assert len(bench.cluster.rehearsed) == 3


def test_one_alone_is_examined_with_everything_tried() -> None:
    bench = Bench(stuck())
    told = rulings(bench.work.examine("shop", "checkout"))
    assert (told["permission"], told["rehearsal"]) == ("allowed", "allowed")


def test_a_namespace_is_read_anew_right_before_an_act_and_not_for_each_proposal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scan has read it already, to know where its resources are."""
    bench = Bench(*healthy(20), stuck("a"), stuck("b"))
    asked: list[str] = []

    def annotations(name: str) -> dict[str, str]:
        asked.append(name)
        return {}

    monkeypatch.setattr(bench.cluster, "namespace_annotations", annotations)
    scan = bench.scan()
    bench.work.examine("shop", "a")
    assert (len(scan.proposals), asked) == (2, [])
    bench.approve(scan)
    assert asked == ["shop", "shop"]


def test_what_a_namespace_keeps_is_left_alone() -> None:
    bench = Bench(*healthy(9), stuck())
    scan = bench.scan()
    bench.cluster.annotated["shop"] = {"lambda.services.k8s.aws/deletion-policy": "retain"}
    assert bench.scan().proposals == ()
    (outcome,) = bench.approve(scan)
    assert "opt-out: on the namespace, " in outcome.detail
    assert bench.cluster.patches == []


def test_with_a_namespace_that_cannot_be_read_a_resync_goes_on_and_a_finalizer_stays() -> None:
    bench = Bench(*healthy(9), stuck())
    heal(bench)
    bench.cluster.annotated["shop"] = None
    assert bench.approve(bench.scan())[0].result is Result.RESOLVED
    clear = clearing(GONE)
    clear.cluster.annotated["shop"] = None
    (outcome,) = clear.approve(clear.scan())
    assert "opt-out: whether the namespace says" in outcome.detail
    assert clear.cluster.patches == []


@pytest.mark.parametrize("ahead", [6.0, -6.0, None])
def test_with_clocks_apart_a_finalizer_stays(ahead: float | None) -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    bench.cluster.ahead = ahead
    (outcome,) = bench.approve(scan)
    assert "clock-skew: " in outcome.detail
    assert bench.cluster.patches == []


def test_a_laptop_that_slept_between_evidence_and_act_acts_on_nothing() -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    bench.world.clock.on_sleep = [lambda: setattr(bench.world.clock, "slept", 3600.0)]
    (outcome,) = bench.approve(scan)
    assert "evidence-age: the evidence is 1h" in outcome.detail
    assert bench.cluster.patches == []


# -- limits ---------------------------------------------------------------------------------------------------------


def test_an_attempt_that_did_not_help_cools_down() -> None:
    bench = Bench(*healthy(9), stuck())
    (first,) = bench.approve(bench.scan())
    assert first.result is Result.UNKNOWN
    again = one(bench.scan())
    assert rulings(again)["cool-down"] == "held"
    bench.world.clock.sleep(3600)
    assert rulings(one(bench.scan()))["cool-down"] == "allowed"


def test_what_a_person_overrides_is_done_and_nothing_else_is_opened() -> None:
    bench = Bench(*healthy(3), stuck("a"), stuck("b"))
    heal(bench)
    word = parse_override(["breaker"], "the region is back", "mara")
    scan = bench.work.scan(overrides=word)
    assert len(scan.proposals) == 2
    digests = frozenset(each.plan.digest for each in scan.proposals if each.plan)
    assert {each.result for each in bench.work.remediate(scan, digests)} == {Result.SKIPPED}
    outcomes = bench.work.remediate(scan, digests, overrides=word)
    assert {each.result for each in outcomes} == {Result.RESOLVED}


def test_after_an_incident_nothing_is_done_for_a_while() -> None:
    bench = Bench(*healthy(8), stuck("a"), stuck("b"), stuck("c"))
    bench.scan()
    for name in "ab":
        bench.cluster.write(lambda raw: raw["status"].update(conditions=synced()), name)
    scan = bench.scan()
    assert scan.proposals == ()
    assert "it was an incident at 2026-11-21T12:00:00Z" in reason(one(scan, "c"), "breaker")
    bench.world.clock.sleep(1800)
    assert len(bench.scan().proposals) == 1


def test_sightings_in_a_row_are_counted_with_the_one_of_now() -> None:
    bench = Bench(*healthy(9), stuck())
    said = []
    for _ in range(3):
        said.append(reason(one(bench.scan()), "sightings"))
        bench.world.clock.sleep(60)
    assert [each[:12] for each in said] == ["seen 1 time ", "seen 2 times", "seen 3 times"]
    bench.cluster.write(lambda raw: raw["status"].update(conditions=synced()))
    bench.scan()
    bench.world.clock.sleep(60)
    bench.cluster.write(lambda raw: raw["status"].update(conditions=failing(BUSY, at(hours=1))))
    assert reason(one(bench.scan()), "sightings").startswith("seen 1 time ")


def test_a_guarded_cluster_waits_for_a_person() -> None:
    bench = Bench(*healthy(9), stuck(), policy={"mode": "auto"})
    heal(bench)
    prod = Pass(bench.world.means, Policy.model_validate({"mode": "auto"}), places=("prod-eu1", "https://10.0.0.1"))
    assert rulings(one(bench.scan()))["guard"] == "allowed"
    scan = prod.scan()
    assert rulings(one(scan))["guard"] == "held"
    (outcome,) = prod.remediate(scan, frozenset({(one(scan).plan or pytest.fail()).digest}))
    assert outcome.result is Result.RESOLVED
