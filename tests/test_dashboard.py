"""The dashboard: it is what its code writes, asks only for what there is, and shows it where it happens."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from manifests.monitoring.dashboard.grafana import WIDTH, Panel, Query, Row, Shape, dashboard
from manifests.monitoring.dashboard.page import ROWS, written
from remediator.telemetry.families import FAMILIES, Family, Kind
from tests.promql import (
    ADDED,
    ALERTS,
    LENGTH,
    MONITORING,
    NOW,
    PARTS,
    RECORDING,
    Json,
    clock,
    constant,
    exported,
    faults,
    gauge,
    of_kube_state_metrics,
    parse,
    promtool,
    rule_files,
    rules,
    trial,
)
from tests.promql import written as put

FILE = MONITORING / "dashboard.json"
MADE: Json = json.loads(written())
PANELS = [each for each in MADE["panels"] if each["type"] != "row"]
every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda each: str(each["title"]))

# What neither the dashboard nor a rule uses, and why that is as it should be.
NOT_USED = {
    "ack_remediation_last_seen_timestamp_seconds": "noted every ten minutes at most, so its age says little",
    "ack_remediation_proposal_info": "`remediator list` shows proposals with what they rest on",
    "ack_remediation_resolved_info": "a record stays for a week: a count of records is no rate",
}


class Asked(NamedTuple):
    """One query of a panel, as Prometheus gets it."""

    panel: str
    expr: str
    legend: str


def asked() -> Iterator[Asked]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield Asked(panel["title"], target["expr"], target.get("legendFormat", ""))


QUERIES = list(asked())
every_query = pytest.mark.parametrize("query", QUERIES, ids=lambda each: str(each.panel))


def plain(expression: str) -> str:
    """Put in what Grafana puts in where everything is chosen."""
    chosen = re.sub(r"\$(?:cluster|namespace)\b", ".*", expression)
    assert "$" not in chosen
    return chosen


def test_the_file_is_what_the_code_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "make dashboard"


def test_it_is_written_the_same_each_time() -> None:
    assert written() == written()


# ---- queries ---------------------------------------------------------------------------------------------------------


@every_query
def test_a_query_asks_for_nothing_that_there_is_not(query: Asked) -> None:
    assert [*faults(query.expr)] == []


@every_query
def test_a_query_is_about_the_chosen_cluster(query: Asked) -> None:
    """At the least its first metric is; what is joined to that is of the same, by `on (cluster, …)`."""
    chosen = [dict(selected).get("cluster", "") for _, selected in parse(query.expr).metrics]
    assert chosen[0] in {"$cluster", "$cluster|"}
    assert all(chosen) or "on (cluster, " in query.expr


def shown(query: Asked) -> set[str]:
    """The labels that an answer has: those it is by, or all of its metric."""
    kept = {name for each in re.findall(r"\b(?:by|group_left) \(([^)]*)\)", query.expr) for name in each.split(", ")}
    [first, *_] = parse(query.expr).metrics
    return kept or exported()[first[0]] | ADDED


@every_query
def test_a_legend_names_labels_that_the_answer_has(query: Asked) -> None:
    assert {*re.findall(r"{{(\w+)}}", query.legend)} <= shown(query)
    assert query.legend or "table" in {each["type"] for each in PANELS if each["title"] == query.panel}


@pytest.mark.parametrize(
    "panel", [each for each in PANELS if each["type"] == "table"], ids=lambda each: str(each["title"])
)
def test_a_table_has_columns_of_labels_that_the_answer_has(panel: Json) -> None:
    [query] = [each for each in QUERIES if each.panel == panel["title"]]
    [organized] = [each["options"] for each in panel["transformations"]]
    assert {*organized["renameByName"]} - {"Value"} <= shown(query)
    assert {*organized["indexByName"]} == {*organized["includeByName"]} == {*organized["renameByName"]}
    [sorted_by] = panel["options"]["sortBy"]
    assert sorted_by["displayName"] in organized["renameByName"].values()


@pytest.mark.parametrize("variable", MADE["templating"]["list"][1:], ids=lambda each: str(each["name"]))
def test_a_variable_is_a_label_that_there_is(variable: Json) -> None:
    [(metric, label)] = re.findall(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
    assert label == variable["name"]
    assert label in exported()[metric] | ADDED
    # Where there is but one cluster, nothing has such a label.
    assert variable["allValue"] == ".*"


def test_the_datasource_is_chosen_and_all_panels_ask_it() -> None:
    first = MADE["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    asked_of = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    assert asked_of | {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}


# ---- what is used ----------------------------------------------------------------------------------------------------


def names(expressions: list[str]) -> set[str]:
    return {name for expression in expressions for name, _ in parse(expression).metrics}


ON_IT = names([each.expr for each in QUERIES])


def test_whatever_is_exported_is_shown_or_used_by_a_rule_or_there_is_a_reason() -> None:
    used = ON_IT | names([each["expr"] for each in rules()])
    of_histograms = {
        family.name: {f"{family.name}_{part}" for part in PARTS} for family in FAMILIES if family.kind is Kind.HISTOGRAM
    }
    there = {family.name for family in FAMILIES} | {*of_kube_state_metrics()}
    idle = {name for name in there if not used & of_histograms.get(name, {name})}
    assert idle == {*NOT_USED}


def test_whatever_is_recorded_is_shown_or_alerted_on() -> None:
    assert {each["record"] for each in RECORDING} <= ON_IT | names([each["expr"] for each in ALERTS])


@promtool
def test_promtool_takes_every_query(tmp_path: Path) -> None:
    recorded = [{"record": f"panel:{number}", "expr": plain(each.expr)} for number, each in enumerate(QUERIES)]
    file = put(tmp_path / "queries.yaml", {"groups": [{"name": "panels", "rules": recorded}]})
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


# ---- a bad night -----------------------------------------------------------------------------------------------------

TROUBLE = {
    "state": "stuck",
    "finding": "FunctionPending",
    "namespace": "shop",
    "gate": "budget",
    "verdict": "blocked",
    "action": "Resync",
    "mode": "auto",
    "outcome": "resolved",
    "by": "us",
    "kind": "Function",
    "scope": "day",
    "result": "success",
    "operation": "GetFunction",
    "code": "ok",
    "verb": "GET",
}
# Of one that stands by there is what every process has, and no pass.
OF_EACH = {
    "remediator_build_info",
    "remediator_leader",
    "remediator_config_info",
    "remediator_kubernetes_requests_total",
}
RECORD = {
    "remediation": "function-u1",
    "target_kind": "Function",
    "target_namespace": "shop",
    "target_name": "checkout",
}


def night() -> dict[str, str]:
    """Two daemons in a cluster, one of which leads, a stuck function, and its record."""
    series: dict[str, str] = {}
    for family, pod in product(FAMILIES, ("leads", "stands-by")):
        if pod == "leads" or family.name in OF_EACH:
            series |= told(family, value=float(pod == "leads"), pod=pod, instance=pod, cluster="eu1")
    for name, value in RECORDED.items():
        labels = RECORD | {
            each: RECORDED_LABELS[each] for each in of_kube_state_metrics()[name] if each in RECORDED_LABELS
        }
        series |= gauge(name, value, **labels, cluster="eu1", pod="kube-state-metrics")
    return series


def told(family: Family, value: float, **scraped: str) -> dict[str, str]:
    """One series of each metric, in that trouble; of a histogram what makes it one."""
    labels = {label.name: TROUBLE.get(label.name, "x") for label in family.labels}
    labels = {"namespace": "ack-remediator"} | labels | scraped
    grows = f"0+1x{LENGTH}"
    if family.kind is Kind.HISTOGRAM:
        buckets = {key(f"{family.name}_bucket", labels | {"le": le}): grows for le in ("60.0", "900.0", "+Inf")}
        return buckets | {key(f"{family.name}_{part}", labels): grows for part in ("sum", "count")}
    if family.name.endswith("_timestamp_seconds"):
        return {key(family.name, labels): clock(60)}
    if family.name == "remediator_oldest_finding_age_seconds":
        value = 9000.0
    return {key(family.name, labels): grows if family.kind is Kind.COUNTER else constant(value)}


RECORDED = {
    "ack_remediation_phase": 1.0,
    "ack_remediation_finding_info": 1.0,
    "ack_remediation_unhealthy_since_timestamp_seconds": NOW - 9000.0,
    "ack_remediation_attempt_info": 1.0,
}
RECORDED_LABELS = {
    "phase": "AwaitingApproval",
    "finding": "FunctionPending",
    "state": "stuck",
    "attempt": "p-1",
    "action": "Release",
    "result": "resolved",
    "orphan": "arn:aws:lambda:::function:checkout",
}


def key(name: str, labels: dict[str, str]) -> str:
    [made] = gauge(name, 0, **labels)
    return made


@promtool
def test_in_a_bad_night_every_panel_shows_something(tmp_path: Path) -> None:
    """Labels that do not match where metrics are joined parse well, and show nothing, or an error."""
    answers = {f"count({plain(each.expr)}) > bool 0 or vector(0)": 1.0 for each in QUERIES}
    assert_answers(tmp_path, night(), answers)


@promtool
def test_of_runs_that_push_the_dashboard_shows_what_such_a_run_can_tell(tmp_path: Path) -> None:
    series: dict[str, str] = {}
    for family in FAMILIES:
        if family.once:
            series |= told(family, value=1.0)
    panels = {"What runs", *(panel.title for row in ROWS[:2] for panel in row.panels)} - {"Clusters led"}
    answers = {f"count({plain(each.expr)}) > bool 0 or vector(0)": 1.0 for each in QUERIES if each.panel in panels}
    assert len(answers) >= len(panels)
    assert_answers(tmp_path, series, answers)


@promtool
def test_with_two_daemons_nothing_is_counted_twice(tmp_path: Path) -> None:
    taken_over = night()
    # A pod that led a moment ago may still be known with what it saw.
    taken_over |= {name.replace("leads", "led"): values for name, values in night().items() if 'pod="leads"' in name}
    stats = ("Stuck or unreadable", "In quarantine", "Approvals waiting", "Controller down", "Oldest")
    answers = {plain(each.expr): wanted for each in QUERIES for wanted in wants(each.panel) if each.panel in stats}
    assert len(answers) == len(stats)
    assert_answers(tmp_path, taken_over, answers)


def wants(title: str) -> list[float]:
    return [{"Controller down": 0.0, "Oldest": 9000.0}.get(title, 1.0)]


@promtool
def test_what_was_seen_and_is_well_is_a_zero_and_what_nobody_looked_at_is_none(tmp_path: Path) -> None:
    [oldest] = [each for each in QUERIES if each.panel == "Oldest"]
    seen = {'remediator_last_scan_timestamp_seconds{pod="a"}': clock(60)}
    assert_answers(tmp_path, seen, {plain(oldest.expr): 0.0})
    assert_answers(tmp_path, {"up": constant(1)}, {f"absent({plain(oldest.expr)})": 1.0})


def assert_answers(directory: Path, series: dict[str, str], answers: dict[str, float]) -> None:
    story = trial(directory / "story.yaml", [*rule_files(directory).values()], series, answers)
    told = subprocess.run(["promtool", "test", "rules", str(story)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


# ---- how it lies -----------------------------------------------------------------------------------------------------


def cells(panel: Json) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return set(product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))


def test_no_panel_lies_on_another_and_none_leaves_a_hole() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in MADE["panels"]:
        assert not taken & cells(panel), panel["title"]
        taken |= cells(panel)
    bottom = max(y for _, y in taken) + 1
    assert taken == set(product(range(WIDTH), range(bottom)))


def test_panels_have_numbers_and_titles_of_their_own() -> None:
    assert len({each["id"] for each in MADE["panels"]}) == len(MADE["panels"])
    assert len({each["title"] for each in PANELS}) == len(PANELS)


@every_panel
def test_a_panel_says_what_it_is_about(panel: Json) -> None:
    assert len(panel["description"]) > 15
    assert panel["description"] != panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"] in {"short", "s", "percentunit", "reqps"}


def test_what_is_now_comes_first_and_fits_on_a_screen() -> None:
    assert ROWS[0].title == "Now"
    after = next(each for each in MADE["panels"] if each["title"] == ROWS[1].title)
    assert after["gridPos"]["y"] <= 14


@pytest.mark.parametrize(("widths", "height"), [((20, 8), 8), ((12, 11), 8), ((12, 12), 4)])
def test_a_line_that_does_not_fit_is_refused(widths: tuple[int, ...], height: int) -> None:
    panels = tuple(
        Panel(title="P", says="S.", shape=Shape.LINES, queries=(Query("up"),), width=width, height=each)
        for width, each in zip(widths, (8, height), strict=True)
    )
    with pytest.raises(ValueError, match=r"does not fit|has a hole"):
        dashboard("t", "u", "s", (Row("r", panels),), ())
