"""`remediator resume`: end a pause."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import home_options
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("resume")
@click.pass_obj
@click.argument("holder", metavar="[HOLDER]", required=False)
@home_options
@click.option("--all", "everybodys", is_flag=True, help="End everybody's pauses.")
def command(
    clock: Clock | None,
    holder: str | None,
    kubeconfig: Path | None,
    context: str | None,
    home: str | None,
    everybodys: bool,
) -> int:
    """End pauses: your own, those of HOLDER, or everybody's.

    HOLDER is as `remediator pause` lists it, or the name of a Lease there.

    \b
    Examples:
      remediator resume
      remediator resume alice@example.org
      remediator resume --all
    """
    from remediator.cli.pausing import Desk

    if holder is not None and everybodys:
        raise UsageError("HOLDER and --all exclude each other", hint="Leave one of them out.")
    return Desk.open(kubeconfig, context, home, clock).resume(holder, everybodys=everybodys)
