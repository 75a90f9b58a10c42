"""Text for people: aligned, wrapped to the terminal, coloured only where a terminal shows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from remediator.model.printable import UNSEEN, in_one_line, printable

__all__ = [
    "RULING_MARKS",
    "STATE_STYLES",
    "UNSEEN",
    "Page",
    "Row",
    "console",
    "in_one_line",
    "narration",
    "printable",
    "shortened",
]

STATE_STYLES = {"stuck": "bold red", "waiting": "yellow", "unknown": "magenta", "advisory": "cyan", "healthy": "green"}
RULING_MARKS = {"allowed": ("ok", "green"), "held": ("HELD", "bold red"), "later": ("later", "yellow")}

_LONGEST, _LONGEST_IN_TABLE = 2000, 500
_NAME_WIDTH = 18
_LONGEST_NAME = 40
_GAP = "  "


def shortened(text: str, longest: int = _LONGEST, *, elsewhere: str = "; -o json has them") -> str:
    """Cut what no person reads to its end; say how much, and where the rest is."""
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}… ({left:,} characters more{elsewhere})"


class Row(NamedTuple):
    """One row of a table: its cells, the style of its state, the paragraphs beneath it, and which cell is the state."""

    cells: Sequence[str]
    style: str
    beneath: Sequence[str]
    styled: int = 3


class Page:
    """Lines on one stream. Texts without end are cut, unless the `whole` of them is wanted."""

    def __init__(self, stream: TextIO, *, whole: bool = False) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=False)
        self._whole = whole

    def line(self, text: str, style: str = "") -> None:
        """Print one line, wrapped at words."""
        self._console.print(Text(in_one_line(text), style=style))

    def verbatim(self, text: str) -> None:
        """Print one line as it is, however long: it is meant to be copied."""
        self._console.print(Text(in_one_line(text)), soft_wrap=True)

    def hanging(self, head: str, body: str, *, style: str = "", body_style: str = "") -> None:
        """Print a head and a body that wraps beside it."""
        head = in_one_line(head)
        width = max(20, self._console.width - cell_len(head))
        said = body if self._whole else shortened(body)
        lines = Text(printable(said), style=body_style).wrap(self._console, width)
        for index, part in enumerate(lines or [Text("")]):
            part.rstrip()
            self._console.print(Text(head if index == 0 else " " * cell_len(head), style=style) + part, soft_wrap=True)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.line("")
        self.line(text, style="bold")

    def field(self, name: str, value: str) -> None:
        """Print one fact of a section."""
        self.fields([(name, value)])

    def fields(self, facts: Sequence[tuple[str, str]]) -> None:
        """Print facts with their values in one column."""
        width = min(max(_NAME_WIDTH, *(len(name) for name, _ in facts)), _LONGEST_NAME)
        for name, value in facts:
            self.hanging(f"  {name:<{width}}{_GAP}", value)

    def fits(self, header: Sequence[str], rows: Sequence[Row]) -> bool:
        """Whether a table goes on the screen unbroken; also where nobody knows the screen: a pipe does not wrap."""
        known = self._console.is_terminal or "COLUMNS" in os.environ
        return not known or sum(_widths(header, rows)) + len(_GAP) * (len(header) - 1) <= self._console.width

    def columns(self, header: Sequence[str], rows: Sequence[Row]) -> None:
        """Print a table, each row with its paragraphs beneath."""
        widths = _widths(header, rows)
        self._console.print(Text(_aligned(header, widths), style="bold"), soft_wrap=True)
        for row in rows:
            text = Text()
            for index, cell in enumerate(row.cells):
                text.append(_padded(in_one_line(cell), widths[index]), style=row.style if index == row.styled else "")
                text.append(_GAP)
            text.rstrip()
            self._console.print(text, soft_wrap=True)
            for paragraph in row.beneath:
                said = paragraph if self._whole else shortened(paragraph, _LONGEST_IN_TABLE)
                self.hanging("    ", said, body_style="dim")


def _widths(header: Sequence[str], rows: Sequence[Row]) -> list[int]:
    lines = [header, *(row.cells for row in rows)]
    return [max(cell_len(in_one_line(line[index])) for line in lines) for index in range(len(header))]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def console(*, whole: bool = False) -> Page:
    """Data: standard output."""
    return Page(sys.stdout, whole=whole)


def narration() -> Page:
    """What is told beside the data: standard error."""
    return Page(sys.stderr)
