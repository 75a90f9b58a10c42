"""`remediator restart-controller`: give ACK's controller new pods, where it hangs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import audit_option, duration, override_options, whole_cluster_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("restart-controller")
@click.pass_obj
@whole_cluster_options
@click.option("--deployment", default="", metavar="NAMESPACE/NAME", help="Which, where there are several.")
@click.option(
    "--wait",
    default="0s",
    show_default=True,
    callback=duration,
    metavar="DURATION",
    help="How long to wait for creates that are in flight.",
)
@click.option("--confirm", metavar="CONTEXT", help="The context's name: approve without asking.")
@override_options
@audit_option
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    home: str | None,
    policy: Path | None,
    deployment: str,
    wait: timedelta,
    confirm: str | None,
    gates: tuple[str, ...],
    reason: str,
    audit_log: Path | None,
) -> int:
    """Restart ACK's controller, where it runs and most of what is stuck waits for it.

    As `kubectl rollout restart`, but not while ACK makes something in AWS, not twice within the policy's minInterval,
    and not where AWS's quota of calls would be kept busy for too long: after a restart ACK looks at everything. The
    policy must allow it (actions.RestartController.mode: approve). Shows what it would do, asks you to type the
    context's name, and watches until resources are looked at again. There is no undo.

    \b
    Examples:
      remediator restart-controller --policy policy.yaml
      remediator restart-controller --wait 10m --confirm prod-eu1
    """
    from remediator.cli.consent import must_be_askable
    from remediator.cli.interrupt import take_sigterm_as_interrupt
    from remediator.cli.restart_session import RestartSession
    from remediator.cli.telling import telling
    from remediator.cli.wiring import wire
    from remediator.gates import parse_override

    must_be_askable(confirm)
    overrides = parse_override(gates, reason, "the person at the terminal")
    take_sigterm_as_interrupt()
    wired = wire(
        kubeconfig=kubeconfig,
        context=context,
        all_namespaces=True,
        home=home,
        policy=policy,
        clock=clock,
        deliveries=click.get_current_context().with_resource(telling()),
        audit_log=audit_log,
    )
    return RestartSession(wired, overrides=overrides).restart(deployment, wait, confirm)
