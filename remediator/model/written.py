"""What may be told of a write: the patch and what was there before it, without anybody's values.

Shown are values that are ours or Kubernetes' own: uids, versions, our marks, `spec.publish`, ACK's finalizer, the two
deletion-policies, and when a Deployment was restarted. Whatever else stands at a path is masked, so no value of an
environment can come this way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from remediator.model.masking import MASK
from remediator.model.resource import (
    DELETION_POLICY,
    FUNCTION_FINALIZER,
    IGNORE_UNTIL,
    POLICY_BEFORE_ANNOTATION,
    RESYNC_ANNOTATION,
    RETAIN,
    Resource,
)
from remediator.model.times import format_time, parse_time
from remediator.model.workload import RESTARTED_AT

_ANNOTATIONS = "/metadata/annotations"
_FINALIZERS = "/metadata/finalizers/"
_POLICIES = frozenset({RETAIN, "delete"})
_MEMORIES = frozenset({"absent", *(f"was {each}" for each in _POLICIES)})
_NUMBERS = frozenset({"/metadata/uid", "/metadata/resourceVersion"})
_PUBLISH = "/spec/publish"
_TEMPLATE = "/spec/template/metadata/annotations"  # of a Deployment's pods

Operations = tuple[dict[str, Any], ...]


def shown(patch: Sequence[Mapping[str, Any]]) -> Operations:
    """Tell a JSON Patch, operation by operation, with the values that may be told."""
    return tuple(
        {key: _value(str(each["path"]), value) if key == "value" else value for key, value in each.items()}
        for each in patch
    )


def before(patch: Sequence[Mapping[str, Any]], resource: Resource) -> dict[str, Any]:
    """Tell what was at each path that a patch changes, by its JSON Pointer; None where nothing was."""
    changed = (str(each["path"]) for each in patch if each["op"] != "test")
    return {path: _value(path, _at(path, resource)) for path in changed}


def _at(path: str, resource: Resource) -> Any:
    found: Any = msgspec.to_builtins(resource)
    for part in path.removeprefix("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (LookupError, TypeError, ValueError):
            return None
    return found


def _value(path: str, value: Any) -> Any:
    """Leave what may be told, and put the mask for the rest."""
    if value is None or path in _NUMBERS:
        return value
    if isinstance(value, Mapping) and path == _ANNOTATIONS:
        return {key: _annotation(str(key), each) for key, each in value.items()}
    if path.startswith(f"{_ANNOTATIONS}/"):
        key = path.removeprefix(f"{_ANNOTATIONS}/").replace("~1", "/").replace("~0", "~")
        return _annotation(key, value)
    if path in (_TEMPLATE, f"{_TEMPLATE}/{RESTARTED_AT.replace('/', '~1')}"):
        return value if value == {} or _is_time(value) else MASK
    if path.startswith(_FINALIZERS):
        return value if value == FUNCTION_FINALIZER else MASK
    return value if path == _PUBLISH and isinstance(value, bool) else MASK


def _annotation(key: str, value: Any) -> Any:
    known = {DELETION_POLICY: _POLICIES, POLICY_BEFORE_ANNOTATION: _MEMORIES}.get(key)
    ours = key == RESYNC_ANNOTATION and isinstance(value, str) and len(value) <= 64 and value.isalnum()
    ours = ours or (key == IGNORE_UNTIL and _is_time(value))
    return value if ours or (known is not None and value in known) else MASK


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and format_time(parse_time(value)) == value
