"""The documents of `list` and `history`. Their shape is part of the interface."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from remediator.cli.documents import SCHEMA_VERSION, Document
from remediator.cli.record_events import Event
from remediator.cli.records import Records
from remediator.cli.standing import approval_now, phase_now, proposal_id
from remediator.kubernetes.remediation_object import Stored
from remediator.model.episode import Proposed
from remediator.model.plan import proposal_id as named
from remediator.model.times import format_time
from remediator.model.word import APPROVAL_LASTS


def of_records(shown: Sequence[Stored], records: Records) -> Document:
    """Build the document of `list`."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "homeNamespace": records.home,
        "records": [_record(each, records.now) for each in shown],
        "partial": list(records.unusable),
    }


def of_events(told: Sequence[Event], records: Records) -> Document:
    """Build the document of `history`."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "homeNamespace": records.home,
        "events": [_event(each) for each in told],
        "partial": list(records.unusable),
    }


def _record(of: Stored, now: datetime) -> Document:
    episode = of.episode
    assert episode is not None
    found = episode.finding
    return {
        "record": of.name,
        "kind": of.ref.kind,
        "namespace": of.ref.namespace,
        "name": of.ref.name,
        "uid": of.ref.uid,
        "phase": phase_now(of, now).value,
        "finding": found.name.value if found else None,
        "state": found.state.value if found and found.state else None,
        "summary": found.summary if found else None,
        "since": format_time(episode.unhealthy_since),
        "firstSeen": format_time(episode.first_seen),
        "lastSeen": format_time(episode.last_seen),
        "selfHealsAt": format_time(found.self_heals_at) if found else None,
        "resolvedAt": format_time(episode.resolved_at),
        "resolvedBy": episode.resolved_by.value if episode.resolved_by else None,
        "proposal": _proposal(of, episode.proposal),
        "decision": episode.decision.value if episode.decision else None,
        "approval": _approval(of, now),
        "rejection": _word(of.rejection),
        "release": _word(of.release),
        "attempts": [msgspec.to_builtins(each) for each in episode.attempts],
        "evidence": found.evidence if found else {},
    }


def _proposal(of: Stored, proposed: Proposed | None) -> Document | None:
    if proposed is None:
        return None
    return {
        "id": proposal_id(of),
        "action": proposed.action.value,
        "digest": proposed.digest,
        "summary": proposed.summary,
        "at": format_time(proposed.at),
    }


def _approval(of: Stored, now: datetime) -> Document | None:
    """Add until when it holds, and whether it is for what is proposed now."""
    if of.approval is None:
        return None
    expires = of.approval.at + APPROVAL_LASTS if of.approval.at else None
    more = {"expiresAt": format_time(expires), "covers": approval_now(of, now) is not None}
    return (_word(of.approval) or {}) | more


def _word(word: msgspec.Struct | None) -> Document | None:
    """Write a word as it stands in the record, but for its nonce, and with the time that the API server noted."""
    if word is None:
        return None
    told: Document = msgspec.to_builtins(word)
    return {key: value for key, value in told.items() if key != "nonce"}


def _event(each: Event) -> Document:
    return {
        "at": format_time(each.at),
        "event": each.what.value,
        "namespace": each.ref.namespace,
        "name": each.ref.name,
        "uid": each.ref.uid,
        "record": each.record,
        "proposalId": named(each.digest) if each.digest else None,
        "action": each.action.value if each.action else None,
        "result": each.result.value if each.result else None,
        "onWordOf": each.on_word_of or None,
        "by": each.by or None,
        "detail": each.detail or None,
        "ended": format_time(each.ended),
        "backup": each.backup or None,
        "orphan": each.orphan or None,
        "resolvedBy": each.resolved_by.value if each.resolved_by else None,
    }
