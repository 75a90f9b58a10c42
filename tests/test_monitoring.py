"""What is shipped for monitoring: it reads only what there is, and says what the product says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from remediator.model.episode import Phase
from tests.promql import MONITORING, TOP, Json, promtool, read, rule_files, written

BASE = TOP / "manifests" / "base"
PAGE = TOP / "docs" / "metrics.md"


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


def test_what_is_applied_with_the_overlay_needs_no_definition_of_the_prometheus_operator() -> None:
    """A cluster without it knows no PrometheusRule and no PodMonitor, and refuses all of them."""
    kustomization = read(MONITORING / "kustomization.yaml")
    generated = {file for each in kustomization["configMapGenerator"] for file in each["files"]}
    there = {path.name: read(path) for path in MONITORING.glob("*.yaml") if path.name != "kustomization.yaml"}
    of_the_operator = {name for name, content in there.items() if "coreos" in content.get("apiVersion", "")}
    examples = {name for name in there if name.endswith(".example.yaml")}
    assert of_the_operator == {"podmonitor.yaml", "prometheusrule.yaml", "prometheusrule-records.yaml"}
    assert set(kustomization["resources"]) | generated == {*there, "dashboard.json"} - of_the_operator - examples


def test_the_sidecar_finds_the_dashboard() -> None:
    [made] = [
        each for each in read(MONITORING / "kustomization.yaml")["configMapGenerator"] if "dashboard" in each["name"]
    ]
    assert made["files"] == ["dashboard.json"]
    assert made["options"]["labels"] == {"grafana_dashboard": "1"}
    # What `kubectl apply` notes of an object may have 256 KiB.
    assert (MONITORING / "dashboard.json").stat().st_size < 200_000


# ---- who is scraped --------------------------------------------------------------------------------------------------


def daemon() -> Json:
    return read(TOP / "manifests" / "daemon" / "deployment.yaml")


def test_the_podmonitor_is_about_every_pod_of_the_daemon() -> None:
    spec, template = read(MONITORING / "podmonitor.yaml")["spec"], daemon()["spec"]["template"]
    assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert spec["namespaceSelector"]["matchNames"] == [daemon()["metadata"]["namespace"]]
    [endpoint] = spec["podMetricsEndpoints"]
    [container] = template["spec"]["containers"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    assert (endpoint["path"], endpoint["honorLabels"]) == ("/metrics", True)


def test_a_pod_of_the_cronjob_is_not_scraped() -> None:
    """It has no port, and is gone before anybody asks."""
    wanted = read(MONITORING / "podmonitor.yaml")["spec"]["selector"]["matchLabels"]
    job = read(TOP / "manifests" / "cronjob" / "cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]
    assert not wanted.items() <= job.get("metadata", {}).get("labels", {}).items()


def test_a_prometheus_without_the_operator_scrapes_the_same() -> None:
    config, spec = read(MONITORING / "prometheus.example.yaml"), read(MONITORING / "podmonitor.yaml")["spec"]
    [pods, gateway] = config["scrape_configs"]
    [discovery], [endpoint] = pods["kubernetes_sd_configs"], spec["podMetricsEndpoints"]
    [selector] = discovery["selectors"]
    assert discovery["role"] == selector["role"] == "pod"
    assert dict(each.split("=") for each in selector["label"].split(",")) == spec["selector"]["matchLabels"]
    assert discovery["namespaces"]["names"] == spec["namespaceSelector"]["matchNames"]
    assert pods["scrape_interval"] == endpoint["interval"]
    assert pods["honor_labels"] and gateway["honor_labels"]
    assert endpoint["port"] in {each["regex"] for each in pods["relabel_configs"] if each.get("action") == "keep"}


@promtool
def test_promtool_takes_the_example(tmp_path: Path) -> None:
    """But for finding pods: Debian's Prometheus is built without that."""
    config = read(MONITORING / "prometheus.example.yaml")
    for job in config["scrape_configs"]:
        job.pop("kubernetes_sd_configs", None)
    [name] = config["rule_files"]
    shutil.copy(rule_files(tmp_path)["prometheusrule.yaml"], tmp_path / name)
    checked = subprocess.run(
        ["promtool", "check", "config", str(written(tmp_path / "prometheus.yaml", config))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["prometheusrule.yaml", "prometheusrule-records.yaml"])
def test_the_line_that_makes_a_rule_file_of_a_prometheusrule_does(tmp_path: Path, name: str) -> None:
    [line] = re.findall(r"^ +(sed '1,/.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shutil.copytree(MONITORING, tmp_path / "manifests" / "monitoring")
    made = line.replace("prometheusrule.yaml", name)
    subprocess.run(["sh", "-c", made], cwd=tmp_path, check=True)
    assert read(tmp_path / "ack-remediator.rules.yaml") == read(MONITORING / name)["spec"]


def test_who_reads_records_for_metrics_writes_nothing() -> None:
    role = read(MONITORING / "clusterrole-kube-state-metrics.yaml")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}
    assert {name for rule in role["rules"] for name in rule["resources"]} == {
        "remediations",
        "customresourcedefinitions",
    }
