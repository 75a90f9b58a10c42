"""What a scrape reads: the last pass as it was, all of it or nothing, and counts that never go back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from remediator import __version__
from remediator.gates.breaker import breaker
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.decision import Population, Proposal, Ruling, Situation, Standing
from remediator.model.episode import ResolvedBy
from remediator.model.finding import State
from remediator.model.limits import Limits, Mode
from remediator.model.live import unreadable
from remediator.model.message import Delivery
from remediator.model.pause import Pause, Pauses
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Ref
from remediator.model.word import Rejection
from remediator.telemetry.families import CLUSTER, FAMILIES, OTHER_NAMESPACES, Kind
from remediator.telemetry.metrics import Metrics
from remediator.telemetry.seen import seen
from tests.builders import NOW, Json, active, at, deleting, failing, function
from tests.spells import finding, plan
from tests.telemetry.passes import Scrape, Story, of, scraped, stuck, written

REFUSED = function(conditions=failing("AccessDeniedException: not authorized to perform: lambda:UpdateFunctionCode"))
STUCK_NOW = written("remediator_findings", finding="ControllerSilent", namespace="shop")


def outcome(result: Result, action: ActionName = ActionName.RESYNC) -> Outcome:
    return Outcome(action=action, target=Ref("shop", "checkout", "u"), result=result, detail="as seen")


def value(scrape: Scrape, name: str, **labels: str) -> float:
    return scrape[written(f"remediator_{name}", **labels)]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(now=lambda: NOW)


# ---- before and between passes ---------------------------------------------------------------------------------------


def test_before_the_first_pass_nothing_is_claimed(metrics: Metrics) -> None:
    """No zero that would read as "all is well"."""
    told = {key for key in scraped(metrics) if "_bucket" not in key}
    assert {key.partition("{")[0].removeprefix("remediator_") for key in told} == {
        *("build_info", "scan_duration_seconds_count", "scan_duration_seconds_sum"),
        *("time_to_resolve_seconds_count", "time_to_resolve_seconds_sum"),
    }


def test_it_has_a_registry_of_its_own(metrics: Metrics) -> None:
    others = {each.name for each in REGISTRY.collect()}
    assert not others & {each.name for each in metrics.registry.collect()}
    assert not any(each.startswith("remediator") for each in others)


def test_it_says_what_runs(metrics: Metrics) -> None:
    [told] = of(scraped(metrics), "remediator_build_info")
    assert f'version="{__version__}"' in told


def test_a_scrape_may_ask_for_some_by_name() -> None:
    story = Story(stuck())
    story.look()
    asked = story.metrics.registry.restricted_registry(["remediator_findings", "remediator_scans_total"])
    assert [each.name for each in asked.collect()] == ["remediator_scans", "remediator_findings"]


# ---- a pass ----------------------------------------------------------------------------------------------------------


def test_what_is_seen_is_counted_by_how_it_stands() -> None:
    pending = function("payments", status={"state": "Pending"})
    story = Story(stuck(), stuck("exports"), pending, function("mailer"), payments=active(state="Pending"))
    told = of(story.look(), "remediator_resources")
    assert told == {
        written("remediator_resources", kind="Function", state=state.value): {
            State.STUCK: 2.0,
            State.WAITING: 1.0,
            State.HEALTHY: 1.0,
        }.get(state, 0.0)
        for state in State
    }


def test_findings_are_counted_by_namespace_and_vanish_when_all_is_well() -> None:
    story = Story(stuck(), stuck("exports", namespace="post"), stuck("reports", namespace="post"))
    assert of(story.look(), "remediator_findings") == {
        STUCK_NOW: 1.0,
        written("remediator_findings", finding="ControllerSilent", namespace="post"): 2.0,
    }
    for each in story.world.cluster.objects.values():
        each["status"]["conditions"] = function()["status"]["conditions"]
    healed = story.look()
    assert of(healed, "remediator_findings") == {}
    assert of(healed, "remediator_oldest_finding_age_seconds") == {}
    assert value(healed, "resources", kind="Function", state="healthy") == 3


def test_what_is_wrong_with_the_cluster_is_in_no_namespace() -> None:
    """Two subjects of one finding are two."""
    going = ClusterFinding(
        name=ClusterFindingName.NAMESPACE_TERMINATING, state=State.STUCK, summary="it is going", subject="a"
    )
    down = ClusterFinding(name=ClusterFindingName.CONTROLLER_DOWN, state=State.STUCK, summary="0 of 1 pods")
    told = Story(function()).look(going, msgspec.structs.replace(going, subject="b"), down)
    assert of(told, "remediator_findings") == {
        written("remediator_findings", finding="NamespaceTerminating", namespace=CLUSTER): 2.0,
        written("remediator_findings", finding="ControllerDown", namespace=CLUSTER): 1.0,
    }


def test_namespaces_beyond_the_cap_are_one_and_nothing_is_lost() -> None:
    story = Story(*(stuck(f"f{n}", namespace=f"ns{n}") for n in range(5)), stuck("more", namespace="ns3"))
    gauges = seen(story.scan(), Standing(), Limits(), namespaces=2).gauges["remediator_findings"]
    told = {key: count for key, count in gauges.items() if key[1] != CLUSTER}
    assert told == {
        ("ControllerSilent", "ns3"): 2.0,
        ("ControllerSilent", "ns0"): 1.0,
        ("ControllerSilent", OTHER_NAMESPACES): 3.0,
    }
    assert sum(told.values()) == 6


def test_the_oldest_finding_ages_between_passes() -> None:
    """A daemon that hangs does not stop the clock of what is stuck."""
    story = Story(stuck())
    story.look()
    story.clock.sleep(90)
    assert value(story.scrape(), "oldest_finding_age_seconds", finding="ControllerSilent") == 90
    story.look()
    story.clock.sleep(10)
    assert value(story.scrape(), "oldest_finding_age_seconds", finding="ControllerSilent") == 100


def test_what_waits_or_is_advice_does_not_grow_old() -> None:
    advisory = function("receipts", spec={"code": {"s3Bucket": "b", "s3Key": "k", "sha256": "9f" * 32}})
    pending = function("payments", status={"state": "Pending"})
    story = Story(advisory, pending, payments=active(state="Pending"))
    told = story.look()
    assert len(of(told, "remediator_findings")) == 2
    assert of(told, "remediator_oldest_finding_age_seconds") == {}


def test_what_cannot_be_read_does_grow_old() -> None:
    story = Story(function(status={"state": "Pending"}), checkout=unreadable("AccessDenied"))
    told = story.look()
    assert value(told, "resources", kind="Function", state="unknown") == 1
    assert value(told, "oldest_finding_age_seconds", finding="Unreadable") == 0


def test_a_pass_counts_as_it_went() -> None:
    story = Story(function())
    story.look()
    story.clock.sleep(60)
    story.world.cluster.missing.append("the list of namespace post failed")
    told = story.look()
    story.metrics.failed()
    assert of(story.scrape(), "remediator_scans_total") == {
        written("remediator_scans_total", result="success"): 1.0,
        written("remediator_scans_total", result="partial"): 1.0,
        written("remediator_scans_total", result="error"): 1.0,
    }
    assert value(told, "last_success_timestamp_seconds") == NOW.timestamp()
    assert value(told, "last_scan_timestamp_seconds") == NOW.timestamp() + 60


def test_a_pass_that_raised_takes_nothing_back() -> None:
    """Nothing seen is not nothing wrong."""
    story = Story(stuck())
    before = story.look()
    story.metrics.failed()
    after = story.scrape()
    assert after.pop(written("remediator_scans_total", result="error")) == 1
    assert after == before


def test_how_long_passes_take() -> None:
    story = Story(function())
    for seconds in (0.2, 0.5, 3.0, 4000.0):
        story.take(story.scan(), seconds=seconds)
    told = story.scrape()
    assert value(told, "scan_duration_seconds_bucket", le="0.5") == 2
    assert value(told, "scan_duration_seconds_bucket", le="5.0") == 3
    assert value(told, "scan_duration_seconds_bucket", le="600.0") == 3
    assert value(told, "scan_duration_seconds_bucket", le="+Inf") == 4
    assert value(told, "scan_duration_seconds_sum") == pytest.approx(4003.7)


# ---- decisions and actions -------------------------------------------------------------------------------------------


def test_a_decision_is_counted_once_by_what_holds_it_back() -> None:
    """Where a person and a fact are missing, the fact is the reason: no approval would help."""
    objects = (
        *(stuck(), stuck("exports", metadata={"annotations": {"ack-remediator.dev/ignore": "true"}})),
        function("payments", status={"state": "Pending"}),
    )
    story = Story(*objects, policy={"breaker": {"percent": 100}}, payments=active(state="Pending"))
    assert of(story.look(), "remediator_decisions_total") == {
        written("remediator_decisions_total", action="Resync", verdict="propose", gate="mode"): 1.0,
        written("remediator_decisions_total", action="Resync", verdict="blocked", gate="opt-out"): 1.0,
        written("remediator_decisions_total", action="none", verdict="wait", gate="none"): 1.0,
    }


def test_a_need_of_the_action_is_one_gate_whatever_it_says() -> None:
    story = Story(stuck(spec={"publish": True}), policy={"breaker": {"percent": 100}})
    assert of(story.look(), "remediator_decisions_total") == {
        written("remediator_decisions_total", action="Resync", verdict="blocked", gate="need"): 1.0
    }


@pytest.mark.parametrize("result", Result)
@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.AUTO])
def test_what_came_of_an_action_is_counted(metrics: Metrics, result: Result, mode: Mode) -> None:
    metrics.acted(outcome(result), mode)
    told = of(scraped(metrics), "remediator_actions_total")
    assert told == {written("remediator_actions_total", action="Resync", mode=mode, outcome=result): 1.0}


@pytest.mark.parametrize("came_of_it", Delivery)
def test_what_came_of_a_message_to_the_webhook_is_counted(metrics: Metrics, came_of_it: Delivery) -> None:
    for _ in range(2):
        metrics.told(came_of_it)
    told = of(scraped(metrics), "remediator_webhook_deliveries_total")
    assert told == {written("remediator_webhook_deliveries_total", result=came_of_it): 2.0}


@pytest.mark.parametrize("result", Result)
def test_a_dry_run_is_never_done(metrics: Metrics, result: Result) -> None:
    metrics.acted(outcome(result), Mode.DRY_RUN)
    told = of(scraped(metrics), "remediator_actions_total")
    assert told == {written("remediator_actions_total", action="Resync", mode="dry-run", outcome="skipped"): 1.0}


def test_the_budget_is_used_by_what_was_done_since_the_pass() -> None:
    story = Story(function(), policy={"budgets": {"perRun": 3, "perDay": 9, "perNamespace": 2}})
    standing = Standing(acted_today=4, under_way={"shop": 1, "post": 2})
    story.metrics.scanned(story.scan(), standing, story.policy, seconds=1.0)
    story.metrics.acted(outcome(Result.UNKNOWN), Mode.AUTO)
    story.metrics.acted(outcome(Result.SKIPPED), Mode.AUTO)
    told = story.scrape()
    assert [value(told, "budget_limit", scope=each) for each in ("run", "day", "namespace")] == [3, 9, 2]
    assert [value(told, "budget_used", scope=each) for each in ("run", "day", "namespace")] == [1, 5, 2]
    story.metrics.scanned(story.scan(), msgspec.structs.replace(standing, acted_today=5), story.policy, seconds=1.0)
    assert [value(story.scrape(), "budget_used", scope=each) for each in ("run", "day")] == [0, 5]


@pytest.mark.parametrize(("well", "unwell"), [(9, 1), (8, 2), (7, 3), (0, 4), (0, 30), (200, 26), (4, 0)])
@pytest.mark.parametrize("minutes_ago", [None, 10, 45])
def test_the_breaker_is_open_where_its_gate_holds(well: int, unwell: int, minutes_ago: float | None) -> None:
    opened = NOW - timedelta(minutes=minutes_ago) if minutes_ago else None
    story = Story(*(function(f"w{n}") for n in range(well)), *(stuck(f"s{n}") for n in range(unwell)))
    scan = story.work.scan()
    gauge = seen(scan, Standing(breaker_opened_at=opened), Limits()).gauges["remediator_breaker_open"][()]
    situation = Situation(now=scan.started, population=Population(well + unwell, unwell), breaker_opened_at=opened)
    assert bool(gauge) == (breaker(Proposal(finding(), plan()), situation).ruling is Ruling.HELD)


# ---- people ----------------------------------------------------------------------------------------------------------


def judged_with(story: Story, **history: Any) -> Any:
    """Make a pass in which the first resource has another history."""
    scan = story.work.scan(rehearse=True, healthy=True)
    first, *rest = scan.results
    seen_then = msgspec.structs.replace(first.seen, history=msgspec.structs.replace(first.seen.history, **history))
    return msgspec.structs.replace(scan, results=(msgspec.structs.replace(first, seen=seen_then), *rest))


@pytest.mark.parametrize(("allow", "is_open"), [((), 1), (("Sat",), 1), (("Sun",), 0)])
def test_whether_the_windows_are_open_is_told(allow: tuple[str, ...], is_open: int) -> None:
    """It is Saturday."""
    assert value(Story(function(), policy={"windows": {"allow": allow}}).look(), "window_open") == is_open


def test_pauses_that_stand_are_counted() -> None:
    story = Story(function())
    assert value(story.look(), "paused") == 0
    story.world.pauses.now = Pauses(
        (
            Pause("pause-1", "alice", None),
            Pause("pause-2", "bob", NOW, NOW - timedelta(days=9)),
            Pause("pause-3", "bob", None, NOW - timedelta(hours=1), namespace="post"),
        )
    )
    told = story.look()
    assert (value(told, "paused"), value(told, "oldest_pause_age_seconds")) == (2, 3600)


def test_what_only_a_window_holds_waits_for_a_person_too() -> None:
    others = [function(f"healthy-{number}") for number in range(9)]
    closed = {"mode": "approve", "sightings": 1, "windows": {"allow": ["Sun"]}}
    assert value(Story(stuck(), *others, policy=closed).look(), "approvals_pending") == 1
    assert value(Story(stuck(), *others, policy=closed | {"mode": "auto"}).look(), "approvals_pending") == 0


def test_what_waits_for_a_person_waits_until_they_said_something() -> None:
    story = Story(stuck(), *(function(f"w{n}") for n in range(9)))
    assert value(story.look(), "approvals_pending") == 1
    [judged] = story.scan().proposals
    assert judged.plan is not None
    story.take(judged_with(story, rejection=Rejection("ada", judged.plan.digest)))
    assert value(story.scrape(), "approvals_pending") == 0
    story.take(judged_with(story, rejection=Rejection("ada", "another")))
    assert value(story.scrape(), "approvals_pending") == 1


def test_what_something_holds_back_waits_for_nobody() -> None:
    ignored = {"annotations": {"ack-remediator.dev/ignore": "true"}}
    assert value(Story(stuck(metadata=ignored)).look(), "approvals_pending") == 0


@pytest.mark.parametrize(("attempts", "quarantined"), [(0, 0), (2, 0), (3, 1)])
@pytest.mark.parametrize("broken", [stuck(), REFUSED], ids=["with a proposal", "without"])
def test_what_was_tried_as_often_as_it_may_is_in_quarantine(broken: Json, attempts: int, quarantined: int) -> None:
    story = Story(broken)
    story.take(judged_with(story, attempts={ActionName.RESYNC: (NOW,) * attempts}))
    assert value(story.scrape(), "quarantined") == quarantined


def test_what_is_well_again_is_in_no_quarantine() -> None:
    story = Story(function())
    story.take(judged_with(story, attempts={ActionName.RESYNC: (NOW,) * 3}))
    assert value(story.scrape(), "quarantined") == 0


# ---- what got well ---------------------------------------------------------------------------------------------------


def test_what_got_well_is_counted_once_with_how_long_it_took() -> None:
    story = Story(stuck(), stuck("archive"))
    story.look()
    story.world.cluster.the()["status"]["conditions"] = function()["status"]["conditions"]
    del story.world.cluster.objects["shop", "archive"]
    for _ in range(4):
        story.clock.sleep(300)
        scan = story.scan()
        story.take(scan)
        story.work.record(scan)
    told = story.scrape()
    assert of(told, "remediator_resolved_total") == {
        written("remediator_resolved_total", finding="ControllerSilent", by=by): 1.0
        for by in (ResolvedBy.ITSELF, ResolvedBy.DELETED)
    }
    assert value(told, "time_to_resolve_seconds_count") == 2
    assert value(told, "time_to_resolve_seconds_sum") == 300 + 600


# ---- a daemon --------------------------------------------------------------------------------------------------------


def test_who_stands_by_says_so_and_forgets_what_it_saw() -> None:
    """Two that tell the same findings would have every sum be twice as much, and the older be wrong."""
    story = Story(stuck())
    story.metrics.leading(True)
    assert value(story.look(), "leader") == 1
    story.metrics.leading(False)
    told = story.scrape()
    assert value(told, "leader") == 0
    assert of(told, "remediator_findings") == of(told, "remediator_resources") == {}
    assert value(told, "last_success_timestamp_seconds") == NOW.timestamp()


def test_a_pass_that_ends_after_leadership_was_lost_brings_no_gauge_back() -> None:
    story = Story(stuck())
    story.metrics.leading(True)
    scan = story.scan()
    story.metrics.leading(False)
    story.take(scan)
    told = story.scrape()
    assert of(told, "remediator_findings") == of(told, "remediator_resources") == {}
    assert value(told, "scans_total", result="success") == 1, "it was made all the same"
    story.metrics.leading(True)
    assert of(story.look(), "remediator_findings") == {STUCK_NOW: 1.0}


def test_the_policy_in_force_is_told_by_its_digest(metrics: Metrics) -> None:
    metrics.reloaded(True, "0123456789abcdef")
    metrics.reloaded(False, "0123456789abcdef")
    told = scraped(metrics)
    assert value(told, "config_last_reload_successful") == 0
    assert of(told, "remediator_config_info") == {written("remediator_config_info", digest="0123456789abcdef"): 1.0}
    metrics.reloaded(True, "/etc/policy.yaml: line 3")
    assert of(scraped(metrics), "remediator_config_info") == {written("remediator_config_info", digest="other"): 1.0}


def test_requests_are_counted_by_verb_and_code(metrics: Metrics) -> None:
    for verb, code in (("GET", "200"), ("GET", "200"), ("PATCH", "none"), ("PURGE", "418")):
        metrics.kubernetes(verb, code)
    metrics.aws("GetFunction", "TooManyRequestsException")
    metrics.aws("DeleteEverything", "no such code: arn:aws:lambda:eu-west-1:1:function:checkout")
    told = scraped(metrics)
    assert of(told, "remediator_kubernetes_requests_total") == {
        written("remediator_kubernetes_requests_total", verb="GET", code="200"): 2.0,
        written("remediator_kubernetes_requests_total", verb="PATCH", code="none"): 1.0,
        written("remediator_kubernetes_requests_total", verb="other", code="other"): 1.0,
    }
    assert of(told, "remediator_aws_requests_total") == {
        written("remediator_aws_requests_total", operation="GetFunction", code="TooManyRequestsException"): 1.0,
        written("remediator_aws_requests_total", operation="other", code="other"): 1.0,
    }


# ---- what must never be ----------------------------------------------------------------------------------------------

TOLD = "correct-horse-battery"


def test_no_label_comes_from_what_somebody_wrote() -> None:
    """Names, messages, annotations, reasons and answers are full of one word; no series has it."""
    objects = [
        *(stuck(f"{TOLD}-{n}") for n in range(3)),
        *(function(f"{TOLD}-{n}", conditions=failing(f"{TOLD}: {n}", at(hours=3))) for n in range(3, 6)),
        deleting(f"{TOLD}-6", conditions=failing(f"ResourceConflictException: {TOLD}")),
    ]
    for each in objects:
        each["metadata"]["annotations"] = {TOLD: TOLD, "ack-remediator.dev/ignore": TOLD}
    told = {f"{TOLD}-{n}": active(state=TOLD, last_update_status=TOLD) for n in range(3)}
    story = Story(*objects, policy=None, **told, **{f"{TOLD}-6": unreadable(TOLD)})
    scan = story.scan()
    story.take(scan, ClusterFinding(name=ClusterFindingName.MASS_CHANGE, state=State.STUCK, summary=TOLD, subject=TOLD))
    story.work.record(scan)
    for result in Result:
        story.metrics.acted(msgspec.structs.replace(outcome(result), detail=TOLD), Mode.AUTO)
    story.metrics.aws(TOLD, TOLD)
    story.metrics.kubernetes(TOLD, TOLD)
    story.metrics.reloaded(True, TOLD)
    text = story.metrics.exposition().decode()
    assert "remediator_findings{" in text
    assert TOLD not in text.lower()


def test_every_sample_has_just_the_labels_and_values_of_its_family() -> None:
    story = Story(*(stuck(f"s{n}", namespace=f"ns{n}") for n in range(3)), function())
    story.look(ClusterFinding(name=ClusterFindingName.CRD_DELETING, state=State.STUCK, summary="going"))
    story.metrics.acted(outcome(Result.RESOLVED), Mode.AUTO)
    families = {each.name: each for each in FAMILIES}
    for metric in story.metrics.registry.collect():
        for sample in metric.samples:
            if metric.type == "histogram":
                assert set(sample.labels) <= {"le"}
                continue
            family = families[sample.name]
            assert list(sample.labels) == [label.name for label in family.labels]
            assert tuple(sample.labels.values()) == family.key(sample.labels.values())


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def test_a_scrape_never_sees_half_a_pass(restless: None) -> None:
    """While one thread takes in passes as fast as it can, another scrapes: each scrape is of a single moment."""
    few, many = Story(*(stuck(f"s{n}") for n in range(2))), Story(*(stuck(f"s{n}") for n in range(50)))
    scans = [story.work.scan() for story in (few, many)]
    metrics, done = Metrics(now=lambda: NOW), threading.Event()
    metrics.scanned(scans[0], Standing(), few.policy, seconds=1.0)

    def take_in() -> None:
        for number in range(300):
            metrics.scanned(scans[number % 2], Standing(), few.policy, seconds=1.0)
        done.set()

    thread = threading.Thread(target=take_in)
    thread.start()
    while not done.is_set():
        told = scraped(metrics)
        count = value(told, "resources", kind="Function", state="stuck")
        incident = {'remediator_findings{finding="MassChange",namespace="(cluster)"}': 1.0} if count == 50 else {}
        assert of(told, "remediator_findings") == {STUCK_NOW: count} | incident
        assert value(told, "breaker_open") == (count == 50)
        assert value(told, "scan_duration_seconds_count") == value(told, "scans_total", result="success")
    thread.join()
    assert value(scraped(metrics), "scans_total", result="success") == 301


def test_every_kind_of_metric_is_told() -> None:
    story = Story(stuck())
    story.metrics.leading(True)
    story.metrics.reloaded(True, "ab" * 8)
    story.look()
    kinds = {each.name: each.type for each in story.metrics.registry.collect()}
    suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
    assert kinds == {each.name.removesuffix(suffix.get(each.kind, "\n")): each.kind.value for each in FAMILIES}
