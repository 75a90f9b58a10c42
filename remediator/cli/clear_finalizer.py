"""`remediator clear-finalizer function/NAME`: let an object go whose function is gone, where nobody else will."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.interrupt import take_sigterm_as_interrupt
from remediator.cli.options import cluster_options, override_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("clear-finalizer")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME")
@cluster_options
@click.option("--confirm", metavar="CONTEXT", help="The context's name: approve without asking.")
@override_options
@click.option("--backups", type=click.Path(path_type=Path), help="Save the object as a file in this directory.")
def command(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    confirm: str | None,
    gates: tuple[str, ...],
    reason: str,
    backups: Path | None,
) -> int:
    """Remove ACK's finalizer from an object that is stuck in its deletion, and whose function AWS no longer has.

    For where no Resync can help: the controller is down, looks elsewhere (IdentityDrift), or did nothing. AWS has to
    say gone twice, a minute apart; the object is saved first; no other finalizer is touched. Shows what it would do,
    and asks you to type the context's name.
    """
    from remediator.cli.consent import must_be_askable
    from remediator.cli.names import function_name
    from remediator.cli.session import Session
    from remediator.cli.wiring import wire
    from remediator.gates import parse_override
    from remediator.model.plan import ActionName

    name = function_name(target, "clear-finalizer")
    must_be_askable(confirm)
    overrides = parse_override(gates, reason, "the person at the terminal")
    take_sigterm_as_interrupt()
    wired = wire(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        policy=policy,
        backups=backups,
        clock=clock,
    )
    where = wired.namespace or "default"
    session = Session(wired, overrides=overrides, requested={(where, name): ActionName.CLEAR_FINALIZER})
    return session.clear_finalizer(where, name, confirm)
