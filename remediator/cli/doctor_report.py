"""How the doctor's checks are told: as they come in for people, as one document for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from msgspec.structs import replace

from remediator.cli import documents
from remediator.cli.options import Output
from remediator.cli.render import Page, console, narration
from remediator.doctor import Check, Level

_STYLES = {Level.OK: "green", Level.NOTE: "", Level.WARNING: "yellow", Level.FAILURE: "bold red"}
_MARKS = {Level.OK: "ok", Level.NOTE: "note", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}


def tell(checks: Iterable[Check], output: Output) -> list[Check]:
    """Tell each check as soon as it is known, and sum up; return them all."""
    if output.for_machines:
        told = list(checks)
        documents.write(_document(told), output)
    else:
        told = []
        page, whole = console(whole=output is Output.WIDE), output is Output.WIDE
        for each in _gathered(_kept(checks, told), whole=whole):
            _line(page, each)
    counted = Counter(each.level for each in told)
    narration().line(", ".join(f"{counted[each]} {_counted(each, counted[each])}" for each in Level) + ".")
    return told


def _kept(checks: Iterable[Check], told: list[Check]) -> Iterator[Check]:
    for each in checks:
        told.append(each)
        yield each


def _gathered(checks: Iterable[Check], *, whole: bool) -> Iterator[Check]:
    """Tell in one sentence what can be, unless the `whole` is wanted."""
    if whole:
        yield from checks
        return
    for (together, _), group in groupby(checks, key=lambda each: (each.together, each.level)):
        them = list(group)
        if together is None or len(them) == 1:
            yield from them
            continue
        before, after = together
        briefs = ", ".join(each.brief for each in them if each.brief) or f"{len(them)} verbs"
        yield replace(them[0], said=f"{before}{briefs}{after}")


def _line(page: Page, check: Check) -> None:
    head = f"{_MARKS[check.level]:<8} {check.area:<12} "
    page.hanging(head, check.said, style=_STYLES[check.level])
    if check.fix:
        page.hanging(" " * len(head) + "→ ", check.fix, body_style="dim")


def _counted(level: Level, count: int) -> str:
    return level.value if level is Level.OK or count == 1 else f"{level.value}s"


def _document(checks: Iterable[Check]) -> documents.Document:
    """Build the document of `-o json` and `-o yaml`: each check by itself, none gathered."""
    listed = list(checks)
    counted = Counter(each.level for each in listed)
    return {
        "schemaVersion": documents.SCHEMA_VERSION,
        "checks": [
            {"area": each.area, "level": each.level.value, "said": each.said, "fix": each.fix or None}
            for each in listed
        ],
        "summary": {each.value: counted[each] for each in Level},
    }
