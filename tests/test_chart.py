"""The Helm chart, as far as it shows without Helm: `make lint-chart` tries the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from manifests.chart.schema import values_schema
from manifests.chart.templates import TEMPLATES, Edit, Template, Unlike, template
from manifests.chart.written import CHART, MANIFESTS, written
from remediator import __version__
from remediator.policy.schema import policy_schema
from tests import yaml_files

Json = dict[str, Any]

SCHEMA = values_schema()
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", written(), ids=lambda each: f"{each.relative_to(CHART)}")
def test_what_is_written_from_elsewhere_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written()[path], "make chart"


def test_nothing_else_lies_where_that_is_written() -> None:
    made = written()
    folders = {path.parent for path in made} - {CHART}
    assert {each for folder in folders for each in folder.iterdir()} <= made.keys()


def test_chart_and_program_are_of_one_release() -> None:
    told = yaml_files.read(CHART / "Chart.yaml")
    assert (told["version"], told["appVersion"]) == (__version__, __version__)
    assert told["kubeVersion"] == ">=1.30.0-0", "-0: a version as EKS has it is newer than none"


def test_every_manifest_that_is_installed_is_in_the_chart() -> None:
    sources = {each.source for each in TEMPLATES}
    for folder in ("base", "daemon", "namespaced"):
        there = {f"{folder}/{each.name}" for each in (MANIFESTS / folder).glob("*.yaml")}
        by_hand = {f"{folder}/{each}.yaml" for each in ("kustomization", "namespace", "policy", "deployment")}
        assert there - by_hand <= sources


@pytest.mark.parametrize(
    ("manifest", "edits", "said"),
    [
        ("metadata:\n  name: a\n", (Edit("spec: 1", ""),), "0 times"),
        ("metadata:\n  name: a\nspec: 1\nspec: 1\n", (Edit("spec: 1", ""),), "2 times"),
        ('metadata:\n  name: "{{ a }}"\n', (), "braces"),
    ],
)
def test_a_manifest_that_is_no_longer_as_its_template_expects_is_refused(
    manifest: str, edits: tuple[Edit, ...], said: str
) -> None:
    with pytest.raises(Unlike, match=said):
        template(Template("base/any.yaml", "", edits), manifest)


# ---- values ----------------------------------------------------------------------------------------------------------


def test_the_values_that_are_shipped_are_of_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml_files.parsed(VALUES)[0])


def test_every_value_is_shown_with_its_default() -> None:
    assert yaml_files.parsed(VALUES)[0].keys() == SCHEMA["properties"].keys() - {"global"}
    for name, shown in yaml_files.parsed(VALUES)[0].items():
        of = SCHEMA["properties"][name]
        if of.get("additionalProperties") is False and name not in ("policy", "resources", "affinity"):
            assert shown.keys() == of["properties"].keys(), name


def test_every_value_says_what_it_is_for() -> None:
    """A comment before it, or before the first of its group."""
    above = ""
    for line in VALUES.splitlines():
        key = re.match(r"^([a-zA-Z]+):", line)
        grouped = key and key[1] in ("podAnnotations", "podLabels", "priorityClassName", "nodeSelector")
        grouped = grouped or (key and key[1] in ("volumes", "volumeMounts", "tolerations", "affinity"))
        sections = ("image", "serviceAccount", "networkPolicy", "monitoring")
        if key and not grouped and key[1] not in sections:
            assert above.startswith("#"), key[1]
        above = line


def objects(schema: Any) -> Iterator[Json]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for each in schema.values():
            yield from objects(each)
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each)


def test_no_key_is_taken_that_there_is_not() -> None:
    """But where keys are names, or Kubernetes' own to judge."""
    for each in objects(SCHEMA):
        if "properties" in each and "name" not in each.get("required", ()):
            assert each["additionalProperties"] is False, each


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from schema.get("patternProperties", ())
        for each in schema.values():
            yield from patterns(each)
    if isinstance(schema, list):
        for each in schema:
            yield from patterns(each)


def test_every_pattern_is_one_that_helm_understands() -> None:
    """It has RE2: no look-around, no reference back, no more than a thousand times."""
    found = set(patterns(SCHEMA))
    assert found > set(patterns(policy_schema()))
    for each in found:
        assert not re.search(r"\(\?[=!<]|\\[1-9]", each), each
        assert all(int(times) <= 1000 for times in re.findall(r"\{(?:\d+,)?(\d+)\}", each)), each


def test_policy_has_the_keys_of_a_policy_file_but_its_head() -> None:
    assert SCHEMA["properties"]["policy"]["properties"].keys() == policy_schema()["properties"].keys() - {
        "apiVersion",
        "kind",
    }
    validator = jsonschema.Draft202012Validator(SCHEMA)
    base = yaml_files.read(MANIFESTS / "base" / "policy.yaml")
    del base["apiVersion"], base["kind"]
    validator.validate({"policy": base})
    for wrong in (
        {"mode": "on"},
        {"actions": {"Release": {"mode": "auto"}}},
        {"clockSkew": "5 seconds"},
        {"mod": "auto"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({"policy": base | wrong})


def test_the_file_is_the_schema() -> None:
    assert json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")) == SCHEMA
