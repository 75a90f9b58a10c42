"""`remediator approve NAME`: say yes to what is proposed; a run acts on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import audit_option, override_options, record_options

if TYPE_CHECKING:
    from remediator.cli.records import Records
    from remediator.kubernetes.remediation_object import Stored
    from remediator.ports import Clock


@click.command("approve")
@click.pass_obj
@click.argument("target", metavar="NAME", shell_complete=candidates.live("proposals"))
@record_options
@click.option("--ticket", default="", help="A ticket or change that it belongs to; it is kept with what is done.")
@override_options
@audit_option
def command(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    ticket: str,
    gates: tuple[str, ...],
    reason: str,
    audit_log: Path | None,
) -> int:
    """Approve what is proposed for one resource, for a day. The next `remediator run` under mode: approve acts on it.

    NAME is a proposal's id (p-...), which names one situation and is taken without asking; or [function/]NAME in
    the namespace, or the Remediation's own name: then you are asked to type the context's name.

    \b
    The same with kubectl, by the name that `kubectl auth whoami` tells
    (`remediator list -o wide` writes it out for each):
      kubectl patch rem function-UID -n ack-remediator --type=json -p '[
        {"op": "test", "path": "/status/proposal/digest", "value": "DIGEST"},
        {"op": "add", "path": "/spec/approval",
         "value": {"approvedBy": "YOU", "digest": "DIGEST"}}]'

    \b
    Examples:
      remediator approve p-0f1e2d3c4b --ticket OPS-4711
      remediator approve function/checkout -n shop
      remediator approve p-0f1e2d3c4b --override cool-down --reason 'role mended'
    """
    from remediator.cli.audited import say, trail
    from remediator.cli.records import is_proposal, open_records
    from remediator.cli.render import console, narration
    from remediator.cli.standing import proposal_id, show, until
    from remediator.errors import RemediatorError, UsageError
    from remediator.gates import parse_override
    from remediator.kubernetes import words
    from remediator.model.word import Approval, Override

    overrides = parse_override(gates, reason, "the person at the terminal")
    if not is_proposal(target) and not sys.stdin.isatty():
        raise UsageError(
            "approving by name needs a terminal to ask on",
            hint="Pass the proposal's id, which names one situation: `remediator list` shows it.",
        )
    records = open_records(kubeconfig=kubeconfig, context=context, namespace=namespace, home=home, clock=clock)
    record = records.proposed(target, "approve")
    page, aside = console(), narration()
    show(page, record, records.now)
    _check(records, record)
    by = words.whoami(records.transport)
    if not is_proposal(target):
        _ask(records)
    gates_passed = tuple(Override(each) for each in sorted(overrides.gates))
    proposal = record.episode.proposal if record.episode else None
    assert proposal is not None
    word = Approval(by, proposal.digest, ticket, gates_passed, overrides.reason)
    written = say(records.transport, records.home, record, word, trail(records, by, audit_log))
    if written.approval is None:
        raise RemediatorError("the API server took the approval and does not have it", hint="Is a webhook in between?")
    page.line(f"Approved {proposal_id(record)} as {by}, until {until(written.approval)}.", style="green")
    if words.held_to_rules(records.transport, records.home, written) is False:
        aside.line(
            "Nothing acts on it: this cluster takes forged approvals, too (apply manifests/base/approvals.yaml), so "
            "none of them counts. Use `remediator run --approve`."
        )
    else:
        aside.line(
            "The next `remediator run` under mode: approve acts on it, as long as just this is proposed. "
            f"Take it back with: remediator reject {proposal_id(record)}"
        )
    return 0


def _check(records: Records, record: Stored) -> None:
    """Refuse what would be of no use, and would take another's word away."""
    from remediator.cli.standing import release_waits
    from remediator.errors import RemediatorError

    named = f"function/{record.ref.name} -n {record.ref.namespace}"
    if records.in_quarantine(record):
        raise RemediatorError(
            f"{record.ref} is in quarantine: no approval helps there",
            hint=f"First: remediator quarantine release {named} --reason TEXT; approve after the next run.",
        )
    if release_waits(record):
        raise RemediatorError(
            f"{record.ref} was released from quarantine, and no run has taken note yet: approving would undo that",
            hint="Approve after the next `remediator run`.",
        )


def _ask(records: Records) -> None:
    """Ask for the context's name: nobody types that of the wrong cluster by habit."""
    from remediator.cli.consent import confirm

    connection = records.connection
    click.echo(f"\nCluster  {connection.context} ({connection.server})", err=True)
    confirm(connection.context, None, "nothing was approved")
