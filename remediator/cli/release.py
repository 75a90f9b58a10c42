"""`remediator release function/NAME`: let an object go whose deletion AWS refuses, and keep its function."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.interrupt import take_sigterm_as_interrupt
from remediator.cli.options import cluster_options, override_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("release")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME")
@cluster_options
@click.option("--orphan", metavar="FUNCTION", help="The function that stays in AWS, by name: approve without asking.")
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
    orphan: str | None,
    gates: tuple[str, ...],
    reason: str,
    backups: Path | None,
) -> int:
    """Let ACK drop its finalizer from an object that is stuck in its deletion, and keep the function in AWS.

    The function is then an orphan: it runs, is billed, and nothing manages it. Shows what it would do, and asks you to
    type the function's name. It is never proposed, and never done without a person.
    """
    from remediator.cli.names import function_name
    from remediator.cli.session import Session
    from remediator.cli.wiring import wire
    from remediator.errors import UsageError
    from remediator.gates import parse_override
    from remediator.model.plan import ActionName

    name = function_name(target, "release")
    if orphan is None and not sys.stdin.isatty():
        raise UsageError(
            "release needs a terminal to ask on, or the function that you leave in AWS",
            hint="Pass --orphan with the function's name.",
        )
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
    session = Session(wired, overrides=overrides, requested={(where, name): ActionName.RELEASE})
    return session.release(where, name, orphan)
