"""The runbooks say what the product does: their pages, commands, timeouts and samples are held against the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediator.aws.answers import present
from remediator.cli import runbook
from remediator.cli.findings import groups
from remediator.diagnosis import diagnose
from remediator.diagnosis.catalogue import CATALOGUE, Entry
from remediator.diagnosis.cluster import CLUSTER_CATALOGUE
from remediator.diagnosis.controller_versions import KNOWN_BUGS
from remediator.kubernetes.resources import decode
from remediator.model.decision import DecisionKind
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.observation import Observation
from remediator.model.resource import Resource
from remediator.model.times import format_duration, parse_duration
from remediator.policy import Policy, TimeoutsSection
from tests import samples, yaml_files
from tests import written_cases as cases
from tests.pages import (
    NAMES,
    PAGES,
    PREVENTING,
    by_cluster_page,
    by_file,
    by_finding,
    by_page,
    by_typed_file,
    first_sentence,
    sections,
    text_of,
)

_SECTIONS = [
    "What it means",
    "How you see it",
    "Check it yourself",
    "What to do",
    "What the remediator does",
    "Never",
    "How to prevent it",
    "Sources",
]
_HEADER = ["NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION"]
_DEFAULTS = {str(field.alias): getattr(Policy().timeouts, name) for name, field in TimeoutsSection.model_fields.items()}


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---- the set of pages, and the index --------------------------------------------------------------------------------


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    assert sorted(each.stem for each in PAGES) == sorted([*NAMES, runbook.INDEX])


def _rows() -> list[tuple[str, str, str, str]]:
    return [row for group in groups() for row in samples.rows_of(group.title)]


def test_the_index_lists_each_finding_once_in_the_catalogues_groups_order_and_words() -> None:
    for group in groups():
        told = [(name, meaning) for name, meaning, *_ in samples.rows_of(group.title)]
        assert told == list(group.entries), group.title
    assert sorted(name for name, *_ in _rows()) == sorted(NAMES)


def _entries() -> Iterator[tuple[tuple[str, str, str, str], Entry]]:
    entries = {entry.name.value: entry for entry in CATALOGUE}
    for row in _rows():
        if row[0] in entries:
            yield row, entries[row[0]]


def test_the_index_names_the_timeouts_that_the_catalogue_names_with_their_defaults() -> None:
    for (name, _, stuck, _), entry in _entries():
        named = re.findall(r"`(\w+)` (\w+)", stuck)
        assert [setting for setting, _ in named] == [
            each for each in re.findall(r"\w+", entry.timeout) if each in _DEFAULTS
        ], name
        for setting, default in named:
            assert default == format_duration(_DEFAULTS[setting]), f"{name}: {setting}"


def test_the_index_names_only_remedies_that_there_are() -> None:
    for name, _, _, remedy in _rows():
        assert set(re.findall(r"[A-Z]\w+", remedy)) <= {each.value for each in Remedy}, name


def _is_of_a_function(case: Path) -> bool:
    """For other kinds nothing is ever advised but to wait, or to look."""
    return bool(yaml_files.read(case / "resource.yaml")["kind"] == "Function")


def test_the_index_names_the_remedies_of_the_cases() -> None:
    """What the catalogue advises is seen in its cases; a wait before the timeout need not be told in the index."""
    for (name, _, _, remedy), _ in _entries():
        expected = [cases.case_in(each).expect for each in samples.hits(name) if _is_of_a_function(each)]
        named = set(re.findall(r"[A-Z]\w+", re.sub(r"\w+ on request", "", remedy)))
        assert {each.remedy for each in expected if each.state != State.WAITING} <= named, name
        assert named <= {each.remedy for each in expected}, name


def test_the_index_and_the_pages_tell_what_can_be_asked_for() -> None:
    for (name, _, _, remedy), entry in _entries():
        offered = [f"{each} on request" for each in entry.on_request]
        assert re.findall(r"\w+ on request", remedy) == offered, name
        assert re.findall(r"\w+ on request", entry.advice) == offered, name
        for each in entry.on_request:
            told = _sections_of(name)
            if each is Remedy.RELEASE:
                assert "remediator release function/checkout -n shop" in told["What to do"], name
            else:
                assert f"{each} on request" in told["What the remediator does"], name


def _sections_of(name: str) -> dict[str, str]:
    return {title: " ".join(part.split()) for title, part in sections(text_of(name)).items()}


def test_the_pages_of_the_cluster_begin_with_the_words_of_its_catalogue() -> None:
    for entry in CLUSTER_CATALOGUE:
        assert first_sentence(entry.name) == entry.meaning


def test_the_page_on_versions_knows_each_bug_that_the_product_knows() -> None:
    sources = _threads(sections(text_of("ControllerVersion"))["Sources"])
    for bug in KNOWN_BUGS:
        assert f"aws-controllers-k8s/{bug.reference}" in sources
        assert f"\n| {bug.fixed or f'({bug.last} too)'} | " in text_of("ControllerVersion"), bug


@by_page
def test_a_page_has_its_title_and_all_sections_in_order(name: str) -> None:
    text = text_of(name)
    assert text.startswith(f"# {name}\n")
    parts = sections(text)
    assert list(parts) == _SECTIONS
    assert all(each.strip() for each in parts.values())


@by_page
def test_a_page_fits_on_two_screens(name: str) -> None:
    assert len(text_of(name).splitlines()) <= 80


@by_page
def test_a_page_names_a_source(name: str) -> None:
    assert re.search(r"[\w.-]+/[\w.-]+#\d+", sections(text_of(name))["Sources"])


def _threads(text: str) -> set[str]:
    """Find the threads that a text cites: `owner/name#1, #2`; a bare number belongs to the repository before it."""
    found, repository = set(), "aws-controllers-k8s/community"
    for named, number in re.findall(r"([\w.-]+/[\w.-]+)?#(\d+)\b", text):
        repository = named or repository
        found.add(f"{repository}#{number}")
    return found


@by_page
def test_every_thread_that_a_page_cites_is_among_its_sources(name: str) -> None:
    parts = sections(text_of(name))
    sources = _threads(parts.pop("Sources"))
    assert _threads("\n".join(parts.values())) <= sources


@by_page
def test_a_page_leads_to_what_prevents_it(name: str) -> None:
    assert "../docs/preventing.md#" in sections(text_of(name))["How to prevent it"]


def test_the_page_on_preventing_says_what_each_part_spares() -> None:
    text = PREVENTING.read_text(encoding="utf-8")
    for title, part in sections(text).items():
        assert "\nSpares " in part, title
        spared = re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", part.partition("\nSpares ")[2].partition("\n\n")[0])
        assert set(spared) <= {*NAMES}, title


@by_typed_file
def test_links_lead_somewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "://" not in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = (file.parent / path) if path else file
        assert linked.is_file(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not anchor or anchor in {_slug(each) for each in headings}, target


# ---- what the pages say of the product ------------------------------------------------------------------------------


@by_finding
def test_the_sample_is_a_row_of_scan(name: str) -> None:
    sample = samples.sample(name).splitlines()
    assert sample[0].split() == ["$", "remediator", "scan", "-n", "shop"]
    assert sample[1].split() == _HEADER
    namespace, _, finding, state, _, remedy, decision = sample[2].split()
    assert (namespace, finding) == ("shop", name)
    assert State(state)
    assert Remedy(remedy)
    assert DecisionKind(decision)


@by_finding
def test_the_sample_is_what_is_printed_of_a_case(name: str) -> None:
    """`python -m tests.samples` writes it anew."""
    sample = samples.sample(name)
    shown = [each for each in samples.hits(name) if samples.printed_row(each) == samples.row_of(sample)]
    assert shown, f"no case prints this:\n{samples.row_of(sample)}"
    conditions = {*samples.conditions_of(sample)}
    assert any(conditions <= {*samples.printed_conditions(each)} for each in shown), sorted(conditions)


@by_cluster_page
def test_the_sample_of_the_cluster_is_of_a_scan(name: str) -> None:
    first, second, *_ = samples.sample(name).splitlines()
    assert first == "$ remediator scan -A"
    told, state, _ = re.split(r", |: ", second, maxsplit=2)
    assert told == name
    assert State(state)


@by_file
def test_timeouts_are_the_policys_and_their_defaults_are_right(file: Path) -> None:
    told = re.findall(r"`(\w+)`,? \(?(\d+) (min|s|h)\b", file.read_text(encoding="utf-8"))
    for setting, number, unit in told:
        assert _DEFAULTS[setting] == parse_duration(f"{number}{unit[0]}"), setting


def _green() -> Resource:
    resource = decode(
        json.dumps(
            {
                "metadata": {"name": "checkout", "namespace": "shop", "uid": "u"},
                "spec": {"name": "checkout", "packageType": "Zip"},
                "status": {
                    "state": "Active",
                    "lastUpdateStatus": "Successful",
                    "conditions": [
                        {"type": "ACK.ResourceSynced", "status": "True", "lastTransitionTime": "2026-11-21T00:00:00Z"}
                    ],
                },
            }
        ).encode()
    )
    assert isinstance(resource, Resource)
    return resource


def _update_codes() -> list[tuple[str, str]]:
    table = re.findall(r"^\| (`.+?) \| .+? \| (\w+) \|$", text_of("UpdateFailed"), flags=re.MULTILINE)
    return [(code, remedy) for codes, remedy in table for code in re.findall(r"`([^`]+)`", codes)]


def test_update_failed_knows_the_codes_of_the_other_tables() -> None:
    codes = {code for code, _ in _update_codes()}
    for name in ("CreateFailed", "FunctionPending"):
        listed = re.findall(r"^\| (.+?) \|", text_of(name), flags=re.MULTILINE)
        told = {code for cell in listed for code in re.findall(r"`([A-Z]\w+(?:\.\w+)?)`", cell)}
        assert told - codes - {"Creating", "Restoring"} == set(), name


@pytest.mark.parametrize(("code", "remedy"), _update_codes())
def test_update_failed_promises_for_each_code_what_the_product_does(code: str, remedy: str) -> None:
    live = present({"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReasonCode": code})
    found = diagnose(Observation(_green(), live, datetime(2026, 11, 21, 3, tzinfo=UTC)))
    assert found is not None
    assert (found.name, found.remedy) == (FindingName.UPDATE_FAILED, remedy)
