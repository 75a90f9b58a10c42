"""Sets of fields, as managedFields writes them: what changed between two objects, path by path.

Modelled on structured-merge-diff: maps are walked into, lists only where their schema says by what their items are
told apart; everything else is owned as a whole.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from remediator.sandbox.api.shapes import below, children, compact, is_named, root
from remediator.sandbox.api.values import Object, same

Path: TypeAlias = tuple[str, ...]
Fields: TypeAlias = frozenset[Path]

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
    found = _Comparison()
    found.walk(old, new, root(schema), ())
    return frozenset(found.changed) - SERVER_OWNED - {()}, frozenset(found.removed)


def stated(obj: Object, schema: Object | None) -> Fields:
    """Return what an object says: its leaves, and the keys of its maps, without the structs around them."""
    found: set[Path] = set()

    def descend(value: Any, schema: Object, path: Path) -> None:
        inside = children(value, schema)
        if inside is None or (not inside and isinstance(value, dict)):
            found.add(path)
        for step, (child, shape) in (inside or {}).items():
            if not is_named(step, schema):
                found.add((*path, step))
            descend(child, shape, (*path, step))

    descend(obj, root(schema), ())
    return frozenset(found)


def with_structs(fields: Fields, schema: Object | None) -> Fields:
    """Return a set together with the structs that its fields are in, which have no entry of their own."""
    found = set(fields)
    for path in fields:
        shape: Object = root(schema)
        for depth, step in enumerate(path[:-1]):
            if is_named(step, shape):
                found.add(path[: depth + 1])
            shape = below(step, shape)
    return frozenset(found)


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


def ordered(fields: Fields) -> list[Path]:
    """Return paths as the real server lists them: at each level what ends there, then what goes on."""
    return sorted(fields, key=lambda path: [(depth < len(path), step) for depth, step in enumerate(path, 1)])


def shown(path: Path) -> str:
    """Write a path as messages do: `.spec.tags.team`, `.metadata.finalizers[="a/b"]`."""
    return "".join(_shown(step) for step in path)


def _shown(step: str) -> str:
    kind, text = step[:2], step[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "v:":
        return f"[={text}]"
    return f"[{','.join(f'{name}={compact(value)}' for name, value in json.loads(text).items())}]"


class _Comparison:
    """Walk two values side by side."""

    def __init__(self) -> None:
        self.changed: set[Path] = set()
        self.removed: set[Path] = set()

    def walk(self, old: Any, new: Any, schema: Object, path: Path) -> None:
        """Note what differs at and below a path."""
        before, after = children(old, schema), children(new, schema)
        if before and new is None:  # null counts as empty beside what is not
            after = {}
        if after and old is None:
            before = {}
        whole = (before is None and old is not _ABSENT) or (after is None and new is not _ABSENT)
        if new is _ABSENT:
            self.removed.add(path)
        elif old is _ABSENT or (whole and not same(old, new)):
            self.changed.add(path)
        if not whole:
            for step in {**(before or {}), **(after or {})}:
                left, right = (before or {}).get(step, (_ABSENT, {})), (after or {}).get(step, (_ABSENT, {}))
                self.walk(left[0], right[0], right[1] or left[1], (*path, step))
