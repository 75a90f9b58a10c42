"""What the frozen plugin starts with, and what it leaves to the programs that it starts."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import remediator.cli
from release import plugin
from remediator.cli import candidates, completing, lookup

STARTERS = {"LD_LIBRARY_PATH": "/plugin/_internal", "_PYI_ARCHIVE_FILE": "/plugin/it", "_PYI_PARENT_PROCESS_LEVEL": "1"}


@given(st.dictionaries(st.sampled_from(["PATH", "HOME", "AWS_PROFILE", "LD_LIBRARY_PATH"]), st.text(min_size=1)))
def test_what_it_starts_finds_the_environment_that_it_was_given(given_one: dict[str, str]) -> None:
    """A kubeconfig starts `aws eks get-token`, which has libraries of its own."""
    saved = {"LD_LIBRARY_PATH_ORIG": given_one["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in given_one else {}
    environ = given_one | STARTERS | saved
    plugin.give_back(environ)
    assert environ == given_one


def test_where_nothing_is_frozen_nothing_of_the_interpreters_own_is_touched() -> None:
    environ = {"PATH": "/bin", "PYTHONPATH": "/it"}
    plugin.give_back(environ)
    assert environ == {"PATH": "/bin", "PYTHONPATH": "/it"}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note what is called instead of doing it."""
    calls: list[Any] = []
    monkeypatch.setattr(plugin, "give_back", lambda _environ: calls.append("gives back"))
    monkeypatch.setattr(remediator.cli, "main", lambda: calls.append("program"))
    monkeypatch.setattr(completing, "kubectl", lambda: calls.append("completion"))
    monkeypatch.setattr(lookup, "main", calls.append)
    return calls


@pytest.mark.parametrize(
    ("argv", "does"),
    [
        (["/krew/bin/kubectl-remediator", "scan"], "program"),
        (["kubectl-remediator"], "program"),
        (["/krew/bin/kubectl_complete-remediator", "sc"], "completion"),
        (["kubectl-remediator", *plugin.LOOKUP, '{"what": "contexts"}'], '{"what": "contexts"}'),
    ],
)
def test_the_name_says_what_it_is_to_do(
    called: list[Any], monkeypatch: pytest.MonkeyPatch, argv: list[str], does: str
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    plugin.main()
    assert called == ["gives back", does]


def test_names_are_looked_up_by_the_words_that_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no interpreter in a frozen program: it is started in its place, and would take them for a command."""
    started: list[list[str]] = []

    class Process:
        pid = 0

        def __init__(self, words: list[str], **_: Any) -> None:
            started.append(words)

        def wait(self, _seconds: float) -> None:
            pass

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    assert candidates._looked_up("contexts", {}, "") == []
    [words] = started
    assert words[:-1] == [sys.executable, *plugin.LOOKUP]
