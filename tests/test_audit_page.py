"""docs/audit.md has a row for each field, and each word that a line can have."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from remediator.cli.audit_reading import Told
from remediator.model.audit import AUDIT_SCHEMA, Answer, AuditEvent, AuditRecord, Moment, Said, Verb
from remediator.model.decision import DecisionKind
from remediator.model.plan import ActionName, Result

TEXT = (Path(__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
FIELDS = TEXT.partition("\n## Fields\n")[2].partition("\n## ")[0]


def documented() -> list[str]:
    rows = re.findall(r"^\| (`[^|]+`) \|", FIELDS, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    names = [each.encode_name for each in msgspec.structs.fields(AuditRecord)]
    assert sorted(documented()) == sorted(["schemaVersion", *names])
    assert f'`"{AUDIT_SCHEMA}"`' in FIELDS


def test_what_history_reads_is_what_is_written() -> None:
    written = {each.encode_name for each in msgspec.structs.fields(AuditRecord)}
    assert {each.encode_name for each in msgspec.structs.fields(Told)} - {"document"} <= written


@pytest.mark.parametrize("words", [AuditEvent, Moment, Answer, Verb, Said, DecisionKind, ActionName, Result])
def test_every_word_is_told(words: type[StrEnum]) -> None:
    assert [each.value for each in words if f"`{each.value}`" not in TEXT] == []
