"""What a schema says of values; every sentence here was read off a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.api.schema import shaped, unknown_fields
from remediator.sandbox.api.validate import violations

LIMITS: dict[str, Any] = {
    "text": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^a"},
    "number": {"type": "number", "minimum": 1, "maximum": 2},
    "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
    "either": {"x-kubernetes-int-or-string": True},
    "nullable": {"type": "string", "nullable": True},
    "choice": {"type": "string", "enum": ["x", "y"], "default": "x"},
}
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": LIMITS}}}


def faults(old: Any = None, **spec: Any) -> list[str]:
    before = None if old is None else {"spec": old}
    return [cause.detail for cause in violations({"spec": spec}, before, SCHEMA)]


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("text", "a", 'Invalid value: "a": spec.text in body should be at least 2 chars long'),
        ("text", "abcde", "Too long: may not be more than 4 bytes"),
        ("text", "bbb", "Invalid value: \"bbb\": spec.text in body should match '^a'"),
        ("text", 1, 'Invalid value: "integer": spec.text in body must be of type string: "integer"'),
        ("number", 0.5, "Invalid value: 0.5: spec.number in body should be greater than or equal to 1"),
        ("number", 3, "Invalid value: 3: spec.number in body should be less than or equal to 2"),
        ("list", [], "Invalid value: 0: spec.list in body should have at least 1 items"),
        ("list", ["a", "b", "c"], "Too many: 3: must have at most 2 items"),
        ("either", True, 'Invalid value: "boolean": spec.either in body must be of type integer,string: "boolean"'),
        ("choice", "z", 'Unsupported value: "z": supported values: "x", "y"'),
    ],
)
def test_limits(field: str, value: Any, detail: str) -> None:
    assert faults(**{field: value}) == [detail]


@pytest.mark.parametrize(("field", "value"), [("number", 1), ("either", "5%"), ("either", 5), ("nullable", None)])
def test_within_limits(field: str, value: Any) -> None:
    assert faults(**{field: value}) == []


def test_what_was_wrong_before_is_not_complained_about_again() -> None:
    assert faults(old={"text": "b"}, text="b", number=2) == []
    assert len(faults(old={"text": "b"}, text="c", number=2)) == 2


def test_shaping_fills_defaults_and_keeps_nullable_nulls() -> None:
    given = {"metadata": {"name": "a", "strange": 1}, "spec": {"nullable": None, "text": None, "odd": 1}}
    assert shaped(given, SCHEMA) == {"metadata": {"name": "a"}, "spec": {"nullable": None, "choice": "x"}}
    assert unknown_fields(given, SCHEMA) == ["metadata.strange", "spec.odd"]
