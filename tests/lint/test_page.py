"""docs/lint.md tells of every rule what the rule itself says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from remediator.cli.findings import groups
from remediator.lint.catalogue import RULES
from remediator.lint.problem import Rule
from remediator.lint.runtimes import AS_OF
from remediator.lint.schema import VERSION
from tests.test_runbook_commands import parse

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "lint.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_page_has_the_rules_in_the_order_of_the_catalogue() -> None:
    assert list(SECTIONS) == [each.id for each in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda each: each.id)
def test_a_section_says_what_its_rule_says(rule: Rule) -> None:
    said = one_line(SECTIONS[rule.id])
    assert said.startswith(f"*{rule.severity.value.capitalize()}*: {rule.gist}. {one_line(rule.why)} **What to do:** ")
    assert one_line(rule.fix) in said
    for each in rule.spares:
        assert f"[{each}](../runbooks/{each}.md)" in said
    assert rule.page == f"docs/lint.md#{rule.id.lower()}"


def test_dates_and_versions_are_those_of_the_tables() -> None:
    assert f"as of {AS_OF:%Y-%m}" in one_line(SECTIONS["RuntimeRetired"])
    assert VERSION in SECTIONS["UnknownField"]


def test_commands_on_the_page_are_commands() -> None:
    lines = re.findall(r"remediator lint [^`\n|]+", TEXT)
    assert len(lines) >= 4
    for each in lines:
        if "FILE|DIR" not in each:
            parse(shlex.split(each.split("#")[0])[1:])


def test_what_prevents_says_that_there_is_lint() -> None:
    prevents = (DOCS / "preventing.md").read_text(encoding="utf-8")
    assert "[docs/lint.md](lint.md)" in prevents or "](lint.md)" in prevents
    named = set(re.findall(r"\(lint\.md#(\w+)\)", prevents))
    assert named <= {each.id.lower() for each in RULES}


def test_every_finding_that_a_manifest_can_cause_is_spared_by_a_rule() -> None:
    known = {name for group in groups() for name, _ in group.entries}
    spared = {each for rule in RULES for each in rule.spares}
    caused = {"ChecksumMismatch", "LostUpdate", "NameChanged", "IdentityDrift", "RuntimeRetired", "TerminalError"}
    caused |= {"InvalidRequest", "ConcurrencyRefused", "ReferencesUnresolved", "AlreadyExists"}
    assert caused <= spared <= known
