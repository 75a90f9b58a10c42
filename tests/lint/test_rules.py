"""Each rule finds what it is for, where it stands, and nothing that is only nearly so."""

from __future__ import annotations

import pytest
import yaml

from remediator.lint.catalogue import (
    CHECKS,
    CHECKS_OF_ALL,
    NOT_A_MANIFEST,
    RULES,
    UNREADABLE_FILE,
    UNRENDERED,
    UNUSED_IGNORE,
)
from remediator.lint.judging import judge
from remediator.lint.problem import Around
from tests.lint.cases import BASES, NOW, Example, examples, problems, read

_OF_FILES = {each.id for each in (UNREADABLE_FILE, NOT_A_MANIFEST, UNRENDERED, UNUSED_IGNORE)}
EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.id)
def test_a_rule_finds_what_it_is_for_and_nothing_else(example: Example) -> None:
    found = [each for each in problems(example.text) if each.rule.id == example.rule]
    if not example.found:
        assert [each.said for each in found] == []
        return
    text = example.text
    assert any(text["said"] in each.said for each in found), [each.said for each in found]
    assert {each.severity.value for each in found} == {text.get("severity", "error")}
    assert len(found) == text.get("count", 1)


@pytest.mark.parametrize("base", BASES)
def test_a_clean_function_has_no_problem(base: str) -> None:
    assert problems({"name": "clean", "base": base}) == []


def test_every_rule_has_examples_of_both_sorts() -> None:
    known = {each.id for each in RULES} - _OF_FILES
    assert {each.rule for each in EXAMPLES if each.found} == known
    assert {each.rule for each in EXAMPLES if not each.found} == known


def test_every_check_of_the_catalogue_is_its_own() -> None:
    checks = (*CHECKS, *CHECKS_OF_ALL)
    assert len(set(checks)) == len(checks)
    assert len({each.id for each in RULES}) == len(RULES)


def test_a_problem_stands_where_its_value_does() -> None:
    file = read(BASES["zip"] | {"spec": BASES["zip"]["spec"] | {"runtime": "cobol"}})
    (found,) = judge([file], Around(NOW)).problems
    assert file.source is not None
    line = file.source.text.splitlines()[found.mark.line - 1]
    assert line[found.mark.column - 1 :] == "cobol"
    assert found.subject == "Function shop/checkout"


def test_problems_come_in_the_order_in_which_they_stand() -> None:
    spec = BASES["zip"]["spec"] | {"timeout": 0, "memorySize": 1, "runtime": "cobol"}
    marks = [each.mark for each in judge([read(BASES["zip"] | {"spec": spec})], Around(NOW)).problems]
    assert len(marks) == 3
    assert marks == sorted(marks)


def test_other_kinds_of_others_are_nobody_s_business() -> None:
    other = yaml.safe_load("{apiVersion: fission.io/v1, kind: Function, metadata: {name: a}, spec: {runtime: cobol}}")
    assert judge([read(other)], Around(NOW)).problems == []


@pytest.mark.parametrize(
    "spec", [None, [], "text", 3, {}, {"code": []}, {"code": {"sha256": 1}}, {"environment": {"variables": ["A"]}}]
)
def test_what_has_no_shape_breaks_no_rule(spec: object) -> None:
    before = {"name": "any", "before": {}}
    broken = BASES["zip"] | {"spec": spec, "metadata": {"name": "checkout", "annotations": [1], "labels": "x"}}
    assert judge([read(broken)], Around(NOW, before={})).problems
    assert problems(before | {"edit": {"spec": spec}})


@pytest.mark.parametrize("value", ["{{ .Values.name }}", "${NAME}", "${schema.spec.name}", "$(NAME)", "a-$NAME"])
def test_what_is_yet_to_be_put_in_is_no_problem(value: str) -> None:
    (found,) = problems({"name": "any", "edit": {"spec": {"role": value}}})
    assert (found.rule.id, found.severity.value) == ("Unrendered", "note")
    assert "RoleMissing" in found.said


def test_what_stands_beside_a_placeholder_is_judged() -> None:
    spec = {"role": "${ROLE}", "runtime": "cobol", "environment": {"variables": {"PORT": "${PORT}", "OTHER": 1}}}
    found = problems({"name": "any", "edit": {"spec": spec}})
    assert sorted(each.rule.id for each in found) == ["EnvironmentNotText", "RuntimeUnknown", "Unrendered"]
