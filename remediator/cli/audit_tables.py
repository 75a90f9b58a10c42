"""What `history -f` prints of an audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from remediator.cli.audit_reading import AuditLog, Told
from remediator.cli.documents import SCHEMA_VERSION, Document
from remediator.cli.render import Row, console

_HEADER = ("WHEN", "NAMESPACE", "NAME", "EVENT", "RESULT")
_NOTHING = "-"
_STYLES = {
    "act": "bold",
    "taken": "green",
    "resolved": "green",
    "still-stuck": "red",
    "refused": "red",
    "unknown": "magenta",
    "changed": "yellow",
    "skipped": "yellow",
}


def document(log: AuditLog, name: str) -> Document:
    """Build the document: each line as it stands in the log."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "auditLog": name,
        "lines": [each.document for each in log.lines],
        "partial": [*log.unreadable, *([log.torn] if log.torn else [])],
    }


def table(lines: Sequence[Told], *, wide: bool = False) -> None:
    """Print one row a line, as they are given, what is known of each beneath."""
    if not lines:
        return
    rows = [
        Row(
            (
                each.at,
                each.namespace,
                each.name if each.kind in ("", "Function") else f"{each.kind.lower()}/{each.name}",
                f"{each.event} {each.said or each.verb or each.action}".strip(),
                _result(each),
            ),
            _STYLES.get(_result(each), ""),
            tuple(_beneath(each, wide=wide)),
            styled=4,
        )
        for each in lines
    ]
    console(whole=wide).columns(_HEADER, rows)


def _result(each: Told) -> str:
    return each.decision or each.answer or each.result or _NOTHING


def _beneath(each: Told, *, wide: bool) -> Iterator[str]:
    about = [each.finding, each.action, each.proposal_id]
    if told := " ".join(filter(None, about)):
        yield told
    if each.detail:
        yield each.detail
    for gate in each.gates:
        if wide or gate.ruling == "held":
            yield f"{gate.gate} {gate.ruling}: {gate.reason}"
    yield from _written(each)
    if each.on_word_of:
        passed = f", passing by {', '.join(each.override)}" if each.override else ""
        ticket = f", ticket {each.ticket}" if each.ticket else ""
        yield f"on the word of {each.on_word_of}{ticket}{passed}"
    if each.reason:
        yield f"because: {each.reason}"
    if each.event != "decision" or wide:
        user = each.user or (f"a user that is not known ({each.user_unknown})" if each.user_unknown else "")
        who = [user, each.process, each.aws_identity]
        yield f"by {'; '.join(filter(None, who))}"
    if each.backup:
        yield f"The object as it was: {each.backup}"
    if each.orphan:
        yield f"Left in AWS, with no object that manages it: {each.orphan}"


def _written(each: Told) -> Iterator[str]:
    changes = [operation for operation in each.patch if operation.get("op") != "test"]
    if changes:
        yield f"patch {_json(changes)}"
    if each.fields:
        yield f"fields {', '.join(each.fields)}"
    if each.before:
        yield f"before {_json(each.before)}"
    if each.event == "answer" and each.generation:
        yield f"generation {each.generation} after it"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
