"""Which part of a manifest to apply next, so that ACK loses nothing of it.

ACK changes code *or* configuration in one pass, code first, and writes AWS's values over what else the edit held
(aws-controllers-k8s/community#1968). So the code goes first, beside the configuration that the object has, and the
whole manifest only once that is through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from remediator.model.differences import CODE
from remediator.model.resource import LAST_APPLIED

Object = dict[str, Any]

# The keys of the spec that hold what UpdateFunctionCode sends.
_CODE_KEYS = frozenset(field.split(".", 1)[0] for field in CODE)
_SHOWN = 6  # fields in a sentence


class Part(StrEnum):
    """What of a manifest is applied."""

    CODE = "code"
    REST = "configuration"
    NEW = "new object"


class Step(Struct, frozen=True):
    """One apply: which part it is, what to send, and the fields that it changes, by name; values can be secrets.

    `state` is the uid and the resourceVersion of the object that it was made for; a new one has neither.
    """

    part: Part
    body: Object
    fields: tuple[str, ...] = ()
    state: Object = {}


def steps(wanted: Object, current: Object, merged: Object, manager: str) -> tuple[Step, ...]:
    """Say what is left to apply, in order, given the object, and what it would be if all were applied.

    `manager` is whose fields they will be. What it applied before and leaves out now must go with the configuration.
    """
    changed = tuple(changed_fields(current, merged))
    code = tuple(each for each in changed if _is_code(each))
    rest = tuple(each for each in changed if not _is_code(each))
    state = {key: current["metadata"][key] for key in ("uid", "resourceVersion")}
    if code and any(each.startswith("spec.") for each in rest):
        # For the object as it was read, and for no later one: what somebody changed since would be taken back.
        first = _code_first(wanted, current, manager)
        first = first | {"metadata": first["metadata"] | state}
        return Step(Part.CODE, first, code, state), Step(Part.REST, wanted, rest, state)
    return (Step(Part.CODE if code else Part.REST, wanted, changed, state),) if changed else ()


def listed(fields: Sequence[str]) -> str:
    """Name fields in a sentence, the first few of many."""
    shown = ", ".join(fields[:_SHOWN])
    return f"{shown} and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else shown


def changed_fields(before: Object, after: Object) -> Iterator[str]:
    """Name what differs in spec, labels and annotations: maps field by field, lists as a whole."""
    for part in ("labels", "annotations"):
        left, right = before.get("metadata", {}).get(part) or {}, after.get("metadata", {}).get(part) or {}
        yield from (f"metadata.{part}.{key}" for key in _differing(left, right) if key != LAST_APPLIED)
    yield from _fields(before.get("spec") or {}, after.get("spec") or {}, "spec")


def _fields(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in _differing(before, after):
        left, right = before.get(key), after.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _fields(left, right, f"{path}.{key}")
        else:
            yield f"{path}.{key}"


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]


def _is_code(field: str) -> bool:
    first, _, rest = field.partition(".")
    return first == "spec" and rest.split(".", 1)[0] in _CODE_KEYS


def _code_first(wanted: Object, current: Object, manager: str) -> Object:
    """Take the code from the manifest, and all else of the spec as it is: nothing of that may change in this step.

    What the manager owns is sent, too, though the manifest leaves it out: what an apply does not mention is removed.
    """
    there, told = current.get("spec") or {}, wanted.get("spec") or {}
    mentioned = (told.keys() | _owned(current, manager)) - _CODE_KEYS
    spec = {key: value for key, value in told.items() if key in _CODE_KEYS}
    spec |= {key: value for key, value in there.items() if key in mentioned}
    return {**wanted, "metadata": _metadata_as_it_is(wanted, current), "spec": spec}


def _metadata_as_it_is(wanted: Object, current: Object) -> Object:
    """Keep labels and annotations for the last step: what they say of the object holds once all of it is there."""
    told, there = wanted["metadata"], current["metadata"]
    kept = {part: there[part] for part in ("labels", "annotations") if there.get(part)}
    kept = {part: {key: value for key, value in said.items() if key != LAST_APPLIED} for part, said in kept.items()}
    return {key: value for key, value in told.items() if key not in ("labels", "annotations")} | kept


def _owned(current: Object, manager: str) -> set[str]:
    """List the keys of the spec that an earlier apply of this manager set."""
    found: set[str] = set()
    for entry in current["metadata"].get("managedFields") or ():
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply") and not entry.get("subresource"):
            fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
            found |= {key.removeprefix("f:") for key in fields if key.startswith("f:")}
    return found
