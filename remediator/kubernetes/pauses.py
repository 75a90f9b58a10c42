"""Pauses in the cluster: a Lease each, in the home namespace, so that CronJob, daemon and person see the same.

They end by the API server's own clock: from when it says that the Lease was created, as long as the Lease says. What
its writer wrote of times is for people to read.

There are nine names, and no more, so that a role can name those that people may delete: whoever may delete any Lease of
a namespace can take the locks away that keep two from acting at once.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import Changed, ClusterError, Forbidden, NotFound
from remediator.kubernetes.pages import listed
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.pause import LONGEST_REASON, Pause, Pauses
from remediator.model.times import format_micro_time, parse_time

PAUSE_LEASES = tuple(f"ack-remediator-pause-{number}" for number in range(1, 10))
REASON = "ack-remediator.dev/reason"
NAMESPACE = "ack-remediator.dev/pauses-namespace"

_API_VERSION = "coordination.k8s.io/v1"
_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ROLE = "Role ack-remediator-pauses has it (manifests/base/role-pauses.yaml): bind it in that namespace."


class _Metadata(Struct, frozen=True, rename="camel"):
    name: str
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    annotations: dict[str, str] | None = None


class _Named(Struct, frozen=True):
    metadata: _Metadata


class _Spec(Struct, frozen=True, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None


class _Lease(Struct, frozen=True):
    metadata: _Metadata
    spec: _Spec = _Spec()


class Stored(Struct, frozen=True):
    """A pause as the API server has it, so that just this one can be deleted."""

    pause: Pause
    uid: str
    version: str


class KubernetesPauses:
    """The PauseBook port on Leases, and for people what writes to it."""

    def __init__(self, transport: Transport, home: str) -> None:
        self._transport = transport
        self._home = home
        self._collection = f"/apis/{_API_VERSION}/namespaces/{quote(home, safe='')}/leases"

    def read(self) -> Pauses:
        """Read those there are; say why where that fails. Raises nothing.

        Where there is no home namespace there are none: nobody can have said so.
        """
        try:
            return Pauses(tuple(each.pause for each in self.stored()))
        except ClusterError as error:
            return Pauses(unknown=error.message)

    def stored(self) -> tuple[Stored, ...]:
        """Read them as they are stored; raise ClusterError."""
        try:
            items = [bytes(each) for each in listed(self._transport, self._collection)]
            return tuple(_stored(each) for each in items if decoded(each, _Named).metadata.name in PAUSE_LEASES)
        except Forbidden as error:
            raise Forbidden(f"pauses in namespace {self._home} cannot be read: {error.message}", hint=_ROLE) from error
        except ClusterError as error:
            raise ClusterError(f"pauses in namespace {self._home} cannot be read: {error.message}") from error

    def create(self, holder: str, span: timedelta, reason: str, namespace: str, now: datetime) -> Stored:
        """Create one, and return it as the API server has it; raise ClusterError.

        What has ended makes room: its Lease is deleted, if it still is the one that was read.
        """
        there = {each.pause.name: each for each in self.stored()}
        for name in PAUSE_LEASES:
            if name in there and not there[name].pause.over(now):
                continue
            try:
                if name in there:
                    self.delete(there[name])
                return self._created(name, holder, span, reason, namespace, now)
            except Changed:
                continue  # somebody else was quicker
        raise ClusterError(
            f"{len(PAUSE_LEASES)} pauses stand in namespace {self._home} already, and there is no room for more",
            hint="`remediator pause` lists them; `remediator resume` ends one.",
        )

    def delete(self, stored: Stored) -> None:
        """End one, if it is still the one that was read; one that is gone has ended. Raises ClusterError."""
        path = f"{self._collection}/{quote(stored.pause.name, safe='')}"
        try:
            self._transport.delete(path, uid=stored.uid, resource_version=stored.version)
        except NotFound:
            return
        except Forbidden as error:
            raise Forbidden(f"we may not end pauses in namespace {self._home}: {error.message}", hint=_ROLE) from error

    def _created(self, name: str, holder: str, span: timedelta, reason: str, namespace: str, now: datetime) -> Stored:
        annotations = {REASON: reason} | ({NAMESPACE: namespace} if namespace else {})
        at = format_micro_time(now)
        seconds = int(span.total_seconds())
        body: dict[str, Any] = {
            "apiVersion": _API_VERSION,
            "kind": "Lease",
            "metadata": {"namespace": self._home, "name": name, "annotations": annotations},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": seconds,
                "acquireTime": at,
                "renewTime": at,
            },
        }
        try:
            made = _stored(self._transport.create(self._collection, body))
        except NotFound as error:
            raise ClusterError(
                f"there is no namespace {self._home} to keep a pause in: {error.message}",
                hint="Name the remediator's own with --home-namespace.",
            ) from error
        except Forbidden as error:
            raise Forbidden(f"we may not pause in namespace {self._home}: {error.message}", hint=_ROLE) from error
        wanted = (holder, reason, namespace)
        if (made.pause.holder, made.pause.reason, made.pause.namespace) != wanted or made.pause.until is None:
            raise ClusterError(
                f"Lease {self._home}/{name} was answered as another than the one that we wrote",
                hint="Does a webhook change Leases, or a proxy answer in the API server's stead?",
            )
        return made


def _stored(content: bytes) -> Stored:
    """Read a Lease. What makes no sense in it counts as a pause of everything, without an end."""
    lease = decoded(content, _Named)
    try:
        spec = msgspec.json.decode(content, type=_Lease).spec
    except msgspec.DecodeError:
        spec = _Spec()
    marks = lease.metadata.annotations or {}
    since, seconds = parse_time(lease.metadata.creation_timestamp), spec.lease_duration_seconds or 0
    namespace = marks.get(NAMESPACE, "")
    pause = Pause(
        name=lease.metadata.name,
        holder=spec.holder_identity or "",
        until=since + timedelta(seconds=seconds) if since is not None and seconds > 0 else None,
        since=since,
        reason=marks.get(REASON, "")[:LONGEST_REASON],
        namespace=namespace if _NAME.fullmatch(namespace) else "",
    )
    return Stored(pause, lease.metadata.uid, lease.metadata.resource_version)
