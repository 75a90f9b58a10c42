"""`remediator demo --scenario NAME`: one trouble, told from the first scan to what there is to learn."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from remediator.cli.story import Teller
from remediator.sandbox.scenarios import SCENARIOS, Scenario
from tests.cli.shop import Typing

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("models_read_once")]

# What the scan finds, and what is said of how it ends.
ENDINGS = {
    "pending": ("FunctionPending", "Decision: wait", "1 function: 1 healthy."),
    "updating": ("UpdateInProgress", "Decision: wait", "1 function: 1 healthy."),
    "rolled-back": ("UpdateFailed", "Decision: propose", "resolved Resync shop/checkout: the controller ran a pass at"),
    "gone-in-aws": ("FinalizerLeft", "Decision: propose", "resolved ClearFinalizer shop/archive: the object is gone"),
    "hands-off": ("FinalizerLeft", "HELD opt-out ack-remediator.dev/ignore is set", "1 function: 1 stuck."),
    "other-account": ("Unreadable", "the function is in account 210987654321", "1 function: 1 unknown."),
    "refused-deletion": ("DeletionBlocked", "Decision: report", "1 function: 1 stuck."),
    "wrong-checksum": ("ChecksumMismatch", "matching n5+fn5", "1 function: 1 advisory."),
    "image-gone": ("CreateFailed", "Decision: report", "1 function: 1 stuck."),
    "name-taken": ("AlreadyExists", "Decision: report", "1 function: 1 stuck."),
    "missing-reference": ("ReferencesUnresolved", "Decision: wait", "1 function: 1 waiting."),
    "denied-create": ("PermissionDenied", "Decision: report", "1 function: 1 stuck."),
}


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_every_scenario_is_told_here() -> None:
    assert list(ENDINGS) == [each.name for each in SCENARIOS]


@pytest.mark.deep
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_story_is_told_to_its_end(
    typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scenario: Scenario
) -> None:
    name = scenario.name
    finding, explained, ended = ENDINGS[name]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, threads = dict(os.environ), threading.active_count()
    told = typed_anywhere("demo", "--scenario", name)
    assert told.code == 0
    out, err = in_one_line(told.out), in_one_line(told.err)
    assert out.startswith(f"ack-remediator: {name}, on a sandbox")
    first = out.split("$ remediator scan -A")[1]
    assert re.search(rf" shop \S+ {finding} ", first), "the scan finds it"
    assert "$ remediator explain function/" in out
    assert explained in out
    assert ended in err
    assert "What to take home" in out
    assert "That was all, in" in out
    assert "error:" not in out + err
    for line in (*told.out.splitlines(), *told.err.splitlines()):
        assert len(line.rstrip()) <= 80 or line.startswith("  kubectl patch "), line
    assert dict(os.environ) == before
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("ack-remediator")] == []
    assert threading.active_count() <= threads


def test_a_story_that_is_broken_off_leaves_nothing(
    typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By SIGTERM, too: the handler is there before anything is set up, and raises as Ctrl-C does."""

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(30)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Teller, "one", killed)
    before, threads = dict(os.environ), threading.active_count()
    told = typed_anywhere("demo", "--scenario", "missing-reference")
    assert told.code == 130
    assert dict(os.environ) == before
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("ack-remediator")] == []
    assert threading.active_count() <= threads


def test_they_are_listed_with_a_sentence_each(typed_anywhere: Typing) -> None:
    listed = typed_anywhere("demo", "--list", columns=200)
    assert (listed.code, listed.err) == (0, "")
    lines = [line.split(maxsplit=1) for line in listed.out.splitlines()]
    assert [line[0] for line in lines] == list(ENDINGS)
    for _, sentence in lines:
        assert sentence.endswith(".")
        assert len(sentence) < 120


def test_the_list_needs_no_library_of_the_sandbox(typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("moto", "flask", "boto3", "kubernetes"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in [each for each in sys.modules if each.startswith("remediator.sandbox.scenarios")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "remediator.cli.demo", raising=False)
    assert typed_anywhere("demo", "--list").code == 0


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("roled-back", "Did you mean rolled-back? `remediator demo --list` lists them."),
        ("Gone-in-AWS!", "Did you mean gone-in-aws? `remediator demo --list` lists them."),
        ("xyzzy", "`remediator demo --list` lists them."),
    ],
)
def test_a_name_that_there_is_not(typed_anywhere: Typing, name: str, hint: str) -> None:
    told = typed_anywhere("demo", "--scenario", name, columns=200)
    assert (told.code, told.out) == (2, "")
    assert told.err == f"error: there is no scenario {name!r}\n{hint}\n"


def test_names_and_functions_are_there_once() -> None:
    for key in ("name", "function", "title", "lesson"):
        assert len({getattr(each, key) for each in SCENARIOS}) == len(SCENARIOS)
