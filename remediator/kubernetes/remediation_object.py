"""`Remediation` as it lies in the API server: what people write in its spec, and what we write in its status."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.kubernetes.answers import MALFORMED
from remediator.model.episode import RECORDS_GROUP, Episode, Phase
from remediator.model.kind import FUNCTION, LAMBDA_KINDS
from remediator.model.record import Record, record_name
from remediator.model.resource import FUNCTION_GROUP, Ref
from remediator.model.times import format_time, parse_time
from remediator.model.word import Approval, Rejection, Release
from remediator.model.workload import DEPLOYMENT

GROUP = RECORDS_GROUP
VERSION = "v1alpha1"
PLURAL = "remediations"
NAMESPACE_LABEL = f"{GROUP}/target-namespace"
NAME_LABEL = f"{GROUP}/target-name"

_LONGEST_LABEL = 63
_KINDS = frozenset(each.name for each in LAMBDA_KINDS) | {DEPLOYMENT}

Json = dict[str, Any]
Word = TypeVar("Word", Approval, Rejection, Release)


class Target(Struct, frozen=True, rename="camel"):
    """`spec.target`: the resource that it is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def ref(self) -> Ref:
        return Ref(self.namespace, self.name, self.uid, self.kind)


class Spec(Struct, frozen=True):
    """`spec`. Of approval, rejection and release at most one is there."""

    target: Target
    approval: Approval | None = None
    rejection: Rejection | None = None
    release: Release | None = None


class Managed(Struct, frozen=True, rename="camel"):
    """One entry of `metadata.managedFields`: who wrote which fields last, and when, as the API server noted it."""

    time: str | None = None
    subresource: str = ""
    fields: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"{}"), name="fieldsV1")


class Metadata(Struct, frozen=True, rename="camel"):
    """`metadata`, as far as the store needs it."""

    name: str
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    managed_fields: tuple[Managed, ...] = ()


class _Phased(Struct, frozen=True):
    phase: str = ""


class _Object(Struct, frozen=True):
    metadata: Metadata
    spec: Spec
    status: msgspec.Raw = msgspec.Raw(b"{}")


class Stored(Record, frozen=True, kw_only=True):
    """One Remediation as it was read. `episode` is None where it was created and nothing was noted yet."""

    uid: str
    resource_version: str
    created: datetime | None = None


class Unusable(Exception):
    """Raised for an object that we cannot take for a record of ours; the text says why."""


def object_name(uid: str, kind: str = FUNCTION) -> str:
    """Name the one Remediation of a resource."""
    return record_name(Ref("", "", uid, kind))


def collection(namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{quote(namespace, safe='')}/{PLURAL}"


def path(namespace: str, name: str) -> str:
    return f"{collection(namespace)}/{quote(name, safe='')}"


def new_object(ref: Ref) -> Json:
    """Write the object as it is created: without a status, which the API server would drop."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Remediation",
        "metadata": {
            "name": object_name(ref.uid, ref.kind),
            "labels": {NAMESPACE_LABEL: label(ref.namespace), NAME_LABEL: label(ref.name)},
        },
        "spec": {
            "target": {
                "apiVersion": "apps/v1" if ref.kind == DEPLOYMENT else f"{FUNCTION_GROUP}/{VERSION}",
                "kind": ref.kind,
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": ref.uid,
            }
        },
    }


def status(episode: Episode, phase: Phase, approved_at: datetime | None) -> Json:
    """Write the status: the episode, and what kubectl shows and waits for."""
    found = episode.finding
    resolved = episode.resolved_at is not None
    conditions = [
        _condition("Resolved", resolved, phase, episode.resolved_at or episode.first_seen),
        _condition(
            "Approved",
            phase is Phase.APPROVED,
            phase,
            approved_at or (episode.proposal.at if episode.proposal else episode.first_seen),
        ),
    ]
    shown: Json = {"phase": phase.value, "conditions": conditions}
    if found is not None:
        shown["finding"] = found.name.value
    return {**msgspec.to_builtins(episode), **shown}


def _condition(kind: str, holds: bool, phase: Phase, since: datetime) -> Json:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": phase.value,
        "lastTransitionTime": format_time(since),
        "message": "",
    }


def name_of(content: msgspec.Raw | bytes) -> str:
    """Return the name of an object, whatever else is in it."""
    try:
        return msgspec.json.decode(content, type=_Named).metadata.name
    except MALFORMED:
        return "?"


class _Name(Struct, frozen=True):
    name: str = "?"


class _Named(Struct, frozen=True):
    metadata: _Name = _Name()


def read(content: msgspec.Raw | bytes) -> Stored:
    """Read one object; raise Unusable for what is none of our records, or one that a newer version wrote."""
    try:
        found = msgspec.json.decode(content, type=_Object)
        phase = msgspec.json.decode(found.status, type=_Phased).phase
        episode = msgspec.json.decode(found.status, type=Episode) if phase else None
    except MALFORMED as error:
        raise Unusable(f"its content cannot be read ({error}); was it written by a newer version?") from error
    target, written = found.spec.target, found.metadata.managed_fields
    if target.kind not in _KINDS or found.metadata.name != object_name(target.uid, target.kind):
        raise Unusable("its name does not follow from its target")
    return Stored(
        name=found.metadata.name,
        uid=found.metadata.uid,
        resource_version=found.metadata.resource_version,
        ref=target.ref,
        created=parse_time(found.metadata.creation_timestamp),
        phase=phase,
        episode=episode,
        approval=_dated(found.spec.approval, written, "approval"),
        rejection=_dated(found.spec.rejection, written, "rejection"),
        release=_dated(found.spec.release, written, "release"),
    )


def _dated(word: Word | None, written: Sequence[Managed], field: str) -> Word | None:
    return None if word is None else msgspec.structs.replace(word, at=written_at(written, field))


def written_at(managed: Sequence[Managed], field: str) -> datetime | None:
    """Find out when `spec.<field>` was written: the earliest time of those that own it; None where one has none.

    The field is atomic, so who changes any part of it owns all of it, and alone, with the time of that change. Only
    server-side apply shares: who applies the same again later adds an entry, which must not make it look younger.
    """
    times: list[datetime] = []
    for entry in managed:
        if entry.subresource == "status" or not _owns(entry, field):
            continue
        time = parse_time(entry.time)
        if time is None:
            return None
        times.append(time)
    return min(times, default=None)


class _OwnedSpec(Struct, frozen=True):
    spec: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict, name="f:spec")


def _owns(entry: Managed, field: str) -> bool:
    try:
        return f"f:{field}" in msgspec.json.decode(entry.fields, type=_OwnedSpec).spec
    except MALFORMED:
        return False


def label(value: str) -> str:
    """Cut what is too long for a label, and keep it unique."""
    if len(value) <= _LONGEST_LABEL:
        return value
    mark = hashlib.sha256(value.encode()).hexdigest()[:8]
    return f"{value[: _LONGEST_LABEL - 9]}-{mark}"
