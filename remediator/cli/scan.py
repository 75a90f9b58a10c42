"""`remediator scan`: what is stuck or waiting. Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import Output, cluster_options, output_or_page_option, scope_options
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.cli.wiring import Wired
    from remediator.model.scan import Scan
    from remediator.ports import Clock


@click.command("scan")
@click.pass_obj
@cluster_options
@scope_options
@output_or_page_option
@click.option("--all", "healthy", is_flag=True, help="List the healthy too.")
@click.option("--exit-code", is_flag=True, help="Exit 3 when there are findings.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    all_namespaces: bool,
    selector: str | None,
    output: Output,
    healthy: bool,
    exit_code: bool,
) -> int:
    """Show what is stuck or waiting, since when, why, and what would help. Changes nothing.

    \b
    Examples:
      remediator scan -A
      remediator scan -n shop -l team=checkout -o wide
      remediator scan -A -o html >stuck.html
      remediator scan -n shop --exit-code || echo 'not yet'
    """
    from remediator.cli import documents, report, tables
    from remediator.cli.render import narration
    from remediator.cli.wiring import wire

    if healthy and output is Output.HTML:
        raise UsageError("a page shows what is unwell, and no healthy resource", hint="Leave out --all, or -o html.")
    wired = wire(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        all_namespaces=all_namespaces,
        selector=selector,
        policy=policy,
        clock=clock,
    )
    scan, wide = wired.work.scan(healthy=healthy), output is Output.WIDE
    if output.for_machines:
        documents.write(documents.of_scan(scan, healthy=healthy), output)
    elif output is Output.HTML:
        click.echo(_page(scan, wired))
    else:
        tables.table(scan, healthy=healthy, wide=wide)
    aside = narration()
    report.tell_partial(scan, aside)
    report.tell_foreign(scan, aside)
    report.tell_leftovers(scan, aside)
    aside.line(f"{wired.connection.context}, {wired.scope}: {report.totals(scan)}")
    report.tell_held_off(scan, wired.policy.windows, aside)
    report.tell_controller(scan, aside, wide=wide)
    report.tell_next(scan, wired.scope_flags, aside)
    if scan.partial:
        return 5
    return 3 if exit_code and report.has_findings(scan) else 0


def _page(scan: Scan, wired: Wired) -> str:
    """Write what a daemon serves, of this one scan."""
    from remediator.cli import showing
    from remediator.page.rendering import render

    seen = showing.look(scan, wired.policy, wired.means.episodes.fleeting)
    where = showing.Where(wired.connection.context, wired.scope, wired.scope_flags, wired.home)
    return render(showing.page(seen, wired.means.episodes.records(), where, wired.means.clock.now()))
