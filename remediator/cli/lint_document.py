"""`remediator lint -o json`: the problems as a document. Its shape is part of the interface."""

from __future__ import annotations

from remediator.cli.documents import SCHEMA_VERSION, Document
from remediator.cli.lint_text import clean
from remediator.lint.judging import Judgement
from remediator.lint.problem import Problem, Severity


def of_lint(judged: Judgement) -> Document:
    """Build the document: each problem, each rule that found one, and the sums."""
    rules = {each.rule.id: each.rule for each in judged.problems}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "problems": [_problem(each) for each in judged.problems],
        "rules": {
            name: {"gist": rule.gist, "why": rule.why, "fix": rule.fix, "page": rule.page, "spares": list(rule.spares)}
            for name, rule in rules.items()
        },
        "summary": {
            "files": len(judged.files),
            "functions": judged.functions,
            "unreadable": sum(each.unreadable for each in judged.files),
            "ignored": judged.ignored,
        }
        | {f"{each}s": judged.count(each) for each in Severity},
    }


def _problem(each: Problem) -> Document:
    return {
        "file": clean(each.file),
        "line": each.mark.line,
        "column": each.mark.column,
        "severity": each.severity.value,
        "rule": each.rule.id,
        "object": clean(each.subject) or None,
        "message": clean(each.said),
    }
