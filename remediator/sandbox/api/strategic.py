"""Strategic merge patch, for the built-in kinds that this sandbox serves."""

from __future__ import annotations

import copy
from typing import Any

from remediator.sandbox.api.patch import merge_patched
from remediator.sandbox.api.values import Object

MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""List fields merged item by item, and the key that tells items apart (kubernetes `core/v1/types.go`)."""

DIRECTIVES = ("$setElementOrder/", "$retainKeys", "$deleteFromPrimitiveList/")


def strategic_patched(obj: Object, patch: Any) -> Object:
    """Return `obj` merged with `patch`: as a merge patch, but known lists by key and finalizers as a set."""
    if not isinstance(patch, dict):
        return merge_patched(obj, patch)
    result = dict(obj)
    for name, value in patch.items():
        if name.startswith(DIRECTIVES) or name == "$patch":
            continue
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _field(name, obj.get(name), value)
    return result


def _field(name: str, current: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return strategic_patched(current if isinstance(current, dict) else {}, value)
    if not isinstance(value, list) or not isinstance(current, list):
        return copy.deepcopy(value)
    if name == "finalizers":
        return current + [item for item in value if item not in current]
    key = MERGE_KEYS.get(name)
    return _items(current, value, key) if key else copy.deepcopy(value)


def _items(current: list[Any], patch: list[Any], key: str) -> list[Any]:
    """Merge two lists of objects. New items come first, as the real server puts them."""
    patches = {item.get(key): item for item in patch}
    known = {item.get(key) for item in current}
    added = [copy.deepcopy(item) for item in patch if item.get(key) not in known]
    kept = []
    for item in current:
        change = patches.get(item.get(key))
        if change is None:
            kept.append(item)
        elif change.get("$patch") != "delete":
            kept.append(strategic_patched(item, change))
    return added + kept
