"""Sets of fields, as managedFields writes them: what changed between two objects, path by path.

Modelled on structured-merge-diff: maps are walked into, lists only where their schema says by what their items are
told apart; everything else is owned as a whole.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from remediator.sandbox.api.values import Object, same

Path: TypeAlias = tuple[str, ...]
Fields: TypeAlias = frozenset[Path]

METADATA: Object = {
    "properties": {
        "finalizers": {"x-kubernetes-list-type": "set"},
        "ownerReferences": {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "items": {"x-kubernetes-map-type": "atomic"},
        },
    }
}
SERVER_OWNED: Fields = frozenset(
    (
        *(("f:apiVersion",), ("f:kind",), ("f:metadata",)),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                *("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields"),
                *("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"),
            )
        ),
    )
)
"""Fields that nobody owns (apimachinery `pkg/util/managedfields/internal/stripmeta.go`)."""

_ABSENT: Any = object()


def compared(old: Object, new: Object, schema: Object | None) -> tuple[Fields, Fields]:
    """Return what was set or changed from one object to the next, and what was removed."""
    properties = (schema or {}).get("properties", {})
    found = _Comparison()
    found.walk(old, new, {"properties": {**properties, "metadata": METADATA}}, ())
    return frozenset(found.changed) - SERVER_OWNED - {()}, frozenset(found.removed)


def written(fields: Fields) -> Object:
    """Return a set as `fieldsV1`."""
    tree: Object = {}
    for path in fields:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _pruned(tree)


def read(tree: Object) -> Fields:
    """Return the set that a `fieldsV1` writes."""
    found: set[Path] = set()

    def descend(node: Object, path: Path) -> None:
        if path and (not node or "." in node):
            found.add(path)
        for step, child in node.items():
            if step != ".":
                descend(child, (*path, step))

    descend(tree, ())
    return frozenset(found)


def _pruned(node: Object) -> Object:
    """Write a leaf as `{}`: only what has something below it says `.` for itself."""
    if list(node) == ["."]:
        return {}
    return {step: child if step == "." else _pruned(child) for step, child in sorted(node.items())}


class _Comparison:
    """Walk two values side by side."""

    def __init__(self) -> None:
        self.changed: set[Path] = set()
        self.removed: set[Path] = set()

    def walk(self, old: Any, new: Any, schema: Object, path: Path) -> None:
        """Note what differs at and below a path."""
        before, after = _children(old, schema), _children(new, schema)
        whole = (before is None and old is not _ABSENT) or (after is None and new is not _ABSENT)
        if new is _ABSENT:
            self.removed.add(path)
        elif old is _ABSENT or (whole and not same(old, new)):
            self.changed.add(path)
        if not whole:
            for step in {**(before or {}), **(after or {})}:
                left, right = (before or {}).get(step, (_ABSENT, {})), (after or {}).get(step, (_ABSENT, {}))
                self.walk(left[0], right[0], right[1] or left[1], (*path, step))


def _children(value: Any, schema: Object) -> dict[str, tuple[Any, Object]] | None:
    """Return what is below a value, by path step, with its schema; None where it is owned as a whole."""
    if isinstance(value, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        others = rest if isinstance(rest, dict) else {}
        return {f"f:{name}": (child, properties.get(name, others)) for name, child in value.items()}
    items = schema.get("items", {})
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "set":
        return {f"v:{_compact(item)}": (item, items) for item in value}
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "map":
        names = schema["x-kubernetes-list-map-keys"]
        keyed = (({name: item[name] for name in sorted(names) if name in item}, item) for item in value)
        return {f"k:{_compact(key)}": (item, items) for key, item in keyed}
    return None


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
