"""The examples in every command's help: real command lines, told as they are typed."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from contextlib import suppress

import click
import pytest

from remediator.cli import cli
from tests.test_runbook_commands import parse

_HEADING = "Examples:"
_COLUMNS = 80  # columns of the narrowest terminal


def _commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    with click.Context(cli, **cli.context_settings) as ctx:
        for name in group.list_commands(ctx):
            command = group.get_command(ctx, name)
            assert command is not None
            yield (*above, name), command
            if isinstance(command, click.Group):
                yield from _commands(command, *above, name)


COMMANDS = dict(_commands(cli))
# `completion` has what goes into which file, `version` nothing to choose.
TYPED = {words: command for words, command in COMMANDS.items() if words[0] not in ("completion", "version")}

each_command = pytest.mark.parametrize("words", TYPED, ids=" ".join)


def _block(words: tuple[str, ...]) -> str:
    """Cut the examples out of a help text, which they end."""
    _, heading, text = inspect.cleandoc(TYPED[words].help or "").partition(f"\b\n{_HEADING}\n")
    assert heading, "there are no examples"
    return text


def _examples(words: tuple[str, ...]) -> list[str]:
    """Read the command lines; one that ends in | goes on in the next."""
    return [line.strip() for line in _block(words).replace("|\n", "| ").splitlines()]


def _typed(example: str) -> list[str]:
    """Cut our own command out of a line with a pipe or a redirection."""
    tokens = shlex.shlex(example, posix=True, punctuation_chars="|>")
    tokens.whitespace_split = True
    words = list(tokens)
    begin = words.index("remediator")
    ends = [at for at, word in enumerate(words) if at > begin and set(word) <= set("|>")]
    return words[begin + 1 : min(ends, default=None)]


@each_command
def test_an_example_is_one_that_the_product_takes(words: tuple[str, ...]) -> None:
    examples = _examples(words)
    few = 1 if words[0] == "policy" else 2
    assert few <= len(examples) <= 4
    for example in examples:
        typed = _typed(example)
        assert typed[: len(words)] == list(words) or isinstance(TYPED[words], click.Group), example
        with suppress(click.exceptions.Exit):  # `demo --list` answers while it is parsed
            parse(typed)


@each_command
def test_help_tells_the_examples_as_they_are_typed(words: tuple[str, ...]) -> None:
    with click.Context(cli, info_name="remediator", terminal_width=_COLUMNS, **cli.context_settings) as group:
        context = click.Context(TYPED[words], info_name=words[-1], parent=group, terminal_width=_COLUMNS)
        told = TYPED[words].get_help(context).splitlines()
    begin = told.index(f"  {_HEADING}")
    lines = _block(words).splitlines()
    assert told[begin + 1 : begin + 1 + len(lines)] == [f"  {each}" for each in lines]
    assert max(len(each) for each in told) <= _COLUMNS


def test_an_example_that_the_product_refuses_would_be_found() -> None:
    assert _typed("kubectl get x | remediator scan -A --fix >file") == ["scan", "-A", "--fix"]
    with pytest.raises(click.UsageError):
        parse(_typed("remediator scan -A --fix || echo no"))
