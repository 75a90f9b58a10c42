"""What is wrong with the cluster as a whole: each finding where it holds, and beside where it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.diagnosis import diagnose
from remediator.diagnosis.cluster import CLUSTER_CATALOGUE, diagnose_cluster
from remediator.diagnosis.controller_versions import KNOWN_BUGS, bugs_of, newest_fix, parse_version
from remediator.diagnosis.naming import counted, naming
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.definition import Definition, Definitions
from remediator.model.finding import FindingName, State
from remediator.model.heartbeat import heartbeats
from remediator.model.namespace import Namespace
from remediator.model.observation import History
from remediator.model.scan import Judged
from tests.builders import ALIVE, BUSY, DOWN, NOW, Json, active, at, deleting, failing, function, observe, other, synced

HOUR = timedelta(hours=1)
FUNCTIONS = "functions.lambda.services.k8s.aws"


def judged(raw: Json, controller: ControllerFacts = ALIVE, **history: Any) -> Judged:
    seen = observe(raw, active(), controller=controller, history=History(**history))
    return Judged(seen, diagnose(seen), None)


def found(*results: Judged, controller: ControllerFacts = ALIVE, **facts: Any) -> list[ClusterFinding]:
    beats = heartbeats(each.seen.resource for each in results)
    return list(diagnose_cluster(ClusterFacts(controller=controller, results=results, heartbeats=beats, **facts)))


def the_one(*results: Judged, controller: ControllerFacts = ALIVE, **facts: Any) -> ClusterFinding:
    (one,) = found(*results, controller=controller, **facts)
    return one


def silent(name: str = "silent", namespace: str = "shop") -> Json:
    return function(name, namespace=namespace, conditions=failing(BUSY, at(hours=2)))


def test_where_all_is_well_nothing_is_said() -> None:
    assert found() == found(judged(function())) == found(judged(deleting())) == []


def test_the_catalogue_has_every_finding_once_in_order_with_what_to_do() -> None:
    assert [each.name for each in CLUSTER_CATALOGUE] == list(ClusterFindingName)
    for each in CLUSTER_CATALOGUE:
        assert each.meaning.endswith(".")
        assert each.advice.endswith(".")


# ---- ControllerDown --------------------------------------------------------------------------------------------------


def test_a_controller_that_is_down_explains_what_nobody_looks_at() -> None:
    young = function("new", conditions=[], metadata={"finalizers": None}, status={"conditions": None})
    failed = function("failed", status={"lastUpdateStatus": "Failed"})
    results = [judged(each, DOWN) for each in (young, silent(), deleting("going"), failed, function("green"))]
    assert [each.finding.name if each.finding else None for each in results[:3]] == [
        FindingName.NEVER_RECONCILED,
        FindingName.CONTROLLER_SILENT,
        FindingName.DELETION_UNATTENDED,
    ]
    one = the_one(*results, controller=DOWN)
    assert (one.name, one.state, one.affected) == (ClusterFindingName.CONTROLLER_DOWN, State.STUCK, 3)
    assert one.summary == (
        "No ACK controller is at work: its Deployment has 0 of 1 pods ready. This explains 3 findings; "
        "2 more look healthy only because nobody looks."
    )
    assert one.evidence == {"lastPass": at(hours=2), "explains": "shop/going, shop/new, shop/silent"}
    assert one.subject == ""


def test_a_fleet_can_be_green_because_nobody_looks() -> None:
    one = the_one(judged(function(), DOWN), controller=DOWN)
    assert one.affected == 0
    assert one.summary.endswith("Nothing shows it yet; 1 more looks healthy only because nobody looks.")


def test_it_explains_what_has_another_root_too() -> None:
    wrong = function(
        "both",
        conditions=failing("boom", at(hours=2)),
        spec={"code": {"sha256": "ab" * 32}},
        status={"state": "Active"},
    )
    each = judged(wrong, DOWN)
    assert each.finding is not None
    assert FindingName.CONTROLLER_SILENT in {each.finding.name, *each.finding.also}
    assert the_one(each, controller=DOWN).affected == 1


def test_what_has_another_cause_is_not_explained_by_it() -> None:
    renamed = judged(function("renamed", spec={"name": "else"}), DOWN)
    assert renamed.finding is not None
    assert the_one(renamed, controller=DOWN).affected == 0


def test_without_resources_a_controller_is_down_all_the_same() -> None:
    one = the_one(controller=ControllerFacts(Health.DOWN, "gone", "1.13.0", deployment="ack-system/ack"))
    assert (one.subject, one.evidence) == ("deployment/ack-system/ack", {"version": "1.13.0", "lastPass": "none"})
    assert one.summary == "No ACK controller is at work: gone. Nothing shows it yet."


@pytest.mark.parametrize(
    "controller", [ALIVE, ControllerFacts(), ControllerFacts(Health.DOWN, "is being rolled out", restarting=True)]
)
def test_what_works_or_restarts_or_is_not_known_is_not_down(controller: ControllerFacts) -> None:
    assert found(judged(silent(), controller), controller=controller) == []


def team(name: str, health: Health, *watched: str, hours: float = 1) -> Install:
    state = "available" if health is Health.ALIVE else "not available"
    return Install(f"ack/{name}", health, f"Deployment ack/{name} is {state}", NOW - hours * HOUR, "1.14.1", watched)


def teams(*installs: Install) -> ControllerFacts:
    watched = tuple(name for each in installs if each.health is Health.ALIVE for name in each.watched_namespaces)
    return ControllerFacts(Health.ALIVE, "one is available", "1.14.1", watched, installs=installs)


def test_of_one_controller_per_team_the_one_that_is_down_is_told() -> None:
    controller = teams(team("a", Health.DOWN, "shop", "both"), team("b", Health.ALIVE, "post", "both"))
    results = [judged(silent(namespace=name), controller) for name in ("shop", "post", "both")]
    one = the_one(*results, controller=controller)
    assert (one.subject, one.affected) == ("deployment/ack/a", 1)
    assert one.summary.startswith("No ACK controller is at work: Deployment ack/a is not available. This explains 1")
    assert one.evidence == {"version": "1.14.1", "lastPass": at(hours=2), "explains": "shop/silent"}


@pytest.mark.parametrize(("minutes", "told"), [(121, True), (122, False)])
def test_a_pass_of_the_minute_in_which_it_stopped_is_nobody_elses(minutes: float, told: bool) -> None:
    """The last one looked two hours ago."""
    controller = teams(team("a", Health.DOWN, "shop", hours=minutes / 60), team("b", Health.ALIVE, "post"))
    assert bool(found(judged(silent(), controller), controller=controller)) is told


@pytest.mark.parametrize(
    "installs",
    [
        pytest.param([team("a", Health.DOWN), team("b", Health.ALIVE)], id="another watches everything"),
        pytest.param([team("a", Health.DOWN, "post"), team("b", Health.ALIVE, "shop")], id="nothing is in its reach"),
        pytest.param([team("a", Health.DOWN, "shop", hours=3), team("b", Health.ALIVE, "post")], id="someone passed"),
        pytest.param([team("a", Health.ALIVE, "shop"), team("b", Health.ALIVE, "post")], id="both work"),
        pytest.param([team("a", Health.DOWN), team("b", Health.DOWN)], id="somebody outside the cluster works"),
    ],
)
def test_a_deployment_that_nobody_misses_is_not_told(installs: list[Install]) -> None:
    controller = teams(*installs)
    assert found(judged(silent(), controller), controller=controller) == []


def test_heartbeats_of_other_kinds_are_no_sign_of_who_works_on_functions() -> None:
    """Their controller can be another one."""
    controller = teams(team("a", Health.DOWN, "shop", hours=3), team("b", Health.ALIVE, "post"))
    alias = judged(other("Alias", conditions=synced(at(minutes=1))), controller)
    stopped = judged(function(conditions=failing(BUSY, at(hours=4))), controller)
    one = the_one(stopped, alias, controller=controller)
    assert (one.name, one.subject) == (ClusterFindingName.CONTROLLER_DOWN, "deployment/ack/a")
    assert one.evidence["lastPass"] == at(hours=4)
    moving = judged(function("moving"), controller)
    assert found(stopped, alias, moving, controller=controller) == []


# ---- CrdDeleting -----------------------------------------------------------------------------------------------------


def test_a_definition_that_is_being_deleted_is_told_at_once() -> None:
    going = Definitions((Definition(FUNCTIONS, "Function", NOW, "CustomResource deletion is in progress"),))
    one = the_one(judged(function()), judged(function("b")), definitions=going)
    assert (one.name, one.state, one.affected) == (ClusterFindingName.CRD_DELETING, State.STUCK, 2)
    assert one.subject == f"customresourcedefinition/{FUNCTIONS}"
    assert one.summary == (
        f"{FUNCTIONS} is being deleted since 2026-11-21T12:00:00Z, and every object of it, 2 of them seen here: ACK "
        "deletes in AWS what each of them stands for. Every action is held."
    )
    assert one.evidence == {
        "since": "2026-11-21T12:00:00Z",
        "why": "CustomResource deletion is in progress",
        "objects": "shop/b, shop/checkout",
    }


def test_a_definition_of_which_nothing_is_here_is_told_too() -> None:
    one = the_one(judged(function()), definitions=Definitions((Definition("aliases.x", "Alias"),)))
    assert (one.affected, one.evidence) == (0, {})
    assert one.summary.startswith("aliases.x is being deleted, and every object of it, 0 of them seen here: ")


def test_what_is_not_known_of_definitions_is_no_finding() -> None:
    assert found(judged(function()), definitions=Definitions(unknown="may not be read")) == []


# ---- NamespaceTerminating --------------------------------------------------------------------------------------------

GOING = Namespace("shop", terminating=True, why="Some resources are remaining: functions has 1 resource instances")


def test_a_namespace_that_goes_with_resources_in_it() -> None:
    one = the_one(judged(deleting(hours=0)), judged(function("b", namespace="post")), namespaces={"shop": GOING})
    assert (one.name, one.state, one.affected) == (ClusterFindingName.NAMESPACE_TERMINATING, State.ADVISORY, 1)
    assert (one.subject, one.evidence) == ("namespace/shop", {"why": GOING.why, "resources": "shop/checkout"})
    assert one.summary == (
        "Namespace shop is being deleted with 1 resource in it, held by 1 finalizer of ACK; nothing can be created in "
        "it any more."
    )


def test_each_that_goes_is_told_beside_those_that_stay() -> None:
    namespaces = {name: Namespace(name, terminating=name != "cart") for name in ("post", "cart", "shop")}
    told = found(*(judged(function(namespace=name)) for name in namespaces), namespaces=namespaces)
    assert [each.subject for each in told] == ["namespace/post", "namespace/shop"]


def test_it_is_stuck_as_soon_as_one_of_them_is() -> None:
    stuck = judged(deleting(hours=3), DOWN)
    assert stuck.state is State.STUCK
    assert the_one(stuck, namespaces={"shop": GOING}).state is State.STUCK


def test_what_acks_finalizer_does_not_hold_is_told_without_it() -> None:
    let_go = judged(deleting(metadata={"finalizers": ["a/b"]}))
    one = the_one(let_go, namespaces={"shop": Namespace("shop", terminating=True)})
    assert one.summary == (
        "Namespace shop is being deleted with 1 resource in it; nothing can be created in it any more."
    )
    assert one.evidence == {"resources": "shop/checkout"}


@pytest.mark.parametrize("namespaces", [{}, {"shop": Namespace("shop")}, {"post": Namespace("post", terminating=True)}])
def test_a_namespace_that_stays_or_has_nothing_in_it_is_not_told(namespaces: dict[str, Namespace]) -> None:
    assert found(judged(function()), namespaces=namespaces) == []


def test_each_resource_in_it_has_it_among_its_evidence() -> None:
    seen = observe(deleting(), active(), controller=DOWN, namespace=GOING)
    finding = diagnose(seen)
    assert finding is not None
    assert finding.evidence["namespace"] == f"being deleted: {GOING.why}"
    bare = diagnose(observe(deleting(), active(), controller=DOWN, namespace=Namespace("shop", terminating=True)))
    assert bare is not None
    assert bare.evidence["namespace"] == "being deleted"
    for each in (None, Namespace("shop")):
        alike = diagnose(observe(deleting(), active(), controller=DOWN, namespace=each))
        assert alike is not None
        assert "namespace" not in alike.evidence


# ---- MassChange ------------------------------------------------------------------------------------------------------


def test_an_incident_is_told_with_what_they_have_in_common() -> None:
    failed = function("failed", status={"lastUpdateStatus": "Failed"})
    seen = observe(failed, active(last_update_status="Failed"), controller=ALIVE)
    results = [judged(silent("a")), judged(silent("b")), Judged(seen, diagnose(seen), None), judged(function("green"))]
    one = the_one(*results, incident="more than 20 % is an incident")
    assert (one.name, one.state, one.affected) == (ClusterFindingName.MASS_CHANGE, State.STUCK, 3)
    assert one.summary == (
        "3 of 4 resources are stuck or unreadable at once; more than 20 % is an incident: "
        "the cause lies elsewhere, and the breaker holds every action."
    )
    assert one.evidence == {
        "findings": "2 ControllerSilent, 1 UpdateFailed",
        "resources": "shop/a, shop/b, shop/failed",
    }


def test_the_most_frequent_is_counted_first_and_what_is_waited_for_is_not() -> None:
    failed = observe(function("failed"), active(last_update_status="Failed"), controller=ALIVE)
    results = [
        *(judged(function(name, spec={"name": "else"})) for name in ("a", "b")),
        *(Judged(failed, diagnose(failed), None), judged(silent()), busy("waiting")),
    ]
    assert results[-1].state is State.WAITING
    one = the_one(*results, incident="so many")
    assert one.evidence["findings"] == "2 NameChanged, 1 ControllerSilent, 1 UpdateFailed"


# ---- ControllerVersion -----------------------------------------------------------------------------------------------


def running(version: str | None, **more: Any) -> ControllerFacts:
    return ControllerFacts(Health.ALIVE, "there", version, **more)


def test_known_bugs_of_the_version_that_runs() -> None:
    one = the_one(controller=running("v1.7.3", installs=(Install("ack/a", Health.ALIVE, "", version="v1.7.3"),)))
    assert (one.name, one.state, one.subject) == (
        *(ClusterFindingName.CONTROLLER_VERSION, State.ADVISORY),
        "deployment/ack/a",
    )
    assert one.summary.startswith(
        "Version v1.7.3 of the controller has 4 known bugs that 1.13.0 has all fixed, such as: "
    )
    assert one.evidence["community#2433"].endswith("; fixed in 1.7.4")
    assert one.evidence["community#1968"].endswith("; in every version up to 1.14.1, at least")
    assert "community#2446" not in one.evidence


def test_a_single_bug_is_told_as_one() -> None:
    one = the_one(controller=running("1.12.9"))
    assert "has 1 known bug that 1.13.0 has fixed, such as: a call to AWS that never ends" in one.summary
    assert one.subject == ""


@pytest.mark.parametrize("version", ["1.13.0", "1.14.1", "2.0.0", "latest", "dev", "main-1.2.3", "1.7", None, ""])
def test_of_versions_without_a_fix_to_go_to_or_unknown_ones_nothing_is_claimed(version: str | None) -> None:
    assert found(controller=running(version)) == []


def test_each_version_that_works_is_judged() -> None:
    installs = (
        Install("ack/0", Health.ALIVE, "", version="1.14.1"),
        Install("ack/a", Health.ALIVE, "", version="1.12.0"),
        Install("ack/b", Health.ALIVE, "", version="1.7.5"),
        Install("ack/c", Health.DOWN, "", version="1.0.0"),
        Install("ack/d", Health.ALIVE, "", version=None),
    )
    told = found(controller=running("1.12.0", installs=installs))
    assert [each.subject for each in told] == ["deployment/ack/a", "deployment/ack/b"]


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.7.3", "1.7.4"),
        ("1.7.9", "1.7.10"),
        ("1.9.9", "1.10.0"),
        ("1.99.99", "2.0.0"),
        ("1.7.4-rc.1", "1.7.4"),
        ("v1.7.3", "1.7.4+build.5"),
    ],
)
def test_versions_are_compared_by_number(lower: str, higher: str) -> None:
    before, after = parse_version(lower), parse_version(higher)
    assert before is not None
    assert after is not None
    assert before < after


@pytest.mark.parametrize("text", ["1.7.4-eks.1", "1.7.4-dirty", "1.7", "v1", "x1.7.4", "1.7.4.5", "٣.1.1", "99999.0.0"])
def test_what_is_nobodys_release_is_no_version(text: str) -> None:
    assert parse_version(text) is None


def test_the_table_of_bugs_is_in_order_and_complete() -> None:
    fixes = [parse_version(each.fixed) for each in KNOWN_BUGS if each.fixed]
    known = [each for each in fixes if each is not None]
    assert known == sorted(known)
    assert len(known) == len(fixes)
    assert all(parse_version(each.last) for each in KNOWN_BUGS if each.fixed is None)
    assert len({each.reference for each in KNOWN_BUGS}) == len(KNOWN_BUGS)
    assert newest_fix(bugs_of((1, 14, 1, True))) == ""


# ---- ControllerConcurrency -------------------------------------------------------------------------------------------


def busy(name: str = "busy", **history: Any) -> Judged:
    return judged(function(name, conditions=failing(BUSY)), **history)


@pytest.mark.parametrize(("results", "affected"), [([busy("a"), busy("b")], 2), ([busy(sightings=2)], 1)])
def test_several_at_a_time_and_refused_again_and_again(results: list[Judged], affected: int) -> None:
    one = the_one(*results, controller=running("1.14.1", concurrency=4, deployment="ack/a"))
    assert (one.name, one.state, one.affected) == (
        *(ClusterFindingName.CONTROLLER_CONCURRENCY, State.ADVISORY),
        affected,
    )
    assert one.summary == (
        f"The controller works on 4 Functions at a time, and AWS refused {counted(affected, 'resource')} as busy: "
        "one at a time meets fewer conflicts."
    )
    assert (one.subject, one.evidence) == ("deployment/ack/a", {"workers": "4", "busy": naming(results)})


@pytest.mark.parametrize(
    ("results", "workers"),
    [
        ([busy("a"), busy("b")], 1),
        ([busy(sightings=1)], 4),
        ([judged(function("c", conditions=failing("boom")), sightings=9)], 4),
        ([judged(function())], 4),
    ],
)
def test_one_at_a_time_or_refused_once_is_in_order(results: list[Judged], workers: int) -> None:
    assert found(*results, controller=running("1.14.1", concurrency=workers)) == []


def test_where_the_deployment_is_not_known_none_is_named() -> None:
    assert the_one(busy("a"), busy("b"), controller=running(None, concurrency=2)).subject == ""


# ---- ApprovalsUnguarded ----------------------------------------------------------------------------------------------


def test_forged_approvals_that_are_taken() -> None:
    one = the_one(unguarded="approvals are off: the API server takes a forged one.")
    assert (one.name, one.state) == (ClusterFindingName.APPROVALS_UNGUARDED, State.ADVISORY)
    assert one.summary == "Approvals are off: the API server takes a forged one."
    assert one.subject == "validatingadmissionpolicy/ack-remediator-approvals"


# ---- together --------------------------------------------------------------------------------------------------------


def test_they_are_told_in_the_order_of_the_catalogue() -> None:
    going = Definitions((Definition(FUNCTIONS, "Function"),))
    controller = ControllerFacts(Health.DOWN, "gone", "1.0.0", concurrency=2)
    told = found(
        *(busy("a"), busy("b"), judged(deleting())),
        controller=controller,
        definitions=going,
        namespaces={"shop": GOING},
        incident="so many",
        unguarded="anybody may.",
    )
    assert [each.name for each in told] == list(ClusterFindingName)


def test_of_many_the_first_are_named() -> None:
    results = [judged(function(f"f-{number:02}")) for number in range(12)]
    assert naming(results[:10]).count(",") == 9
    assert naming(results).endswith("shop/f-09, and 2 more")
    assert naming(results[:11]).endswith("shop/f-09, and 1 more")
    assert naming([judged(function(conditions=synced()))]) == "shop/checkout"


@pytest.mark.parametrize(
    ("version", "newest"),
    [
        ((1, 7, 3, True), "community#2433"),
        ((1, 7, 4, False), "community#2433"),
        ((1, 7, 4, True), "community#2406"),
        ((1, 12, 9, True), "community#2736"),
        ((1, 13, 0, True), "community#1968"),
        ((1, 14, 1, True), "community#1968"),
    ],
)
def test_a_bug_is_in_every_version_up_to_its_fix_and_in_none_after(
    version: tuple[int, int, int, bool], newest: str
) -> None:
    assert bugs_of(version)[0].reference == newest


def test_what_nobody_has_fixed_is_in_the_last_version_that_is_known_to_lack_it() -> None:
    assert [each.reference for each in bugs_of((1, 14, 1, True))] == ["community#1968", "lambda-controller#228"]
    assert bugs_of((1, 14, 2, True)) == ()
