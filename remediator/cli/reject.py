"""`remediator reject NAME`: say no to what is proposed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import audit_option, record_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("reject")
@click.pass_obj
@click.argument("target", metavar="NAME", shell_complete=candidates.live("proposals"))
@record_options
@audit_option
@click.option("--reason", default="", help="Why; `remediator list` shows it.")
def command(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    audit_log: Path | None,
    reason: str,
) -> int:
    """Reject what is proposed for one resource, or take an approval back. Holds until something else is proposed.

    NAME is a proposal's id (p-...), [function/]NAME in the namespace, or the Remediation's own name.

    \b
    The same with kubectl, by the name that `kubectl auth whoami` tells:
      kubectl patch rem function-UID -n ack-remediator --type=merge -p '
        {"spec": {"approval": null, "release": null,
         "rejection": {"rejectedBy": "YOU", "digest": "DIGEST"}}}'

    \b
    Examples:
      remediator reject p-0f1e2d3c4b --reason 'we delete it on Monday'
      remediator reject function/checkout -n shop
    """
    from remediator.cli.audited import say, trail
    from remediator.cli.records import open_records
    from remediator.cli.render import console, narration
    from remediator.cli.standing import proposal_id, release_waits, said, show
    from remediator.kubernetes import words
    from remediator.model.word import Rejection

    records = open_records(kubeconfig=kubeconfig, context=context, namespace=namespace, home=home, clock=clock)
    record = records.proposed(target, "reject")
    page = console()
    show(page, record, records.now)
    by = words.whoami(records.transport)
    word = Rejection(by, words.proposed_digest(record), reason.strip())
    say(records.transport, records.home, record, word, trail(records, by, audit_log))
    page.line(f"Rejected {proposal_id(record)} as {by}.", style="yellow")
    aside = narration()
    if release_waits(record):
        aside.line(f"What stood before is gone: {said(record, records.now)}.")
    aside.line("Nothing acts on it, until something else is proposed, or somebody approves it after all.")
    return 0
