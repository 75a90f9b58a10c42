"""`remediator run`: one pass under the policy, for a CronJob or a person."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remediator.cli import candidates
from remediator.cli.interrupt import take_sigterm_as_interrupt
from remediator.cli.options import (
    Output,
    audit_option,
    cluster_options,
    metrics_options,
    output_option,
    override_options,
    scope_options,
    shard_option,
)
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.cli.wiring import Wired
    from remediator.model.shard import Shard
    from remediator.ports import Clock


@click.command("run")
@click.pass_obj
@cluster_options
@scope_options
@shard_option
@output_option
@click.option("--approve", is_flag=True, help="Act on what you approve: on the terminal, or by --proposal.")
@click.option(
    "--proposal",
    "proposals",
    multiple=True,
    metavar="ID",
    shell_complete=candidates.live("proposals"),
    help="Approve this proposal without asking; repeatable.",
)
@override_options
@click.option("--dry-run", is_flag=True, help="Change nothing, whatever the policy says.")
@click.option(
    "--backups",
    type=click.Path(path_type=Path),
    help="Save objects as files in this directory before ClearFinalizer; else they are where the policy says.",
)
@audit_option
@metrics_options
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    all_namespaces: bool,
    selector: str | None,
    shard: Shard | None,
    output: Output,
    approve: bool,
    proposals: tuple[str, ...],
    gates: tuple[str, ...],
    reason: str,
    dry_run: bool,
    backups: Path | None,
    audit_log: Path | None,
    metrics_file: Path | None,
    push: str | None,
    push_job: str,
    push_labels: tuple[str, ...],
) -> int:
    """Make one pass under the policy, and watch for the effect of what it does.

    Under mode: approve it proposes, and acts on what people approved with `remediator approve`. With --approve it acts
    on what you approve here and now, whatever the mode.

    --approve shows the plan and asks you to type the context's name. Without a terminal, name what you approve with
    --proposal.

    --metrics-file and --push tell Prometheus what the pass saw and did. Where that fails, a line on stderr says so,
    and the exit code stays what it is. --audit-log is another matter: where it cannot be written, nothing is done.

    --shard is for an indexed Job: it leads its shard while it lasts, and waits where others of another N are at work.

    \b
    Examples:
      remediator run -A --dry-run
      remediator run -A --approve
      remediator run -A --approve --proposal p-0f1e2d3c4b
      remediator run -A --approve --override budget --reason 'OPS-4711'
    """
    if dry_run and approve:
        raise UsageError("--dry-run and --approve exclude each other", hint="Leave one of them out.")
    if proposals and not approve:
        raise UsageError(
            "--proposal approves nothing without --approve", hint="Add --approve, or leave --proposal out."
        )
    if approve and not proposals and not sys.stdin.isatty():
        raise UsageError(
            "--approve needs a terminal to ask on, or the proposals that you approve",
            hint="Pass --proposal ID for each; `remediator scan -o json` lists them as proposalId.",
        )
    if (gates or reason) and not approve:
        raise UsageError("--override and --reason go with --approve", hint="Add --approve, or leave them out.")
    from remediator.cli.delivery import deliver
    from remediator.cli.led import led
    from remediator.cli.render import narration
    from remediator.cli.session import Session
    from remediator.cli.telling import telling
    from remediator.cli.wiring import leader_lock, wire
    from remediator.gates import parse_override
    from remediator.model.shard import WHOLE

    overrides = parse_override(gates, reason, "the person at the terminal")

    take_sigterm_as_interrupt()
    where: dict[str, Any] = {"kubeconfig": kubeconfig, "context": context, "home": home}
    with deliver(metrics_file, push, push_job, push_labels, clock) as counters, telling(counters) as deliveries:
        lock = None
        if shard is not None and not dry_run:
            lock = leader_lock(**where, clock=clock, counters=counters, shard=shard, passing=True)
        wired: Wired = wire(
            **where,
            namespace=namespace,
            all_namespaces=all_namespaces,
            selector=selector,
            policy=policy,
            backups=backups,
            clock=clock,
            counters=counters,
            deliveries=deliveries,
            audit_log=audit_log,
            shard=shard or WHOLE,
            leads=lock.valid if lock else None,
        )
        session = Session(wired, output=output, may_write=not dry_run, overrides=overrides)
        with led(lock, wired.shard, wired.means.clock, narration().line) if lock else nullcontext():
            return session.approve(frozenset(proposals)) if approve else session.unattended()
