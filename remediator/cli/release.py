"""`remediator release function/NAME`: let an object go whose deletion AWS refuses, and keep its function."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Unpack

import click

from remediator.cli import candidates
from remediator.cli.options import request_options

if TYPE_CHECKING:
    from remediator.cli.requesting import Flags
    from remediator.ports import Clock


@click.command("release")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME", shell_complete=candidates.live("deleted"))
@request_options(
    click.option(
        "--orphan", metavar="FUNCTION", help="The function that stays in AWS, by name: approve without asking."
    )
)
def command(clock: Clock | None, target: str, orphan: str | None, **flags: Unpack[Flags]) -> int:
    """Let ACK drop its finalizer from an object that is stuck in its deletion, and keep the function in AWS.

    The function is then an orphan: it runs, is billed, and nothing manages it. Shows what it would do, and asks you to
    type the function's name. It is never proposed, and never done without a person.

    \b
    Examples:
      remediator release function/ledger -n shop
      remediator release function/ledger -n shop --orphan ledger --backups .
    """
    from remediator.cli.names import function_name
    from remediator.cli.requesting import session
    from remediator.errors import UsageError
    from remediator.model.plan import ActionName

    name = function_name(target, "release")
    if orphan is None and not sys.stdin.isatty():
        raise UsageError(
            "release needs a terminal to ask on, or the function that you leave in AWS",
            hint="Pass --orphan with the function's name.",
        )
    asked, where = session(ActionName.RELEASE, name, flags, clock)
    return asked.release(where, name, orphan)
