"""Functions in AWS that no object of this cluster is for: whose they are, as far as that can be told. Pure.

Tags are all that AWS knows of whose a function is. ACK's own name a namespace and no cluster (runtime,
pkg/config/config.go, --resource-tags; Amazon EKS User Guide, "ACK considerations for EKS"), so that alone they say that
some cluster made it, and not that this one did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from remediator.model.episode import Episode
from remediator.model.live import LiveState
from remediator.model.resource import Arn, Ref, function_arn
from remediator.model.times import format_time

# By ACK that people run, and by ACK that EKS runs for them.
NAMESPACE_TAGS = ("services.k8s.aws/namespace", "eks:kubernetes-namespace")
VERSION_TAGS = ("services.k8s.aws/controller-version", "eks:controller-version")
OBJECT_TAG = "eks:kubernetes-resource-name"
CAPABILITY_TAG = "eks:eks-capability-arn"
ACK_TAGS = (*NAMESPACE_TAGS, *VERSION_TAGS)

_UNFIT = re.compile(r"[^a-z0-9-]+")


class Owner(StrEnum):
    """Whose a function without an object is. Of the first two, and of no other, it is certain that they are ours."""

    RELEASED = "released"
    TAGGED = "tagged"
    OTHER_CLUSTER = "other-cluster"
    UNKNOWN = "unknown"

    @property
    def ours(self) -> bool:
        return self in (Owner.RELEASED, Owner.TAGGED)


class ClusterTag(NamedTuple):
    """The tag that tells this cluster's functions from those of others."""

    key: str
    value: str


class Left(Struct, frozen=True, kw_only=True):
    """What a record tells of a function that an action left in AWS: of which object, when, on whose word.

    `backup` is where the object was saved, as `remediator restore` takes it; `record` names the Remediation.
    """

    arn: str
    ref: Ref
    action: str
    at: datetime
    approved_by: str = ""
    backup: str = ""
    record: str = ""

    def __str__(self) -> str:
        by = f", approved by {self.approved_by}" if self.approved_by else ""
        return f"{self.action} of {self.ref} at {format_time(self.at)}{by}"


class Tagged(Struct, frozen=True):
    """A function of AWS, and its tags."""

    arn: str
    tags: Mapping[str, str] = {}

    @property
    def namespace(self) -> str:
        """The namespace of the object that ACK made it for."""
        return next((self.tags[key] for key in NAMESPACE_TAGS if self.tags.get(key)), "")


class Inventory(Struct, frozen=True, kw_only=True):
    """The functions with ACK's tags in one account and region; `why` says why these are not all, or none.

    `account` is empty where not even who we are there is known.
    """

    account: str
    region: str
    functions: tuple[Tagged, ...] = ()
    why: str = ""


class Orphan(Struct, frozen=True, kw_only=True):
    """One function without an object. `why` is a sentence; `minds` are what a person should know before they act."""

    arn: str
    place: Arn
    owner: Owner
    why: str
    namespace: str = ""
    object_name: str = ""
    left: Left | None = None
    tags: Mapping[str, str] = {}
    last_modified: datetime | None = None
    minds: tuple[str, ...] = ()


def left_by(ref: Ref, episode: Episode, record: str) -> Iterator[Left]:
    """Yield what a record tells of functions that were left in AWS."""
    for each in episode.attempts:
        if each.orphan:
            yield Left(
                arn=each.orphan,
                ref=ref,
                action=each.action,
                at=each.concluded or each.intended,
                approved_by=each.approved_by,
                backup=each.backup,
                record=record,
            )


def orphan(function: Tagged, left: Left | None, tag: ClusterTag | None) -> Orphan | None:
    """Say whose a function is that no object claims; None for what is no function, or nobody's business.

    Another cluster's tag counts more than a record of ours: who took it over since has it now. So does another
    namespace in ACK's tags.
    """
    place = function_arn(function.arn)
    told = {key: value for key, value in sorted(function.tags.items()) if _tells(key, tag)}
    ack = any(key in told for key in ACK_TAGS)
    if place is None or not (ack or left):
        return None
    owner, why = _owner(function, left, tag, ack=ack)
    return Orphan(
        arn=function.arn,
        place=place,
        owner=owner,
        why=why,
        namespace=left.ref.namespace if left and owner is Owner.RELEASED else function.namespace,
        object_name=left.ref.name if left and owner is Owner.RELEASED else _object_name(function, place),
        left=left,
        tags=told,
    )


def dated(found: Orphan, live: LiveState) -> Orphan:
    """Add when it was last changed, and what follows for one that a record tells of.

    Where it was changed after it was left, and has none of ACK's tags, it can be another function of that name, which
    somebody made since.
    """
    changed = live.last_modified
    known = msgspec.structs.replace(found, last_modified=changed)
    if changed is None or found.left is None or changed <= found.left.at:
        return known
    since = f"changed in AWS after it was left there, at {format_time(changed)}"
    if found.owner is Owner.RELEASED and not any(key in found.tags for key in ACK_TAGS):
        why = f"{found.left}, but it has no tags of ACK now, and was {since}: somebody may have made it anew."
        return msgspec.structs.replace(known, owner=Owner.UNKNOWN, why=why)
    return msgspec.structs.replace(known, minds=(*found.minds, f"It was {since}: somebody works on it."))


def _owner(function: Tagged, left: Left | None, tag: ClusterTag | None, *, ack: bool) -> tuple[Owner, str]:
    said = function.tags.get(tag.key) if tag else None
    if tag and said is not None and said != tag.value:
        return Owner.OTHER_CLUSTER, f"Of cluster {said}, by its tag {tag.key}."
    if left is not None and function.namespace not in ("", left.ref.namespace):
        return Owner.UNKNOWN, (
            f"{left}, but by its tags it is of namespace {function.namespace} now: somebody took it over since."
        )
    if left is not None:
        marked = "" if ack else " It has no tags of ACK now."
        return Owner.RELEASED, f"{left}, which left it in AWS.{marked}"
    if tag and said is not None:
        return (
            Owner.TAGGED,
            f"ACK made it for namespace {function.namespace or '?'} of this cluster ({tag.key}={said}).",
        )
    if capability := function.tags.get(CAPABILITY_TAG):
        return Owner.UNKNOWN, f"ACK made it, as {capability}: this cluster's, or another's."
    return Owner.UNKNOWN, "ACK made it, and no tag says for which cluster: it may be another's."


def _tells(key: str, tag: ClusterTag | None) -> bool:
    """Whether a tag is of ACK or of the cluster: what else people write there is not ours to repeat."""
    return key in (*ACK_TAGS, OBJECT_TAG, CAPABILITY_TAG) or (tag is not None and key == tag.key)


def _object_name(function: Tagged, place: Arn) -> str:
    """Name an object for it: as it was called, where that is told, else after the function, as Kubernetes names."""
    return function.tags.get(OBJECT_TAG) or _UNFIT.sub("-", place.name.lower()).strip("-") or "function"
