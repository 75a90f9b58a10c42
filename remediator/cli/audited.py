"""What a person writes by a command of their own, in the audit log: their word, an object, a manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from remediator.audit_file import AuditFile
from remediator.cli.records import Records
from remediator.kubernetes import words
from remediator.kubernetes.lease import own_identity
from remediator.kubernetes.remediation_object import Stored
from remediator.kubernetes.transport import Transport
from remediator.kubernetes.words import Word
from remediator.model.audit import AuditEvent, AuditRecord, Said, Verb, target
from remediator.model.plan import proposal_id
from remediator.model.resource import Ref
from remediator.model.word import Approval, Rejection
from remediator.rollout.objects import Objects
from remediator.trail import Trail, Who

Json = dict[str, Any]

_PERSON = "the person at the terminal"


def trail(records: Records, user: str, path: Path | None) -> Trail | None:
    """Open the trail of a command that looks at records and writes to them; None where nobody asked for one."""
    if path is None:
        return None
    who = Who(own_identity(), lambda: (user, ""), records.connection.context, records.connection.server)
    return Trail(AuditFile(path), who, records.clock)


def say(transport: Transport, home: str, seen: Stored, word: Word, into: Trail | None) -> Stored:
    """Write a word on a record, as `words.say` does; told before, and its answer after."""
    if into is None:
        return words.say(transport, home, seen, word)
    return into.send(
        _spoken(seen, word, into), lambda: words.say(transport, home, seen, word), lambda now: (now.resource_version, 0)
    )


def created(into: Trail | None, ref: Ref, obj: Json, create: Callable[[], Json]) -> Json:
    """Create an object; told before, by the names of its fields, and its answer after."""
    if into is None:
        return create()
    return into.send(_of_object(Verb.CREATE, ref, obj, into), create, _version)


def objects(of: Objects, into: Trail | None) -> Objects:
    """Put the trail around what applies manifests."""
    return of if into is None else _Audited(of, into)


class _Audited:
    """Objects, each apply that is stored told before, and its answer after."""

    def __init__(self, objects: Objects, into: Trail) -> None:
        self._objects = objects
        self._into = into

    def find(self, namespace: str, name: str) -> Json | None:
        return self._objects.find(namespace, name)

    def apply(self, body: Json, *, manager: str, force: bool = False, dry_run: bool = False) -> Json:
        def send() -> Json:
            return self._objects.apply(body, manager=manager, force=force, dry_run=dry_run)

        if dry_run:
            return send()
        metadata = body["metadata"]
        ref = Ref(metadata["namespace"], metadata["name"], metadata.get("uid", ""))
        return self._into.send(_of_object(Verb.APPLY, ref, body, self._into), send, _version)


def _of_object(verb: Verb, ref: Ref, obj: Json, into: Trail) -> AuditRecord:
    return AuditRecord(
        at=into.now(),
        event=AuditEvent.REQUEST,
        **target(ref),
        verb=verb,
        fields=tuple(sorted(f"spec.{each}" for each in obj.get("spec") or {})),
        on_word_of=_PERSON,
    )


def _spoken(seen: Stored, word: Word, into: Trail) -> AuditRecord:
    said, by, field = _kind(word)
    told: Json = msgspec.to_builtins(word)
    digest = told.get("digest") or words.proposed_digest(seen)
    stood = {"approval": seen.approval, "rejection": seen.rejection, "release": seen.release}
    return AuditRecord(
        at=into.now(),
        event=AuditEvent.REQUEST,
        **target(seen.ref),
        verb=Verb.PATCH,
        said=said,
        on_word_of=by,
        digest=digest,
        proposal_id=proposal_id(digest) if digest else "",
        ticket=told.get("ticket", ""),
        override=tuple(told.get("override", ())),
        reason=told.get("reason", ""),
        fields=(f"spec.{field}",),
        before={f"/spec/{name}": msgspec.to_builtins(each) for name, each in stood.items() if each is not None},
        resource_version=seen.resource_version,
    )


def _kind(word: Word) -> tuple[Said, str, str]:
    if isinstance(word, Approval):
        return Said.APPROVED, word.approved_by, "approval"
    if isinstance(word, Rejection):
        return Said.REJECTED, word.rejected_by, "rejection"
    return Said.RELEASED, word.requested_by, "release"


def _version(of: Json) -> tuple[str, int]:
    metadata = of.get("metadata") or {}
    return str(metadata.get("resourceVersion", "")), int(metadata.get("generation", 0))
