"""Every case under tests/cases: a resource, AWS's answer, and what has to be said about them.

A folder per finding holds its hits and its near misses; `why` in expect.yaml says what a case shows.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from remediator.diagnosis import diagnose
from remediator.diagnosis.catalogue import CATALOGUE
from remediator.model.finding import Finding, FindingName
from remediator.model.times import format_time
from tests.written_cases import Expected, case_in, directories, observation


def _told(found: Finding | None, expected: Expected) -> Expected:
    """Write a finding as a case does; of summary and evidence what the case asks about."""
    if found is None:
        return Expected(finding=None)
    return Expected(
        finding=found.name,
        state=found.state.value,
        remedy=found.remedy.value,
        since=format_time(found.since),
        stuck_at=format_time(found.stuck_at),
        self_heals_at=format_time(found.self_heals_at),
        also=found.also,
        on_request=found.on_request,
        summary=found.summary if expected.summary is not None else None,
        summary_contains=tuple(part for part in expected.summary_contains if part in found.summary),
        evidence={key: found.evidence.get(key, "(absent)") for key in expected.evidence},
    )


@pytest.mark.parametrize("directory", directories(), ids=lambda each: f"{each.parent.name}/{each.name}")
def test_case(directory: Path) -> None:
    case = case_in(directory)
    found = diagnose(observation(directory, case.given))
    told = msgspec.to_builtins(_told(found, case.expect))
    assert told == msgspec.to_builtins(case.expect), found.summary if found else "healthy"


def test_every_finding_has_hits_and_near_misses() -> None:
    expected: dict[str, list[str | None]] = {}
    for directory in directories():
        expected.setdefault(directory.parent.name, []).append(case_in(directory).expect.finding)
    assert set(expected) == {each.value for each in FindingName}
    for folder, findings in expected.items():
        assert folder in findings, f"{folder} has no hit"
        assert any(each != folder for each in findings), f"{folder} has no near miss"


def test_near_misses_say_so_in_their_name() -> None:
    for directory in directories():
        missed = case_in(directory).expect.finding != directory.parent.name
        assert directory.name.startswith("near-miss-") == missed, directory


def test_every_case_says_what_it_shows() -> None:
    for directory in directories():
        why = case_in(directory).why
        assert why.endswith(".") and "\n" not in why, directory


def test_the_catalogue_lists_every_finding_once() -> None:
    assert sorted(entry.name for entry in CATALOGUE) == sorted(FindingName)
    assert all(entry.meaning and entry.advice and entry.timeout for entry in CATALOGUE)
