"""The validation rules of a definition, as far as ACK's have any: what cannot change once it is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object, same

_RULES = "x-kubernetes-validations"
_IMMUTABLE = "self == oldSelf"

# With one of these among the faults, the real server does not come to the rules, and says so.
_BLOCKING = {
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
}
_UNCHECKED = Cause(
    "FieldValueInvalid",
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


def unruly(new: Object, old: Object | None, schema: Object, faults: list[Cause]) -> list[Cause]:
    """Return what the rules find fault with; `faults` is what the schema did: they can keep the rules out."""
    if any(fault.reason in _BLOCKING for fault in faults):
        return [_UNCHECKED] if _has_rules(schema) else []
    return [] if old is None else list(_changed(new, old, schema, ""))


def _has_rules(schema: Object) -> bool:
    return _RULES in schema or any(_has_rules(child) for child in schema.get("properties", {}).values())


def _changed(new: Any, old: Any, schema: Object, path: str) -> Iterator[Cause]:
    for rule in schema.get(_RULES, ()):
        if rule["rule"] == _IMMUTABLE and not same(new, old):
            yield Cause("FieldValueInvalid", path, f"Invalid value: {rule['message']}")
    if isinstance(new, dict) and isinstance(old, dict):
        for name, child in schema.get("properties", {}).items():
            # A rule that speaks of the old value is not asked where there was none, or is none now.
            if name in new and name in old:
                yield from _changed(new[name], old[name], child, f"{path}.{name}" if path else name)
