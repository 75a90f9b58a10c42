"""Whoever is awake types what the runbooks say: each command is one that there is, and looking changes nothing."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import click
import jmespath
import jsonpatch
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from remediator.cli import cli
from tests.pages import (
    FILES,
    OPERATIONS,
    by_file,
    by_page,
    by_typed_file,
    commands,
    commands_of,
    fences,
    sections,
    spans,
    text_of,
)

_CHECK = "Check it yourself"
_READING_KUBECTL = {"get", "logs", "api-resources", "version"}
_WRITING_KUBECTL = {"annotate", "apply", "delete", "diff", "edit", "patch", "rollout", "scale", "wait", "auth"}
_READING_AWS = ("get-", "list-", "describe-", "lookup-", "simulate-")
# What the AWS CLI itself takes, with every operation.
_AWS_GLOBALS = {"region", "query", "output"}
_PRINTS_THE_ENVIRONMENT = re.compile(r"\{\.spec(?:\.environment.*)?\}|last-applied|:\.spec(?:\.env|,|$)")
_FUNCTIONS = "functions.lambda.services.k8s.aws"


def _remediator_lines(text: str) -> Iterator[list[str]]:
    """Find every `remediator …`, on lines of code blocks and in running text."""
    written = [each for each in spans(text) if each.startswith("remediator ")]
    lines = [
        each.strip().removeprefix("$ ")
        for kind in ("sh", "text")
        for block in fences(text, kind)
        for each in block.splitlines()
    ]
    for each in [*written, *(line for line in lines if line.startswith("remediator "))]:
        yield shlex.split(each, comments=True)[1:]


def parse(words: list[str]) -> None:
    """Parse a command line as the product does, without running it. A bare command name is a mention of it."""
    name, *arguments = words
    # With the group's own settings: click keeps a command's help option as it is first asked for.
    with click.Context(cli, **cli.context_settings) as group:
        command = cli.get_command(group, name)
        assert command is not None, f"there is no command {name!r}"
        if arguments:
            command.make_context(name, arguments, parent=group)


@by_typed_file
def test_every_command_line_of_ours_parses(file: Path) -> None:
    for words in _remediator_lines(file.read_text(encoding="utf-8")):
        parse(words)


@pytest.mark.parametrize("line", ["scan --fix", "run --approve --proposal", "explain --namespace shop", "scan extra"])
def test_a_command_line_that_the_product_refuses_is_refused_here(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line.split())


def _verb(words: list[str]) -> str:
    return words[3] if words[1] == "-n" else words[1]


@by_page
def test_checking_only_reads(name: str) -> None:
    [block] = fences(sections(text_of(name))[_CHECK], "sh")
    for words in commands(block):
        if words[0] == "kubectl":
            assert _verb(words) in _READING_KUBECTL, words
            assert ("yaml" not in words) and ("json" not in words), "the environment would be printed"
            assert not _PRINTS_THE_ENVIRONMENT.search(" ".join(words)), words
        elif words[0] == "aws":
            assert words[2].startswith(_READING_AWS), words
        else:
            assert words[0] == "openssl" or words[0].startswith("NS="), words


@by_typed_file
def test_every_kubectl_command_has_a_verb_that_kubectl_has(file: Path) -> None:
    for words in commands_of(file, "kubectl"):
        assert _verb(words) in _READING_KUBECTL | _WRITING_KUBECTL, words


def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


@by_typed_file
def test_every_manifest_that_kubectl_is_given_is_there(file: Path) -> None:
    for words in commands_of(file, "kubectl"):
        given = [after for flag, after in pairwise(words) if flag in ("-k", "-f")]
        for path in (each for each in given if each.startswith("manifests/")):
            assert (OPERATIONS.parent.parent / path).exists(), path


@by_typed_file
def test_every_aws_command_is_one_that_the_cli_has(file: Path) -> None:
    for _, service, command, *rest in commands_of(file, "aws"):
        model = _service(service)
        operations = {xform_name(each, "-"): each for each in model.operation_names}
        if command == "wait":
            _assert_a_waiter(service, *rest)
            continue
        assert command in operations, f"aws {service} {command}"
        shape = model.operation_model(operations[command]).input_shape
        members = {xform_name(each, "-") for each in (shape.members if shape else ())}
        given = {each.removeprefix("--") for each in rest if each.startswith("--")}
        assert given <= members | _AWS_GLOBALS, f"aws {service} {command}"
        if command == "get-function-configuration":
            assert "query" in given, "without it, the environment would be printed"
            assert not re.search(r"Environment(?!\.Variables\))", rest[rest.index("--query") + 1])
        if "query" in given:
            jmespath.compile(rest[rest.index("--query") + 1])


def _assert_a_waiter(service: str, name: str, *rest: str) -> None:
    waiters = botocore.session.get_session().get_waiter_model(service)
    assert name in {xform_name(each, "-") for each in waiters.waiter_names}, f"aws {service} wait {name}"
    assert {each for each in rest if each.startswith("--")} <= {"--region", "--function-name"}


def test_the_patches_of_operations_are_of_the_workload_alone() -> None:
    patches = [words for words in commands_of(OPERATIONS, "kubectl") if "patch" in words]
    assert patches
    for words in patches:
        assert words[words.index("patch") + 1] == "cronjob"
        assert isinstance(json.loads(words[words.index("-p") + 1]), dict)


def _patches(text: str) -> list[list[dict[str, Any]]]:
    found = []
    for block in fences(text, "sh"):
        for words in commands(block):
            if words[0] == "kubectl" and "patch" in words:
                assert _FUNCTIONS in words
                assert "--type=json" in words
                found.append(json.loads(words[words.index("-p") + 1]))
    return found


@by_file
def test_every_patch_tests_before_it_writes(file: Path) -> None:
    for patch in _patches(file.read_text(encoding="utf-8")):
        assert patch[0]["op"] == "test"
        assert not any("finalizers" in operation["path"] for operation in patch)


@pytest.mark.parametrize("name", [each.stem for each in FILES if _patches(each.read_text(encoding="utf-8"))])
def test_a_resync_by_hand_ends_as_it_began(name: str) -> None:
    resource = {"metadata": {"resourceVersion": "$RV"}, "spec": {"name": "checkout", "code": {}}}
    patches = _patches(text_of(name))
    while patches:
        first, second, *patches = patches
        between = jsonpatch.apply_patch(resource, first)
        assert between["spec"]["publish"] is False
        assert jsonpatch.apply_patch(between, second) == resource
        with pytest.raises(jsonpatch.JsonPatchTestFailed):
            jsonpatch.apply_patch({**resource, "metadata": {"resourceVersion": "newer"}}, first)
        with pytest.raises(jsonpatch.JsonPatchTestFailed):
            jsonpatch.apply_patch({**resource, "spec": {"publish": True}}, second)
