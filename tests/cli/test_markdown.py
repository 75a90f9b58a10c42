"""The Markdown of the runbooks, as a terminal shows it."""

from __future__ import annotations

import pytest

from remediator.cli import markdown
from remediator.cli.markdown import Code, Gap, Heading, Prose, Table
from remediator.cli.render import console


def _blocks(*lines: str) -> list[markdown.Block]:
    return list(markdown.blocks("\n".join(lines)))


def test_the_lines_of_a_paragraph_are_one_text() -> None:
    assert _blocks("One", "two.", "", "", "Three.") == [Prose("", "One two."), Gap(), Prose("", "Three.")]


def test_a_heading_of_any_level_is_one() -> None:
    assert _blocks("# A", "## B", "text") == [Heading("A"), Heading("B"), Prose("", "text")]


def test_items_hang_from_their_marks_and_go_on_beneath() -> None:
    assert _blocks(
        "1. First", "   goes on", "2. Second", "   - inner", "     more", "", "   A paragraph", "   of it."
    ) == [
        Prose("1. ", "First goes on"),
        Prose("2. ", "Second"),
        Prose("   - ", "inner more"),
        Gap(),
        Prose("   ", "A paragraph of it."),
    ]


def test_code_is_left_alone_whatever_is_in_it() -> None:
    assert _blocks("```sh", "# no heading", "", "| no table |", "- no item", "```", "after") == [
        Code(("# no heading", "", "| no table |", "- no item")),
        Prose("", "after"),
    ]


def test_a_table_is_its_rows_wherever_it_is_indented() -> None:
    assert _blocks("text", "   | a | b |", "   |---|---|", "   | `x` | two words |") == [
        Prose("", "text"),
        Table("   ", ("a", "b"), (("`x`", "two words"),)),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("see [the gates](README.md#the-gates) first", "see the gates first"),
        ("**every** function", "every function"),
        ("type `remediator scan -A`", "type `remediator scan -A`"),
        ("`$LATEST[0]` (not a link)", "`$LATEST[0]` (not a link)"),
    ],
)
def test_marks_that_a_terminal_does_not_need_are_taken_away(written: str, read: str) -> None:
    assert markdown.plain(written) == read


def _shown(text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int = 40) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    markdown.show(text, console())
    return capsys.readouterr().out


def test_rows_stand_one_beneath_the_other(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = "| code | who | remedy |\n|---|---|---|\n| `A`, `B` | the network's owner | Report |\n"
    assert _shown(text, capsys, monkeypatch) == (
        "code: who, remedy\n  `A`, `B`\n      who: the network's owner\n      remedy: Report\n"
    )


def test_prose_wraps_beneath_its_mark_and_code_does_not_wrap(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 60
    out = _shown(f"1. one two three four five six seven eight\n\n```sh\n  {long} \\\n```\n", capsys, monkeypatch)
    assert out == f"1. one two three four five six seven\n   eight\n\n  {long} \\\n"
