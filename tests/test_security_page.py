"""The threat model names who shows each claim: those tests and files are there, and the roles are as it says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files
from tests.pages import SECURITY

ROOT = Path(__file__).parents[1]
TEXT = SECURITY.read_text(encoding="utf-8")
BASE = ROOT / "manifests" / "base"

_TESTS = re.compile(r"def (test_\w+)\(")
_GRANT = re.compile(r"(?P<verbs>[a-z]+(?:, [a-z]+)*) (?P<resources>`[^`]+`(?:, `[^`]+`)*)")


def named(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, TEXT)))


@pytest.mark.parametrize("path", named(r"`((?:tests|remediator|docs)/[\w/.-]+\.(?:py|md))(?:::\w+)?`"))
def test_a_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("claim", named(r"`(tests/[\w/.-]+::\w+)`"))
def test_a_test_that_it_names_with_its_file_is_there(claim: str) -> None:
    file, _, name = claim.partition("::")
    assert name in _TESTS.findall((ROOT / file).read_text(encoding="utf-8"))


def test_a_test_that_it_names_alone_is_in_a_file_that_the_same_section_names() -> None:
    alone = 0
    for section in re.split(r"^##+ ", TEXT, flags=re.MULTILINE):
        files = set(re.findall(r"`(tests/[\w/.-]+\.py)(?:::\w+)?`", section))
        there = {name for file in files for name in _TESTS.findall((ROOT / file).read_text(encoding="utf-8"))}
        names = set(re.findall(r"`(test_\w+)`", section))
        assert names <= there, names - there
        alone += len(names)
    assert alone >= 8


# ---- roles -----------------------------------------------------------------------------------------------------------

Grants = dict[str, set[tuple[str, str]]]


def told() -> Grants:
    """Read the table of roles: each with the pairs of verb and resource that it may."""
    found: Grants = defaultdict(set)
    role = ""
    section = TEXT.partition("\n## Roles\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if not line.startswith("| `") and not line.startswith("| | "):
            continue
        first, _bound, may, _why = (each.strip() for each in line.strip("|").split("|"))
        role = first.strip("`") or role
        for part in may.split("; "):
            grant = _GRANT.fullmatch(part)
            assert grant is not None, f"cannot read what {role} may: {part}"
            resources = re.findall(r"`([^`]+)`", grant["resources"])
            found[role] |= {(verb, each) for verb in grant["verbs"].split(", ") for each in resources}
    return found


def granted() -> Grants:
    """Read what the manifests grant."""
    found: Grants = defaultdict(set)
    for each in _roles():
        for rule in each["rules"]:
            found[each["metadata"]["name"]] |= {(v, r) for v in rule["verbs"] for r in rule["resources"]}
    return found


def _roles() -> Iterator[dict[str, Any]]:
    for file in sorted(BASE.glob("*role*.yaml")):
        yield from (each for each in yaml_files.read_all(file) if each["kind"] in ("Role", "ClusterRole"))


def test_the_table_of_roles_is_what_the_manifests_grant() -> None:
    assert told() == granted()


def test_what_the_table_calls_bound_to_nobody_is_given_to_no_subject() -> None:
    section = TEXT.partition("\n## Roles\n")[2].partition("\n## ")[0]
    nobody = set(re.findall(r"^\| `([\w-]+)` \| nobody, until you say so \|", section, flags=re.MULTILINE))
    assert nobody == {f"ack-remediator-{each}" for each in ("act", "approver", "logs", "pauses")}
    bindings = [
        each
        for file in sorted(BASE.glob("*role*.yaml"))
        for each in yaml_files.read_all(file)
        if each["kind"].endswith("Binding")
    ]
    given = {each["roleRef"]["name"] for each in bindings if each.get("subjects")}
    assert not given & nobody
    assert given == set(granted()) - nobody - {"ack-remediator-viewer"}
