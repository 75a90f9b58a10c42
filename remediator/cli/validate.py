"""`remediator validate`: whether policy files can be used, what they would allow, and when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.ports import Clock


@click.command("validate")
@click.pass_obj
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--at", "moment", metavar="RFC3339", help="Show the windows as of this moment, not of now.")
def command(clock: Clock | None, files: tuple[Path, ...], moment: str | None) -> int:
    """Check policy files: every fault by line and column, or what the policy would allow, and when its windows open.

    Needs no cluster. A moment without an offset is taken as UTC.

    \b
    Examples:
      remediator validate policy.yaml
      remediator validate policies/*.yaml
      remediator validate policy.yaml --at 2027-03-27T12:00:00+01:00
    """
    from remediator.clock import SystemClock
    from remediator.errors import PolicyError
    from remediator.model.times import parse_time
    from remediator.policy.load import load_policy
    from remediator.policy.preview import preview
    from remediator.policy.summary import summary

    at = (clock or SystemClock()).now() if moment is None else parse_time(moment)
    if at is None:
        raise UsageError(f"--at takes a time such as 2027-03-27T12:00:00+01:00, not {moment!r}")
    faults = []
    for file in files:
        try:
            policy = load_policy(file)
        except PolicyError as error:
            faults.append(error.message)
            continue
        click.echo(f"{file}: OK. {summary(policy)}")
        for line in preview(policy.windows, at):
            click.echo(f"  {line}")
    if faults:
        raise PolicyError("\n".join(faults), hint="`remediator policy sample` prints one that has every key.")
    return 0
