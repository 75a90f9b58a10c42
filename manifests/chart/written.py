"""All files of the chart that are written from something else, by their path."""

from __future__ import annotations

import json
from pathlib import Path

from manifests.chart.schema import values_schema
from manifests.chart.templates import TEMPLATES, template

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
CHART = ROOT / "chart"

# What is in a ConfigMap as it is, or has braces of its own that Helm would take for its.
COPIES = (
    "monitoring/dashboard.json",
    "monitoring/kube-state-metrics.yaml",
    "monitoring/prometheusrule-records.yaml",
    "monitoring/prometheusrule.yaml",
)


def written() -> dict[Path, str]:
    """Build the content of each file."""
    schema = json.dumps(values_schema(), indent=2, ensure_ascii=False) + "\n"
    made = {CHART / "values.schema.json": schema}
    for each in TEMPLATES:
        made[CHART / "templates" / each.source] = template(each, (MANIFESTS / each.source).read_text(encoding="utf-8"))
    for source in COPIES:
        made[CHART / "files" / Path(source).name] = (MANIFESTS / source).read_text(encoding="utf-8")
    return made
