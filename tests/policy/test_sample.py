"""The sample and the JSON Schema: made from the same types as the file is read into, and they agree with it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from remediator.model.finding import FindingName
from remediator.policy import Mode, Policy
from remediator.policy.load import load_policy
from remediator.policy.sample import sample_policy
from remediator.policy.schema import policy_schema
from remediator.policy.sections import Section, write_duration

SAMPLE = YAML(typ="safe").load(sample_policy())
SCHEMA = policy_schema()
ROLE = "arn:aws:iam::444455556666:role/read"
# Mappings of the file's own keys, which the sample shows empty, and what must be said in them.
NO_DEFAULT = (
    *("findings", "accounts", "roleArn", "key", "value", "from", "to"),
    *("bucket", "region", "expectedBucketOwner", "cluster"),
)
SHIPPED = Path(__file__).parents[2] / "manifests" / "base" / "policy.yaml"


def keys(section: type[Section]) -> dict[str, Any]:
    """List every key that a section has, with those below it."""
    found = {}
    for name, field in section.model_fields.items():
        below = getattr(section(), name)
        found[field.alias or name] = keys(type(below)) if isinstance(below, Section) else None
    return found


def keys_of(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: keys_of(value) for key, value in document.items()} or None
    return None


# -- sample ---------------------------------------------------------------------------------------------------------


def test_the_sample_loads_to_exactly_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(sample_policy(), encoding="utf-8")
    assert load_policy(path) == Policy()
    assert load_policy(path).mode is Mode.DRY_RUN


def test_the_sample_names_every_key() -> None:
    assert keys_of(SAMPLE) == keys(Policy)


def test_every_key_of_the_sample_but_the_head_has_a_comment_right_above() -> None:
    lines = sample_policy().splitlines()
    for above, line in pairwise(lines):
        if re.match(r" *[A-Za-z]+:", line) and not line.startswith(("apiVersion", "kind")):
            assert above.strip().startswith("#"), line
    assert max(len(line) for line in lines) <= 105


def test_the_policy_that_is_shipped_is_the_sample() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == sample_policy(), (
        "remediator policy sample > manifests/base/policy.yaml"
    )


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=168), "168h"),
        (timedelta(seconds=3601), "3601s"),
    ],
)
def test_durations_are_written_in_one_unit(span: timedelta, written: str) -> None:
    assert write_duration(span) == written


# -- schema ---------------------------------------------------------------------------------------------------------


def faults(value: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Validate, as far as our schema goes; a keyword that this does not know is an error of the test."""
    known = {
        "$ref",
        "anyOf",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "items",
        "enum",
    }
    known |= {"const", "pattern", "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength"}
    told = {"$schema", "$defs", "description", "default", "examples", "title"}
    assert schema.keys() <= known | told, schema.keys() - known - told
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema and all(list(faults(value, each, where)) for each in schema["anyOf"]):
        yield f"{where}: none of anyOf"
    python = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    kind = schema.get("type")
    if kind and (not isinstance(value, python[kind]) or isinstance(value, bool) is not (kind == "boolean")):
        yield f"{where}: no {schema['type']}"
        return
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        yield f"{where}: {value!r} is not one of those"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not match"
    if value is not None and isinstance(value, int):
        low, above, high = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
        if (low is not None and value < low) or (above is not None and value <= above):
            yield f"{where}: too small"
        if high is not None and value > high:
            yield f"{where}: too large"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{where}: too short"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield f"{where}: too long"
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from faults(each, schema["items"], f"{where}.{index}")
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{where}.{key}: missing" for key in schema.get("required", ()) if key not in value)
        for key, each in value.items():
            alike = [told for form, told in schema.get("patternProperties", {}).items() if re.search(form, key)]
            if key in properties or alike:
                yield from faults(each, properties.get(key) or alike[0], f"{where}.{key}")
            elif others is False:
                yield f"{where}.{key}: unknown"
            elif isinstance(others, dict):
                yield from faults(key, schema["propertyNames"], f"{where}.{key}")
                yield from faults(each, others, f"{where}.{key}")


def test_the_schema_is_of_the_draft_that_it_says() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    if importlib.util.find_spec("jsonschema"):
        validator = import_module("jsonschema").Draft202012Validator
        validator.check_schema(SCHEMA)
        assert list(validator(SCHEMA).iter_errors(SAMPLE)) == []


def test_the_schema_takes_the_sample() -> None:
    assert list(faults(SAMPLE, SCHEMA)) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"mode": "yolo"}, ".mode: 'yolo' is not one of those"),
        ({"modus": "auto"}, ".modus: unknown"),
        ({"actions": {"Release": {"mode": "auto"}}}, ".actions.Release.mode: 'auto' is not one of those"),
        ({"findings": {"Nothing": {"mode": "auto"}}}, ".findings.Nothing: 'Nothing' is not one of those"),
        ({"findings": {"UpdateFailed": {"mode": 1}}}, ".findings.UpdateFailed.mode: no string"),
        ({"timeouts": {"deletion": "600"}}, ".timeouts.deletion: '600' does not match"),
        ({"timeouts": {"deletion": ""}}, ".timeouts.deletion: too short"),
        ({"sightings": 6}, ".sightings: too large"),
        ({"breaker": {"percent": 0}}, ".breaker.percent: too small"),
        (
            {"selection": {"include": {"namespaces": ["Shop"]}}},
            ".selection.include.namespaces.0: 'Shop' does not match",
        ),
        ({"guard": {"allow": [""]}}, ".guard.allow.0: too short"),
        ({"aws": {"endpointURL": 7}}, ".aws.endpointURL: none of anyOf"),
        ({"aws": {"assumeRole": "yes"}}, ".aws.assumeRole: no boolean"),
        ({"aws": {"accounts": {"12": {"roleArn": ROLE}}}}, ".aws.accounts.12: unknown"),
        ({"windows": {"allow": ["Mon 9-17"]}}, ".windows.allow.0: 'Mon 9-17' does not match"),
        ({"windows": {"allow": [""]}}, ".windows.allow.0: '' does not match"),
        ({"windows": {"freezes": [{"from": "2026-12-20"}]}}, ".windows.freezes.0.to: missing"),
        (
            {"windows": {"freezes": [{"from": "now", "to": "2026-12-20"}]}},
            ".windows.freezes.0.from: 'now' does not match",
        ),
        ({"orphans": {"clusterTag": {"key": "cluster"}}}, ".orphans.clusterTag: none of anyOf"),
        ({"backups": {"s3": {"bucket": "backups"}}}, ".backups.s3: none of anyOf"),
        ({"aws": {"accounts": {"444455556666": {}}}}, ".aws.accounts.444455556666.roleArn: missing"),
    ],
)
def test_the_schema_refuses_what_the_file_must_not_say(changes: dict[str, Any], fault: str) -> None:
    assert list(faults(SAMPLE | changes, SCHEMA)) == [fault]
    with pytest.raises(ValueError, match="validation error"):
        Policy.model_validate(SAMPLE | changes)


def test_the_head_is_required() -> None:
    assert list(faults({}, SCHEMA)) == [".apiVersion: missing", ".kind: missing"]


def test_every_key_of_the_schema_is_described_and_has_its_default_as_it_is_written() -> None:
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, each in section.get("properties", {}).items():
            assert each["description"], key
            assert list(faults(each["default"], each)) == [] if "default" in each else key in NO_DEFAULT


def test_findings_are_those_of_the_catalogue() -> None:
    assert SCHEMA["$defs"]["FindingName"]["enum"] == list(FindingName)
