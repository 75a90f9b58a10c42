"""The audit log, read back: line by line, so that one of any size can be; what makes no sense is told, and left out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from remediator.errors import InputError
from remediator.kubernetes.answers import MALFORMED
from remediator.model.times import parse_time

STDIN = "-"
_LONGEST_LINE = 1024 * 1024
_TOLD = 3
_TORN = "its end is torn off: the process that wrote it was killed, the disk was full, or it is still being written"


class Gate(Struct, frozen=True):
    """What one gate said."""

    gate: str = ""
    ruling: str = ""
    reason: str = ""


class Told(Struct, frozen=True, rename="camel", kw_only=True):
    """One line, whatever version wrote it: of what is not known here nothing is asked."""

    at: str
    event: str
    namespace: str
    name: str
    uid: str = ""
    kind: str = ""
    process: str = ""
    user: str = ""
    user_unknown: str = ""
    aws_identity: str = ""
    finding: str = ""
    action: str = ""
    proposal_id: str = ""
    moment: str = ""
    decision: str = ""
    gates: tuple[Gate, ...] = ()
    on_word_of: str = ""
    said: str = ""
    ticket: str = ""
    override: tuple[str, ...] = ()
    reason: str = ""
    verb: str = ""
    patch: tuple[dict[str, Any], ...] = ()
    fields: tuple[str, ...] = ()
    before: dict[str, Any] = {}
    generation: int = 0
    answer: str = ""
    result: str = ""
    detail: str = ""
    backup: str = ""
    orphan: str = ""
    document: dict[str, Any] = {}

    @property
    def when(self) -> datetime | None:
        return parse_time(self.at)


class AuditLog(Struct, frozen=True):
    """What is in a log, newest first. `unreadable` says in sentences what could not be read; `torn`, of the last."""

    lines: tuple[Told, ...]
    unreadable: tuple[str, ...] = ()
    torn: str = ""


def read_audit_log(name: str, wanted: Callable[[Told], bool]) -> AuditLog:
    """Read a file, or stdin for `-`; raise InputError where there is none to read."""
    if name == STDIN:
        if sys.stdin is None:
            raise InputError("<stdin>: is closed", hint="Pipe the audit log into it, or name the file.")
        return _read(sys.stdin.buffer, "<stdin>", wanted)
    try:
        with Path(name).expanduser().open("rb") as file:
            return _read(file, name, wanted)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot read the audit log {name}: {why}", hint="Name what --audit-log was given, or - for stdin."
        ) from error


def _read(file: BinaryIO, name: str, wanted: Callable[[Told], bool]) -> AuditLog:
    told: list[Told] = []
    unreadable: list[int] = []
    torn = ""
    for number, line in _lines(file):
        found = _line(line)
        if found is not None:
            told += [found] * wanted(found)
        elif line.endswith(b"\n"):
            unreadable.append(number)
        else:
            torn = f"{name}:{number}: {_TORN}"
    sentences = [f"{name}:{number}: is no line of an audit log" for number in unreadable[:_TOLD]]
    if len(unreadable) > _TOLD:
        sentences.append(f"{name}: {len(unreadable) - _TOLD} more lines are none of an audit log")
    told.reverse()
    told.sort(key=lambda each: each.at, reverse=True)  # several processes may write to one
    return AuditLog(tuple(told), tuple(sentences), torn)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty; of one without end, its beginning alone."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(_LONGEST_LINE)):
            line = line[:1] + b"\n"  # nobody wrote so much: what is left of it is no line
        if line.strip():
            yield number, line


def _line(content: bytes) -> Told | None:
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
        told = msgspec.convert(document, Told)
    except MALFORMED:
        return None
    return msgspec.structs.replace(told, document=document) if told.when is not None else None
