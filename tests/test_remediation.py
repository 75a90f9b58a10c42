"""What becomes of what was approved: it is done, or not, and told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from remediator.errors import Changed, Unreachable
from remediator.gates import parse_override
from remediator.model.finding import Remedy
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, Outcome, Result
from tests.builders import (
    ALIVE,
    GONE,
    UNPROVEN_GONE,
    Json,
    active,
    deleting,
    failing,
    synced,
)
from tests.fakes import FakeCluster, failing_with
from tests.scanning import Bench, clearing, heal, healthy, one, stuck

# -- remediate ------------------------------------------------------------------------------------------------------


def test_what_was_approved_is_done_and_nothing_else() -> None:
    bench = Bench(*healthy(20), stuck("a"), stuck("b"))
    heal(bench)
    scan = bench.scan()
    outcomes = bench.approve(scan, only=lambda each: each.seen.resource.metadata.name == "a")
    assert [(each.target.name, each.result) for each in outcomes] == [("a", Result.RESOLVED)]
    assert "publish" not in bench.cluster.the("b")["spec"]
    assert bench.cluster.the("b")["metadata"]["generation"] == 2
    assert outcomes[0].proposal_id == (one(scan, "a").plan or pytest.fail()).proposal_id


def test_without_an_approval_nothing_is_done() -> None:
    bench = Bench(*healthy(9), stuck())
    assert list(bench.work.remediate(bench.scan(), frozenset())) == []
    assert list(bench.work.remediate(bench.scan(), frozenset({"another"}))) == []
    assert bench.cluster.patches == []


def test_a_run_does_five_and_no_more() -> None:
    bench = Bench(*healthy(60), *[stuck(f"stuck-{number}") for number in range(7)])
    heal(bench)
    outcomes = bench.approve(bench.scan())
    assert [each.result for each in outcomes] == [Result.RESOLVED] * 5 + [Result.SKIPPED] * 2
    assert "budget: 5 of 5 actions of this run are used" in outcomes[-1].detail
    assert len(bench.cluster.patches) == 10


def test_what_was_skipped_does_not_count() -> None:
    bench = Bench(*healthy(60), stuck("a"), stuck("b"), policy={"budgets": {"perRun": 1}})
    heal(bench)
    scan = bench.scan()
    bench.cluster.write(lambda raw: raw["status"].update(conditions=synced()), "a")
    outcomes = bench.approve(scan)
    assert [each.result for each in outcomes] == [Result.SKIPPED, Result.RESOLVED]


def test_an_open_breaker_holds_what_was_approved_before() -> None:
    bench = Bench(*healthy(3), stuck("a"), stuck("b"))
    scan = bench.scan()
    digests = frozenset(each.plan.digest for each in scan.results if each.plan)
    outcomes = list(bench.work.remediate(scan, digests))
    assert all("breaker: 2 of 5" in each.detail for each in outcomes)
    assert bench.cluster.patches == []


def test_three_attempts_on_an_object_that_keeps_changing() -> None:
    bench = Bench(*healthy(9), stuck())
    bench.cluster.before = dict.fromkeys(range(3), failing_with(Changed("409 conflict")))
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.SKIPPED
    assert outcome.detail == "changed 3 times while we looked: 409 conflict"
    assert len(bench.cluster.patches) == 3


def test_the_third_attempt_may_succeed() -> None:
    bench = Bench(*healthy(9), stuck())
    heal(bench)
    bench.cluster.before = dict.fromkeys(range(2), failing_with(Changed("409 conflict")))
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.RESOLVED


def changed(bench: Bench, change: Callable[[Json], object]) -> Outcome:
    """Approve, and change the object before it is acted on."""
    scan = bench.scan()
    bench.cluster.write(change)
    (outcome,) = bench.approve(scan)
    assert outcome.result is Result.SKIPPED
    assert bench.cluster.patches == []
    return outcome


def test_the_object_was_made_anew() -> None:
    outcome = changed(Bench(*healthy(9), stuck()), lambda raw: raw["metadata"].update(uid="another"))
    assert outcome.detail == "the object was deleted and created anew since it was proposed"


def test_the_object_healed_by_itself() -> None:
    outcome = changed(Bench(*healthy(9), stuck()), lambda raw: raw["status"].update(conditions=synced()))
    assert outcome.detail == "nothing is wrong any more"


def test_the_object_has_another_trouble_now() -> None:
    outcome = changed(Bench(*healthy(9), stuck()), lambda raw: raw["status"].update(conditions=failing("odd")))
    assert outcome.detail.startswith("it is UnclassifiedError now: ")


def test_the_spec_was_changed() -> None:
    outcome = changed(Bench(*healthy(9), stuck()), lambda raw: raw["spec"].update(memorySize=512))
    assert outcome.detail == "the situation changed since it was proposed; look again"


def test_the_owner_opted_out() -> None:
    marks = {"ack-remediator.dev/ignore": "true"}
    outcome = changed(Bench(*healthy(9), stuck()), lambda raw: raw["metadata"].update(annotations=marks))
    assert "opt-out: ack-remediator.dev/ignore is set" in outcome.detail


def test_the_object_went() -> None:
    bench = Bench(*healthy(9), stuck())
    scan = bench.scan()
    bench.cluster.objects.pop(("shop", "checkout"))
    (outcome,) = bench.approve(scan)
    assert (outcome.result, outcome.detail) == (Result.SKIPPED, "the object is gone")


def test_trouble_with_one_does_not_lose_the_others() -> None:
    bench = Bench(*healthy(20), stuck("a"), stuck("b"))
    heal(bench)
    scan = bench.scan()
    bench.cluster.on_get = [failing_with(Unreachable("no route"))]
    outcomes = bench.approve(scan)
    assert [each.result for each in outcomes] == [Result.SKIPPED, Result.RESOLVED]
    assert outcomes[0].detail == "nothing was written: no route"


def test_an_interruption_ends_the_run() -> None:
    bench = Bench(*healthy(20), stuck("a"), stuck("b"))
    bench.cluster.before[1] = failing_with(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.approve(bench.scan())
    assert all("publish" not in each["spec"] for each in bench.cluster.objects.values())


# -- windows --------------------------------------------------------------------------------------------------------

# It is Saturday, 12:00 UTC.
UNTIL_A_MINUTE_PAST = {"windows": {"allow": ["Sat 11:00-12:01"]}}


def test_a_run_that_begins_in_a_window_finishes_what_it_began_and_begins_nothing_after_it() -> None:
    bench = Bench(*healthy(20), stuck("a"), stuck("b"), policy=UNTIL_A_MINUTE_PAST)
    heal(bench)
    healed = bench.cluster.after[0]

    def closes(cluster: FakeCluster) -> None:
        """Let the window close between the first write of an action and its second."""
        healed(cluster)
        bench.world.clock.slept += 3600

    bench.cluster.after[0] = closes
    begun, held = bench.approve(bench.scan())
    assert (begun.target.name, begun.result) == ("a", Result.RESOLVED)
    assert "publish" not in bench.cluster.the("a")["spec"], "the second write came, too"
    assert held.result is Result.SKIPPED
    assert held.detail == ("held back by window: closed outside of Sat 11:00-12:01; opens Sat 2026-11-28 11:00 UTC")
    assert len(bench.cluster.patches) == 2


def test_a_window_that_closes_while_proofs_are_taken_holds_what_waited_for_them() -> None:
    bench = clearing(GONE, policy=UNTIL_A_MINUTE_PAST)
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.SKIPPED
    assert "held back by window: closed outside of Sat 11:00-12:01" in outcome.detail
    assert (bench.cluster.patches, bench.world.backups.saved) == ([], [])


def test_while_windows_are_closed_nothing_can_be_approved_at_the_terminal_but_by_their_override() -> None:
    bench = Bench(*healthy(9), stuck(), policy={"windows": {"deny": ["Sat"]}})
    heal(bench)
    scan = bench.scan()
    assert bench.approve(scan) == ()
    digests = frozenset(each.plan.digest for each in scan.results if each.plan)
    assert [each.result for each in bench.work.remediate(scan, digests)] == [Result.SKIPPED]
    lifted = parse_override(["window"], "it burns", "jane")
    (outcome,) = bench.work.remediate(scan, digests, overrides=lifted)
    assert outcome.result is Result.RESOLVED


# -- ClearFinalizer -------------------------------------------------------------------------------------------------


def test_two_proofs_a_minute_apart_and_one_more_look() -> None:
    bench = clearing(GONE)
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.RESOLVED
    asked = [seconds for _, seconds in bench.world.cloud.asked]
    assert asked == [1000.0, 1000.0, 1061.0, 1121.0]
    assert bench.world.backups.saved[0]["metadata"]["name"] == "checkout"
    assert "proof 1 of 2: AWS says gone; the next in 60 s" in bench.said[0]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (active(), "it is DeletionUnattended now"),
        (active(state="Deleting"), "it is DeletionInProgress now"),
        (unreadable("throttled"), "it is Unreadable now"),
        (UNPROVEN_GONE, "the situation changed since it was proposed"),
    ],
    ids=["present", "deleting", "unreadable", "unproven"],
)
def test_a_second_proof_that_is_none_clears_nothing(second: LiveState, said: str) -> None:
    bench = clearing(GONE, GONE, second)
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.SKIPPED
    assert said in outcome.detail
    assert bench.cluster.patches == []
    assert bench.world.backups.saved == []


def test_after_a_first_proof_that_is_none_no_minute_is_lost() -> None:
    bench = clearing(GONE, active())
    bench.approve(bench.scan())
    assert bench.world.clock.slept == 0
    assert bench.cluster.patches == []


def test_what_nobody_vouches_for_is_never_cleared() -> None:
    bench = clearing(UNPROVEN_GONE)
    scan = bench.scan()
    (found,) = (each for each in scan.results if each.finding is not None)
    assert (found.finding and found.finding.remedy, found.plan) == (Remedy.REPORT, None)
    assert bench.approve(scan) == ()
    assert bench.cluster.patches == []


def test_an_object_that_changes_while_proofs_are_taken_is_judged_as_it_is_then() -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    marks = {"ack-remediator.dev/ignore": "true"}
    bench.world.clock.on_sleep = [
        lambda: bench.cluster.write(lambda raw: raw["metadata"].update(annotations=marks)),
    ]
    (outcome,) = bench.approve(scan)
    assert "opt-out" in outcome.detail
    assert bench.cluster.patches == []


def test_an_object_that_is_made_anew_while_proofs_are_taken_is_left_alone() -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    bench.world.clock.on_sleep = [lambda: bench.cluster.write(lambda raw: raw["metadata"].update(uid="another"))]
    (outcome,) = bench.approve(scan)
    assert "created anew" in outcome.detail
    assert bench.cluster.patches == []


def test_a_controller_that_came_back_since_the_scan_does_it_itself() -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    bench.cluster.facts = ALIVE
    (outcome,) = bench.approve(scan)
    assert outcome.result is Result.SKIPPED
    assert bench.cluster.patches == []


def test_a_controller_that_came_back_while_proofs_are_taken_does_it_itself() -> None:
    bench = clearing(GONE)
    scan = bench.scan()
    bench.world.clock.on_sleep = [lambda: setattr(bench.cluster, "facts", ALIVE)]
    (outcome,) = bench.approve(scan)
    assert outcome.result is Result.SKIPPED
    assert bench.cluster.patches == []


def test_after_a_resync_without_effect_the_finalizer_may_be_cleared() -> None:
    bench = Bench(*healthy(9), deleting(), checkout=GONE)
    scan = bench.scan()
    assert (one(scan).finding or pytest.fail()).remedy is Remedy.RESYNC
    (first,) = bench.approve(scan)
    assert (first.action, first.result) == (ActionName.RESYNC, Result.UNKNOWN)
    again = bench.scan()
    assert (one(again).finding or pytest.fail()).remedy is Remedy.CLEAR_FINALIZER
    (second,) = bench.approve(again)
    assert (second.action, second.result) == (ActionName.CLEAR_FINALIZER, Result.RESOLVED)
