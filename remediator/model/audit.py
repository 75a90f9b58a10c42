"""One line of the audit log: what was decided or written, by whom, on whose word, and what was answered.

Its shape is part of the interface: docs/audit.md has a row for each field.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model.attempt import Attempt
from remediator.model.decision import DecisionKind
from remediator.model.episode import Judgement
from remediator.model.plan import ActionName, Result, proposal_id
from remediator.model.resource import Ref
from remediator.model.scan import Judged
from remediator.model.times import format_micro_time

AUDIT_SCHEMA = "1"

_LONGEST_REASON = 1024


class AuditEvent(StrEnum):
    """What a line is about."""

    DECISION = "decision"
    REQUEST = "request"
    ANSWER = "answer"
    OUTCOME = "outcome"


class Moment(StrEnum):
    """When something was decided: at a pass that looks, or under the lock, right before the first write."""

    SCAN = "scan"
    ACT = "act"


class Answer(StrEnum):
    """What became of a request to the API server."""

    TAKEN = "taken"
    CHANGED = "changed"
    GONE = "gone"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Verb(StrEnum):
    """How the API server was asked, in its own words."""

    PATCH = "patch"
    CREATE = "create"
    APPLY = "apply"


class Said(StrEnum):
    """A person's word on a record."""

    APPROVED = "approved"
    REJECTED = "rejected"
    RELEASED = "released"


class AuditRecord(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One line. What is not known, or not of this event, is left out.

    `process` tells host, process and run apart; `user` is its name to the API server, and `user_unknown` why that is
    not known. `write` pairs a request with its answer. `resource_version` and `generation` are those before it in a
    request, as far as they are known, and those after it in an answer.
    """

    at: datetime
    event: AuditEvent
    namespace: str
    name: str
    uid: str = ""
    kind: str = ""
    process: str = ""
    version: str = ""
    user: str = ""
    user_unknown: str = ""
    aws_identity: str = ""
    cluster: str = ""
    server: str = ""
    finding: str = ""
    action: ActionName | None = None
    digest: str = ""
    proposal_id: str = ""
    attempt: str = ""
    moment: Moment | None = None
    decision: DecisionKind | None = None
    gates: tuple[Judgement, ...] = ()
    on_word_of: str = ""
    said: Said | None = None
    ticket: str = ""
    override: tuple[str, ...] = ()
    reason: str = ""
    write: str = ""
    verb: Verb | None = None
    patch: tuple[dict[str, Any], ...] = ()
    fields: tuple[str, ...] = ()
    before: dict[str, Any] = {}
    resource_version: str = ""
    generation: int = 0
    answer: Answer | None = None
    result: Result | None = None
    detail: str = ""
    backup: str = ""
    orphan: str = ""


def line(record: AuditRecord) -> bytes:
    """Write a record as one line of JSON, in ASCII: nothing in it can steer a terminal, or begin another line."""
    told = {
        "schemaVersion": AUDIT_SCHEMA,
        **msgspec.to_builtins(record),
        "at": format_micro_time(record.at),
    }
    return json.dumps(told, separators=(",", ":")).replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def decided(judged: Judged, at: datetime, moment: Moment = Moment.SCAN) -> AuditRecord | None:
    """Tell what was decided of a resource, and what each gate said; None where there was nothing to decide."""
    decision, finding, ref = judged.decision, judged.finding, judged.seen.resource.ref
    if decision is None or finding is None:
        return None
    plan = judged.plan
    return AuditRecord(
        at=at,
        event=AuditEvent.DECISION,
        **target(ref),
        aws_identity=judged.seen.live_state.identity or "",
        finding=finding.name.value,
        action=plan.action if plan else None,
        digest=plan.digest if plan else "",
        proposal_id=plan.proposal_id if plan else "",
        moment=moment,
        decision=decision.kind,
        gates=tuple(
            Judgement(each.gate, each.ruling.value, each.reason[:_LONGEST_REASON]) for each in decision.verdicts
        ),
    )


def same(record: AuditRecord) -> tuple[Any, ...]:
    """Say what makes a decision another one: not its time, nor the numbers in what the gates say."""
    rulings = tuple((each.gate, each.ruling) for each in record.gates)
    return (record.finding, record.decision, record.digest, record.aws_identity, rulings)


def outcome(ref: Ref, attempt: Attempt, at: datetime) -> AuditRecord:
    """Tell what came of an attempt."""
    return AuditRecord(
        at=at,
        event=AuditEvent.OUTCOME,
        **target(ref),
        **of_attempt(attempt),
        result=attempt.result,
        detail=attempt.detail,
        backup=attempt.backup,
        orphan=attempt.orphan,
    )


def target(ref: Ref) -> dict[str, Any]:
    """Name what a line is about."""
    return {"namespace": ref.namespace, "name": ref.name, "uid": ref.uid, "kind": ref.kind}


def of_attempt(attempt: Attempt) -> dict[str, Any]:
    """Say which attempt a line belongs to, and on whose word and ground it is."""
    return {
        "action": attempt.action,
        "digest": attempt.digest,
        "proposal_id": proposal_id(attempt.digest),
        "attempt": attempt.id,
        "finding": attempt.finding,
        "on_word_of": attempt.approved_by,
        "aws_identity": attempt.aws_identity,
    }
