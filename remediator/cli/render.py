"""Text for people: aligned, wrapped to the terminal, coloured only where a terminal shows it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

STATE_STYLES = {"stuck": "bold red", "waiting": "yellow", "unknown": "magenta", "advisory": "cyan", "healthy": "green"}
RULING_MARKS = {"allowed": ("ok", "green"), "held": ("HELD", "bold red"), "later": ("later", "yellow")}


_CONTROLS = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"
}


def printable(text: str) -> str:
    """Replace control characters: conditions are other people's texts, and a terminal obeys what it is sent."""
    return text.translate(_CONTROLS)


class Page:
    """Lines on one stream."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=False)

    def line(self, text: str, style: str = "") -> None:
        """Print one line, wrapped at words."""
        self._console.print(Text(printable(text), style=style))

    def verbatim(self, text: str) -> None:
        """Print one line as it is, however long: it is meant to be copied."""
        self._console.print(Text(printable(text)), soft_wrap=True)

    def hanging(self, head: str, body: str, *, style: str = "", body_style: str = "") -> None:
        """Print a head and a body that wraps beside it."""
        width = max(20, self._console.width - len(head))
        lines = Text(printable(body), style=body_style).wrap(self._console, width)
        for index, part in enumerate(lines or [Text("")]):
            part.rstrip()
            self._console.print(
                Text(printable(head) if index == 0 else " " * len(head), style=style) + part, soft_wrap=True
            )

    def columns(self, header: Sequence[str], rows: Sequence[tuple[Sequence[str], str, str]]) -> None:
        """Print a table; each row is cells, the style of its fourth cell, and a sentence that goes beneath it."""
        cells = [header, *(row for row, _, _ in rows)]
        widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
        self._console.print(Text(_aligned(header, widths), style="bold"), soft_wrap=True)
        for row, style, sentence in rows:
            text = Text()
            for index, cell in enumerate(row):
                text.append(printable(cell).ljust(widths[index]), style=style if index == 3 else "")
                text.append("  ")
            text.rstrip()
            self._console.print(text, soft_wrap=True)
            self.hanging("    ", sentence, body_style="dim")


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def console() -> Page:
    """Data: standard output."""
    return Page(sys.stdout)


def narration() -> Page:
    """What is told beside the data: standard error."""
    return Page(sys.stderr)
