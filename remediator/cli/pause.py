"""`remediator pause`: have nothing done for a while, or list who does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import duration, home_options
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("pause")
@click.pass_obj
@home_options
@click.option("--for", "span", metavar="DURATION", callback=duration, help="How long: from 1m to 30d, such as 2h.")
@click.option("--reason", default="", help="Why; whoever is held back is told.")
@click.option("-n", "--namespace", help="Only what is in this namespace; else everything.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    home: str | None,
    span: timedelta | None,
    reason: str,
    namespace: str | None,
) -> int:
    """Hold every action back for a while, whoever approves it. Without --for: list the pauses, and change nothing.

    It is a Lease in the remediator's home namespace, and so counts for CronJob, daemon and people alike; it ends by the
    API server's clock, or with `remediator resume`. Several may stand at once. Looking, reporting and recording go on,
    and what is half done is finished or undone. It takes Role ack-remediator-pauses in the home namespace.

    \b
    Examples:
      remediator pause --for 2h --reason 'EKS upgrade'
      remediator pause --for 30m --reason 'load test' -n shop
      remediator pause
    """
    from remediator.cli.names import check_name
    from remediator.cli.pausing import Desk
    from remediator.model.pause import LONGEST_PAUSE, LONGEST_REASON, SHORTEST_PAUSE
    from remediator.model.times import format_duration

    if span is None and (reason or namespace):
        raise UsageError("--reason and -n go with --for", hint="Say how long, such as --for 2h; alone, `pause` lists.")
    if span is not None:
        if not SHORTEST_PAUSE <= span <= LONGEST_PAUSE:
            longest = format_duration(LONGEST_PAUSE)
            raise UsageError(f"--for takes 1m to {longest}", hint="What is to stay so belongs into the policy.")
        if not reason.strip():
            raise UsageError("--for needs a --reason", hint="Say why; whoever is held back is told.")
        if len(reason.strip()) > LONGEST_REASON or not reason.isprintable():
            raise UsageError(f"--reason takes one line of up to {LONGEST_REASON} characters")
        if namespace is not None:
            check_name("namespace", namespace)
    desk = Desk.open(kubeconfig, context, home, clock)
    if span is None:
        return desk.tell()
    return desk.pause(span, reason.strip(), namespace or "")
