"""Validation of custom resources against their structural schema, in the words of the real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object, json_type, same

ABSENT = object()


def violations(obj: Object, old: Object | None, schema: Object, root: str = "") -> list[Cause]:
    """Return every way in which `obj` breaks the schema.

    What is unchanged since `old` is not complained about again (ratcheting: an object that became invalid by
    a newer schema can still be patched elsewhere). `root` is `status` on the status endpoint, which only
    looks there, and names fields below it.
    """
    if root:
        value, before = obj.get(root), ABSENT if old is None else old.get(root, ABSENT)
        return [] if value is None else list(_check(value, before, schema["properties"].get(root, {}), root, root))
    top = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    before = ABSENT if old is None else {key: value for key, value in old.items() if key in top}
    return list(_check(top, before, schema, "", ""))


def _check(value: Any, old: Any, schema: Object, path: str, root: str) -> Iterator[Cause]:
    if old is not ABSENT and same(value, old):
        return
    wrong = _type_error(value, schema, path, root)
    if wrong is not None:
        yield wrong
        return
    yield from _limits(value, schema, path, path.removeprefix(f"{root}.") if root else path)
    if isinstance(value, dict):
        yield from _members(value, old, schema, path, root)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check(item, ABSENT, schema.get("items", {}), f"{path}[{index}]", root)
        yield from _repeated(value, schema, path)


def _members(value: Object, old: Any, schema: Object, path: str, root: str) -> Iterator[Cause]:
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name in sorted(value):
        child = properties.get(name, rest if isinstance(rest, dict) else {})
        before = old.get(name, ABSENT) if isinstance(old, dict) else ABSENT
        yield from _check(value[name], before, child, f"{path}.{name}" if path else name, root)
    for name in schema.get("required", ()):
        if name not in value:
            yield Cause("FieldValueRequired", f"{path}.{name}" if path else name, "Required value")


def _repeated(items: list[Any], schema: Object, path: str) -> Iterator[Cause]:
    """Yield the items of a list that should tell them apart, and cannot."""
    keys, seen = schema.get("x-kubernetes-list-map-keys"), list[Any]()
    if schema.get("x-kubernetes-list-type", "atomic") == "atomic":
        return
    for index, item in enumerate(items):
        told = {name: item[name] for name in keys if name in item} if keys and isinstance(item, dict) else item
        if any(same(told, other) for other in seen):
            yield Cause("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {json.dumps(told)}")
        seen.append(told)


def _type_error(value: Any, schema: Object, path: str, root: str) -> Cause | None:
    found, wanted = json_type(value), schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if found in ("integer", "string"):
            return None
        wanted = "integer,string"
    elif wanted is None or (value is None and schema.get("nullable")):
        return None
    elif found == "string" and schema.get("format") == "date-time" and not _is_moment(value):
        found, wanted = value, "date-time"
    elif found == wanted or (found == "integer" and wanted == "number"):
        return None
    elif found == "number" and wanted == "integer":
        found, wanted = "float64", schema.get("format", wanted)
    where = path.removeprefix(f"{root}.") if root else path
    message = f'Invalid value: "{found}": {where} in body must be of type {wanted}: "{found}"'
    return Cause("FieldValueTypeInvalid", path, message)


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return "T" in text.upper() and moment.tzinfo is not None


def _limits(value: Any, schema: Object, path: str, where: str) -> Iterator[Cause]:
    shown = json.dumps(value)
    if "enum" in schema and not any(same(value, allowed) for allowed in schema["enum"]):
        allowed = ", ".join(json.dumps(item) for item in schema["enum"])
        yield Cause("FieldValueNotSupported", path, f"Unsupported value: {shown}: supported values: {allowed}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value > schema.get("maximum", value):
            limit = f"should be less than or equal to {schema['maximum']}"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {shown}: {where} in body {limit}")
        if value < schema.get("minimum", value):
            limit = f"should be greater than or equal to {schema['minimum']}"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {shown}: {where} in body {limit}")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            limit = f"should be at least {schema['minLength']} chars long"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {shown}: {where} in body {limit}")
        if len(value) > schema.get("maxLength", len(value)):
            yield Cause("FieldValueTooLong", path, f"Too long: may not be more than {schema['maxLength']} bytes")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            limit = f"should match '{schema['pattern']}'"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {shown}: {where} in body {limit}")
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            limit = f"{len(value)}: must have at most {schema['maxItems']} items"
            yield Cause("FieldValueTooMany", path, f"Too many: {limit}")
        if len(value) < schema.get("minItems", 0):
            limit = f"should have at least {schema['minItems']} items"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {len(value)}: {where} in body {limit}")
