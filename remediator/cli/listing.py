"""`remediator list`: what is recorded as unwell, and waits for a person or for the next run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import Output, everywhere_option, output_option, record_options

if TYPE_CHECKING:
    from remediator.cli.records import Records
    from remediator.cli.render import Page
    from remediator.kubernetes.remediation_object import Stored
    from remediator.ports import Clock

_DONE, _PARTIAL = 0, 5


@click.command("list")
@click.pass_obj
@record_options
@everywhere_option
@output_option
@click.option("--all", "resolved", is_flag=True, help="List what is well again, too, as long as it is kept.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    all_namespaces: bool,
    output: Output,
    resolved: bool,
) -> int:
    """Show what runs recorded as unwell: what is proposed, by which id it is approved, who approved. Changes nothing.

    PHASE takes the words of this minute into account; APPROVED-BY is empty where an approval expired, or was for
    something else. -o wide adds the kubectl commands that approve. Or see the records themselves:

    \b
      kubectl get rem -n ack-remediator

    \b
    Examples:
      remediator list -A
      remediator list -n shop -o wide
      remediator list -A --all -o json
    """
    from remediator.cli.records import open_records

    records = open_records(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        all_namespaces=all_namespaces,
        clock=clock,
    )
    shown = [each for each in records.in_scope if resolved or (each.episode and each.episode.resolved_at is None)]
    return tell(records, shown, output)


def tell(records: Records, shown: Sequence[Stored], output: Output) -> int:
    """Print records, worst first, and beside them the sum of all that is open, and what to type next of these."""
    from remediator.cli import documents, record_documents, record_tables
    from remediator.cli.render import narration

    ordered = record_tables.worst_first(shown)
    if output.for_machines:
        documents.write(record_documents.of_records(ordered, records), output)
    else:
        wide = output is Output.WIDE
        record_tables.table(ordered, records.now, wide=wide)
        if wide:
            record_tables.commands(ordered, records)
    aside = narration()
    for each in records.unusable:
        aside.hanging("not seen: ", each, style="bold magenta")
    _sum_up(records, aside)
    _next([each for each in ordered if each.episode and each.episode.resolved_at is None], records, aside)
    return _PARTIAL if records.unusable else _DONE


def _sum_up(records: Records, aside: Page) -> None:
    from remediator.cli.standing import phase_now
    from remediator.model.episode import Phase

    counted = Counter(phase_now(each, records.now) for each in records.in_scope)
    opened = sum(counted.values()) - counted[Phase.RESOLVED]
    told = ", ".join(f"{counted[each]} {each}" for each in Phase if counted[each] and each is not Phase.RESOLVED)
    aside.line(f"{records.connection.context}, {records.scope}: {opened} open{f': {told}' if told else ''}.")


def _next(opened: Sequence[Stored], records: Records, aside: Page) -> None:
    """Say what to type next: a proposal waits for a word, a quarantine for a reason."""
    from remediator.cli.names import typed
    from remediator.cli.standing import phase_now, proposal_id
    from remediator.model.episode import Phase

    phases = [phase_now(each, records.now) for each in opened]
    if Phase.AWAITING_APPROVAL in phases:
        aside.line(f"Next: remediator approve {proposal_id(opened[phases.index(Phase.AWAITING_APPROVAL)])}")
    elif Phase.QUARANTINED in phases:
        ref = opened[phases.index(Phase.QUARANTINED)].ref
        aside.line(f"Next: remediator quarantine release function/{ref.name} -n {ref.namespace} --reason TEXT")
    elif opened:
        aside.line(f"Next: remediator explain {typed(opened[0].ref)} -n {opened[0].ref.namespace}")
