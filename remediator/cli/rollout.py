"""`remediator rollout -f FILE`: code, wait, configuration, wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import Output, audit_option, cluster_options, output_option, timeout_option

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("rollout")
@click.pass_obj
@click.option(
    "-f",
    "--filename",
    required=True,
    metavar="FILE",
    shell_complete=candidates.file,
    help="The manifest; - is stdin. Of what is in it, Functions are rolled out, one after the other.",
)
@timeout_option("30m", "How long it may take at most for each Function, such as 90s or 1h.")
@click.option(
    "--field-manager",
    default="kubectl",
    show_default=True,
    metavar="NAME",
    help="Whose fields they will be, as kubectl apply --server-side has it.",
)
@click.option(
    "--take-from",
    "taken",
    multiple=True,
    metavar="NAME",
    help="Take the fields of this manager, too, such as kubectl-edit; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Say which steps it would take, and store nothing.")
@audit_option
@cluster_options
@output_option
def command(
    clock: Clock | None,
    filename: str,
    timeout: timedelta,
    field_manager: str,
    taken: tuple[str, ...],
    dry_run: bool,
    audit_log: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    output: Output,
) -> int:
    """Apply a Function's manifest in the order in which nothing of it is lost: code, wait, configuration, wait.

    ACK changes code or configuration in one pass, code first, and writes AWS's values over what else was applied with
    it. So the code is applied first, beside the configuration that the object has, and the whole manifest once both
    sides are through with it. A manifest that changes only one of them takes one step, a new one is created at once.

    It applies on the server's side as whoever runs it, and takes fields from ACK alone: what Argo CD, Flux or Helm owns
    it leaves as it is. Run again after an interruption, it goes on where it was.

    Exits 0 when all is through on both sides; 3 when it is known that waiting does not help, with the finding and its
    runbook, or when the lint finds an error; 124 when the time is over.

    \b
    Examples:
      remediator rollout -f function.yaml -n shop
      remediator rollout -f function.yaml -n shop --dry-run
      kustomize build prod | remediator rollout -f - --timeout 1h
    """
    from remediator.cli import INTERRUPTED, audited, rolled
    from remediator.cli.interrupt import take_sigterm_as_interrupt
    from remediator.cli.wiring import wire
    from remediator.errors import UsageError
    from remediator.kubernetes.manifests import KubernetesObjects
    from remediator.lint.in_cluster import InCluster
    from remediator.model.owners import NOT_OTHERS
    from remediator.rollout import Applier, Rollout

    if field_manager in NOT_OTHERS:
        raise UsageError(
            f"--field-manager {field_manager!r}: what it writes is nobody's wish, and would not be seen",
            hint="Leave it out, or name your pipeline.",
        )
    wired = wire(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        home=home,
        policy=policy,
        clock=clock,
        asks_again=True,
        asks_aws=True,
        audit_log=audit_log,
    )
    usual = wired.namespace or "default"
    told = rolled.Telling(wired.means.clock, wired.connection.context, usual)
    found = rolled.functions_of(filename, namespace, usual)
    told.left_alone(found.others)
    if told.errors(found.functions, InCluster(wired.transport).before(each.key for each in found.functions)):
        return 3
    objects = audited.objects(KubernetesObjects(wired.transport), wired.trail)
    applier = Applier(objects, field_manager, taken)
    rollout = Rollout(wired.means, wired.observer, objects, applier, told.progress)
    if dry_run:
        told.plans([(each.body, rollout.plan(each.body)) for each in found.functions], output)
        return 0
    take_sigterm_as_interrupt()
    results = []
    try:
        for each in found.functions:
            told.begin(each.body, timeout)
            results.append(rollout.roll_out(each.body, timeout.total_seconds()))
            told.ended(results[-1], output)
            if not results[-1].done:
                break
    except KeyboardInterrupt:
        told.interrupted()
        return INTERRUPTED
    told.end(results, found.functions, output)
    return rolled.exit_code(results)
