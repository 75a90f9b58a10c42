"""Comments that let a problem pass: `# remediator-lint: ignore=RuleId why`, on its line or the one above."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from remediator.lint.catalogue import RULES, UNUSED_IGNORE
from remediator.lint.near import meant
from remediator.lint.problem import Problem
from remediator.manifest.source import Source
from remediator.manifest.tree import Mark

_COMMENT = re.compile(r"(?:^|\s)#\s*remediator-lint:[ \t]*(.*)$")
_IGNORE = re.compile(r"ignore=([A-Za-z,]+)(?:\s|$)")
_BLANK = re.compile(r"\s*(?:#.*)?$")


class _Ignore(Struct, frozen=True):
    """One rule that a comment lets pass on a line; `place` is where the comment itself stands."""

    rule: str
    line: int
    place: Mark


def ignored(source: Source, found: Sequence[Problem]) -> tuple[list[Problem], int]:
    """Take out what the comments of a file let pass, and add those that let nothing pass; count what was taken out."""
    comments = list(_read(source))
    ignores = [each for each in comments if isinstance(each, _Ignore)]
    kept = [each for each in found if not any(_means(ignore, each) for ignore in ignores)]
    unused = [
        _told(source, each.place, f"{each.rule} finds nothing here")
        for each in ignores
        if not any(_means(each, one) for one in found)
    ]
    faults = [each for each in comments if isinstance(each, Problem)]
    return [*kept, *faults, *unused], len(found) - len(kept)


def _means(ignore: _Ignore, found: Problem) -> bool:
    return (ignore.rule, ignore.line) == (found.rule.id, found.mark.line)


def _read(source: Source) -> Iterator[_Ignore | Problem]:
    """Find the comments of a file; one that cannot be understood is a problem."""
    known = [each.id for each in RULES]
    lines = source.text.splitlines()
    for index, line in enumerate(lines):
        comment = _COMMENT.search(line)
        if comment is None:
            continue
        place = Mark(index + 1, line.index("#", comment.start()) + 1)
        asked = _IGNORE.match(comment[1])
        if asked is None:
            yield _told(source, place, "write it as # remediator-lint: ignore=RuleId why")
            continue
        meaning = _meant_line(lines, index)
        for rule in filter(None, asked[1].split(",")):
            if rule in known:
                yield _Ignore(rule, meaning, place)
            else:
                yield _told(source, place, f"there is no rule {rule}{meant(rule, known)}")


def _meant_line(lines: Sequence[str], index: int) -> int:
    """Find the line that a comment is about: its own, or where it stands alone the next that is more than a comment."""
    while index + 1 < len(lines) and _BLANK.match(lines[index]):
        index += 1
    return index + 1


def _told(source: Source, place: Mark, said: str) -> Problem:
    return Problem(rule=UNUSED_IGNORE, severity=UNUSED_IGNORE.severity, file=source.name, mark=place, said=said)
