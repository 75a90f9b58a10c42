"""`remediator orphans`: functions in AWS that this cluster has no object for. Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.options import Output, output_option, whole_cluster_options

if TYPE_CHECKING:
    from remediator.ports import Clock

_FINDINGS, _PARTIAL = 3, 5


@click.command("orphans")
@click.pass_obj
@whole_cluster_options
@output_option
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Look there, too; repeatable.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Look in that account, too; repeatable.")
@click.option("--adopt", metavar="FUNCTION", help="Print the object by which ACK takes this one over; name or ARN.")
@click.option("--exit-code", is_flag=True, help="Exit 3 when there are some of ours.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    home: str | None,
    policy: Path | None,
    output: Output,
    regions: tuple[str, ...],
    accounts: tuple[str, ...],
    adopt: str | None,
    exit_code: bool,
) -> int:
    """Show functions in AWS that ACK made and this cluster has no object for, and whose they are. Changes nothing.

    released: an action of ours left it there, as a record tells. tagged: it has the tag that the policy names for this
    cluster (orphans.clusterTag). other-cluster, unknown: it may be another cluster's, so nothing is advised. It is
    looked for wherever the cluster has Functions, or left some, and where we are; whatever it is, an object for it in
    any namespace makes it no orphan.

    --adopt takes one of ours and prints what `kubectl create -f -` takes. ACK then writes into the object what AWS has,
    and changes nothing there. To delete a function is up to you: the command is told.

    \b
    Examples:
      remediator orphans
      remediator orphans --region eu-west-1 --account 444455556666 -o json
      remediator orphans --adopt checkout >checkout.yaml
    """
    from remediator.cli import documents, orphan_report
    from remediator.cli.adoption import Adoption
    from remediator.cli.orphan_search import searched
    from remediator.cli.render import narration
    from remediator.cli.wiring import wire

    orphan_report.check_places(regions, accounts)
    wired = wire(kubeconfig=kubeconfig, context=context, all_namespaces=True, home=home, policy=policy, clock=clock)
    aside = narration()
    search, notes = searched(wired, regions, accounts, aside.line)
    for each in notes:
        aside.hanging("Records   ", each)
    if adopt is not None:
        return Adoption(wired, search).show(adopt, output)
    if output.for_machines:
        documents.write(orphan_report.document(search, wired.home), output)
    else:
        orphan_report.table(search, wide=output is Output.WIDE)
    orphan_report.tell(
        search, aside, wired.connection.context, home=wired.home, tagged=wired.policy.orphans.tag is not None
    )
    if search.partial:
        return _PARTIAL
    return _FINDINGS if exit_code and search.ours else 0
