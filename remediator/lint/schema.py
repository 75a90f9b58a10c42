"""Fields that a Function does not have, lacks, or has with another type.

By the schema of lambda-controller v1.14.1 (helm/crds), which the sandbox serves, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from remediator.lint.near import meant
from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest
from remediator.manifest.tree import dotted

VERSION = "1.14.1"
API_VERSION = "v1alpha1"
_ENVIRONMENT = ("spec", "environment", "variables")
_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "a boolean",
}

UNKNOWN_FIELD = Rule(
    id="UnknownField",
    severity=Severity.WARNING,
    gist="a Function has no such field",
    why="The API server drops it, and the function is made without it; kubectl refuses it, other tools say nothing.",
    fix="Write it as the schema has it: `kubectl explain functions.lambda.services.k8s.aws.spec`. If your controller "
    "is newer than the schema that is compared with, ignore this.",
)
WRONG_TYPE = Rule(
    id="WrongType",
    severity=Severity.ERROR,
    gist="a field has a value of another type than the schema says",
    why="The API server refuses the whole object.",
    fix="Write the value as the schema has it; texts in quotes, numbers without.",
    spares=("InvalidRequest",),
)
FIELD_MISSING = Rule(
    id="FieldMissing",
    severity=Severity.ERROR,
    gist="a field that every Function needs is missing",
    why="The API server refuses the object.",
    fix="Add it.",
)


@cache
def function_schema() -> dict[str, Any]:
    """Read the schema of a Function's spec."""
    text = files("remediator").joinpath("sandbox", "crds", "functions.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    (version,) = yaml.load(text, Loader=loader)["spec"]["versions"]  # noqa: S506 - a safe loader, and our own file
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def schema(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Compare a spec with the schema, field by field; what the environment has wrong has a rule of its own."""
    if manifest.at("apiVersion") != f"{manifest.group}/{API_VERSION}":
        said = (
            f"there is no apiVersion {manifest.at('apiVersion')!r} of a Function; it is {manifest.group}/{API_VERSION}"
        )
        yield problem(WRONG_TYPE, manifest, ("apiVersion",), said)
    if not manifest.name:
        yield problem(FIELD_MISSING, manifest, ("metadata",), "metadata.name is missing")
    spec = manifest.at("spec")
    if spec is None:
        yield problem(FIELD_MISSING, manifest, (), "spec is missing")
        return
    yield from _compared(manifest, ("spec",), spec, function_schema())


def _compared(manifest: Manifest, path: tuple[str | int, ...], value: Any, wanted: dict[str, Any]) -> Iterator[Problem]:
    if path[:3] == _ENVIRONMENT and len(path) > len(_ENVIRONMENT):
        return
    if not _fits(value, wanted["type"]):
        said = f"{dotted(path)} is {_NAMES[wanted['type']]}, not {_kind(value)}"
        yield problem(WRONG_TYPE, manifest, path, said)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _compared(manifest, (*path, index), each, wanted["items"])
    elif isinstance(value, dict):
        yield from _of_mapping(manifest, path, value, wanted)


def _of_mapping(
    manifest: Manifest, path: tuple[str | int, ...], value: dict[str, Any], wanted: dict[str, Any]
) -> Iterator[Problem]:
    properties: dict[str, Any] = wanted.get("properties", {})
    for each in wanted.get("required", ()):
        if value.get(each) is None:
            yield problem(FIELD_MISSING, manifest, path, f"{dotted((*path, each))} is missing")
    for key, inner in value.items():
        known = properties.get(key) or wanted.get("additionalProperties")
        if known is None:
            said = f"a Function has no {dotted((*path, key))} (as of {VERSION}){meant(key, properties)}"
            yield problem(UNKNOWN_FIELD, manifest, (*path, key), said)
        elif inner is not None or "additionalProperties" in wanted:
            yield from _compared(manifest, (*path, key), inner, known)


def _fits(value: object, wanted: str) -> bool:
    match wanted:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping"
