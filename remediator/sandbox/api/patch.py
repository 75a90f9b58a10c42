"""JSON Patch (RFC 6902) and JSON merge patch (RFC 7396), with the habits of the real server's library.

Those habits, seen on kube-apiserver 1.36 (evanphx/json-patch): `replace` of an absent key adds it, an
operation without a value means `null`, `test` for `null` holds where the key is absent, negative indices
count from the end; `true` is not `1`, nor `3` the same as `3.0`.
"""

from __future__ import annotations

import copy
from typing import Any

from remediator.sandbox.api.status import bad_request, unpatchable
from remediator.sandbox.api.values import Object, go_type, same

_ABSENT = object()


def json_patched(obj: Object, operations: Any) -> Any:
    """Return `obj` with every operation applied in turn, or raise: all or nothing.

    Raises 400 for what is no list of operations, 422 for an operation that does not apply, a failed `test`
    included.
    """
    if not isinstance(operations, list):
        raise bad_request(_undecodable(operations, "[]handlers.jsonPatchOp"))
    result: Any = copy.deepcopy(obj)
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request(_undecodable(operation, "handlers.jsonPatchOp"))
        result = _applied(result, operation)
    return result


def merge_patched(obj: Object, patch: Any) -> Object:
    """Return `obj` merged with `patch`: objects by key, everything else replaced, null removes.

    Raises 400.
    """
    if not isinstance(patch, dict):
        raise bad_request(_undecodable(patch, "map[string]interface {}"))
    merged: Object = _merged(obj, patch)
    return merged


def _undecodable(value: Any, wanted: str) -> str:
    return f"error decoding patch: json: cannot unmarshal {go_type(value)} into Go value of type {wanted}"


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _applied(document: Any, operation: Object) -> Any:
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str):
        raise unpatchable()
    if kind in ("move", "copy"):
        source = _steps(operation.get("from"))
        value = copy.deepcopy(_read(document, source))
        if value is _ABSENT:
            raise unpatchable()
        if kind == "move":
            _remove(document, source)
        _add(document, _steps(path), value)
        return document
    if kind == "replace" and path == "":
        return copy.deepcopy(operation.get("value"))
    steps = _steps(path)
    if kind == "add":
        _add(document, steps, copy.deepcopy(operation.get("value")))
    elif kind == "replace":
        _replace(document, steps, copy.deepcopy(operation.get("value")))
    elif kind == "remove":
        _remove(document, steps)
    elif kind == "test":
        _test(document, steps, operation.get("value"))
    else:
        raise unpatchable()
    return document


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise unpatchable()
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _parent(document: Any, steps: list[str]) -> Any:
    if not steps:
        raise unpatchable()
    parent = _read(document, steps[:-1])
    if not isinstance(parent, (dict, list)):
        raise unpatchable()
    return parent


def _index(step: str, size: int) -> int:
    """Return the position that `step` names among `size` allowed ones, or raise 422."""
    try:
        index = int(step)
    except ValueError:
        raise unpatchable() from None
    if not -size <= index < size:
        raise unpatchable()
    return index + size if index < 0 else index


def _read(document: Any, steps: list[str]) -> Any:
    value = document
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, _ABSENT)
        elif isinstance(value, list):
            value = value[_index(step, len(value))]
        else:
            raise unpatchable()
    return value


def _add(document: Any, steps: list[str], value: Any) -> None:
    parent, last = _parent(document, steps), steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    else:
        parent.insert(_index(last, len(parent) + 1), value)


def _replace(document: Any, steps: list[str], value: Any) -> None:
    parent, last = _parent(document, steps), steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    else:
        parent[_index(last, len(parent))] = value


def _remove(document: Any, steps: list[str]) -> None:
    parent, last = _parent(document, steps), steps[-1]
    if isinstance(parent, list):
        del parent[_index(last, len(parent))]
    elif parent.pop(last, _ABSENT) is _ABSENT:
        raise unpatchable()


def _test(document: Any, steps: list[str], expected: Any) -> None:
    if steps:
        _parent(document, steps)
    value = _read(document, steps)
    if not same(None if value is _ABSENT else value, expected):
        raise unpatchable()
