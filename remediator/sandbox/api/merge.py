"""Values merged and pruned as a server-side apply does it (structured-merge-diff `typed/merge.go`, `remove.go`)."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.api.fields import Fields, Path, stated, with_structs
from remediator.sandbox.api.shapes import below, children, root, steps
from remediator.sandbox.api.values import Object

_ABSENT: Any = object()


def merged(live: Object, applied: Object, schema: Object | None) -> Object:
    """Return `live` with what is applied laid over it: maps field by field, lists item by item where they can be."""
    result: Object = _merged(live, applied, root(schema))
    return result


def pruned(whole: Object, before: Fields, owned: Fields, schema: Object | None) -> Object:
    """Return an object without what its applier applied `before`, and nobody owns now.

    A struct goes with its last field. Any other map that loses its last key is left as null, which validation refuses:
    so does the real server (structured-merge-diff `merge/update.go`).
    """
    if not before:
        return whole
    last = with_structs(before, schema)

    def said(obj: Object) -> Fields:
        return with_structs(stated(obj, schema), schema)

    everything = said(whole)
    kept = said(_without(whole, last, schema)) | with_structs(owned, schema)
    kept = said(_without(whole, everything - kept, schema))
    return _without(whole, (everything - kept) & last, schema)


def _merged(left: Any, right: Any, schema: Object) -> Any:
    if right is _ABSENT:
        return left
    ours, theirs = children(left, schema), children(right, schema)
    if left is _ABSENT or ours is None or theirs is None:
        return right
    if isinstance(right, list):
        lefts, rights = dict(steps(left, schema) or ()), dict(steps(right, schema) or ())
        return [
            _merged(lefts.get(step, _ABSENT), rights.get(step, _ABSENT), below(step, schema))
            for step in _woven(list(lefts), list(rights))
        ]
    names = {**ours, **theirs}
    return {
        step[2:]: _merged(left.get(step[2:], _ABSENT), right.get(step[2:], _ABSENT), shape)
        for step, (_, shape) in names.items()
    }


def _woven(lefts: list[str], rights: list[str]) -> list[str]:
    """Return the order of two lists merged: that of what is applied, the others after whom they came after."""
    shared = [step for step in rights if step in lefts]
    applied, woven = set(rights), list[str]()
    while lefts or rights:
        first = lefts[0] if lefts else ""
        if lefts and rights and first != rights[0] and first in applied and shared and shared[0] != first:
            lefts = lefts[1:]  # it comes later, where the applied list has it
        elif lefts and first not in applied:
            woven.append(first)
            lefts = lefts[1:]
        else:
            if first in woven or (rights and first == rights[0]):
                lefts = lefts[1:]
            if rights:
                woven.append(rights[0])
                shared = shared[1:] if shared and shared[0] == rights[0] else shared
                rights = rights[1:]
    return woven


def _without(obj: Object, doomed: Fields, schema: Object | None) -> Object:
    result: Object = _left(obj, doomed, root(schema), ())
    return result


def _left(value: Any, doomed: Fields, schema: Object, path: Path) -> Any:
    """Return what is left of a value; None where that is nothing."""
    if not any(each[: len(path)] == path for each in doomed):
        return value
    inside = children(value, schema)
    if inside is None:
        return value
    left = {
        step: _left(child, doomed, shape, (*path, step))
        for step, (child, shape) in inside.items()
        if (*path, step) not in doomed
    }
    if not left:
        return None
    return list(left.values()) if isinstance(value, list) else {step[2:]: child for step, child in left.items()}
