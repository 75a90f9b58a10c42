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
@click.option(
    "-f",
    "--filename",
    metavar="FILE",
    shell_complete=candidates.file,
    help="Read this audit log in place of the cluster; - is stdin.",
)
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
    filename: str | None,
    since: timedelta | None,
) -> int:
    """Show what was done, newest first: on whose word, by which process, and what came of it. Changes nothing.

    NAME is a proposal's id (p-...), [function/]NAME in the namespace, or a Remediation's own name; without it, all in
    the namespace. Told are the spell that is, or was the last, what was tried, and the word that stands. Or see the
    records themselves:

    \b
      kubectl get rem function-UID -n ack-remediator -o yaml

    With -f it reads what --audit-log wrote, and asks no cluster: every decision, each write before and after, newest
    first; of all namespaces, or of that of -n. Exits 5 where lines cannot be read.

    \b
    Examples:
      remediator history function/checkout -n shop
      remediator history -A --since 24h
      remediator history p-0f1e2d3c4b -o yaml
      remediator history -f audit.log function/checkout -n shop
    """
    if filename is not None:
        refused = {"--kubeconfig": kubeconfig, "--context": context, "--home-namespace": home}
        _check_alone([flag for flag, value in refused.items() if value is not None])
        return _of_file(filename, target, namespace, since, output, clock, all_namespaces=all_namespaces)
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


def _check_alone(given: list[str]) -> None:
    from remediator.errors import UsageError

    if given:
        raise UsageError(f"-f asks no cluster: {', '.join(given)} does not go with it", hint="Leave one of them out.")


def _of_file(
    name: str,
    target: str | None,
    namespace: str | None,
    since: timedelta | None,
    output: Output,
    clock: Clock | None,
    *,
    all_namespaces: bool,
) -> int:
    """Tell what an audit log has of what is meant."""
    from remediator.cli import audit_tables, documents
    from remediator.cli.audit_reading import Told, read_audit_log
    from remediator.cli.names import check_places, kind_and_name
    from remediator.cli.records import is_proposal
    from remediator.cli.render import narration
    from remediator.clock import SystemClock

    check_places(namespace, None, all_namespaces=all_namespaces)
    proposal = target if target is not None and is_proposal(target) else None
    meant = kind_and_name(target, "tell of") if target is not None and proposal is None else None
    begin = (clock or SystemClock()).now() - since if since is not None else None

    def wanted(each: Told) -> bool:
        return (
            namespace in (None, each.namespace)
            and proposal in (None, each.proposal_id)
            and meant in (None, (each.kind or "Function", each.name))
            and (begin is None or (each.when is not None and each.when >= begin))
        )

    log = read_audit_log(name, wanted)
    if output.for_machines:
        documents.write(audit_tables.document(log, name), output)
    else:
        audit_tables.table(log.lines, wide=output is Output.WIDE)
    aside = narration()
    for each in (*log.unreadable, *([log.torn] if log.torn else ())):
        aside.hanging("not seen: ", each, style="bold magenta")
    noun = "line" if len(log.lines) == 1 else "lines"
    aside.line(f"{name}: {len(log.lines)} {noun}.")
    return 5 if log.unreadable else 0
