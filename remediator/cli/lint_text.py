"""`remediator lint -o text`: a line for each problem, to click on, and once for each rule what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from rich.cells import cell_len

from remediator.cli.render import console, in_one_line, narration
from remediator.lint.catalogue import NOT_A_MANIFEST
from remediator.lint.judging import Judgement
from remediator.lint.problem import Problem, Severity

_FEW = 3  # files that are told one by one
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def clean(text: str) -> str:
    """Make a text of others fit for any output: one line, no controls, and nothing that is no character at all."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return (
        in_one_line(whole).replace("\ufffe", "\N{REPLACEMENT CHARACTER}").replace("\uffff", "\N{REPLACEMENT CHARACTER}")
    )


def tell(judged: Judgement) -> None:
    """Print the problems on stdout, a line each; at a terminal wrapped. What to do, and the sums, go to stderr."""
    page = console()
    passed_over = [each for each in judged.problems if each.rule is NOT_A_MANIFEST]
    gathered = passed_over if len(passed_over) > _FEW else []
    for each in judged.problems:
        if gathered and each.rule is NOT_A_MANIFEST:
            continue
        head, said = f"{place(each)}: ", sentence(each)
        if not sys.stdout.isatty():
            page.verbatim(f"{head}{said}")
        elif cell_len(head + said) <= shutil.get_terminal_size().columns:
            page.hanging(head, said, style=_STYLES[each.severity])
        else:
            page.line(head.rstrip(), style=_STYLES[each.severity])
            page.hanging("  ", said)
    if gathered:
        page.verbatim(_together(gathered))
    _tell_what_to_do(judged)


def _together(problems: Sequence[Problem]) -> str:
    """Tell in a line of many files that are no manifests: in a repository there can be hundreds."""
    first = ", ".join(_harmless(clean(each.file)) for each in problems[:_FEW])
    rule = problems[0].rule
    more = f"{len(problems)} files are no manifests, and were passed over"
    return f"{problems[0].severity} {rule.id}: {more}: {first} and {len(problems) - _FEW} more (-o json lists them)"


def place(problem: Problem) -> str:
    """Write where a problem is, as editors and terminals take it: file:line:column."""
    name = _harmless(clean(problem.file))
    # GitHub takes a line that begins with two colons for a command to its runner.
    return f"{'./' if name.startswith(':') else ''}{name}:{problem.mark.line}:{problem.mark.column}"


def sentence(problem: Problem) -> str:
    """Write what is wrong, how bad it is, and by which rule."""
    return f"{problem.severity} {problem.rule.id}: {_harmless(clean(problem.said))}"


def _harmless(text: str) -> str:
    """Break the commands that GitHub's and Azure's runners take out of a log, wherever in a line they stand."""
    return text.replace("##[", "# #[").replace("##vso", "# #vso")


def _tell_what_to_do(judged: Judgement) -> None:
    aside = narration()
    rules = {each.rule.id: each.rule for each in judged.problems}
    if rules:
        aside.line("")
    for name, rule in rules.items():
        aside.line(name, style="bold")
        aside.hanging("  ", rule.fix)
    if rules:
        aside.line("")
        aside.line("docs/lint.md says of each rule what it is for.")
    aside.line(summary(judged))


def summary(judged: Judgement) -> str:
    """Sum up in a sentence what was looked at, and what came of it."""
    looked = f"{_counted(judged.functions, 'Function')} in {_counted(len(judged.files), 'file')}"
    found = ", ".join(_counted(judged.count(each), each.value) for each in Severity)
    let_pass = f"; {judged.ignored} more that comments ignore" if judged.ignored else ""
    seen = judged.functions or judged.unreadable
    nothing = "" if seen else " There was no Function of ACK's lambda-controller to judge."
    return f"{looked}: {found}{let_pass}.{nothing}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
