"""What the real server says of an applied configuration that its schema cannot describe.

Unlike a write, an apply drops no unknown fields (structured-merge-diff `typed/validate.go`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from remediator.sandbox.api.fields import shown
from remediator.sandbox.api.schema import child_schema
from remediator.sandbox.api.shapes import root, steps
from remediator.sandbox.api.values import Object, json_type

_GO_KINDS = {"object": "map", "array": "list", "integer": "numeric (int or float)", "number": "numeric (int or float)"}


def troubles(obj: Object, schema: Object | None) -> list[str]:
    """Return what is unknown, repeated or of another type than declared, with its path. Null is of any type.

    A map is not looked at beyond its first unknown field; which that is, is by chance on the real server.
    """
    return list(_troubles(obj, root(schema), ""))


def _troubles(value: Any, schema: Object, path: str) -> Iterator[str]:
    wanted, found = schema.get("type", ""), json_type(value)
    if value is None or not wanted:
        return
    if found != wanted and not (found in ("integer", "number") and wanted in ("integer", "number")):
        yield f"{path}: expected {_GO_KINDS.get(wanted, wanted)}, got {json.dumps(value)}"
    elif isinstance(value, dict):
        for name, item in value.items():
            child = child_schema(schema, name)
            if child is None:
                yield f"{path}.{name}: field not declared in schema"
                return
            yield from _troubles(item, child, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _troubles(item, schema.get("items", {}), f"{path}[{index}]")
        yield from _repeated(value, schema, path)


def _repeated(items: list[Any], schema: Object, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for step, _ in steps(items, schema) or ():
        if step in seen:
            yield f"{path}: duplicate entries for key {shown((step,))}"
        seen.add(step)
