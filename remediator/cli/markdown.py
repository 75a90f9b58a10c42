"""The Markdown of our own pages, plainly for a terminal: what wraps is wrapped, what is to be copied stays as it is.

Only what the runbooks use: headings, paragraphs, lists, tables and fenced code. A table becomes its rows, one beneath
the other: cells of whole sentences fit no column at 80.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from remediator.cli.render import Page

_FENCE = "```"
_ITEM = re.compile(r" *(?:-|\d+\.) ")
_HEADING = re.compile(r"#+ (.*)")
_RULE = re.compile(r" *\|[-:| ]+\|")


class Prose(NamedTuple):
    """A paragraph, or an item of a list, with what stands before its first line."""

    head: str
    body: str


class Heading(NamedTuple):
    """A heading of any level."""

    text: str


class Code(NamedTuple):
    """A fenced block, line by line."""

    lines: tuple[str, ...]


class Table(NamedTuple):
    """A table: its columns' names, and its rows."""

    indent: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Gap(NamedTuple):
    """Empty lines."""


Block = Prose | Heading | Code | Table | Gap


def show(text: str, page: Page) -> None:
    """Print a page of Markdown."""
    for block in blocks(text):
        match block:
            case Heading():
                page.line(block.text, style="bold")
            case Prose():
                page.hanging(block.head, plain(block.body))
            case Code():
                for line in block.lines:
                    page.verbatim(line)
            case Table():
                _show_table(block, page)
            case Gap():
                page.line("")


def plain(text: str) -> str:
    """Take away what Markdown puts around words; backticks stay, since they say where a command begins and ends."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text).replace("**", "")


def blocks(text: str) -> Iterator[Block]:
    """Cut a page into what is printed in one way each."""
    lines = text.strip("\n").splitlines()
    while lines:
        count, block = _first(lines)
        yield block
        lines = lines[count:]


def _first(lines: list[str]) -> tuple[int, Block]:
    """Take the first block, and say how many lines it takes."""
    line = lines[0]
    if not line.strip():
        return len(list(takewhile(lambda each: not each.strip(), lines))), Gap()
    if line.startswith(_FENCE):  # whatever language it names
        code = tuple(takewhile(lambda each: each != _FENCE, lines[1:]))
        return len(code) + 2, Code(code)
    if heading := _HEADING.fullmatch(line):
        return 1, Heading(heading[1])
    if _is_row(line):
        rows = list(takewhile(_is_row, lines))
        header, *cells = (_cells(each) for each in rows if not _RULE.fullmatch(each))
        return len(rows), Table(_indent(line), header, tuple(cells))
    item = _ITEM.match(line)
    head = item[0] if item else _indent(line)
    rest = list(takewhile(lambda each: not _begins(each), lines[1:]))
    return len(rest) + 1, Prose(head, " ".join([line[len(head) :], *(each.strip() for each in rest)]))


def _begins(line: str) -> bool:
    """Whether a line begins a block, rather than go on with a paragraph."""
    return not line.strip() or _is_row(line) or line.startswith(_FENCE) or bool(_ITEM.match(line))


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _cells(line: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in line.strip().strip("|").split(" | "))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _show_table(table: Table, page: Page) -> None:
    """Print each row as its first cell, with the others beneath it: named where they are more than one."""
    first, *others = table.header
    page.hanging(table.indent, plain(f"{first}: {', '.join(others)}"))
    for cell, *rest in table.rows:
        page.hanging(f"{table.indent}  ", plain(cell))
        for name, said in zip(others, rest, strict=True):
            page.hanging(f"{table.indent}      ", plain(f"{name}: {said}" if len(others) > 1 else said))
