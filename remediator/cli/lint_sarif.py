"""`remediator lint -o sarif`: SARIF 2.1.0, as code scanning takes it. It has no snippets: lines can hold secrets."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from remediator import __version__
from remediator.cli.documents import Document
from remediator.cli.lint_text import clean
from remediator.lint.catalogue import RULES
from remediator.lint.judging import Judgement
from remediator.lint.problem import Problem, Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "ruleAndObject/v1"


def of_lint(judged: Judgement, exit_code: int) -> Document:
    """Build the log of one run, with every rule that there is: a rule without results is one that passed."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ack-remediator lint",
                        "version": __version__,
                        "rules": [_rule(each) for each in RULES],
                    }
                },
                "invocations": [{"executionSuccessful": not judged.unreadable, "exitCode": exit_code}],
                "columnKind": "unicodeCodePoints",
                "results": list(_results(judged)),
            }
        ],
    }


def _rule(rule: Rule) -> Document:
    text = f"{rule.why} {rule.fix}"
    spared = f" Spares the findings {', '.join(rule.spares)}." if rule.spares else ""
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": _message(rule.gist)},
        "fullDescription": {"text": _message(rule.why)},
        "help": {"text": _message(f"{text}{spared} See {rule.page}.")},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _results(judged: Judgement) -> Iterator[Document]:
    index = {each.id: at for at, each in enumerate(RULES)}
    seen: Counter[tuple[str, str, str]] = Counter()
    for each in judged.problems:
        uri = uri_of(each.file)
        like = (each.rule.id, uri, each.subject)
        seen[like] += 1
        yield {
            "ruleId": each.rule.id,
            "ruleIndex": index[each.rule.id],
            "level": each.severity.value,
            "message": {"text": _message(clean(each.said))},
            "locations": [_location(each, uri)],
            "partialFingerprints": {_FINGERPRINT: _hashed(*like, str(seen[like]))},
        }


def _location(each: Problem, uri: str) -> Document:
    region = {"startLine": each.mark.line, "startColumn": each.mark.column}
    place: Document = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    if each.subject:
        place["logicalLocations"] = [{"fullyQualifiedName": clean(each.subject), "kind": "object"}]
    return place


def uri_of(name: str) -> str:
    """Write a file's name as a URI: relative to the working directory where it is under it."""
    if not Path(name).is_absolute():
        return quote(os.fsencode(os.path.normpath(name)))
    try:
        return quote(os.fsencode(Path(name).relative_to(Path.cwd())))
    except ValueError:
        return f"file://{quote(os.fsencode(name))}"


def _message(text: str) -> str:
    """Escape what SARIF takes for a link or a placeholder (§3.11.5, §3.11.6)."""
    for each in "\\[]":
        text = text.replace(each, f"\\{each}")
    return text.replace("{", "{{").replace("}", "}}")


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
