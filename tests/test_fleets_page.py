"""What docs/fleets.md shows can be taken as it is: it parses, and names what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from manifests.chart.schema import values_schema
from remediator.cli import cli
from remediator.policy import Policy
from tests import yaml_files
from tests.pages import commands, fences, spans
from tests.promql import MONITORING, RECORDING, exported, faults, read
from tests.test_runbook_commands import parse

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "fleets.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = fences(TEXT, "yaml")

Json = dict[str, Any]


def block(begins: str) -> Json:
    """Read the one block with such a first line."""
    [found] = [each for each in BLOCKS if each.startswith(begins)]
    [content] = yaml_files.parsed(found)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("text", BLOCKS, ids=lambda each: each.partition("\n")[0])
def test_every_example_is_one_document(text: str) -> None:
    [content] = yaml_files.parsed(text)
    assert content


def test_every_command_line_parses() -> None:
    lines = [each for text in fences(TEXT, "sh") for each in commands(text)]
    ours = [each[1:] for each in lines if each[0] == "remediator"]
    ours += [each.split()[1:] for each in spans(TEXT) if each.startswith("remediator ")]
    assert ["scan", "-A", "--context", "eu1", "--context", "us1"] in ours
    for each in ours:
        parse(each)


@pytest.mark.parametrize("path", sorted({*re.findall(r"\]\(([\w./-]+)", TEXT)}))
def test_a_page_that_it_links_to_is_there(path: str) -> None:
    assert (PAGE.parent / path).is_file()


@pytest.mark.parametrize("path", sorted({*re.findall(r"`(manifests/[\w./-]+)`", TEXT)}))
def test_a_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_a_section_that_it_links_to_is_there() -> None:
    for page, section in re.findall(r"\]\(([\w.-]+)#([\w-]+)\)", TEXT):
        headings = re.findall(r"^#+ (.+)$", (PAGE.parent / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert section in [re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings]


# ---- Argo CD ---------------------------------------------------------------------------------------------------------


def filled_in(template: str) -> str:
    """Fill in what the cluster generator knows of the Secret that the page shows; KeyError where it lacks something."""
    secret = block("# cluster-eu1.yaml")
    known: Json = {**secret["stringData"], "nameNormalized": secret["stringData"]["name"]}
    known |= {f"metadata.annotations.{key}": text for key, text in secret["metadata"]["annotations"].items()}
    return re.sub(r"\{\{\.([\w.]+)\}\}", lambda found: str(known[found[1]]), template)


def test_the_generator_selects_the_secret_that_is_shown() -> None:
    spec, secret = block("# applicationset.yaml")["spec"], block("# cluster-eu1.yaml")
    [generator] = spec["generators"]
    assert generator["clusters"]["selector"]["matchLabels"].items() <= secret["metadata"]["labels"].items()
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
    assert json.loads(secret["stringData"]["config"]) == {}


def test_the_application_of_a_cluster_is_filled_in() -> None:
    spec = block("# applicationset.yaml")["spec"]
    assert (spec["goTemplate"], spec["goTemplateOptions"]) == (True, ["missingkey=error"])
    template = filled_in(json.dumps(spec["template"]))
    assert "{{" not in template
    made = json.loads(template)
    assert made["metadata"]["name"] == "ack-remediator-eu1"
    assert (
        made["spec"]["destination"]["namespace"]
        == yaml_files.read(ROOT / "manifests/base/namespace.yaml")["metadata"]["name"]
    )
    labels = made["spec"]["syncPolicy"]["managedNamespaceMetadata"]["labels"]
    assert labels.items() <= yaml_files.read(ROOT / "manifests/base/namespace.yaml")["metadata"]["labels"].items()


def test_its_values_are_those_of_the_chart() -> None:
    source = block("# applicationset.yaml")["spec"]["template"]["spec"]["source"]
    assert (ROOT / source["path"] / "Chart.yaml").is_file()
    [values] = yaml_files.parsed(filled_in(source["helm"]["values"]))
    jsonschema.Draft202012Validator(values_schema()).validate(values)
    policy = Policy.model_validate({"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", **values["policy"]})
    assert policy.orphans.tag is not None
    assert policy.orphans.tag.value == "eu1"


def test_its_kustomization_is_of_what_there_is() -> None:
    overlay = block("# ack-remediator/eu1/kustomization.yaml")
    assert filled_in(block("source:")["source"]["path"]) == "ack-remediator/eu1"
    [resource] = overlay["resources"]
    assert (ROOT / resource.partition(".git//")[2].partition("?")[0] / "kustomization.yaml").is_file()
    [patch] = overlay["patches"]
    account = yaml_files.read(ROOT / "manifests/base/serviceaccount.yaml")
    assert patch["target"] == {"kind": account["kind"], "name": account["metadata"]["name"]}
    [[operation]] = yaml_files.parsed(patch["patch"])
    role = operation["value"]["eks.amazonaws.com/role-arn"]
    assert role == block("# cluster-eu1.yaml")["metadata"]["annotations"]["remediatorRole"]


# ---- Prometheus ------------------------------------------------------------------------------------------------------


def test_all_that_we_tell_leaves_a_cluster() -> None:
    [write] = block("# prometheus.yml, in each cluster")["remote_write"]
    [kept] = write["write_relabel_configs"]
    [scraped] = block("# prometheus.yml, of the one above them")["scrape_configs"]
    asked = [re.fullmatch(r'\{__name__=~"(.*)"\}', each) for each in scraped["params"]["match[]"]]
    ours = [name for name in exported() if name.startswith(("remediator", "ack_remediation"))]
    assert {each["record"] for each in RECORDING} & {*ours}
    for name in ours:
        assert re.fullmatch(kept["regex"], name)
        assert any(each and re.fullmatch(each[1], name) for each in asked)


def test_what_is_taken_over_keeps_its_labels() -> None:
    below = block("# prometheus.yml, in each cluster")
    [scraped] = block("# prometheus.yml, of the one above them")["scrape_configs"]
    assert below["global"]["external_labels"] == {"cluster": "eu1"}
    assert scraped["honor_labels"] is True
    assert scraped["metrics_path"] == "/federate"


def test_the_rules_above_ask_for_what_there_is() -> None:
    [group] = block("# ack-remediator-fleet.rules.yaml")["groups"]
    [ours] = read(MONITORING / "alertmanager.example.yaml")["route"]["routes"]
    [pattern] = re.findall(r'^alertname=~"(.*)"$', ours["matchers"][0])
    for rule in group["rules"]:
        assert [*faults(rule["expr"])] == []
        assert "by (cluster" in rule["expr"]
        assert re.fullmatch(pattern, rule["alert"])


# ---- what it says of the command -------------------------------------------------------------------------------------


def test_its_exit_codes_are_those_of_the_command() -> None:
    told = re.findall(r"^\| (\d) \|", TEXT, flags=re.MULTILINE)
    assert told == ["0", "3", "5", "1", "2"]
    assert "--context" in CliRunner().invoke(cli, ["scan", "--help"]).output
