"""`remediator findings [NAME]`: the catalogue, and the page of each finding."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

import click

from remediator.cli import candidates, markdown, runbook
from remediator.cli.render import console, narration
from remediator.diagnosis.catalogue import DELETING, LIVING, UNREADABLE
from remediator.diagnosis.cluster import CLUSTER_CATALOGUE
from remediator.errors import UsageError


class Group(NamedTuple):
    """Findings that are asked of the same things, each with its meaning in a line."""

    title: str
    entries: tuple[tuple[str, str], ...]


@click.command("findings")
@click.argument("name", required=False, shell_complete=candidates.findings)
@click.option("--raw", is_flag=True, help="Print the page as it is, in Markdown.")
def command(name: str | None, raw: bool) -> None:
    """List the findings in the order in which they are asked, or show the runbook of one (README: their index).

    \b
    Examples:
      remediator findings
      remediator findings ChecksumMismatch
      remediator findings README --raw >runbook.md
    """
    if name is None:
        _list()
        return
    page = runbook.text(_known(name))
    if raw:
        click.echo(page, nl=False)
        return
    out = console()
    markdown.show(page, out)
    if others := runbook.linked(page):
        out.line("")
        out.hanging("See also: ", ", ".join(f"remediator findings {each}" for each in others))


def groups() -> Iterator[Group]:
    """Yield the catalogue as people look for a finding: what is being deleted, what is not, the cluster."""
    deleting = {entry.name: entry.meaning for entry in DELETING}
    yield Group("Being deleted", tuple(deleting.items()))
    living = {entry.name: entry.meaning for entry in (*LIVING, UNREADABLE) if entry.name not in deleting}
    yield Group("Not being deleted", tuple(living.items()))
    yield Group("The cluster", tuple((entry.name, entry.meaning) for entry in CLUSTER_CATALOGUE))


def _list() -> None:
    out = console()
    catalogue = list(groups())
    width = max(len(name) for group in catalogue for name, _ in group.entries)
    for group in catalogue:
        out.line(group.title, style="bold")
        for name, meaning in group.entries:
            out.hanging(f"  {name:<{width}}  ", meaning)
    narration().line("remediator findings NAME shows what to do; README: the gates, and what is done by hand.")


def _known(name: str) -> str:
    """Find a page's name, however it is written."""
    names = [each for group in groups() for each, _ in group.entries]
    known = {each.lower(): each for each in (*names, runbook.INDEX)}
    if found := known.get(name.lower()):
        return found
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    guess = f"Did you mean {near[0]}?" if near else "`remediator findings` lists them."
    raise UsageError(f"there is no finding {name!r}", hint=guess)
