"""The pass: what is asked, what is found and proposed, and what becomes of what was approved."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError, Forbidden, Unauthorized, Unreachable
from remediator.gates import parse_override
from remediator.model.controller import ControllerFacts
from remediator.model.decision import DecisionKind, Rehearsal, Rehearsed
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.kind import OTHER_KINDS
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.reference import Link, LinkState
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.scan import Judged, Scan
from remediator.model.times import format_time
from remediator.observing import NOT_ASKED
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import (
    ALIVE,
    ARN,
    BUSY,
    DOWN,
    GONE,
    UNPROVEN_GONE,
    Json,
    active,
    at,
    deleting,
    failing,
    function,
    other,
    synced,
    waiting,
)
from tests.fakes import FakeCloud, FakeCluster, World, failing_with


def healthy(count: int) -> list[Json]:
    return [function(f"healthy-{number}") for number in range(count)]


def stuck(name: str = "checkout", **more: Any) -> Json:
    """Build a living object that a Resync would help: ControllerSilent, under a controller that lives."""
    return function(name, conditions=failing(BUSY, at(hours=1)), **more)


class Bench:
    """A pass over objects in memory."""

    def __init__(
        self,
        *objects: Json,
        facts: ControllerFacts = ALIVE,
        policy: dict[str, Any] | None = None,
        **answers: LiveState | list[LiveState],
    ) -> None:
        names = {each["spec"]["name"] for each in objects}
        live: dict[str, LiveState | list[LiveState]] = dict.fromkeys(names, active())
        self.world = World(FakeCluster(*objects, facts=facts), FakeCloud(**(live | answers)))
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        self.work = Pass(self.world.means, Policy.model_validate(head | (policy or {})))
        self.said: list[str] = []

    @property
    def cluster(self) -> FakeCluster:
        return self.world.cluster

    def scan(self) -> Scan:
        return self.work.scan()

    def approve(self, scan: Scan, *, only: Callable[[Judged], bool] = lambda _: True) -> tuple[Outcome, ...]:
        digests = frozenset(each.plan.digest for each in scan.proposals if each.plan and only(each))
        return tuple(self.work.remediate(scan, digests, self.said.append))


def one(scan: Scan, name: str = "checkout") -> Judged:
    return next(each for each in scan.results if each.seen.resource.metadata.name == name)


def found(judged: Judged) -> FindingName | None:
    return judged.finding.name if judged.finding else None


# -- scan -----------------------------------------------------------------------------------------------------------


def test_only_suspects_are_asked_about() -> None:
    bench = Bench(*healthy(3), stuck())
    scan = bench.scan()
    assert [name for name, _ in bench.world.cloud.asked] == ["checkout"]
    assert [each.state for each in scan.results] == [State.HEALTHY] * 3 + [State.STUCK]
    assert one(scan, "healthy-0").seen.live_state == unreadable(NOT_ASKED)
    assert (scan.count(State.HEALTHY), scan.count(State.STUCK), scan.count(State.WAITING)) == (3, 1, 0)


def test_what_stands_still_says_nothing_of_the_controller() -> None:
    given_up = [{"type": "ACK.Terminal", "status": "True", "message": "tenancy config cannot be modified"}]
    bench = Bench(
        function("moving", conditions=synced(at(hours=1))),
        function("given-up", conditions=[*synced(at(hours=20)), *given_up]),
        deleting("going", conditions=synced(at(hours=30))),
    )
    bench.scan()
    assert [format_time(each) for each in bench.cluster.heartbeats] == [at(hours=1)]


def test_a_refusal_that_quotes_a_secret_is_masked() -> None:
    secret = "correct-horse-battery"
    bench = Bench(*healthy(9), stuck(spec={"environment": {"variables": {"DB_PASSWORD": secret}}}))
    bench.cluster.before = dict.fromkeys(range(3), failing_with(Changed(f"Invalid value: {secret!r}")))
    (outcome,) = bench.approve(bench.scan())
    assert outcome.result is Result.SKIPPED
    assert "Invalid value" in outcome.detail
    assert secret not in outcome.detail


def test_a_scan_writes_nothing() -> None:
    bench = Bench(stuck(metadata={"annotations": {RESYNC_ANNOTATION: "mark"}}), policy={"mode": "approve"})
    before = copy.deepcopy(bench.cluster.objects)
    bench.scan()
    assert bench.cluster.objects == before
    assert bench.cluster.patches == []


def test_nothing_to_ask_and_nothing_there() -> None:
    scan = Bench().scan()
    assert (scan.results, scan.partial, scan.leftovers, scan.proposals) == ((), (), (), ())


def test_what_could_not_be_seen_is_told() -> None:
    bench = Bench(stuck())
    bench.cluster.missing = ["Function shop/odd cannot be read and was left out"]
    scan = bench.scan()
    assert scan.partial == ("Function shop/odd cannot be read and was left out",)
    assert len(scan.results) == 1


def test_every_suspect_gets_its_own_answer() -> None:
    bench = Bench(
        *[function(name, conditions=failing("x")) for name in "abc"],
        a=active(last_update_status="Failed"),
        b=unreadable("throttled"),
        c=active(state="Failed"),
    )
    assert [found(each) for each in bench.scan().results] == ["UpdateFailed", "Unreadable", "CreateFailed"]


def test_what_is_found_is_told_of_where_it_is() -> None:
    """Three of one name, each with a trouble of its own, and namespaces that differ in what they keep."""

    def named(name: str) -> dict[str, Any]:
        place = {"arn": ARN.replace("checkout", name), "ownerAccountID": "123456789012", "region": "us-east-1"}
        return {"spec": {"name": name}, "status": {"ackResourceMetadata": place}}

    raws = {
        "well": function(namespace="well", **named("a")),
        "stuck": stuck(namespace="stuck", **named("b")),
        "kept": stuck(namespace="kept", **named("c")),
        "left": deleting(namespace="left", **named("d")),
    }
    bench = Bench(*raws.values(), *healthy(20), b=active(), c=active(), d=unreadable("AWS refused"))
    bench.cluster.annotated = {"kept": {"lambda.services.k8s.aws/deletion-policy": "retain"}}
    scan = bench.scan()
    told = {
        each.seen.resource.metadata.namespace: each
        for each in scan.results
        if each.seen.resource.ref.name == "checkout"
    }
    assert {namespace: each.seen.resource.metadata.uid for namespace, each in told.items()} == {
        namespace: f"uid-of-{namespace}-checkout" for namespace in raws
    }
    assert {namespace: found(each) for namespace, each in told.items()} == {
        "well": None,
        "stuck": FindingName.CONTROLLER_SILENT,
        "kept": FindingName.CONTROLLER_SILENT,
        "left": FindingName.UNREADABLE,
    }
    targets = {namespace: each.plan.target for namespace, each in told.items() if each.plan}
    assert targets == {namespace: told[namespace].seen.resource.ref for namespace in ("stuck", "kept")}
    holding = {
        namespace: {each.gate for each in judged.decision.held_by_fact}
        for namespace, judged in told.items()
        if judged.decision and judged.plan
    }
    assert holding == {"stuck": set(), "kept": {"opt-out"}}
    bench.work.record(scan)
    assert {each.namespace for each in bench.world.episodes.unresolved()} == {"stuck", "kept", "left"}


@pytest.mark.parametrize(
    "trouble",
    [Forbidden("no"), Unreachable("no answer"), Unauthorized("expired"), ClusterError("500: no leader")],
    ids=lambda each: type(each).__name__,
)
def test_what_is_not_listed_any_more_is_resolved_only_where_the_api_server_says_that_it_is_gone(
    trouble: ClusterError,
) -> None:
    """Any error taken for an absence would call it healed."""
    bench = Bench(stuck(), *healthy(20))
    bench.work.record(bench.scan())
    raw = bench.cluster.objects.pop(("shop", "checkout"))
    gone = bench.scan()
    bench.cluster.objects["shop", "checkout"] = raw
    bench.cluster.on_get = [failing_with(trouble)]
    bench.work.record(gone)
    assert [each.name for each in bench.world.episodes.unresolved()] == ["checkout"]
    bench.cluster.objects.pop(("shop", "checkout"))
    bench.work.record(bench.scan())
    assert bench.world.episodes.unresolved() == ()


def test_the_first_sighting_is_remembered() -> None:
    bench = Bench(function(conditions=failing("odd")))
    first = one(bench.scan()).finding
    bench.world.clock.sleep(300)
    second = one(bench.scan()).finding
    assert first is not None
    assert second is not None
    assert second.since == first.since


def test_what_was_said_of_the_controller_is_in_the_scan() -> None:
    scan = Bench(deleting(), facts=DOWN, checkout=active()).scan()
    assert scan.controller is DOWN
    assert found(one(scan)) is FindingName.DELETION_UNATTENDED


def test_the_policy_sets_the_timeouts() -> None:
    raw = deleting(hours=1)
    assert one(Bench(raw, checkout=GONE).scan()).state is State.STUCK
    assert one(Bench(raw, checkout=GONE, policy={"timeouts": {"deletion": "2h"}}).scan()).state is State.WAITING


def test_one_alone_is_examined_with_everything_asked() -> None:
    bench = Bench(function(), stuck("other"), checkout=active(last_update_status="Failed"))
    judged = bench.work.examine("shop", "checkout")
    assert found(judged) is FindingName.UPDATE_FAILED
    assert [name for name, _ in bench.world.cloud.asked] == ["checkout"]


def test_one_alone_is_no_population() -> None:
    judged = Bench(stuck()).work.examine("shop", "checkout")
    assert judged.decision is not None
    assert {each.gate: each.ruling for each in judged.decision.verdicts}["breaker"] == "later"


# -- proposals ------------------------------------------------------------------------------------------------------


def test_a_stuck_one_is_proposed_and_a_waiting_one_waited_for() -> None:
    bench = Bench(*healthy(9), stuck(), function("slow", conditions=failing("x")))
    scan = bench.scan()
    kinds = {each.seen.resource.metadata.name: each.decision.kind for each in scan.results if each.decision}
    assert kinds == {"checkout": DecisionKind.PROPOSE, "slow": DecisionKind.WAIT}
    assert [found(each) for each in scan.proposals] == ["ControllerSilent"]


def test_an_incident_is_not_proposed_one_by_one() -> None:
    scan = Bench(*healthy(3), stuck("a"), stuck("b")).scan()
    assert scan.proposals == ()
    assert one(scan, "a").decision is not None
    assert [each.decision.kind for each in scan.results if each.decision] == [DecisionKind.BLOCKED] * 2


def test_the_unreadable_count_for_the_breaker_the_advised_do_not() -> None:
    placeholder = {"code": {"sha256": "build-1"}}
    advised = [function(f"odd-{number}", spec=placeholder) for number in range(3)]
    assert len(Bench(*healthy(1), *advised, stuck()).scan().proposals) == 1
    unread = Bench(*healthy(3), function("b", conditions=failing("x")), stuck(), b=unreadable("denied"))
    assert unread.scan().proposals == ()


def test_an_opted_out_one_is_found_and_not_proposed() -> None:
    scan = Bench(*healthy(9), stuck(metadata={"annotations": {"ack-remediator.dev/ignore": "true"}})).scan()
    assert one(scan).state is State.STUCK
    assert scan.proposals == ()


# -- remediate ------------------------------------------------------------------------------------------------------


def heal(bench: Bench) -> None:
    """Let the controller run a pass right after each first write."""

    def one_pass(cluster: FakeCluster) -> None:
        for each in cluster.objects.values():
            if each["metadata"].get("annotations", {}).get(RESYNC_ANNOTATION):
                each["status"]["conditions"] = synced(at(seconds=-5))

    bench.cluster.after = dict.fromkeys(range(100), one_pass)


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


# -- ClearFinalizer -------------------------------------------------------------------------------------------------


def clearing(*answers: LiveState, **more: Any) -> Bench:
    """Build a pass with one object to clear; the first answer is the scan's."""
    return Bench(*healthy(9), deleting(), facts=DOWN, checkout=list(answers), **more)


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


# -- leftovers ------------------------------------------------------------------------------------------------------


def test_leftovers_are_found_and_undone() -> None:
    left = function("left", metadata={"annotations": {RESYNC_ANNOTATION: "mark"}}, spec={"publish": False})
    bench = Bench(function(), left)
    scan = bench.scan()
    assert [each.metadata.name for each in scan.leftovers] == ["left"]
    assert bench.work.recover(scan) == (f"Undid an interrupted action on {scan.leftovers[0].ref}.",)
    assert "publish" not in bench.cluster.the("left")["spec"]
    assert bench.scan().leftovers == ()
    assert bench.work.recover(scan) == ()


def test_what_a_person_asks_for_is_not_put_to_others() -> None:
    """Whoever approved it from the record would wait for ever: no run does it unasked."""
    bench = Bench(*healthy(9), deleting(conditions=failing("InvalidParameterValueException: in use")))
    scan = bench.work.scan(requested={("shop", "checkout"): ActionName.RELEASE})
    judged = one(scan)
    assert judged.plan is not None
    assert (judged.plan.action, judged.advised) == (ActionName.RELEASE, None)
    bench.work.record(scan)
    episode = bench.world.episodes.episode(judged.seen.resource.metadata.uid)
    assert episode is not None
    assert (episode.proposal, episode.verdicts) == (None, ())


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


def test_a_namespace_is_asked_once_however_many_are_stuck_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(*healthy(20), stuck("a"), stuck("b"))
    asked: list[str] = []

    def annotations(name: str) -> dict[str, str]:
        asked.append(name)
        return {}

    monkeypatch.setattr(bench.cluster, "namespace_annotations", annotations)
    assert len(bench.scan().proposals) == 2
    assert asked == ["shop"]


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


# ---- other kinds -----------------------------------------------------------------------------------------------------


def waiting_alias(name: str = "checkout", **more: Any) -> Json:
    said = "the referenced resource is not synced yet. resource:Function, namespace:shop, name:checkout"
    spec = {"functionName": None, "functionRef": {"from": {"name": "checkout"}}}
    return other("Alias", name, conditions=waiting(said), spec=spec, **more)


def upstream() -> tuple[Link, ...]:
    return (Link("functionRef", "Function", "shop", "checkout", LinkState.NOT_SYNCED, "why"),)


def of_kind(scan: Scan, kind: str) -> Judged:
    return next(each for each in scan.results if each.seen.resource.kind == kind)


def test_an_alias_says_what_is_wrong_with_its_function() -> None:
    bench = Bench(waiting_alias(), stuck(), checkout=active())
    bench.cluster.links["Alias", "checkout"] = upstream()
    scan = bench.scan()
    finding = of_kind(scan, "Alias").finding
    assert finding is not None
    assert finding.summary.endswith("It is itself ControllerSilent; look there first.")
    assert of_kind(scan, "Alias").seen.references[0].finding == "ControllerSilent"


def test_references_are_followed_only_where_they_are_not_resolved() -> None:
    bench = Bench(waiting_alias(), other("Alias", "live"), *healthy(2), stuck(), checkout=active())
    bench.scan()
    assert [each.kind for each in bench.cluster.followed] == ["Alias"]
    bench.work.examine("shop", "checkout")
    assert [each.kind for each in bench.cluster.followed] == ["Alias", "Function"]


def test_what_waits_for_a_reference_costs_no_call_to_aws() -> None:
    bench = Bench(*(waiting_alias(f"a{number}") for number in range(20)))
    scan = bench.scan()
    assert bench.world.cloud.asked == []
    assert scan.count(State.WAITING) == 20


def test_another_kind_of_that_name_is_not_acted_on_in_its_place() -> None:
    """One name, two resources: what a person asks for, and what is proposed, is about the Function."""
    deleted = {"deletionTimestamp": at(hours=3)}
    answers: dict[str, Any] = {"checkout": active(), "": unreadable("not asked")}
    bench = Bench(
        deleting(conditions=failing("ServiceException: no")),
        other("Alias", "checkout", conditions=failing("ServiceException: no"), metadata=deleted),
        **answers,
    )
    scan = bench.work.scan(requested={("shop", "checkout"): ActionName.RELEASE})
    function_, alias = of_kind(scan, "Function"), of_kind(scan, "Alias")
    assert function_.plan is not None and function_.plan.action is ActionName.RELEASE
    assert (alias.plan, alias.finding.remedy if alias.finding else None) == (None, Remedy.REPORT)
    assert alias.decision is not None and alias.decision.kind is DecisionKind.REPORT


def test_a_run_writes_to_no_other_kind_whatever_it_shows() -> None:
    """The cluster of these tests fails on any such write; our own marks on an Alias change nothing in that."""
    marked = {"annotations": {RESYNC_ANNOTATION: "p-1"}, "deletionTimestamp": at(hours=3)}
    others = [other(each.name, "checkout", metadata=marked, spec={"publish": False}) for each in OTHER_KINDS]
    answers: dict[str, Any] = {"": UNPROVEN_GONE}
    bench = Bench(*others, facts=DOWN, policy={"mode": "auto", "breaker": {"percent": 100}}, **answers)
    scan = bench.scan()
    assert (len(scan.results), scan.leftovers, scan.proposals, scan.ready) == (6, (), (), ())
    assert {each.finding.name for each in scan.results if each.finding} == {FindingName.FINALIZER_LEFT}
    assert bench.work.recover(scan) == ()
    assert list(bench.work.proceed(scan)) == []
    assert list(bench.work.remediate(scan, frozenset({"x"}))) == []
    assert bench.cluster.patches == []


def test_other_kinds_hide_no_incident_among_functions() -> None:
    """Half of the Functions turned bad; sixty healthy Versions beside them make that no smaller."""
    functions = [stuck("checkout"), *(stuck(f"f{number}") for number in range(2)), *healthy(3)]
    versions = [other("Version", f"v{number}") for number in range(60)]
    answers: dict[str, Any] = {"checkout": active(), "f0": active(), "f1": active()}
    bench = Bench(*functions, *versions, policy={"breaker": {"percent": 20}}, **answers)
    judged = next(each for each in bench.scan().results if each.seen.resource.metadata.name == "checkout")
    assert judged.decision is not None
    assert "breaker" in {verdict.gate for verdict in judged.decision.held}


def test_records_tell_kinds_apart_and_end_with_their_own() -> None:
    bench = Bench(waiting_alias(), stuck(), checkout=active())
    bench.work.record(bench.scan())
    assert {each.kind for each in bench.world.episodes.unresolved()} == {"Alias", "Function"}
    bench.cluster.others.clear()
    bench.work.record(bench.scan())
    assert {each.kind for each in bench.world.episodes.unresolved()} == {"Function"}


def test_one_of_another_kind_is_examined() -> None:
    answers: dict[str, Any] = {"": unreadable("-")}
    bench = Bench(waiting_alias("live"), function("live"), **answers)
    bench.cluster.links["Alias", "live"] = upstream()
    judged = bench.work.examine("shop", "live", "Alias")
    assert judged.seen.resource.kind == "Alias"
    assert judged.seen.references == upstream()
