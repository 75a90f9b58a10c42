"""Structural schemas: what survives of an object (pruning, nulls, defaults), and what was not known."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from remediator.sandbox.api.values import Object

METADATA = frozenset(
    (
        *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "selfLink"),
        *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
        *("labels", "annotations", "ownerReferences", "finalizers", "managedFields"),
    )
)
"""The fields of ObjectMeta. The rest is dropped by decoding, whatever a schema says."""

PRESERVE = "x-kubernetes-preserve-unknown-fields"


def unknown_fields(obj: Object, schema: Object | None) -> list[str]:
    """Return the paths that pruning will drop, metadata first, as the real server names them."""
    metadata = obj.get("metadata") or {}
    strange = [f"metadata.{name}" for name in sorted(metadata) if name not in METADATA]
    if schema is None:
        return strange
    top = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    return strange + sorted(_unknown(top, schema, ""))


def shaped(obj: Object, schema: Object | None, *, nulls: bool = False) -> Object:
    """Return the object as it would be stored: unknown fields and nulls gone, defaults filled in.

    A null is dropped wherever the schema does not say `nullable` (also in maps, never in lists), which is why
    adding `null` for an absent field changes nothing and bumps no generation. With `nulls` it stays, for validation to
    find: that is how a server-side apply goes.
    """
    kept = {key: value for key, value in obj.items() if key != "metadata"}
    if schema is not None:
        heads: Object = {key: kept.pop(key) for key in ("apiVersion", "kind") if key in kept}
        kept = {**heads, **_shaped(kept, schema, nulls)}
    return {**kept, "metadata": _metadata(obj.get("metadata") or {})}


def _metadata(metadata: Object) -> Object:
    kept = {key: value for key, value in metadata.items() if key in METADATA and value not in (None, "", [], {})}
    for name in ("labels", "annotations"):
        if isinstance(kept.get(name), dict):
            kept[name] = {key: "" if value is None else value for key, value in kept[name].items()}
    return copy.deepcopy(kept)


def child_schema(schema: Object, name: str) -> Object | None:
    """Return the schema of a field or a key, None where it has no place."""
    properties: Object = schema.get("properties", {})
    if name in properties:
        child: Object = properties[name]
        return child
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        return rest
    return {PRESERVE: True} if rest is True or schema.get(PRESERVE) else None


def _unknown(value: Any, schema: Object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, schema.get("items", {PRESERVE: True}), f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            here = f"{path}.{name}" if path else name
            child = child_schema(schema, name)
            if child is None:
                yield here
            else:
                yield from _unknown(item, child, here)


def _shaped(value: Any, schema: Object, nulls: bool) -> Any:
    if isinstance(value, list):
        return [_shaped(item, schema.get("items", {PRESERVE: True}), nulls) for item in value]
    if not isinstance(value, dict):
        return copy.copy(value)
    kept: Object = {}
    for name, item in value.items():
        child = child_schema(schema, name)
        if child is None or (item is None and not (nulls or child.get("nullable") or PRESERVE in child)):
            continue
        kept[name] = _shaped(item, child, nulls)
    for name, child in schema.get("properties", {}).items():
        if "default" in child and name not in kept:
            kept[name] = _shaped(copy.deepcopy(child["default"]), child, nulls)
    return kept
