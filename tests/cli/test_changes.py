"""How two objects are told apart: by leaf, in order, without a secret."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.cli.changes import changes, lost

SECRETS = frozenset({"hunter2"})


def told(before: Any, after: Any) -> list[str]:
    return list(changes(before, after, SECRETS))


@pytest.mark.parametrize("same", [1, 1.0, None, "", {}, [], True, {"a": [1, {"b": None}]}])
def test_what_is_the_same_is_not_told(same: Any) -> None:
    assert told({"spec": same}, {"spec": same}) == []


def test_numbers_that_json_does_not_tell_apart_are_the_same() -> None:
    assert told({"a": 1}, {"a": 1.0}) == []
    assert told({"a": 1}, {"a": True}) == ["- a: 1", "+ a: true"]


def test_paths_are_written_as_jsonpath_has_them_and_lists_stay_in_order() -> None:
    after = {"layers": [str(number) for number in range(11)], "a.b/c": {"d": 1}}
    lines = told({}, after)
    assert lines[0] == '+ ["a.b/c"].d: 1'
    assert lines[-1] == '+ layers[10]: "10"'


def test_a_value_of_the_environment_is_never_shown_nor_its_echo() -> None:
    before = {"spec": {"environment": {"variables": {"PASSWORD": "hunter2", "N": 7}}}}
    after = {"spec": {"environment": {"variables": {"PASSWORD": "x"}}, "description": "hunter2!"}}
    assert told(before, after) == [
        '+ spec.description: "•••!"',
        "- spec.environment.variables.N: •••",
        "- spec.environment.variables.PASSWORD: •••",
        "+ spec.environment.variables.PASSWORD: •••",
    ]


def test_code_in_the_spec_is_counted_only() -> None:
    assert told({}, {"spec": {"code": {"zipFile": "UEsDBA=="}}}) == ["+ spec.code.zipFile: (8 characters)"]


def test_long_values_are_cut() -> None:
    [line] = told({}, {"a": "x" * 1000})
    assert len(line) < 250
    assert "characters more" in line


def test_what_does_not_arrive_is_named_and_null_is_nothing() -> None:
    sent = {"a": 1, "b": {"c": [1, 2]}, "d": None, "e": {}}
    assert lost(sent, {"a": 1, "b": {"c": [1, 3]}, "more": 1}) == ["b.c[1]"]
    assert lost(sent, None) == ["a", "b.c[0]", "b.c[1]"]
