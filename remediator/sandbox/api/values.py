"""JSON values, compared and formatted as the API server does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A JSON object. Objects taken from the store are shared: copy before changing one."""


def same(left: Any, right: Any) -> bool:
    """Compare two JSON values by type and content.

    Python holds `True == 1 == 1.0`; JSON, and a JSON Patch `test`, do not.
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def timestamp(moment: datetime) -> str:
    """Format a moment as `metav1.Time` does: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_utc(text: Any, *, micro: bool = False) -> Any:
    """Return a time as the server hands it back: UTC, in whole seconds or with six digits after the point."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError):  # null, or seeded on purpose
        return text
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if micro else timestamp(moment)


def json_type(value: Any) -> str:
    """Name a value's JSON type, in the words of OpenAPI."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


GO_TYPES = {"boolean": "bool", "integer": "number"}
"""What Go's JSON decoder calls a JSON type, where the names differ."""


def go_type(value: Any) -> str:
    """Name a value's JSON type, in the words of Go's JSON decoder."""
    name = json_type(value)
    return GO_TYPES.get(name, name)
