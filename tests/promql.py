"""What queries say, as the tests of alerts and of the dashboard read it, and what there is to be asked for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from remediator.telemetry.families import FAMILIES, Kind
from tests import yaml_files

TOP = Path(__file__).parents[1]
MONITORING = TOP / "manifests" / "monitoring"
FILES = sorted(MONITORING.glob("prometheusrule*.yaml"))
# Told by kube-state-metrics itself.
CREATED, SUCCEEDED = "kube_cronjob_created", "kube_cronjob_status_last_successful_time"
OF_OTHERS = {
    CREATED: {"namespace", "cronjob"},
    SUCCEEDED: {"namespace", "cronjob"},
    "ALERTS": {"alertname", "alertstate", "severity", "finding"},
}
# By whoever scrapes, beside what is told; `cluster` where there are several.
ADDED = {"cluster", "job", "namespace", "pod", "container", "endpoint", "instance"}

AGGREGATIONS = {"sum", "min", "max", "count", "avg", "group", "topk", "bottomk", "quantile"}
WORDS = {"and", "or", "unless", "bool"}
GROUPING = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?P<labels>[^)]*)\)"
NAME = r"(?<![\w.])(?P<name>[a-zA-Z_:][\w:]*)(?:\s*(?P<call>\()|\{(?P<selected>[^}]*)\})?"
TOKEN = re.compile(rf'{GROUPING}|\[[^\]]*\]|\boffset\s+\w+|"[^"]*"|{NAME}')

Json = dict[str, Any]

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus)"
)


class Query(NamedTuple):
    """The metrics of an expression with their selectors (label, value), and the labels by which it groups and joins."""

    metrics: list[tuple[str, list[tuple[str, str]]]]
    grouped: set[str]


def parse(expression: str) -> Query:
    """Read an expression as far as names go."""
    metrics, grouped = [], set()
    for token in TOKEN.finditer(expression):
        if token["labels"] is not None:
            grouped |= {*re.findall(r"\w+", token["labels"])}
        name = token["name"]
        if name and not token["call"] and name not in AGGREGATIONS | WORDS:
            metrics.append((name, re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', token["selected"] or "")))
    return Query(metrics, grouped)


def read(path: Path) -> Json:
    content: Json = yaml_files.read(path)
    return content


def rules(*paths: Path) -> Iterator[Json]:
    for path in paths or FILES:
        for group in read(path)["spec"]["groups"]:
            yield from group["rules"]


ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDING = [rule for rule in rules() if "record" in rule]


def of_kube_state_metrics() -> dict[str, set[str]]:
    """The metrics that kube-state-metrics makes of records, with their labels."""
    [resource] = read(MONITORING / "kube-state-metrics.yaml")["spec"]["resources"]
    made = {}
    for metric in resource["metrics"]:
        kind = metric["each"]["type"]
        each = metric["each"][kind[0].lower() + kind[1:]]
        labels = {*resource["labelsFromPath"], *each.get("labelsFromPath", {}), each.get("labelName", "")}
        made[f"{resource['metricNamePrefix']}_{metric['name']}"] = labels
    return made


def exported() -> dict[str, set[str]]:
    """Every metric that a query may use, with its labels."""
    ours = {each.name: {label.name for label in each.labels} for each in FAMILIES}
    histograms = [each.name for each in FAMILIES if each.kind is Kind.HISTOGRAM]
    parts = {f"{name}_{part}": {"le"} if part == "bucket" else set() for name in histograms for part in PARTS}
    there = ours | parts | of_kube_state_metrics() | OF_OTHERS
    return there | {each["record"]: _recorded(each, there) for each in RECORDING}


PARTS = ("bucket", "sum", "count")


def _recorded(rule: Json, there: dict[str, set[str]]) -> set[str]:
    """Work out the labels of what is recorded; all our rules say what they leave out, none what they keep."""
    assert " by (" not in rule["expr"]
    labels = set().union(*(there[name] for name, _ in parse(rule["expr"]).metrics))
    dropped = {name for each in re.findall(r"without \(([^)]*)\)", rule["expr"]) for name in re.findall(r"\w+", each)}
    return (labels - dropped - {"le"}) | {*rule.get("labels", {})}


def faults(expression: str) -> Iterator[str]:
    """Say what an expression asks for that there is not: metrics, labels, and values that never are."""
    there, values = exported(), _values()
    query = parse(expression)
    if not query.metrics:
        yield "it asks for nothing"
    for name, selected in query.metrics:
        if name not in there:
            yield f"no metric {name}"
            continue
        for label, wanted in selected:
            if label not in there[name] | ADDED:
                yield f"{name} has no label {label}"
            if (name, label) in values and not set(wanted.split("|")) <= values[name, label]:
                yield f"{label} of {name} is never {wanted}"
    known = set().union(ADDED, *(there.get(name, ()) for name, _ in query.metrics))
    yield from (f"nothing has a label {label}" for label in sorted(query.grouped - known))


def _values() -> dict[tuple[str, str], set[str]]:
    """What closed labels may say. A finding that is written otherwise would never be there, and no alert fire."""
    values = {
        (family.name, label.name): {*label.values, label.rest}
        for family in FAMILIES
        for label in family.labels
        if not label.open
    }
    [resource] = read(MONITORING / "kube-state-metrics.yaml")["spec"]["resources"]
    [phases] = [each["each"]["stateSet"]["list"] for each in resource["metrics"] if each["name"] == "phase"]
    states, results = values["remediator_resources", "state"], values["remediator_actions_total", "outcome"]
    return values | {
        ("ack_remediation_phase", "phase"): set(phases),
        ("ack_remediation_finding_info", "state"): states,
        ("ack_remediation_attempt_concluded_timestamp_seconds", "result"): results,
        ("remediator:actions:increase1h", "outcome"): results,
        ("remediator:actions:increase1h", "mode"): values["remediator_actions_total", "mode"],
    }


def written(path: Path, content: Json) -> Path:
    YAML().dump(content, path)
    return path


def rule_files(directory: Path) -> dict[str, str]:
    """Write what is under `spec` as Prometheus itself reads it."""
    return {path.name: str(written(directory / path.name, read(path)["spec"])) for path in FILES}


# ---- series, as promtool writes them in steps of a minute ------------------------------------------------------------

LENGTH = 300  # minutes of a story; it is looked at in the end
NOW = LENGTH * 60


def constant(value: float) -> str:
    return f"{value}+0x{LENGTH}"


def clock(behind: int) -> str:
    """Write a timestamp that is so many seconds behind, always."""
    return f"{-behind}+60x{LENGTH}"


def until(minute: int) -> str:
    """Write a timestamp that follows the clock until a minute, and then stays."""
    return f"0+60x{minute} {minute * 60}+0x{LENGTH - minute}"


def gauge(name: str, value: float, **labels: str) -> dict[str, str]:
    told = ",".join(f'{key}="{each}"' for key, each in labels.items())
    return {f"{name}{{{told}}}": constant(value)}


def late(name: str, value: float, minutes: int, **labels: str) -> dict[str, str]:
    """A gauge that has had its value for so many minutes only."""
    [key] = gauge(name, value, **labels)
    return {key: f"0+0x{LENGTH - minutes} {value}+0x{minutes}"}


def trial(path: Path, rule_files: list[str], series: dict[str, str], answers: dict[str, float]) -> Path:
    """Write what promtool is to try: the answers, each one number without labels, to expressions in the end."""
    return written(
        path,
        {
            "rule_files": rule_files,
            "evaluation_interval": "5m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "promql_expr_test": [
                        {
                            "expr": expression,
                            "eval_time": f"{LENGTH}m",
                            "exp_samples": [{"labels": "{}", "value": answer}],
                        }
                        for expression, answer in answers.items()
                    ],
                }
            ],
        },
    )
