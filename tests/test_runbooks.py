"""The runbooks say what the product does: their pages, commands, timeouts and samples are held against the code."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import click
import jsonpatch
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from remediator.aws.answers import present
from remediator.cli import cli
from remediator.diagnosis import diagnose
from remediator.diagnosis.catalogue import CATALOGUE
from remediator.kubernetes.resources import decode
from remediator.model.decision import DecisionKind
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.observation import Observation
from remediator.model.resource import Resource
from remediator.model.times import format_duration, parse_duration
from remediator.policy import Policy, TimeoutsSection

_RUNBOOKS = Path(__file__).parent.parent / "runbooks"
_INDEX = _RUNBOOKS / "README.md"
_NAMES = [each.value for each in FindingName]
_FILES = sorted(_RUNBOOKS.glob("*.md"))
_SECTIONS = [
    "What it means",
    "How you see it",
    "Check it yourself",
    "What to do",
    "What the remediator does",
    "Never",
    "Sources",
]
_HEADER = ["NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION"]
_DEFAULTS = {str(field.alias): getattr(Policy().timeouts, name) for name, field in TimeoutsSection.model_fields.items()}
_CHECK = "Check it yourself"
_READING_KUBECTL = {"get", "logs", "api-resources"}
_READING_AWS = ("get-", "list-", "describe-", "lookup-", "simulate-")
# What the AWS CLI itself takes, with every operation.
_AWS_GLOBALS = {"region", "query", "output"}
_FUNCTIONS = "functions.lambda.services.k8s.aws"

pages = pytest.mark.parametrize("name", _NAMES)
files = pytest.mark.parametrize("file", _FILES, ids=lambda each: each.stem)


def _text(name: str) -> str:
    return (_RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _fences(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def _commands(block: str) -> Iterator[list[str]]:
    """Split a shell block into commands: lines belong together while a quote or a backslash is open."""
    pending = ""
    for line in block.replace("\\\n", "").splitlines():
        pending += f"{line}\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:
            continue  # a quote is still open
        pending = ""
        if words:
            yield words[: words.index("|")] if "|" in words else words
    assert not pending, f"a quote is never closed: {pending}"


def _remediator_lines(text: str) -> Iterator[list[str]]:
    """Find every `remediator …`, on lines of code blocks and in running text."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(each.split()) for each in re.findall(r"`(remediator [^`]+)`", prose)]
    lines = [
        each.strip().removeprefix("$ ")
        for kind in ("sh", "text")
        for block in _fences(text, kind)
        for each in block.splitlines()
    ]
    for each in [*spans, *(line for line in lines if line.startswith("remediator "))]:
        yield shlex.split(each, comments=True)[1:]


def _parse(words: list[str]) -> None:
    """Parse a command line as the product does, without running it. A bare command name is a mention of it."""
    name, *arguments = words
    # With the group's own settings: click keeps a command's help option as it is first asked for.
    with click.Context(cli, **cli.context_settings) as group:
        command = cli.get_command(group, name)
        assert command is not None, f"there is no command {name!r}"
        if arguments:
            command.make_context(name, arguments, parent=group)


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---- the set of pages, and the index --------------------------------------------------------------------------------


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    assert {each.stem for each in _FILES} == {*_NAMES, "README"}


def _rows() -> list[tuple[str, str, str, str]]:
    row = re.compile(r"^\| \[(\w+)\]\((\w+)\.md\) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
    found = row.findall(_text("README"))
    assert all(label == target for label, target, *_ in found)
    return [(label, meaning, stuck, remedy) for label, _, meaning, stuck, remedy in found]


def test_the_index_lists_each_finding_once_in_the_catalogues_order_and_words() -> None:
    assert [(name, meaning) for name, meaning, _, _ in _rows()] == [(each.name, each.meaning) for each in CATALOGUE]


def test_the_index_names_the_timeouts_that_the_catalogue_names_with_their_defaults() -> None:
    for (name, _, stuck, _), entry in zip(_rows(), CATALOGUE, strict=True):
        named = re.findall(r"`(\w+)` (\w+)", stuck)
        assert [setting for setting, _ in named] == [
            each for each in re.findall(r"\w+", entry.timeout) if each in _DEFAULTS
        ]
        for setting, default in named:
            assert default == format_duration(_DEFAULTS[setting]), f"{name}: {setting}"


def test_the_index_names_only_remedies_that_there_are() -> None:
    for name, _, _, remedy in _rows():
        assert set(re.findall(r"[A-Z]\w+", remedy)) <= {each.value for each in Remedy}, name


def test_the_index_and_the_pages_tell_what_can_be_asked_for() -> None:
    for (name, _, _, remedy), entry in zip(_rows(), CATALOGUE, strict=True):
        offered = [f"{each} on request" for each in entry.on_request]
        assert re.findall(r"\w+ on request", remedy) == offered, name
        assert re.findall(r"\w+ on request", entry.advice) == offered, name
        for each in entry.on_request:
            command = f"remediator {each.lower()} function/checkout -n shop"
            assert command in " ".join(_sections(_text(name))["What to do"].split()), name


@pages
def test_a_page_has_its_title_and_all_sections_in_order(name: str) -> None:
    text = _text(name)
    assert text.startswith(f"# {name}\n")
    sections = _sections(text)
    assert list(sections) == _SECTIONS
    assert all(each.strip() for each in sections.values())


@pages
def test_a_page_fits_on_two_screens(name: str) -> None:
    assert len(_text(name).splitlines()) <= 75


@pages
def test_a_page_names_a_source(name: str) -> None:
    assert re.search(r"[\w.-]+/[\w.-]+#\d+", _sections(_text(name))["Sources"])


@files
def test_links_lead_somewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "://" not in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = (_RUNBOOKS / path) if path else file
        assert linked.is_file(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not anchor or anchor in {_slug(each) for each in headings}, target


# ---- what the pages say of the product ------------------------------------------------------------------------------


@pages
def test_the_sample_is_a_row_of_scan(name: str) -> None:
    sample = _fences(_sections(_text(name))["How you see it"], "text")[0].splitlines()
    assert sample[0].split() == ["$", "remediator", "scan", "-n", "shop"]
    assert sample[1].split() == _HEADER
    namespace, _, finding, state, _, remedy, decision = sample[2].split()
    assert (namespace, finding) == ("shop", name)
    assert State(state)
    assert Remedy(remedy)
    assert DecisionKind(decision)


@files
def test_every_command_line_of_ours_parses(file: Path) -> None:
    for words in _remediator_lines(file.read_text(encoding="utf-8")):
        _parse(words)


@pytest.mark.parametrize("line", ["scan --fix", "run --approve --proposal", "explain --namespace shop", "scan extra"])
def test_a_command_line_that_the_product_refuses_is_refused_here(line: str) -> None:
    with pytest.raises(click.UsageError):
        _parse(line.split())


@files
def test_timeouts_are_the_policys_and_their_defaults_are_right(file: Path) -> None:
    told = re.findall(r"`(\w+)`,? \(?(\d+) (min|s)\b", file.read_text(encoding="utf-8"))
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
    table = re.findall(r"^\| (`.+?) \| .+? \| (\w+) \|$", _text("UpdateFailed"), flags=re.MULTILINE)
    return [(code, remedy) for codes, remedy in table for code in re.findall(r"`([^`]+)`", codes)]


def test_update_failed_knows_the_codes_of_the_other_tables() -> None:
    codes = {code for code, _ in _update_codes()}
    for name in ("CreateFailed", "FunctionPending"):
        listed = re.findall(r"^\| (.+?) \|", _text(name), flags=re.MULTILINE)
        told = {code for cell in listed for code in re.findall(r"`([A-Z]\w+(?:\.\w+)?)`", cell)}
        assert told - codes - {"Creating", "Restoring"} == set(), name


@pytest.mark.parametrize(("code", "remedy"), _update_codes())
def test_update_failed_promises_for_each_code_what_the_product_does(code: str, remedy: str) -> None:
    live = present({"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReasonCode": code})
    found = diagnose(Observation(_green(), live, datetime(2026, 11, 21, 3, tzinfo=UTC)))
    assert found is not None
    assert (found.name, found.remedy) == (FindingName.UPDATE_FAILED, remedy)


# ---- commands for the reader ----------------------------------------------------------------------------------------


@pages
def test_checking_only_reads(name: str) -> None:
    [block] = _fences(_sections(_text(name))[_CHECK], "sh")
    for words in _commands(block):
        if words[0] == "kubectl":
            verb = words[3] if words[1] == "-n" else words[1]
            assert verb in _READING_KUBECTL, words
            assert ("yaml" not in words) and ("json" not in words), "the environment would be printed"
        elif words[0] == "aws":
            assert words[2].startswith(_READING_AWS), words
        else:
            assert words[0] == "openssl" or words[0].startswith("NS="), words


def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


@files
def test_every_aws_command_is_one_that_the_cli_has(file: Path) -> None:
    for block in _fences(file.read_text(encoding="utf-8"), "sh"):
        for _, service, command, *rest in (each for each in _commands(block) if each[0] == "aws"):
            model = _service(service)
            operations = {xform_name(each, "-"): each for each in model.operation_names}
            assert command in operations, f"aws {service} {command}"
            shape = model.operation_model(operations[command]).input_shape
            members = {xform_name(each, "-") for each in (shape.members if shape else ())}
            given = {each.removeprefix("--") for each in rest if each.startswith("--")}
            assert given <= members | _AWS_GLOBALS, f"aws {service} {command}"
            if command == "get-function-configuration":
                assert "query" in given, "without it, the environment would be printed"


def _patches(text: str) -> list[list[dict[str, Any]]]:
    found = []
    for block in _fences(text, "sh"):
        for words in _commands(block):
            if words[0] == "kubectl" and "patch" in words:
                assert _FUNCTIONS in words
                assert "--type=json" in words
                found.append(json.loads(words[words.index("-p") + 1]))
    return found


@files
def test_every_patch_tests_before_it_writes(file: Path) -> None:
    for patch in _patches(file.read_text(encoding="utf-8")):
        assert patch[0]["op"] == "test"
        assert not any("finalizers" in operation["path"] for operation in patch)


@pytest.mark.parametrize("name", [each.stem for each in _FILES if _patches(each.read_text(encoding="utf-8"))])
def test_a_resync_by_hand_ends_as_it_began(name: str) -> None:
    resource = {"metadata": {"resourceVersion": "$RV"}, "spec": {"name": "checkout", "code": {}}}
    patches = _patches(_text(name))
    while patches:
        first, second, *patches = patches
        between = jsonpatch.apply_patch(resource, first)
        assert between["spec"]["publish"] is False
        assert jsonpatch.apply_patch(between, second) == resource
        with pytest.raises(jsonpatch.JsonPatchTestFailed):
            jsonpatch.apply_patch({**resource, "metadata": {"resourceVersion": "newer"}}, first)
        with pytest.raises(jsonpatch.JsonPatchTestFailed):
            jsonpatch.apply_patch({**resource, "spec": {"publish": True}}, second)
