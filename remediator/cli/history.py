"""`remediator history [NAME]`: what was seen, said and done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import Output, duration, everywhere_option, output_option, record_options

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("history")
@click.pass_obj
@click.argument("target", metavar="[NAME]", required=False, shell_complete=candidates.live("recorded"))
@record_options
@everywhere_option
@output_option
@click.option("--since", callback=duration, metavar="DURATION", help="Only what is younger, such as 12h or 7d.")
def command(
    clock: Clock | None,
    target: str | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    all_namespaces: bool,
    output: Output,
    since: timedelta | None,
) -> int:
    """Show what was done, newest first: on whose word, by which process, and what came of it. Changes nothing.

    NAME is a proposal's id (p-...), [function/]NAME in the namespace, or a Remediation's own name; without it, all in
    the namespace. Told are the spell that is, or was the last, what was tried, and the word that stands. Or see the
    records themselves:

    \b
      kubectl get rem function-UID -n ack-remediator -o yaml

    \b
    Examples:
      remediator history function/checkout -n shop
      remediator history -A --since 24h
      remediator history p-0f1e2d3c4b -o yaml
    """
    from remediator.cli import documents, record_documents, record_tables
    from remediator.cli.record_events import newest_first
    from remediator.cli.records import open_records
    from remediator.cli.render import narration

    records = open_records(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        all_namespaces=all_namespaces,
        clock=clock,
    )
    meant = records.in_scope if target is None else records.recorded(target)
    told = newest_first(meant, records.now - since if since is not None else None)
    if output.for_machines:
        documents.write(record_documents.of_events(told, records), output)
    else:
        record_tables.events(told, wide=output is Output.WIDE)
    aside = narration()
    for each in records.unusable:
        aside.hanging("not seen: ", each, style="bold magenta")
    noun = "event" if len(told) == 1 else "events"
    resources = "resource" if len(meant) == 1 else "resources"
    where = "" if target else f", {records.scope}"
    aside.line(f"{records.connection.context}{where}: {len(told)} {noun} of {len(meant)} {resources}.")
    return 5 if records.unusable else 0
