"""Answer a shell, or kubectl, that completes what somebody types: with words, or with nothing; never with an error."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remediator.cli import cli
from remediator.cli.interrupt import take_sigterm_as_interrupt

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The directives of cobra, by which a plugin tells kubectl's script what else to offer (cobra completions.go).
_FILES_TOO, _WORDS_ALONE = 0, 4


def shell(name: str) -> None:
    """Print what fits the line that a script of `remediator completion` hands over, as that script takes it."""
    line, breaks = os.environ.get("_REMEDIATOR_LINE", ""), os.environ.get("_REMEDIATOR_BREAKS", "")
    for each in _unless_it_fails(lambda: _of_line(name, line, breaks)):
        click.echo(each)


def kubectl() -> None:
    """Print what fits the words after `kubectl remediator`, as kubectl asks a plugin (kubectl plugin_completion.go).

    The last word is the one at the cursor, empty where it is not begun. kubectl takes a word, a tab and what it is on
    each line, and on the last a directive.
    """
    *words, incomplete = sys.argv[1:] or [""]
    items = _unless_it_fails(lambda: _items(words, incomplete))
    for each in items:
        if each.type == "plain":
            click.echo("\t".join(filter(None, (each.value, _gist(each)))))
    click.echo(f":{_FILES_TOO if any(each.type != 'plain' for each in items) else _WORDS_ALONE}")


def _unless_it_fails(answer: Callable[[], list[Any]]) -> list[Any]:
    """Return an answer, or nothing: whatever is wrong with cluster, kubeconfig or line, the shell shows none of it."""
    take_sigterm_as_interrupt()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
        try:
            return answer()
        except (Exception, KeyboardInterrupt, SystemExit):  # noqa: BLE001 - it would end up in the middle of a line
            return []


def _items(words: list[str], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import ShellComplete

    return ShellComplete(cli, {}, "remediator", "").get_completions(words, incomplete)


def _of_line(name: str, line: str, breaks: str) -> list[str]:
    from click.shell_completion import split_arg_string

    words = split_arg_string(line)
    incomplete = words.pop() if words and not line[-1:].isspace() else ""
    replaced = _replaced(name, incomplete, breaks)
    return [f"{each.type}\t{replaced(each)}\t{_gist(each)}" for each in _items(words[1:], incomplete)]


def _replaced(name: str, incomplete: str, breaks: str) -> Callable[[CompletionItem[str]], str]:
    """Return how to write a word, so that it can stand for what the shell replaces.

    In `--context=arn:aws:eks` the word is what follows the `=`. zsh and fish replace all of it, flag included; bash
    what follows the last of its breaks (COMP_WORDBREAKS, which has = and :), and knows nothing of quoting.
    """
    flag, _, value = incomplete.partition("=") if incomplete.startswith("-") else ("", "", incomplete)
    given = f"{flag}=" if flag and "=" in incomplete else ""
    whole = given + value
    kept = max((whole.rfind(each) + 1 for each in breaks if each in "=:"), default=0) if name == "bash" else 0

    def write(item: CompletionItem[str]) -> str:
        word = given + item.value
        if name != "bash":
            return word
        return shlex.quote(word[kept:] if word[:kept].lower() == whole[:kept].lower() else word)

    return write


def _gist(item: CompletionItem[str]) -> str:
    """Say on one line what a word is; zsh and fish show it beside the word."""
    return " ".join((item.help or "").split())
