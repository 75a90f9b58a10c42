"""`remediator diagnose -f FILE`: the same diagnosis from dumps, without cluster and AWS."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from remediator.cli import candidates
from remediator.cli.options import Output, output_option, policy_option
from remediator.errors import UsageError


@click.command("diagnose")
@click.option(
    "-f",
    "--filename",
    required=True,
    metavar="FILE",
    shell_complete=candidates.file,
    help="The resource as kubectl printed it, or what collect wrote; - is stdin.",
)
@click.option(
    "--live",
    metavar="FILE",
    shell_complete=candidates.file,
    help="What aws lambda get-function printed, or a mapping of function name to it.",
)
@click.option("--since", metavar="TIME", help="Since when it is so, RFC 3339; taken as given.")
@click.option("--now", "at", metavar="TIME", help="The moment of the dump, RFC 3339; else the present.")
@policy_option
@output_option
@click.option("--exit-code", is_flag=True, help="Exit 3 when there are findings.")
def command(
    filename: str,
    live: str | None,
    since: str | None,
    at: str | None,
    policy: Path | None,
    output: Output,
    exit_code: bool,
) -> int:
    """Diagnose dumps of a support case: no cluster, no AWS.

    FILE is YAML or JSON: one object, a stream of them, or a List. Every object in it is answered. Or it is a bundle,
    which has AWS's answer, the controller, the history and the moment in it; what is given here goes before those.

    \b
    Examples:
      remediator diagnose -f checkout.tar.gz -o wide
      kubectl get functions.lambda.services.k8s.aws -A -o yaml |
        remediator diagnose -f -
      remediator diagnose -f function.yaml --live live.json --exit-code
    """
    from remediator.cli import documents, explanation, report, tables
    from remediator.cli.dumps import diagnose_dumps
    from remediator.cli.render import narration
    from remediator.policy.load import load_policy

    rules = load_policy(policy)
    scan, log = diagnose_dumps(
        filename,
        live,
        _time("--since", since),
        _time("--now", at),
        rules,
        timeouts=None if policy is None else rules.timeouts,
    )
    if output.for_machines:
        documents.write(documents.of_diagnosis(scan, log), output)
    else:
        tables.table(scan, healthy=True, wide=output is Output.WIDE)
        for each in scan.results if output is Output.WIDE else ():
            click.echo()
            explanation.show(each, wide=True, by_hand=False, log=log)
    aside = narration()
    report.tell_partial(scan, aside)
    aside.line(report.totals(scan))
    if scan.partial:
        return 5
    return 3 if exit_code and any(each.finding for each in scan.results) else 0


def _time(flag: str, text: str | None) -> datetime | None:
    from remediator.model.times import parse_time

    parsed = parse_time(text)
    if text is not None and parsed is None:
        raise UsageError(f"{flag} {text!r} is no RFC 3339 time", hint="Write it as 2026-11-21T14:32:00Z.")
    return parsed
