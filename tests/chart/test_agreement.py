"""An install from the chart and one from kustomize are the same objects."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from remediator.policy.load import load_policy
from tests import yaml_files
from tests.chart.presets import MANIFESTS, MONITORING, OPERATOR, PRESETS, Helm, Json, Preset

# What Helm has everything labelled with.
OF_HELM = {"app.kubernetes.io/instance": "ack", "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": None}
# The release's namespace is there before the release, so the chart has none; NOTES say how to label it.
NOT_IN_THE_CHART = {("Namespace", "ack-remediator")}
HASHED = re.compile(r"(ack-remediator-policy)-[a-z0-9]{10}")

by_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda each: str(each.folder))


def name(each: Json) -> tuple[str, str]:
    return each["kind"], HASHED.sub(r"\1", each["metadata"]["name"])


def of_helm(each: Json) -> Json:
    """Take away what Helm adds, and see that it did."""
    told = copy.deepcopy(each)
    labels = told["metadata"]["labels"]
    for key, value in OF_HELM.items():
        said = labels.pop(key)
        assert value in (None, said), each["metadata"]
    if told["kind"] == "CustomResourceDefinition":
        assert told["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    return _plain(told)


def of_kustomize(each: Json) -> Json:
    """Take away what kustomize adds: a hash of the policy in its name."""
    told: Json = json.loads(HASHED.sub(r"\1", json.dumps(each)))
    return _plain(told)


def _plain(each: Json) -> Json:
    """Leave the policy's text out of what is compared, since it differs in its comments: that is compared as read."""
    if name(each) == ("ConfigMap", "ack-remediator-policy"):
        assert each["data"].keys() == {"policy.yaml"}
        del each["data"]
    return each


def policy(objects: list[Json], folder: Path) -> object:
    [found] = [each for each in objects if name(each) == ("ConfigMap", "ack-remediator-policy")]
    file = folder / "policy.yaml"
    file.write_text(found["data"]["policy.yaml"], encoding="utf-8")
    return load_policy(file)


@by_preset
def test_the_chart_gives_what_kustomize_gives(helm: Helm, preset: Preset) -> None:
    rendered = helm.objects(*preset.words, namespace=preset.namespace)
    chart = {name(each): of_helm(each) for each in rendered}
    kustomize = {name(each): of_kustomize(each) for each in helm.kustomize(preset.folder)}
    assert len(chart) == len(rendered), "none twice"
    assert kustomize.keys() - chart.keys() <= NOT_IN_THE_CHART
    assert chart.keys() <= kustomize.keys()
    for key, each in chart.items():
        assert each == kustomize[key], key


@by_preset
def test_the_policies_are_read_alike(helm: Helm, preset: Preset, tmp_path: Path) -> None:
    chart = policy(helm.objects(*preset.words, namespace=preset.namespace), tmp_path)
    assert chart == policy(helm.kustomize(preset.folder), tmp_path)


def test_what_monitoring_reads_is_the_same(helm: Helm) -> None:
    without = {name(each) for each in helm.objects()}
    more = {name(each): each for each in helm.objects(*MONITORING.words) if name(each) not in without}
    assert {key: of_helm(each) for key, each in more.items()} == {
        name(each): each for each in helm.kustomize(MONITORING.folder)
    }


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("podmonitor.yaml", OPERATOR.words),
        ("prometheusrule.yaml", OPERATOR.words),
        ("prometheusrule-records.yaml", ["--set=monitoring.rules=true"]),
    ],
)
def test_what_the_operator_reads_is_the_same(helm: Helm, file: str, words: list[str]) -> None:
    [wanted] = yaml_files.read_all(MANIFESTS / "monitoring" / file)
    [found] = [each for each in helm.objects(*words) if each["kind"] == wanted["kind"]]
    told = of_helm(found)
    assert told["metadata"].pop("labels").keys() == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/version",
    }
    assert told == wanted


def test_all_lies_in_the_releases_namespace_and_nowhere_else_is_named(helm: Helm) -> None:
    """Whatever that is called: subjects, admission policies and selectors follow it."""
    elsewhere = helm.objects("--set=workload=daemon,access=act", namespace="ops")
    for each in elsewhere:
        assert each["metadata"].get("namespace", "ops") == "ops", each["kind"]
        for subject in each.get("subjects") or ():
            assert subject == {"kind": "ServiceAccount", "name": "ack-remediator", "namespace": "ops"}
    text = helm.text("--set=workload=daemon,access=act", namespace="ops")
    assert "system:serviceaccount:ops:ack-remediator" in text
    assert "system:serviceaccount:ack-remediator" not in text
    assert "namespace: ack-remediator\n" not in text
