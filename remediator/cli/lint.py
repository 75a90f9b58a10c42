"""`remediator lint`: what is wrong with manifests of Functions, before they are applied. Changes nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import policy_option, target_options

if TYPE_CHECKING:
    from remediator.lint.judging import Judgement
    from remediator.ports import Clock


class Format(StrEnum):
    """How the problems are told."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


@click.command("lint")
@click.pass_obj
@click.argument("files", metavar="FILE|DIR|-...", nargs=-1, required=True, shell_complete=candidates.file)
@click.option(
    "--against",
    metavar="REV|FILE|cluster",
    shell_complete=candidates.file,
    help="What was before: a git revision, a file or directory, or the objects in the cluster.",
)
@click.option("--account", is_flag=True, help="Ask AWS, too, how much concurrency the account has left.")
@target_options
@policy_option
@click.option(
    "-o",
    "--output",
    type=click.Choice([each.value for each in Format]),
    callback=lambda _ctx, _option, value: Format(value),
    default=Format.TEXT.value,
    show_default=True,
    help="text: a line each; json; junit: tests, for CI; sarif: for code scanning.",
)
def command(
    clock: Clock | None,
    files: tuple[str, ...],
    against: str | None,
    account: bool,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    policy: Path | None,
    output: Format,
) -> int:
    """Judge manifests of Functions before they are applied. Changes nothing, and needs no cluster.

    With --against it tells, too, what one apply cannot change: code and configuration together, a package that ACK
    does not see, a name. A comment lets a problem pass: `# remediator-lint: ignore=RuleId why`, on its line or the one
    above. Exits 3 on errors and warnings, 2 where a file cannot be read; notes fail nothing. docs/lint.md has every
    rule.

    \b
    Examples:
      remediator lint function.yaml --against HEAD
      kustomize build overlays/prod | remediator lint - --against cluster
      remediator lint manifests/ --against origin/main -o sarif >lint.sarif
    """
    from remediator.cli.lint_sources import around
    from remediator.lint.judging import judge, read_files

    read = read_files(files)
    known = around(
        read,
        files,
        against,
        account=account,
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        policy=policy,
        clock=clock,
    )
    judged = judge(read, known)
    code = 2 if judged.unreadable else 3 if judged.failed else 0
    _tell(judged, output, code)
    return code


def _tell(judged: Judgement, output: Format, code: int) -> None:
    from remediator.cli import documents, lint_document, lint_junit, lint_sarif, lint_text
    from remediator.cli.render import narration

    match output:
        case Format.TEXT:
            lint_text.tell(judged)
            return
        case Format.JSON:
            click.echo(documents.as_json(lint_document.of_lint(judged)))
        case Format.SARIF:
            click.echo(documents.as_json(lint_sarif.of_lint(judged, code)))
        case Format.JUNIT:
            click.echo(lint_junit.as_junit(judged))
    narration().line(lint_text.summary(judged))
