"""Alerts: each on the story that it is for, and on no near miss; over metrics that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from remediator.cli import cli
from remediator.model.cluster import ClusterFindingName
from remediator.model.finding import FindingName
from tests.promql import (
    ALERTS,
    CREATED,
    FILES,
    LENGTH,
    MONITORING,
    NOW,
    SUCCEEDED,
    TOP,
    Json,
    clock,
    constant,
    faults,
    gauge,
    late,
    promtool,
    rule_files,
    rules,
    trial,
    until,
)

# No name of somebody's: what is under it is to be replaced.
BASE = "https://ack-remediator.invalid/"
every = pytest.mark.parametrize("alert", ALERTS, ids=lambda each: str(each["alert"]))


@pytest.mark.parametrize("expression", [each["expr"] for each in rules()])
def test_a_rule_asks_for_nothing_that_there_is_not(expression: str) -> None:
    assert [*faults(expression)] == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("vector(1)", "it asks for nothing"),
        ("sum by (finding) (remediator_finding)", "no metric remediator_finding"),
        ('remediator_breaker_open{state="stuck"}', "remediator_breaker_open has no label state"),
        ('remediator_findings{finding=~"UpdateFailed|Pending"}', "finding of remediator_findings is never"),
        ("max without (instnce) (remediator_leader)", "nothing has a label instnce"),
        ("time() - up > 3 unless on (stat) remediator_resources", "no metric up"),
        ('remediator:actions:increase1h{outcome="failed"}', "outcome of remediator:actions:increase1h is never failed"),
    ],
)
def test_what_is_not_there_is_found_out(expression: str, fault: str) -> None:
    assert any(each.startswith(fault) for each in faults(expression))


@every
def test_an_alert_says_what_is_the_matter_and_where_to_read_on(alert: Json) -> None:
    assert re.fullmatch(r"Ack[A-Z][A-Za-z]+", alert["alert"])
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    for text in ("summary", "description"):
        assert alert["annotations"][text].endswith(".")
    path, _, anchor = alert["annotations"]["runbook_url"].removeprefix(BASE).partition("#")
    if "{{ $labels.finding }}" in path:
        for name in FindingName:
            assert (TOP / path.replace("{{ $labels.finding }}", name)).is_file()
        return
    page = (TOP / path).read_text(encoding="utf-8")
    assert not anchor or f"\n## {alert['alert']}\n" in page
    assert not anchor or anchor == alert["alert"].lower()


@pytest.mark.parametrize(
    "page", [*FILES, TOP / "docs" / "alerts.md", TOP / "docs" / "metrics.md"], ids=lambda path: str(path.name)
)
def test_the_line_that_replaces_the_base_of_links_does(tmp_path: Path, page: Path) -> None:
    [line] = re.findall(r"sed -i .*", page.read_text(encoding="utf-8"))
    copies = tmp_path / "manifests" / "monitoring"
    shutil.copytree(MONITORING, copies)
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    before = [each["annotations"]["runbook_url"] for each in ALERTS]
    after = [
        rule["annotations"]["runbook_url"] for path in FILES for rule in rules(copies / path.name) if "alert" in rule
    ]
    assert after == [each.replace(BASE, "https://wiki.example.com/ack/") for each in before]
    assert not {*before} & {*after}


def test_every_command_that_a_section_names_is_one() -> None:
    page = " ".join((TOP / "docs" / "alerts.md").read_text(encoding="utf-8").split())
    lines = re.findall(r"`remediator ([a-z][^`]*)`", page)
    assert len(lines) > 10
    for line in lines:
        name, *arguments = shlex.split(line)
        with click.Context(cli, **cli.context_settings) as group:
            command = cli.get_command(group, name)
            assert command is not None, line
            if not arguments:
                continue  # a mention
            context = command.make_context(name, arguments, parent=group)
            if isinstance(command, click.Group):
                inner, *rest = context._protected_args + context.args
                nested = command.get_command(context, inner)
                assert nested is not None, line
                nested.make_context(inner, rest, parent=context)


def test_every_section_is_about_an_alert() -> None:
    sections = re.findall(r"^## (\w+)$", (TOP / "docs" / "alerts.md").read_text(encoding="utf-8"), re.MULTILINE)
    linked = {each["alert"] for each in ALERTS if "#" in each["annotations"]["runbook_url"]}
    assert len(sections) == len(set(sections))
    assert set(sections) == linked


# ---- stories ---------------------------------------------------------------------------------------------------------

RULES, RECORDS = "prometheusrule.yaml", "prometheusrule-records.yaml"


class Story(NamedTuple):
    """Series, as promtool writes them in steps of a minute, and how many of an alert fire in the end."""

    alert: str
    fires: int
    series: dict[str, str]
    file: str = RULES


def cronjob(succeeded: str = "", *, created: float = 0, name: str = "ack-remediator") -> dict[str, str]:
    """What kube-state-metrics tells of a CronJob; one that never succeeded has no time of that."""
    labels = f'namespace="ack-remediator",cronjob="{name}"'
    made = {f"{CREATED}{{{labels}}}": constant(created)}
    return made | {f"{SUCCEEDED}{{{labels}}}": succeeded} if succeeded else made


def record(phase: str, *, since: int, state: str = "stuck", **more: str) -> dict[str, str]:
    """What kube-state-metrics makes of one record; `since` in minutes before the end."""
    labels = {"remediation": "function-u1", "target_namespace": "shop", "target_name": "checkout"}
    phases = ("Watching", "AwaitingApproval", "Approved", "Acting", "Verifying", "Resolved", "Quarantined")
    made: dict[str, str] = {}
    for each in phases:
        made |= gauge("ack_remediation_phase", float(each == phase), phase=each, **labels)
    made |= gauge("ack_remediation_finding_info", 1, finding="FunctionPending", state=state, **labels)
    made |= gauge("ack_remediation_unhealthy_since_timestamp_seconds", NOW - since * 60, **labels)
    made |= gauge(
        "ack_remediation_attempt_info", 1, attempt="p-1", action="Release", result="resolved", **labels, **more
    )
    return made


def attempts(*minutes: int, result: str = "still-stuck") -> dict[str, str]:
    """What kube-state-metrics makes of attempts of one record that were concluded so many minutes before the end."""
    made: dict[str, str] = {}
    for number, ago in enumerate(minutes):
        labels = {"remediation": "function-u1", "attempt": f"p-{number}", "action": "Resync", "result": result}
        made |= gauge("ack_remediation_attempt_concluded_timestamp_seconds", NOW - ago * 60, **labels)
    return made


OLDEST, FOUND = "remediator_oldest_finding_age_seconds", "remediator_findings"
SCAN, SUCCESS = "remediator_last_scan_timestamp_seconds", "remediator_last_success_timestamp_seconds"
LEADER, RELOADED = "remediator_leader", "remediator_config_last_reload_successful"
ACTIONS, AWS = "remediator_actions_total", "remediator_aws_requests_total"
FAILED = f'{ACTIONS}{{action="Resync",mode="auto",outcome="still-stuck"}}'
THROTTLED = f'{AWS}{{operation="GetFunction",code="TooManyRequestsException"}}'
NOT_TOLD = 'remediator_webhook_deliveries_total{result="refused"}'
ORPHAN = "arn:aws:lambda:eu-west-1:123456789012:function:checkout"

STORIES = [
    Story("AckResourceStuck", 1, gauge(OLDEST, 9000, finding="FunctionPending")),
    Story(
        "AckResourceStuck",
        2,
        gauge(OLDEST, 9000, finding="FinalizerLeft") | gauge(OLDEST, 9000, finding="UpdateFailed"),
    ),
    Story(
        "AckResourceStuck", 1, gauge(OLDEST, 9000, finding="A", pod="old") | gauge(OLDEST, 9000, finding="A", pod="new")
    ),
    Story("AckResourceStuck", 0, gauge(OLDEST, 7000, finding="FunctionPending")),
    Story("AckResourceStuck", 0, late(OLDEST, 9000, 5, finding="FunctionPending")),
    Story("AckResourceStuck", 0, gauge(OLDEST, 9000, finding="Unreadable")),
    Story("AckControllerDown", 1, gauge(FOUND, 1, finding="ControllerDown", namespace="(cluster)")),
    Story("AckControllerDown", 0, late(FOUND, 1, 5, finding="ControllerDown", namespace="(cluster)")),
    Story("AckControllerDown", 0, gauge(FOUND, 9, finding="ControllerSilent", namespace="shop")),
    Story("AckRemediatorScanStale", 1, {SCAN: until(LENGTH - 60)}),
    Story("AckRemediatorScanStale", 0, {SCAN: until(LENGTH - 20)}),
    Story("AckRemediatorScanStale", 0, {f'{SCAN}{{pod="old"}}': until(LENGTH - 60), f'{SCAN}{{pod="new"}}': clock(60)}),
    Story("AckRemediatorScanPartial", 1, {SCAN: clock(60), SUCCESS: until(LENGTH - 60)}),
    Story("AckRemediatorScanPartial", 1, {SCAN: clock(60)}),
    Story("AckRemediatorScanPartial", 0, {SCAN: clock(60), SUCCESS: clock(60)}),
    Story("AckRemediatorScanPartial", 0, {SCAN: clock(60), SUCCESS: until(LENGTH - 20)}),
    Story("AckRemediatorScanPartial", 0, {SCAN: until(LENGTH - 60), SUCCESS: until(LENGTH - 60)}),
    Story("AckRemediatorAbsent", 1, {"up": constant(1)}),
    Story("AckRemediatorAbsent", 1, gauge("remediator_build_info", 1, version="0.1.0")),
    Story("AckRemediatorAbsent", 0, {SCAN: until(LENGTH - 60)}),
    Story("AckRemediatorNoLeader", 1, gauge(LEADER, 0, pod="a") | gauge(LEADER, 0, pod="b")),
    Story("AckRemediatorNoLeader", 0, gauge(LEADER, 0, pod="a") | gauge(LEADER, 1, pod="b")),
    Story("AckRemediatorNoLeader", 0, {f'{LEADER}{{pod="a"}}': f"1+0x{LENGTH - 5} 0+0x4"}),
    Story("AckRemediatorNoLeader", 0, {SCAN: clock(60)}),
    Story("AckRemediatorPolicyRejected", 1, gauge(RELOADED, 0, pod="a") | gauge(RELOADED, 1, pod="b")),
    Story("AckRemediatorPolicyRejected", 0, gauge(RELOADED, 1, pod="a")),
    Story("AckRemediatorPolicyRejected", 0, {f'{RELOADED}{{pod="a"}}': f"1+0x{LENGTH - 5} 0+0x4"}),
    Story("AckRemediatorApprovalWaiting", 1, gauge("remediator_approvals_pending", 2)),
    Story("AckRemediatorApprovalWaiting", 0, late("remediator_approvals_pending", 2, 200)),
    Story("AckResourceQuarantined", 1, gauge("remediator_quarantined", 1)),
    Story("AckResourceQuarantined", 0, gauge("remediator_quarantined", 0)),
    Story("AckRemediatorBreakerOpen", 1, gauge("remediator_breaker_open", 1)),
    Story("AckRemediatorBreakerOpen", 0, late("remediator_breaker_open", 1, 3)),
    Story("AckRemediatorActionFailing", 1, {FAILED: f"0+0x{LENGTH - 50} 0+1x3 3+0x46"}),
    Story("AckRemediatorActionFailing", 1, {FAILED: f"_x{LENGTH - 50} 1+1x2 3+0x46"}),
    Story("AckRemediatorActionFailing", 0, {FAILED: f"0+0x{LENGTH - 50} 0+1x2 2+0x47"}),
    Story("AckRemediatorActionFailing", 0, {FAILED: constant(9)}),
    # What increase() makes of two, where the last sample is a moment old: 2.03.
    Story("AckRemediatorActionFailing", 0, {FAILED: f"0+0x{LENGTH - 50} 0+1x2 2+0x45 _"}),
    # Prometheus was away an hour ago: what was there before is nothing new.
    Story("AckRemediatorActionFailing", 0, {FAILED: "9+0x220 _x40 9+0x59"}),
    Story(
        "AckRemediatorActionFailing",
        1,
        {
            FAILED: f"0+0x{LENGTH - 50} 0+1x2 2+0x47",
            FAILED.replace("still-stuck", "unknown"): f"_x{LENGTH - 20} 1+0x19",
        },
    ),
    Story("AckRemediatorPaused", 1, gauge("remediator_oldest_pause_age_seconds", 90_000)),
    Story("AckRemediatorPaused", 0, gauge("remediator_oldest_pause_age_seconds", 7200)),
    Story("AckRemediatorActionFailing", 0, {FAILED.replace("still-stuck", "resolved"): f"0+0x{LENGTH - 50} 0+1x49"}),
    Story("AckRemediatorActionFailing", 0, {FAILED.replace("auto", "dry-run"): f"0+0x{LENGTH - 50} 0+1x49"}),
    Story("AckResourcesUnreadable", 1, gauge("remediator_resources", 3, kind="Function", state="unknown")),
    Story("AckResourcesUnreadable", 0, gauge("remediator_resources", 3, kind="Function", state="waiting")),
    Story("AckResourcesUnreadable", 0, late("remediator_resources", 3, 20, kind="Function", state="unknown")),
    Story("AckRemediatorThrottled", 1, {THROTTLED: f"0+2x{LENGTH}"}),
    Story(
        "AckRemediatorThrottled", 1, {'remediator_kubernetes_requests_total{verb="GET",code="429"}': f"0+2x{LENGTH}"}
    ),
    Story("AckRemediatorThrottled", 0, {THROTTLED: f"0+0x{LENGTH - 100} 0+5x2 10+0x98"}),
    Story("AckRemediatorThrottled", 0, {THROTTLED.replace("TooManyRequestsException", "ok"): f"0+9x{LENGTH}"}),
    Story("AckRemediatorWebhookFailing", 1, {NOT_TOLD: f"0+0x{LENGTH - 50} 0+1x3 3+0x46"}),
    Story("AckRemediatorWebhookFailing", 1, {NOT_TOLD: f"_x{LENGTH - 20} 1+0x19"}),
    Story("AckRemediatorWebhookFailing", 0, {NOT_TOLD: constant(9)}),
    Story("AckRemediatorWebhookFailing", 0, {NOT_TOLD.replace("refused", "delivered"): f"0+2x{LENGTH}"}),
    Story("AckRemediatorApprovalsUnguarded", 1, gauge(FOUND, 1, finding="ApprovalsUnguarded", namespace="(cluster)")),
    Story("AckRemediatorApprovalsUnguarded", 0, gauge(FOUND, 1, finding="MassChange", namespace="(cluster)")),
    Story("AckResourceStuck", 1, record("Watching", since=180), RECORDS),
    Story("AckResourceStuck", 0, record("Watching", since=100), RECORDS),
    Story("AckResourceStuck", 0, record("Resolved", since=180), RECORDS),
    Story("AckResourceStuck", 0, record("Watching", since=180, state="advisory"), RECORDS),
    Story("AckRemediatorScanStale", 1, cronjob(until(LENGTH - 60)), RECORDS),
    Story("AckRemediatorScanStale", 0, cronjob(clock(60)), RECORDS),
    Story("AckRemediatorScanStale", 0, cronjob(until(LENGTH - 60), name="other"), RECORDS),
    Story("AckRemediatorScanStale", 1, cronjob(created=NOW - 3600), RECORDS),
    Story("AckRemediatorScanStale", 0, cronjob(created=NOW - 1200), RECORDS),
    Story("AckRemediatorScanStale", 0, cronjob(created=0, name="other"), RECORDS),
    Story("AckRemediatorAbsent", 1, {"up": constant(1)}, RECORDS),
    Story("AckRemediatorAbsent", 1, cronjob(created=0, name="other"), RECORDS),
    Story("AckRemediatorAbsent", 0, cronjob(), RECORDS),
    Story("AckRemediatorAbsent", 0, gauge("remediator_build_info", 1, version="0.1.0", pod="a"), RECORDS),
    Story("AckRemediatorApprovalWaiting", 1, record("AwaitingApproval", since=280), RECORDS),
    Story("AckRemediatorApprovalWaiting", 0, record("Watching", since=280), RECORDS),
    Story("AckResourceQuarantined", 1, record("Quarantined", since=280), RECORDS),
    Story("AckResourceQuarantined", 0, record("AwaitingApproval", since=280), RECORDS),
    Story("AckRemediatorActionFailing", 1, attempts(50, 30, 10), RECORDS),
    Story("AckRemediatorActionFailing", 1, attempts(50, 30, 10, result="unknown"), RECORDS),
    Story("AckRemediatorActionFailing", 0, attempts(50, 30), RECORDS),
    Story("AckRemediatorActionFailing", 0, attempts(90, 80, 70, 50, 10), RECORDS),
    Story("AckRemediatorActionFailing", 0, attempts(50, 30, 10, result="resolved"), RECORDS),
    Story("AckFunctionOrphaned", 1, record("Resolved", since=280, orphan=ORPHAN), RECORDS),
    Story("AckFunctionOrphaned", 0, record("Resolved", since=280), RECORDS),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_alert_has_a_story_and_a_near_miss(path: Path) -> None:
    for alert in (rule["alert"] for rule in rules(path) if "alert" in rule):
        fires = {bool(each.fires) for each in STORIES if (each.alert, each.file) == (alert, path.name)}
        assert fires == {True, False}, alert


def test_cluster_findings_that_alerts_wait_for_have_names() -> None:
    assert {"ControllerDown", "ApprovalsUnguarded"} <= {each.value for each in ClusterFindingName}


# As many tests, so that none takes long.
SHARES = 6


@promtool
def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    files = rule_files(tmp_path).values()
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@promtool
@pytest.mark.parametrize("share", range(SHARES))
def test_each_alert_fires_on_its_story_and_not_on_its_near_miss(tmp_path: Path, share: int) -> None:
    files = rule_files(tmp_path)
    asked = [
        trial(tmp_path / f"story-{number}.yaml", [files[story.file]], story.series, {firing(story.alert): story.fires})
        for number, story in enumerate(STORIES[share::SHARES])
    ]
    told = subprocess.run(["promtool", "test", "rules", *map(str, asked)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def firing(alert: str) -> str:
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
