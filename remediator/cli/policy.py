"""`remediator policy`: what a policy file can say."""

from __future__ import annotations

import click


@click.group("policy")
def command() -> None:
    """Print the policy file's JSON Schema, or a commented sample. Reads nothing.

    \b
    Examples:
      remediator policy sample >policy.yaml
      remediator policy schema >policy.schema.json
    """


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema (draft 2020-12), for editors and pipelines.

    \b
    Examples:
      remediator policy schema >policy.schema.json
    """
    import json

    from remediator.policy.schema import policy_schema

    click.echo(json.dumps(policy_schema(), indent=2, ensure_ascii=False))
    return 0


@command.command("sample")
def sample() -> int:
    """Print a policy with every key at its default, each with what it is for.

    \b
    Examples:
      remediator policy sample >policy.yaml
    """
    from remediator.policy.sample import sample_policy

    click.echo(sample_policy(), nl=False)
    return 0
