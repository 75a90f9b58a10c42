"""`remediator quarantine`: what was tried as often as it may be, and a person's word that it may be tried again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import Output, audit_option, everywhere_option, output_option, record_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.group("quarantine")
def command() -> None:
    """List what was tried as often as it may be, or let it be tried again.

    \b
    Examples:
      remediator quarantine list -A
      remediator quarantine release checkout -n shop --reason 'role mended'
    """


@command.command("list")
@click.pass_obj
@record_options
@everywhere_option
@output_option
def list_quarantined(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    all_namespaces: bool,
    output: Output,
) -> int:
    """List what is in quarantine, worst first. Changes nothing.

    \b
    Examples:
      remediator quarantine list -A
      remediator quarantine list -n shop -o wide
    """
    from remediator.cli.listing import tell
    from remediator.cli.records import open_records

    records = open_records(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        all_namespaces=all_namespaces,
        clock=clock,
    )
    return tell(records, [each for each in records.in_scope if records.in_quarantine(each)], output)


@command.command("release", short_help="Let a resource be tried again.")
@click.pass_obj
@click.argument("target", metavar="NAME", shell_complete=candidates.live("quarantined"))
@record_options
@audit_option
@click.option("--reason", required=True, help="Why it may be tried again; it is kept.")
def release(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    audit_log: Path | None,
    reason: str,
) -> int:
    """Let a resource out of quarantine: its attempts are counted anew, once the next run takes note.

    NAME is a proposal's id (p-...), [function/]NAME in the namespace, or the Remediation's own name. It counts where
    the API server vouches for approvals. One word stands at a time: an approval or a rejection is gone with it.

    \b
    The same with kubectl, by the name that `kubectl auth whoami` tells:
      kubectl patch rem function-UID -n ack-remediator --type=merge -p '
        {"spec": {"approval": null, "rejection": null,
         "release": {"requestedBy": "YOU", "reason": "WHY", "nonce": "1"}}}'

    \b
    Examples:
      remediator quarantine release checkout -n shop --reason 'role mended'
      remediator quarantine release p-0f1e2d3c4b --reason 'image pushed'
    """
    from remediator.cli.audited import say, trail
    from remediator.cli.records import open_records
    from remediator.cli.render import console, narration
    from remediator.cli.standing import said
    from remediator.errors import UsageError
    from remediator.kubernetes import words
    from remediator.model.word import Release

    if not reason.strip():
        raise UsageError("--reason is empty", hint="Say why it may be tried again; it is kept.")
    records = open_records(kubeconfig=kubeconfig, context=context, namespace=namespace, home=home, clock=clock)
    record = records.quarantined(target)
    by = words.whoami(records.transport)
    written = say(records.transport, records.home, record, Release(by, reason.strip()), trail(records, by, audit_log))
    page, aside = console(), narration()
    page.line(f"Released function/{record.ref.name} in {record.ref.namespace} from quarantine as {by}.", style="green")
    if record.approval is not None or record.rejection is not None:
        aside.line(f"What stood before is gone: {said(record, records.now)}.")
    if words.held_to_rules(records.transport, records.home, written) is False:
        aside.line(
            "It counts for nothing: this cluster takes forged approvals, too. Apply manifests/base/approvals.yaml."
        )
    else:
        aside.line("The next `remediator run` takes note of it; approve what it proposes after that.")
    return 0
