"""`remediator clear-finalizer function/NAME`: let an object go whose function is gone, where nobody else will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from remediator.cli import candidates
from remediator.cli.options import request_options

if TYPE_CHECKING:
    from remediator.cli.requesting import Flags
    from remediator.ports import Clock


@click.command("clear-finalizer")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME", shell_complete=candidates.live("deleted"))
@request_options(click.option("--confirm", metavar="CONTEXT", help="The context's name: approve without asking."))
def command(clock: Clock | None, target: str, confirm: str | None, **flags: Unpack[Flags]) -> int:
    """Remove ACK's finalizer from an object that is stuck in its deletion, and whose function AWS no longer has.

    For where no Resync can help: the controller is down, looks elsewhere (IdentityDrift), or did nothing. AWS has to
    say gone twice, a minute apart; the object is saved first; no other finalizer is touched. Shows what it would do,
    and asks you to type the context's name.

    \b
    Examples:
      remediator clear-finalizer function/archive -n shop
      remediator clear-finalizer function/archive -n shop --confirm prod-eu1
    """
    from remediator.cli.consent import must_be_askable
    from remediator.cli.names import function_name
    from remediator.cli.requesting import session
    from remediator.model.plan import ActionName

    name = function_name(target, "clear-finalizer")
    must_be_askable(confirm)
    asked, where = session(ActionName.CLEAR_FINALIZER, name, flags, clock)
    return asked.clear_finalizer(where, name, confirm)
