"""`remediator wait [function/]NAME --for …`: wait on both sides, and no longer than it can help."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import Output, cluster_options, output_option, timeout_option

if TYPE_CHECKING:
    from remediator.ports import Clock
    from remediator.waiting import Goal


def _goal(_ctx: click.Context, _option: click.Parameter, text: str) -> Goal:
    from remediator.errors import UsageError
    from remediator.waiting import goal_called

    try:
        return goal_called(text)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from error


@click.command("wait")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME", shell_complete=candidates.live("functions"))
@click.option(
    "--for",
    "goal",
    required=True,
    callback=_goal,
    metavar="GOAL",
    shell_complete=candidates.goals,
    help="synced, settled, deleted or generation=N.",
)
@timeout_option("20m", "How long to wait at most, such as 90s or 1h; 0s looks once.")
@cluster_options
@output_option
def command(
    clock: Clock | None,
    target: str,
    goal: Goal,
    timeout: timedelta,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    output: Output,
) -> int:
    """Wait for a function, on both sides, and end at once where waiting does not help. Changes nothing.

    settled: AWS is at rest and well (State Active or Inactive, last update Successful), so that the next update meets
    no 409. Of Kubernetes' side nothing else is asked.

    synced: ACK looked at the object after its last change and says that it is synced, AWS is settled, and nothing
    differs that ACK would still write.

    generation=N: synced, and metadata.generation is N or more. Mind that ACK's own write-backs count, too.

    deleted: the object is gone. What became of the function in AWS is told.

    Exits 0 when that is so; 3 at once when it is known that waiting does not help, with the finding and its runbook;
    124 when the time is over. What changes meanwhile is told on stderr.

    \b
    Examples:
      remediator wait function/checkout -n shop --for synced
      remediator wait checkout -n shop --for generation=7 --timeout 30m
      remediator wait checkout -n shop --for settled -o json
      remediator wait checkout -n shop --for deleted --timeout 1h
    """
    from remediator.cli import waited
    from remediator.cli.names import kind_and_name
    from remediator.cli.wiring import wire
    from remediator.errors import NotFound, RemediatorError, UsageError
    from remediator.model.kind import FUNCTION
    from remediator.waiting import wait_for

    kind, name = kind_and_name(target, "wait for")
    if kind != FUNCTION:
        raise UsageError(
            f"cannot wait for {target}: only functions, so far",
            hint=f"kubectl wait {kind.lower()}/{name} --for=condition=ACK.ResourceSynced sees Kubernetes' side of it.",
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
    )
    where = wired.namespace or "default"
    told = waited.Telling(wired.means.clock, wired.connection.context, where, name)
    told.begin(goal, timeout)
    try:
        result = wait_for(
            wired.means, wired.observer, where, name, goal, seconds=timeout.total_seconds(), say=told.progress
        )
    except NotFound as error:
        raise RemediatorError(
            f"there is no {kind} {name!r} in namespace {where} ({wired.connection.context}): {error.message}",
            hint="Apply it first, or name its namespace with -n.",
        ) from error
    told.end(result, output)
    return waited.EXIT_CODES[result.ending]
