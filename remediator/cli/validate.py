"""`remediator validate`: whether policy files can be used, and what they would allow."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("validate")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> int:
    """Check policy files: every fault by line and column, or what the policy would allow. Needs no cluster.

    \b
    Examples:
      remediator validate policy.yaml
      remediator validate policies/*.yaml
    """
    from remediator.errors import PolicyError
    from remediator.policy.load import load_policy
    from remediator.policy.summary import summary

    faults = []
    for file in files:
        try:
            click.echo(f"{file}: OK. {summary(load_policy(file))}")
        except PolicyError as error:
            faults.append(error.message)
    if faults:
        raise PolicyError("\n".join(faults), hint="`remediator policy sample` prints one that has every key.")
    return 0
