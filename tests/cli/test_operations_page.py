"""What docs/operations.md shows of a night on call is what the sandbox shows whoever types it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remediator.sandbox.scenarios import SCENARIOS
from remediator.sandbox.scenarios.stage import Stage
from tests.cli.shop import Typing
from tests.pages import OPERATIONS, fences

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("models_read_once")]

SHOWN = ("archive", "checkout", "legacy", "search")
# What differs from night to night: times, spans, ids, and who runs it.
_PASSING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\bp-[0-9a-f]{10}\b"), "PROPOSAL"),
    (re.compile(r"\bby \S+@\S+;"), "by SOMEBODY;"),
    (re.compile(r"\b\d+[dhms](?:\d+[hms])*\b|\bnew\b"), "SPAN"),
    (re.compile(r"\b\d+ (minutes|functions|stuck|waiting|unknown|advisory|healthy|seconds)\b"), r"SOME \1"),
)
_ROW = re.compile(r"^(?=shop +\w+ +\w+ )", flags=re.MULTILINE)


def _lasting(text: str) -> str:
    """Put a text into one line, without what passes."""
    told = " ".join(text.split())
    for passing, word in _PASSING:
        told = passing.sub(word, told)
    return told


def _block(command: str) -> str:
    """Find what the page shows for a command."""
    [found] = [
        each for each in fences(OPERATIONS.read_text(encoding="utf-8"), "text") if each.startswith(f"$ {command}\n")
    ]
    return found.partition("\n")[2]


@pytest.fixture
def night(tmp_path: Path, typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Type commands at the sandbox that `demo --keep` leaves up."""
    cast = [each for each in SCENARIOS if each.function in SHOWN]
    assert {each.function for each in cast} == {*SHOWN}
    with Stage(tmp_path, speed=1.0, scenarios=cast, healthy=45) as stage:
        monkeypatch.setenv("REMEDIATOR_POLICY", str(stage.policy))

        def typed(line: str) -> str:
            ran = typed_anywhere(*line.split(), columns=80)
            assert ran.code == 0, ran.err
            return ran.out + ran.err

        yield typed


@pytest.mark.deep
def test_the_output_is_that_of_the_sandbox(night: Callable[..., str]) -> None:
    told = night("scan -A")
    rows = [_lasting(each) for each in _ROW.split(_block("remediator scan -A").partition("\nsandbox, ")[0])]
    assert [row.split()[1] for row in rows[1:]] == list(SHOWN)
    for row in rows:
        assert row in _lasting(told)

    explained = _lasting(night("explain function/checkout -n shop"))
    for part in re.split(r"\n(?=\S|  [a-z])", _block("remediator explain function/checkout -n shop").rstrip()):
        if not part.startswith("  since "):  # it is "first seen now", where nothing was recorded
            assert _lasting(part) in explained

    [proposal] = re.findall(r"proposal +(p-[0-9a-f]{10})", night("explain function/checkout -n shop"))
    acted = _lasting(night(f"run -A --approve --proposal {proposal}"))
    assert _lasting(_block("remediator run -A --approve --proposal p-28fbe03230")) in acted
