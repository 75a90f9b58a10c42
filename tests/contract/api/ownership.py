"""Who owns what of an object, as its managedFields say."""

from __future__ import annotations

from typing import Any


def paths(node: dict[str, Any], prefix: str = "") -> set[str]:
    """Return the fields of a `fieldsV1`, their steps joined by dots."""
    found = {prefix} if prefix and (not node or "." in node) else set()
    for step, child in node.items():
        if step != ".":
            found |= paths(child, f"{prefix}.{step}" if prefix else step)
    return found


def entries(obj: dict[str, Any]) -> dict[str, set[str]]:
    """Return the fields by `manager operation[ subresource]`, without the `f:` of their steps."""
    return {name: {path.replace("f:", "") for path in paths(entry["fieldsV1"])} for name, entry in by_name(obj).items()}


def by_name(obj: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the entries themselves."""
    named = {}
    for entry in obj["metadata"].get("managedFields", ()):
        assert (entry["fieldsType"], entry["apiVersion"]) == ("FieldsV1", obj["apiVersion"])
        named[" ".join(entry[part] for part in ("manager", "operation", "subresource") if part in entry)] = entry
    return named
