"""`remediator findings [NAME]`: the catalogue."""

from __future__ import annotations

import difflib
import inspect

import click

from remediator.cli.render import console
from remediator.diagnosis.catalogue import CATALOGUE, Entry
from remediator.errors import UsageError


@click.command("findings")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the findings in the order in which they are asked, or explain one."""
    if name is None:
        _list()
        return
    entry = next((each for each in CATALOGUE if each.name.lower() == name.lower()), None)
    if entry is None:
        near = difflib.get_close_matches(name, [each.name for each in CATALOGUE], n=1, cutoff=0.4)
        guess = f"Did you mean {near[0]}?" if near else "`remediator findings` lists them."
        raise UsageError(f"there is no finding {name!r}", hint=guess)
    _explain(entry)


def _list() -> None:
    out = console()
    width = max(len(each.name) for each in CATALOGUE)
    for entry in CATALOGUE:
        out.hanging(f"{entry.name:<{width}}  ", entry.meaning)


def _explain(entry: Entry) -> None:
    out = console()
    out.line(entry.name, style="bold")
    out.hanging("  means    ", entry.meaning)
    out.hanging("  helps    ", entry.advice)
    out.hanging("  timeout  ", entry.timeout)
    doc = inspect.getdoc(entry.rule) if entry.rule else None
    if doc:
        out.line("")
        for paragraph in doc.split("\n\n"):
            out.hanging("  ", " ".join(paragraph.split()))
