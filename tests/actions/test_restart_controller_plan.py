"""RestartController: what it writes, on what ground, at what cost, and what holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions.restart_controller import NO_CREATE, Waiting, named, restart_controller
from remediator.model.controller import ControllerFacts
from remediator.model.finding import FindingName, Remedy
from remediator.model.limits import Restarts
from remediator.model.plan import ActionName, Verification
from tests.builders import ARN, NOW, Json, at, decoded, deleting, failing, function, other, synced
from tests.workloads import ground, silent, workload

MINUTE = timedelta(minutes=1)


def unmet(*objects: Json, **changes: Any) -> dict[str, str]:
    plan = restart_controller(ground(*objects, **changes))[1]
    return {each.name: each.why for each in plan.needs if not each.met}


def test_it_writes_what_kubectl_rollout_restart_does_and_tests_what_it_read() -> None:
    finding, plan = restart_controller(ground())
    assert (plan.action, plan.verification) == (ActionName.RESTART_CONTROLLER, Verification.CONTROLLER_PASSES)
    assert (finding.name, finding.remedy) == (FindingName.CONTROLLER_SILENT, Remedy.RESTART_CONTROLLER)
    assert finding.summary == "2 resources wait for the controller"
    [step] = plan.steps
    assert step.patch == (
        {"op": "test", "path": "/metadata/uid", "value": "uid-of-ack"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "77"},
        {
            "op": "add",
            "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
            "value": "2026-11-21T12:00:00Z",
        },
    )
    assert plan.kubectl()[0].startswith("kubectl patch deployments.apps ack -n ack-system --type=json -p ")
    assert unmet() == {}


def test_a_template_without_annotations_gets_some() -> None:
    patch = restart_controller(ground(workload=workload(annotated=False)))[1].steps[0].patch
    assert {"op": "add", "path": "/spec/template/metadata/annotations", "value": {}} in patch[:-1]


def test_the_digest_is_of_the_deployment_and_not_of_the_moment() -> None:
    now = restart_controller(ground())[1].digest
    assert restart_controller(ground(now=NOW + MINUTE))[1].digest == now
    resource = workload().resource
    newer = decoded({"kind": "Deployment", "metadata": {"name": "ack", "uid": resource.metadata.uid, "generation": 4}})
    assert restart_controller(ground(workload=workload(resource=newer)))[1].digest != now


def test_the_finding_is_what_most_of_them_have() -> None:
    on = ground(*(silent(each) for each in "abc"))
    names = [FindingName.CONTROLLER_SILENT, FindingName.NEVER_RECONCILED, FindingName.NEVER_RECONCILED]
    waiting = tuple(Waiting(*each) for each in zip(on.resources, names, strict=True))
    assert restart_controller(msgspec.structs.replace(on, waiting=waiting))[0].name is FindingName.NEVER_RECONCILED


# -- it helps ---------------------------------------------------------------------------------------------------------


def test_where_nothing_waits_for_the_controller_it_helps_nobody() -> None:
    assert unmet(waiting=0, unwell=0) == {"it helps": "0 of 0 that are unwell wait for the controller"}


def test_never_for_one_alone_among_others() -> None:
    said = unmet(waiting=1)["it helps"]
    assert said.startswith("1 of 1 that are unwell wait for the controller: for one alone a Resync is enough")


def test_the_only_one_there_is_is_all() -> None:
    assert unmet(silent("a"), waiting=1) == {}


@pytest.mark.parametrize(("unwell", "held"), [(4, False), (5, True)])
def test_most_of_what_is_unwell_has_to_wait_for_it(unwell: int, held: bool) -> None:
    """Else the cause lies elsewhere, and after a restart everything is unwell still."""
    assert ("it helps" in unmet(unwell=unwell)) is held


def test_where_nothing_is_looked_at_any_more_what_is_green_says_nothing() -> None:
    why = "no pass was finished anywhere for 12h, and one is due every 10h"
    assert unmet(waiting=0, unwell=0, hangs=why) == {}


# -- everything was seen ----------------------------------------------------------------------------------------------


def test_of_what_was_not_seen_nobody_knows_what_is_in_flight() -> None:
    said = unmet(unseen=("the list of Functions broke off after 500", "Aliases could not be listed"))
    assert said == {"everything was seen": "the list of Functions broke off after 500"}


# -- creates in flight ------------------------------------------------------------------------------------------------


def made(ago: timedelta, kind: str = "Function", **more: Any) -> Json:
    created = {"creationTimestamp": at(seconds=ago.total_seconds())}
    if kind == "Function":
        return function("new", metadata=created, status={"ackResourceMetadata": None}, **more)
    return other(kind, "new", metadata=created, **more)


@pytest.mark.parametrize(
    ("raw", "held"),
    [
        (made(MINUTE, conditions=[]), True),
        (made(9 * MINUTE, conditions=[]), True),
        (made(11 * MINUTE, conditions=[]), False),
        (made(60 * MINUTE, conditions=failing("no such bucket", at(seconds=20))), True),
        (made(60 * MINUTE, conditions=failing("no such bucket", at(minutes=9))), False),
        (made(MINUTE, conditions=[{"type": "ACK.Terminal", "status": "True"}]), False),
        (made(MINUTE, "EventSourceMapping", conditions=[]), True),
        (made(MINUTE, "EventSourceMapping", conditions=failing("no", at(seconds=5))), True),
        (made(MINUTE, "EventSourceMapping", conditions=synced(at(seconds=5))), False),
        (made(11 * MINUTE, "EventSourceMapping", conditions=[]), False),
        (function("new", metadata={"creationTimestamp": at(seconds=5)}), False),
        (function("new", metadata={"creationTimestamp": None}, status={"ackResourceMetadata": None}), True),
        (deleting("new", hours=0, status={"ackResourceMetadata": None}, conditions=[]), False),
    ],
    ids=[
        *("just made", "nine minutes old", "too old to be at it", "tried again just now", "not tried for minutes"),
        *("Terminal", "another kind", "another kind, failing", "another kind, done", "another kind, too old"),
        *("its ARN is known", "of unknown age", "being deleted"),
    ],
)
def test_it_waits_for_no_create_in_flight(raw: Json, held: bool) -> None:
    said = unmet(silent("a"), silent("b"), raw)
    assert said == ({NO_CREATE: f"ACK may be making {raw['kind']} shop/new"} if held else {})


def test_of_many_creates_the_first_are_named() -> None:
    many = [decoded(function(each)) for each in "abcde"]
    assert named(many) == "Function shop/a, Function shop/b, Function shop/c and 2 more"


# -- how long it has run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["recorded", "restarted_at", "rolled_out", "started"])
@pytest.mark.parametrize(("minutes", "held"), [(29, True), (30, False)])
def test_never_twice_within_its_interval_whoever_started_it(source: str, minutes: int, held: bool) -> None:
    moment = NOW - minutes * MINUTE
    if source == "recorded":
        said = unmet(recorded=moment)
    else:
        value = at(minutes=minutes) if source == "restarted_at" else moment
        said = unmet(workload=workload(**{source: value}))
    until = (moment + 30 * MINUTE).strftime("%H:%M")
    started = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = f"it was started last at {started}; it is not restarted again before 2026-11-21T{until}:00Z"
    assert said == ({"it has run long enough": wanted} if held else {})


@given(st.lists(st.integers(0, 90), min_size=4, max_size=4), st.integers(10, 120))
def test_the_last_of_all_starts_counts(ago: list[int], interval: int) -> None:
    recorded, rolled_out, started = (NOW - each * MINUTE for each in ago[:3])
    there = workload(rolled_out=rolled_out, started=started, restarted_at=at(minutes=ago[3]))
    held = "it has run long enough" in unmet(
        workload=there, recorded=recorded, terms=Restarts(interval=interval * MINUTE)
    )
    assert held == (min(ago) < interval)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unknown": "its pods could not be listed: no"}, "its pods could not be listed: no"),
        ({"restarted_at": "yesterday"}, "kubectl.kubernetes.io/restartedAt is no time"),
        ({"rolled_out": None, "started": None}, "it has no pods"),
    ],
)
def test_what_is_not_known_holds_it(changes: Json, why: str) -> None:
    said = unmet(workload=workload(**changes))
    assert said == {"it has run long enough": f"when it was started last is not known: {why}"}


# -- what it costs ----------------------------------------------------------------------------------------------------


def fleet(count: int, region: str = "us-east-1") -> list[Json]:
    arn = ARN.replace("us-east-1", region)
    place = {"ackResourceMetadata": {"arn": arn}}
    return [function(f"f{number}-{region}", status=place) for number in range(count)]


@pytest.mark.parametrize(("version", "calls"), [("1.14.1", 6), ("1.12.0", 6), ("1.11.9", 3), (None, 6), ("latest", 6)])
def test_the_cost_is_that_of_the_version(version: str | None, calls: int) -> None:
    facts = ControllerFacts(version=version)
    said = restart_controller(ground(*fleet(100), controller=facts))[1].notes[1]
    assert said.startswith(f"about {100 * calls} calls to Lambda, which take {100 * calls // 15}s of its quota")


def test_each_account_and_region_has_a_quota_of_its_own() -> None:
    nowhere = made(60 * MINUTE, conditions=[])
    alias = other("Alias")
    objects = [*fleet(30), *fleet(20, "eu-west-1"), nowhere, alias]
    said = restart_controller(ground(*objects))[1].notes[1]
    assert said.startswith(f"about {30 * 6 + 6 + 2} calls to Lambda")


def test_what_costs_too_much_is_held() -> None:
    said = unmet(*fleet(100), terms=Restarts(quota_time=timedelta(seconds=39)))
    wanted = "about 600 calls to Lambda, which take 40s of its quota; the policy allows 39s"
    assert said == {"AWS's quota bears it": wanted}
    assert unmet(*fleet(100), terms=Restarts(quota_time=timedelta(seconds=40))) == {}


# -- the Deployment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"available": 0, "trouble": "its container controller is in CrashLoopBackOff"},
            {"its pods run": "0 of 1 available; its container controller is in CrashLoopBackOff"},
        ),
        ({"available": 0, "desired": 0}, {"its pods run": "0 of 0 available"}),
        ({"paused": True}, {"it can be rolled out": "it is paused: nothing would come of it"}),
        ({"rolling": True}, {"it can be rolled out": "its pods are being replaced already"}),
    ],
)
def test_what_cannot_be_restarted_is_not(changes: Json, said: dict[str, str]) -> None:
    assert unmet(workload=workload(**changes)) == said


# -- by whom its effect is seen ---------------------------------------------------------------------------------------


def test_who_was_well_is_watched_first_and_nothing_that_stands_still() -> None:
    objects = [silent("a"), silent("b"), function("well"), deleting("going"), other("Alias")]
    objects += [function("terminal", conditions=[{"type": "ACK.Terminal", "status": "True"}, *synced()])]
    objects += [function("new", conditions=[])]
    plan = restart_controller(ground(*objects))[1]
    assert [each.metadata.name for each in plan.witnesses] == ["well", "a", "b"]


def test_ten_are_enough() -> None:
    assert len(restart_controller(ground(*fleet(30)))[1].witnesses) == 10
