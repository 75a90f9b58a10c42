"""`remediator restore BACKUP`: create an object again from its backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.interrupt import take_sigterm_as_interrupt
from remediator.cli.options import audit_option, cluster_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("restore")
@click.pass_obj
@click.argument("backup", metavar="BACKUP", shell_complete=candidates.file)
@cluster_options
@click.option("--adopt", is_flag=True, help="Tell ACK to take over the function, where it exists in AWS.")
@click.option("--confirm", metavar="CONTEXT", help="Answer the question in advance: the name of the context.")
@audit_option
@click.option("--dry-run", is_flag=True, help="Show it, let the API server try it, and create nothing.")
def command(
    clock: Clock | None,
    backup: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    adopt: bool,
    confirm: str | None,
    audit_log: Path | None,
    dry_run: bool,
) -> int:
    """Create a Function again from its backup: shows what, says what ACK will do with it, and asks.

    BACKUP is a file; s3://BUCKET/KEY, as a record has it; secret/NAME in the home namespace, or secret/NAMESPACE/NAME;
    or function/NAME, for the newest backup of that Function in the namespace of -n: in the policy's bucket, where it
    names one, else among the Secrets. Nothing that exists is overwritten.

    \b
    Examples:
      remediator restore function/archive -n shop --dry-run
      remediator restore secret/NAME --confirm prod-eu1
      remediator restore backups/archive.json -n shop --adopt
      remediator restore 's3://BUCKET/KEY?versionId=ID' --dry-run
    """
    from remediator.cli.consent import must_be_askable
    from remediator.cli.restoration import Restoration
    from remediator.cli.wiring import wire

    if dry_run and confirm is not None:
        from remediator.errors import UsageError

        raise UsageError("--dry-run and --confirm exclude each other", hint="Leave one of them out.")
    if not dry_run:
        must_be_askable(confirm, ", or --dry-run to change nothing")
    take_sigterm_as_interrupt()
    wired = wire(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        policy=policy,
        clock=clock,
        audit_log=audit_log,
    )
    return Restoration(wired, adopt=adopt, confirm=confirm, dry_run=dry_run).run(backup, namespace)
