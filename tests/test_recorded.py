"""Recording rules: what the dashboard shows of them is what happened."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.promql import LENGTH, RECORDING, constant, parse, promtool, rule_files, trial

RESOLVED = 'remediator_resolved_total{finding="FunctionPending",by="us",pod="a"}'
ACTIONS = 'remediator_actions_total{action="Resync",mode="auto",outcome="resolved",pod="a"}'
BUCKET = "remediator_time_to_resolve_seconds_bucket"
OLDEST, FOUND = "remediator_oldest_finding_age_seconds", "remediator_findings"

# By name: an expression, its answer, and the series.
CASES: dict[str, tuple[str, float, dict[str, str]]] = {
    "the first one that is resolved counts": (
        "sum(remediator:resolved:increase1d)",
        1,
        {RESOLVED: f"_x{LENGTH - 50} 1+0x49"},
    ),
    "what was resolved before a window does not count": (
        "sum(remediator:actions:increase1h)",
        0,
        {ACTIONS: constant(7)},
    ),
    "the first action counts": ("sum(remediator:actions:increase1h)", 1, {ACTIONS: f"_x{LENGTH - 50} 1+0x49"}),
    "what a pod did that is gone counts for the rest of the hour": (
        "sum(remediator:actions:increase1h)",
        3,
        {
            ACTIONS: f"0+0x{LENGTH - 40} 2+0x10 _x30",
            ACTIONS.replace('"a"', '"b"'): f"_x{LENGTH - 20} 1+0x19",
        },
    ),
    "what a pod did that came and went within the hour counts": (
        "sum(remediator:actions:increase1h)",
        2,
        {ACTIONS: f"_x{LENGTH - 40} 2+0x10 _x29"},
    ),
    "a wait and advice are not stuck": (
        "count(remediator:findings_stuck:max) or vector(0)",
        0,
        {f'{FOUND}{{finding="FunctionUpdating",namespace="shop"}}': constant(3)},
    ),
    "what is stuck is told by namespace": (
        'sum(remediator:findings_stuck:max{namespace="shop"})',
        3,
        {
            f'{FOUND}{{finding="FunctionPending",namespace="shop",pod="a"}}': constant(3),
            f'{FOUND}{{finding="FunctionPending",namespace="bank",pod="a"}}': constant(1),
            f'{OLDEST}{{finding="FunctionPending",namespace="ack-remediator",pod="a"}}': constant(900),
        },
    ),
    "what is stuck in another cluster is not stuck here": (
        'count(remediator:findings_stuck:max{cluster="us1"}) or vector(0)',
        0,
        {
            f'{FOUND}{{finding="FunctionPending",namespace="shop",cluster="us1"}}': constant(3),
            f'{OLDEST}{{finding="FunctionPending",cluster="eu1"}}': constant(900),
        },
    ),
    "what is about the cluster is always told": (
        "sum(remediator:findings_stuck:max)",
        1,
        {f'{FOUND}{{finding="ControllerDown",namespace="(cluster)"}}': constant(1)},
    ),
    "half of what was resolved took no longer": (
        'sum(remediator:time_to_resolve_seconds:quantile1d{quantile="0.5"})',
        60,
        {
            f'{BUCKET}{{le="60.0"}}': f"0+0x{LENGTH - 50} 2+0x49",
            f'{BUCKET}{{le="900.0"}}': f"0+0x{LENGTH - 50} 4+0x49",
            f'{BUCKET}{{le="+Inf"}}': f"0+0x{LENGTH - 50} 4+0x49",
        },
    ),
    "where nothing was resolved there is no time": (
        "count(remediator:time_to_resolve_seconds:quantile1d) or vector(0)",
        0,
        {f'{BUCKET}{{le="60.0"}}': constant(0), f'{BUCKET}{{le="+Inf"}}': constant(0)},
    ),
}


def test_whatever_is_counted_over_time_has_a_case() -> None:
    over_time = {rule["record"] for rule in RECORDING if "increase" in rule["expr"]}
    assert over_time <= {name for asked, _, _ in CASES.values() for name, _ in parse(asked).metrics}


@promtool
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_recorded_is_what_happened(tmp_path: Path, case: tuple[str, float, dict[str, str]]) -> None:
    expression, answer, series = case
    files = rule_files(tmp_path)
    story = trial(tmp_path / "story.yaml", [files["prometheusrule.yaml"]], series, {expression: answer})
    told = subprocess.run(["promtool", "test", "rules", str(story)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
