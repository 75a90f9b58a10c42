"""What is shipped for monitoring: it reads only what there is, and says what the product says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from remediator.model.episode import Phase

TOP = Path(__file__).parents[1]
BASE, MONITORING = TOP / "manifests" / "base", TOP / "manifests" / "monitoring"
PAGE = TOP / "docs" / "metrics.md"

Json = dict[str, Any]


def read(path: Path) -> Json:
    content: Json = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return content


def schema() -> Json:
    [version] = read(BASE / "crd-remediations.yaml")["spec"]["versions"]
    found: Json = version["schema"]["openAPIV3Schema"]
    return found


def resource() -> Json:
    [only] = read(MONITORING / "kube-state-metrics.yaml")["spec"]["resources"]
    found: Json = only
    return found


METRICS = resource()["metrics"]
every = pytest.mark.parametrize("metric", METRICS, ids=lambda each: str(each["name"]))


def each(metric: Json) -> Json:
    """What a metric is made of, under the name of its type."""
    kind = metric["each"]["type"]
    found: Json = metric["each"][kind[0].lower() + kind[1:]]
    return found


def at(start: Json, path: Sequence[str]) -> Json:
    """Walk a schema as kube-state-metrics walks an object; KeyError where there is no such field."""
    found = start
    for part in path:
        found = found["items"] if part.isdecimal() else found["properties"][part]
    return found


def one_of(found: Json) -> Json:
    """Say what a metric is made for: of a list, each of its items."""
    items: Json = found.get("items", found)
    return items


def read_paths(metric: Json) -> Iterator[tuple[Json, Sequence[str]]]:
    """Yield each path that is read for a metric, and from where on."""
    made = each(metric)
    yield schema(), made.get("path", [])
    inner = one_of(at(schema(), made.get("path", [])))
    for path in made.get("labelsFromPath", {}).values():
        yield inner, path
    if "valueFrom" in made:
        yield inner, made["valueFrom"]


def test_it_is_about_the_kind_that_is_defined() -> None:
    definition, told = read(BASE / "crd-remediations.yaml")["spec"], resource()["groupVersionKind"]
    assert told == {
        "group": definition["group"],
        "version": definition["versions"][0]["name"],
        "kind": definition["names"]["kind"],
    }


@every
def test_every_path_is_in_the_definition(metric: Json) -> None:
    for start, path in read_paths(metric):
        assert at(start, path)["type"]


def test_every_label_of_all_is_in_the_definition() -> None:
    for path in resource()["labelsFromPath"].values():
        assert path == ["metadata", "name"] or at(schema(), path)["type"] == "string"


@pytest.mark.parametrize("path", [["status", "phases"], ["status", "attempts", "id"], ["spec", "target", "uuid"]])
def test_a_path_that_is_not_there_is_found_out(path: list[str]) -> None:
    with pytest.raises(KeyError):
        at(schema(), path)


@every
def test_what_is_told_as_a_label_is_a_text_and_no_sentence(metric: Json) -> None:
    """Summaries, details and evidence are other people's words, and change with every sighting."""
    inner = one_of(at(schema(), each(metric).get("path", [])))
    for label, path in each(metric).get("labelsFromPath", {}).items():
        assert at(inner, path)["type"] == "string"
        assert path[-1] in {"id", "action", "result", "orphan", "finding", "state", "resolvedBy"}
        assert re.fullmatch(r"[a-z]+", label)


@every
def test_a_gauge_is_a_time_and_nothing_complains_of_a_record_without_a_status(metric: Json) -> None:
    kind = metric["each"]["type"]
    assert (kind == "Gauge") == metric["name"].endswith("_timestamp_seconds")
    if kind == "Gauge":
        told = at(schema(), each(metric)["path"])
        assert at(one_of(told), each(metric).get("valueFrom", []))["format"] == "date-time"
    assert (kind == "Info") == ("errorLogV" not in metric)


def test_the_phases_are_those_that_there_are() -> None:
    [phase] = [each(metric) for metric in METRICS if metric["name"] == "phase"]
    assert phase["list"] == at(schema(), phase["path"])["enum"] == [phase.value for phase in Phase]


def test_an_attempt_is_told_once_whatever_came_of_it() -> None:
    """One series told twice makes Prometheus refuse all that kube-state-metrics tells."""
    of_attempts = [each(metric) for metric in METRICS if each(metric).get("path") == ["status", "attempts"]]
    assert len(of_attempts) == 2
    assert all(["id"] in attempts["labelsFromPath"].values() for attempts in of_attempts)
    assert "id" in at(schema(), ["status", "attempts"])["items"]["required"]


@every
def test_a_name_follows_the_conventions(metric: Json) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric["name"])
    assert metric["name"].endswith("_info") == (metric["each"]["type"] == "Info")
    assert metric["help"].endswith(".")


@every
def test_the_page_names_it(metric: Json) -> None:
    assert f"`{resource()['metricNamePrefix']}_{metric['name']}`" in PAGE.read_text(encoding="utf-8")


def test_every_manifest_is_applied() -> None:
    kustomization = read(MONITORING / "kustomization.yaml")
    generated = {file for each in kustomization["configMapGenerator"] for file in each["files"]}
    # A cluster without the Prometheus operator knows no PrometheusRule.
    there = {path.name for path in MONITORING.glob("*.yaml") if read(path)["kind"] != "PrometheusRule"}
    assert set(kustomization["resources"]) | generated == there - {"kustomization.yaml"}


def test_who_reads_records_for_metrics_writes_nothing() -> None:
    role = read(MONITORING / "clusterrole-kube-state-metrics.yaml")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}
    assert {name for rule in role["rules"] for name in rule["resources"]} == {
        "remediations",
        "customresourcedefinitions",
    }
