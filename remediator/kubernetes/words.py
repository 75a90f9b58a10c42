"""A person's word on what is proposed: who they are, what is recorded, and the one write to a `Remediation`'s spec.

The admission policy holds that write to its rules; what it refuses is told in its own sentence.
"""

from __future__ import annotations

import secrets
import shlex
from typing import TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import Changed, ClusterError, Forbidden, NotFound, Refused, RemediatorError
from remediator.kubernetes import remediation_object as objects
from remediator.kubernetes.approvals import POLICY
from remediator.kubernetes.pages import listed
from remediator.kubernetes.remediation_object import Stored, Unusable
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.plan import Operation
from remediator.model.resource import Ref
from remediator.model.word import Approval, Rejection, Release

Word: TypeAlias = Approval | Rejection | Release

_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_FIELDS: dict[type[Word], str] = {Approval: "approval", Rejection: "rejection", Release: "release"}
_TRIES = 3
_DENIED = "denied request: "
_BIND = (
    "Bind ClusterRole ack-remediator-approver in that namespace and in the target's "
    "(manifests/base/clusterrole-approver.yaml)."
)


class _UserInfo(Struct, frozen=True):
    username: str = ""


class _Reviewed(Struct, frozen=True, rename="camel"):
    user_info: _UserInfo = _UserInfo()


class _Review(Struct, frozen=True):
    status: _Reviewed = _Reviewed()


class Recorded(Struct, frozen=True):
    """The records of a namespace; `unusable` says in sentences which could not be read."""

    records: tuple[Stored, ...]
    unusable: tuple[str, ...] = ()


def whoami(transport: Transport) -> str:
    """Ask what the API server calls us: an approval in any other name is refused. Raises ClusterError."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        name = decoded(transport.post(_REVIEWS, body), _Review).status.user_info.username
    except NotFound as error:
        raise ClusterError(
            "the API server does not tell who we are to it: it serves no SelfSubjectReview of authentication.k8s.io/v1",
            hint="Kubernetes 1.28 and newer do, unless it is turned off; kubectl patch works without.",
        ) from error
    except Forbidden as error:
        raise Forbidden(
            f"the API server does not tell us who we are to it: {error.message}",
            hint="ClusterRole system:basic-user, which everybody usually has, allows it.",
        ) from error
    if not name:
        raise ClusterError("the API server knows no name for us")
    return name


def records(transport: Transport, namespace: str) -> Recorded:
    """Read what is recorded in the home namespace. Raises ClusterError where there is no place for it."""
    try:
        items = listed(transport, objects.collection(namespace))
    except NotFound as error:
        raise ClusterError(
            f"this cluster does not know {objects.PLURAL}.{objects.GROUP}: nothing is recorded in it",
            hint="manifests/base has the definition. Is this the right --context?",
        ) from error
    except Forbidden as error:
        raise Forbidden(
            f"the records in namespace {namespace} cannot be read: {error.message}",
            hint="Bind ClusterRole ack-remediator-viewer there, or name another namespace with --home-namespace.",
        ) from error
    if not items:
        _check_namespace(transport, namespace)
    found: list[Stored] = []
    unusable: list[str] = []
    for item in items:
        try:
            found.append(objects.read(item))
        except Unusable as why:
            unusable.append(f"Remediation {namespace}/{objects.name_of(item)}: {why}")
    return Recorded(tuple(found), tuple(unusable))


def record(transport: Transport, namespace: str, ref: Ref) -> Stored:
    """Read the one record of a target. Raises ClusterError, NotFound where there is none."""
    return _read(transport.get(objects.path(namespace, objects.object_name(ref.uid, ref.kind))))


def say(transport: Transport, namespace: str, seen: Stored, word: Word) -> Stored:
    """Write a word on the record as it was seen, in place of any other, and return the record as it is then.

    An approval and a release get a nonce: the API server writes, and dates, only what differs from before.
    Raises Changed where something else is proposed by now, or somebody else had their word; Forbidden in the
    policy's own words.
    """
    for _ in range(_TRIES):
        try:
            return _read(transport.patch(objects.path(namespace, seen.name), patch(seen, _anew(word))))
        except Changed as error:
            seen = _unless_changed(transport, namespace, seen, error)
        except Forbidden as error:
            raise _refusal(error, namespace) from error
        except NotFound as error:
            raise _changed(seen, "its record is gone") from error
        except Refused:
            raise
        except ClusterError as error:
            raise ClusterError(
                f"{error.message}; whether it was written is not known", hint="`remediator list` shows what stands."
            ) from error
    raise Changed(f"the record of {seen.ref} is written to all the time; nothing was changed", hint="Try again.")


def held_to_rules(transport: Transport, namespace: str, seen: Stored) -> bool | None:
    """Try what the policy forbids, an approval in another's name, as a dry run: whether it is refused.

    None where that proves nothing: who may not patch records is refused by RBAC.
    """
    forged = Approval("nobody", "0" * 64, nonce=secrets.token_hex(8))
    try:
        transport.patch(objects.path(namespace, seen.name), patch(seen, forged, versioned=False), dry_run=True)
    except Forbidden as error:
        return True if POLICY in error.message else None
    except ClusterError:
        return None
    return False


def patch(seen: Stored, word: Word, *, versioned: bool = True) -> list[Operation]:
    """Write a word as a JSON Patch. It replaces the whole of what stood: a merge would keep another's override.

    `versioned`: only as long as nobody wrote to the record; else, as long as the same is proposed.
    """
    operations: list[Operation] = []
    if versioned:
        operations.append({"op": "test", "path": "/metadata/resourceVersion", "value": seen.resource_version})
    elif isinstance(word, Approval | Rejection) and word.digest == proposed_digest(seen):
        operations.append({"op": "test", "path": "/status/proposal/digest", "value": word.digest})
    field = _FIELDS[type(word)]
    others = [other for other in _FIELDS.values() if other != field and getattr(seen, other) is not None]
    operations += [{"op": "remove", "path": f"/spec/{other}"} for other in others]
    value = msgspec.to_builtins(msgspec.structs.replace(word, at=None))
    operations.append({"op": "add", "path": f"/spec/{field}", "value": value})
    return operations


def kubectl(namespace: str, seen: Stored, word: Word) -> str:
    """Write the command by which a person could have said the same."""
    said = msgspec.json.encode(patch(seen, word, versioned=False)).decode()
    return (
        f"kubectl patch {objects.PLURAL}.{objects.GROUP} {seen.name} -n {namespace} --type=json -p {shlex.quote(said)}"
    )


def proposed_digest(of: Stored) -> str:
    """Return the digest of what is proposed, empty where nothing is."""
    return of.episode.proposal.digest if of.episode and of.episode.proposal else ""


def _anew(word: Word) -> Word:
    if isinstance(word, Rejection):
        return word
    return msgspec.structs.replace(word, nonce=word.nonce or secrets.token_hex(8))


def _unless_changed(transport: Transport, namespace: str, seen: Stored, refused: Changed) -> Stored:
    """Read again what somebody wrote to. The remediator's own notes, every few minutes, are no reason to stop."""
    try:
        now = _read(transport.get(objects.path(namespace, seen.name)))
    except NotFound as error:
        raise _changed(seen, "its record is gone") from error
    if now.resource_version == seen.resource_version:
        raise RemediatorError(f"the API server does not take it: {refused.message}") from refused
    if proposed_digest(now) != proposed_digest(seen) or now.uid != seen.uid:
        raise _changed(seen, "what is proposed changed")
    if (now.approval, now.rejection, now.release) != (seen.approval, seen.rejection, seen.release):
        raise _changed(seen, "somebody else had their word")
    return now


def _changed(seen: Stored, why: str) -> Changed:
    return Changed(
        f"{seen.ref}: {why}; nothing was written", hint="Look again: `remediator list` shows what is proposed now."
    )


def _refusal(error: Forbidden, namespace: str) -> Forbidden:
    before, denied, why = error.message.partition(_DENIED)
    if denied and POLICY in before:
        return Forbidden(f"refused: {why}", hint="Nothing was written.")
    return Forbidden(f"nothing can be approved in namespace {namespace} by us: {error.message}", hint=_BIND)


def _check_namespace(transport: Transport, namespace: str) -> None:
    """Tell an empty namespace from one that is not there: a list is empty in both. Not everybody may ask."""
    try:
        transport.get(f"/api/v1/namespaces/{quote(namespace, safe='')}")
    except NotFound as error:
        raise ClusterError(
            f"there is no namespace {namespace}, so nothing is recorded in it",
            hint="Name the remediator's own with --home-namespace.",
        ) from error
    except ClusterError:
        return


def _read(content: bytes) -> Stored:
    try:
        return objects.read(content)
    except Unusable as why:
        raise ClusterError(f"Remediation {objects.name_of(content)} makes no sense: {why}") from why
