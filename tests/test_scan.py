"""The pass, up to what it proposes: what is asked, what is found, what is left alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError, Forbidden, Unauthorized, Unreachable
from remediator.model.decision import DecisionKind
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.kind import OTHER_KINDS
from remediator.model.live import unreadable
from remediator.model.plan import ActionName, Result
from remediator.model.reference import Link, LinkState
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.scan import Judged, Scan
from remediator.model.times import format_time
from remediator.observing import NOT_ASKED
from tests.builders import (
    ARN,
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
from tests.fakes import failing_with
from tests.scanning import Bench, found, healthy, one, stuck

# -- scan -----------------------------------------------------------------------------------------------------------


def test_only_suspects_are_asked_about() -> None:
    bench = Bench(*healthy(3), stuck())
    scan = bench.scan()
    assert [name for name, _ in bench.world.cloud.asked] == ["checkout"]
    assert [each.state for each in scan.results] == [State.STUCK], "nothing healthy is kept"
    assert [each.state for each in bench.work.scan(healthy=True).results] == [State.HEALTHY] * 3 + [State.STUCK]
    assert one(bench.work.scan(healthy=True), "healthy-0").seen.live_state == unreadable(NOT_ASKED)
    assert (scan.count(State.HEALTHY), scan.count(State.STUCK), scan.count(State.WAITING)) == (3, 1, 0)


def test_what_stands_still_says_nothing_of_the_controller() -> None:
    given_up = [{"type": "ACK.Terminal", "status": "True", "message": "tenancy config cannot be modified"}]
    bench = Bench(
        function("moving", conditions=synced(at(hours=1))),
        function("given-up", conditions=[*synced(at(hours=20)), *given_up]),
        deleting("going", conditions=synced(at(hours=30))),
    )
    beats = bench.scan().heartbeats
    assert (beats.count, format_time(beats.latest)) == (1, at(hours=1))


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
    scan = bench.work.scan(healthy=True)
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


def test_a_second_look_in_the_same_pass_is_no_second_sighting() -> None:
    bench = Bench(*healthy(3), stuck())
    bench.scan()
    bench.world.clock.sleep(1)
    again = one(bench.work.scan(again=True))
    assert again.seen.history.sightings == 1, "gates count the first"
    bench.world.clock.sleep(1)
    assert one(bench.scan()).seen.history.sightings == 2


def test_a_second_look_in_the_same_pass_is_no_second_sign_of_recovery() -> None:
    bench = Bench(*healthy(3), stuck())
    uid = one(bench.scan()).seen.resource.metadata.uid
    for again, resolved in ((False, False), (True, False), (False, True)):
        bench.world.clock.sleep(1)
        bench.cluster.the()["status"]["conditions"] = function()["status"]["conditions"]
        bench.work.scan(again=again)
        episode = bench.world.episodes.episode(uid)
        assert episode is not None and (episode.resolved_at is not None) is resolved


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
