"""`remediator scan`: what is stuck or waiting. Changes nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import Output, output_or_page_option, scope_options, several_clusters_options, shard_option
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.cli.wiring import Wired
    from remediator.model.scan import Scan
    from remediator.model.shard import Shard
    from remediator.ports import Clock


@click.command("scan")
@click.pass_obj
@several_clusters_options
@scope_options
@shard_option
@output_or_page_option
@click.option("--all", "healthy", is_flag=True, help="List the healthy too.")
@click.option("--exit-code", is_flag=True, help="Exit 3 when there are findings.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    contexts: tuple[str, ...],
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    all_namespaces: bool,
    selector: str | None,
    shard: Shard | None,
    output: Output,
    healthy: bool,
    exit_code: bool,
) -> int:
    """Show what is stuck or waiting, since when, why, and what would help. Changes nothing.

    With several contexts each cluster is looked at by itself, side by side. One that cannot be reached is named, hides
    no other, and makes the exit code 5.

    \b
    Examples:
      remediator scan -A
      remediator scan -n shop -l team=checkout -o wide
      remediator scan -A --context eu1 --context us1
      remediator scan -n shop --exit-code || echo 'not yet'
    """
    from remediator.cli import report, tables
    from remediator.cli.render import narration
    from remediator.cli.wiring import wire
    from remediator.model.shard import WHOLE

    if healthy and output is Output.HTML:
        raise UsageError("a page shows what is unwell, and no healthy resource", hint="Leave out --all, or -o html.")
    asked = partial(
        wire,
        kubeconfig=kubeconfig,
        namespace=namespace,
        home=home,
        all_namespaces=all_namespaces,
        selector=selector,
        shard=shard or WHOLE,
    )
    if len(contexts) > 1:
        from remediator.cli import clusters

        clusters.check(kubeconfig, contexts, namespace, home, output, all_namespaces=all_namespaces)
        return clusters.scan(contexts, asked, policy, clock, output, healthy=healthy, exit_code=exit_code)
    context = next(iter(contexts), None)
    wired = asked(context=context, policy=policy, clock=clock)
    scan, wide = wired.work.scan(healthy=healthy), output is Output.WIDE
    if output.for_machines:
        from remediator.cli import documents

        documents.write(documents.of_scan(scan, healthy=healthy), output)
    elif output is Output.HTML:
        click.echo(_page(scan, wired))
    else:
        tables.table(scan, healthy=healthy, wide=wide)
    aside = narration()
    report.tell_scan(scan, wired, aside, context, wide=wide)
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
