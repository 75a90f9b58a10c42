"""How values are divided into fields: what a schema names, keys of maps, items of lists that can be told apart.

Modelled on structured-merge-diff's schemas; that of metadata is the same for every kind.
"""

from __future__ import annotations

import json
from typing import Any

from remediator.sandbox.api.values import Object

_TEXT: Object = {"type": "string"}
_TEXTS: Object = {"type": "object", "additionalProperties": _TEXT}
_NUMBER: Object = {"type": "integer"}
_OWNER: Object = {
    **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _TEXT),
    **{name: {"type": "boolean"} for name in ("blockOwnerDeletion", "controller")},
}
_METADATA: Object = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion", "selfLink"), _TEXT),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _TEXT),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _NUMBER),
        **dict.fromkeys(("labels", "annotations"), _TEXTS),
        "finalizers": {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"},
        "ownerReferences": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "items": {"type": "object", "properties": _OWNER, "x-kubernetes-map-type": "atomic"},
        },
        "managedFields": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}},
    },
}


def root(schema: Object | None) -> Object:
    """Return the schema of a whole object: what its kind says, and metadata."""
    properties = {"apiVersion": _TEXT, "kind": _TEXT, **(schema or {}).get("properties", {}), "metadata": _METADATA}
    return {**(schema or {}), "type": "object", "properties": properties}


def is_named(step: str, schema: Object) -> bool:
    """Tell whether a step leads to a field that the schema names, and not to the key of a map or an item."""
    return step.startswith("f:") and step[2:] in schema.get("properties", {})


def below(step: str, schema: Object) -> Object:
    """Return the schema of what a step leads to."""
    if not step.startswith("f:"):
        items: Object = schema.get("items", {})
        return items
    rest = schema.get("additionalProperties")
    shape: Object = schema.get("properties", {}).get(step[2:], rest if isinstance(rest, dict) else {})
    return shape


def children(value: Any, schema: Object) -> dict[str, tuple[Any, Object]] | None:
    """Return what is below a value, by path step, with its schema; None where it is owned as a whole."""
    listed = steps(value, schema)
    return None if listed is None else {step: (child, below(step, schema)) for step, child in listed}


def steps(value: Any, schema: Object) -> list[tuple[str, Any]] | None:
    """Return the steps to what is below a value in their order, a repeated one again; None as `children`."""
    if isinstance(value, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        return [(f"f:{name}", child) for name, child in value.items()]
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "set":
        return [(f"v:{compact(item)}", item) for item in value]
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "map":
        names = sorted(schema["x-kubernetes-list-map-keys"])
        told = (item if isinstance(item, dict) else {} for item in value)
        keys = [{name: item[name] for name in names if name in item} for item in told]
        return [(f"k:{compact(key)}", item) for key, item in zip(keys, value, strict=True)]
    return None


def compact(value: Any) -> str:
    """Write a value as path steps have it."""
    return json.dumps(value, separators=(",", ":"))
