"""What reaches a terminal: no commands to it, no tricks with the direction of writing, nothing without end."""

from __future__ import annotations

import io

import pytest

from remediator.cli.render import Page, Row, printable, shortened


@pytest.mark.parametrize("code", [0x1B, 0x07, 0x9B, 0x202E, 0x2066, 0x2069, 0x200F, 0x061C, 0x2028, 0x2029])
def test_what_a_terminal_would_obey_is_replaced(code: int) -> None:
    assert printable(f"a{chr(code)}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("text", ["naïve", "日本語", "שלום", "a\tb\nc", "👩‍🚀", "[bold]x[/bold] <b>&amp;"])
def test_other_scripts_and_markup_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_a_text_without_end_is_cut_and_says_how_much() -> None:
    assert shortened("x" * 1_000_010, 10) == "x" * 10 + "… (1,000,000 characters more; -o json has them)"
    assert shortened("x" * 20, 10, elsewhere="") == "x" * 10 + "… (10 characters more)"
    assert shortened("x" * 10, 10) == "x" * 10


def test_a_table_cuts_sooner_than_a_page() -> None:
    table, page = io.StringIO(), io.StringIO()
    Page(table).columns(("A", "B", "C", "STATE"), [Row(("a", "b", "c", "stuck"), "red", ("y" * 5000,))])
    Page(page).hanging("said  ", "y" * 5000)
    assert table.getvalue().count("y") == 500
    assert page.getvalue().count("y") == 2000
    assert "4,500 characters more" in " ".join(table.getvalue().split())
