"""`remediator explain [KIND/]NAME`: one resource, all that is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import Output, cluster_options, output_option

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("explain")
@click.pass_obj
@click.argument("target", metavar="[KIND/]NAME", shell_complete=candidates.live("resources"))
@cluster_options
@output_option
def command(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    output: Output,
) -> int:
    """Show one resource: both sides' evidence, the findings that hold, when it heals, every gate. Changes nothing.

    KIND is function, where none is named, or another of ACK's lambda-controller: alias, version, eventsourcemapping,
    functionurlconfig, layerversion, codesigningconfig.

    \b
    Examples:
      remediator explain function/checkout -n shop
      remediator explain checkout -n shop -o wide
      remediator explain alias/live -n shop -o json
    """
    from remediator.cli import documents, explanation
    from remediator.cli.names import kind_and_name
    from remediator.cli.wiring import wire
    from remediator.errors import NotFound, RemediatorError

    kind, name = kind_and_name(target, "explain")
    wired = wire(kubeconfig=kubeconfig, context=context, namespace=namespace, home=home, policy=policy, clock=clock)
    where = wired.namespace or "default"
    try:
        judged = wired.work.examine(where, name, kind)
    except NotFound as error:
        raise RemediatorError(
            f"there is no {kind} {name!r} in namespace {where} ({wired.connection.context}): {error.message}",
            hint="Name the namespace with -n; `remediator scan -A` lists all that are in trouble.",
        ) from error
    log = wired.means.cluster.log_lines(judged.seen.resource.ref).masked(judged.seen.secrets)
    if output.for_machines:
        documents.write(documents.of_one(judged, log), output)
    else:
        explanation.show(judged, wide=output is Output.WIDE, log=log)
    return 0
