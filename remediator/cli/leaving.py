"""What a person who declines is asked: whether to leave one of them alone for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from remediator.cli.consent import Ask, ask_at_terminal
from remediator.cli.render import Page
from remediator.errors import RemediatorError, UsageError
from remediator.leaving import kubectl_undo, leave_alone, read_until
from remediator.model.plan import Plan
from remediator.model.resource import Ref
from remediator.ports import Cluster


def offer(plans: Sequence[Plan], cluster: Cluster, now: datetime, page: Page, ask: Ask | None = None) -> None:
    """Ask which of these is to be left alone, and until when, until nobody answers; write just that.

    What cannot be read, or written, is told, and asked for again. Nothing is written without a name and a time.
    """
    targets = {plan.target: None for plan in plans}
    example = next(iter(targets)).name
    question = f"To leave one alone, type its name and for how long, such as {example} 12h (Enter: none)"
    while True:
        try:
            typed = (ask or ask_at_terminal)(question).strip()
        except click.Abort:  # the end of the input
            return
        if not typed:
            return
        try:
            target, until = _read(typed, tuple(targets), now)
            value = leave_alone(target, until, cluster)
        except RemediatorError as error:
            page.line(f"{error.message}. {error.hint}".strip())
            continue
        page.line(f"{target} is left alone until {value}. This takes it back:")
        page.verbatim(f"  {kubectl_undo(target)}")


def _read(typed: str, targets: Sequence[Ref], now: datetime) -> tuple[Ref, datetime]:
    """Read `[NAMESPACE/]NAME UNTIL`; raise UsageError where it is not one of those that were shown."""
    name, _, until = typed.partition(" ")
    namespace, _, bare = name.rpartition("/")
    meant = [each for each in targets if each.name == bare and namespace in ("", each.namespace)]
    if len(meant) != 1 or not until.strip():
        shown = ", ".join(f"{each.namespace}/{each.name}" for each in targets)
        what = (
            f"{bare!r} can mean {len(meant)} of them" if len(meant) > 1 else "that is not a name of these, and a time"
        )
        raise UsageError(what, hint=f"These are shown: {shown}; write one and 12h, or 2026-11-23T07:00:00Z")
    return meant[0], read_until(until.strip(), now)
