"""One Lease in the cluster: read, create and replace it, each write only where nobody else has written since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import Changed, ClusterError, Forbidden, NotFound
from remediator.kubernetes.pages import listed
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.lease import Found, Record

_API_VERSION = "coordination.k8s.io/v1"


class LeaseObject(Protocol):
    """One Lease. Every method raises ClusterError, after which it is not known whether a write was taken.

    Only Changed says for certain that it was not. str() is what people call it: `Lease namespace/name`.
    """

    def read(self) -> Found | None:
        """Read it; None where there is none."""

    def create(self, record: Record) -> Found:
        """Create it; raise Changed where somebody else has."""

    def replace(self, found: Found, record: Record) -> Found:
        """Write a new record into what was found; raise Changed where it has changed since, or is gone."""


class Leases(Protocol):
    """Some Leases of one namespace, as they are at one moment."""

    def read(self) -> Mapping[str, Found]:
        """Read those that there are, by name. Raises ClusterError."""


class _Metadata(Struct, frozen=True, rename="camel"):
    uid: str
    resource_version: str
    name: str = ""


class _Lease(Struct, frozen=True):
    metadata: _Metadata
    spec: Record = Record()


class KubernetesLease:
    """A LeaseObject over HTTP."""

    def __init__(self, transport: Transport, namespace: str, name: str) -> None:
        self._transport = transport
        self._namespace = namespace
        self._name = name
        self._collection = _collection(namespace)
        self._path = f"{self._collection}/{quote(name, safe='')}"

    def __str__(self) -> str:
        return f"Lease {self._namespace}/{self._name}"

    def read(self) -> Found | None:
        try:
            return self._found(self._transport.get(self._path))
        except NotFound:
            return None
        except Forbidden as error:
            raise self._unlawful(error, "get") from error

    def create(self, record: Record) -> Found:
        metadata = {"namespace": self._namespace, "name": self._name}
        body = {"apiVersion": _API_VERSION, "kind": "Lease", "metadata": metadata, "spec": msgspec.to_builtins(record)}
        try:
            return self._written(self._transport.create(self._collection, body), record)
        except NotFound as error:
            raise NotFound(
                f"there is no place for {self}: {error.message}",
                hint="Locks are kept in the remediator's home namespace: create it, or name another --home-namespace.",
            ) from error
        except Forbidden as error:
            raise self._unlawful(error, "create") from error

    def replace(self, found: Found, record: Record) -> Found:
        spec = {**found.whole.get("spec", {}), **msgspec.to_builtins(record)}
        try:
            return self._written(self._transport.replace(self._path, {**found.whole, "spec": spec}), record)
        except NotFound as error:
            raise Changed(error.message) from error
        except Forbidden as error:
            raise self._unlawful(error, "update") from error

    def _written(self, content: bytes, record: Record) -> Found:
        """Take an answer for an acknowledgement only where it shows what we wrote."""
        found = self._found(content)
        if found.record != record:
            raise ClusterError(
                f"{self} was answered with another record than the one that we wrote",
                hint="Does a webhook change Leases, or a proxy answer in the API server's stead?",
            )
        return found

    def _found(self, content: bytes) -> Found:
        try:
            lease = msgspec.json.decode(content, type=_Lease)
            whole = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClusterError(
                f"the API server's answer about {self} makes no sense: {error}",
                hint="Is there a proxy or a login page between us and the server of the kubeconfig?",
            ) from error
        return Found(lease.metadata.uid, lease.spec, whole)

    def _unlawful(self, error: Forbidden, verb: str) -> Forbidden:
        return Forbidden(
            f"cannot {verb} {self}: {error.message}",
            hint=f"A lock takes the verbs get, create and update on leases.coordination.k8s.io in {self._namespace}; "
            "manifests/base/role-locks.yaml has them.",
        )


class KubernetesLeases:
    """The Leases of these names, by one list that the API server answers with what is true at that moment."""

    def __init__(self, transport: Transport, namespace: str, names: Iterable[str]) -> None:
        self._transport = transport
        self._namespace = namespace
        self._names = frozenset(names)

    def read(self) -> Mapping[str, Found]:
        try:
            items = listed(self._transport, _collection(self._namespace))
        except Forbidden as error:
            raise Forbidden(
                f"cannot list Leases in namespace {self._namespace}: {error.message}",
                hint="Who leads has to know that nobody else does: manifests/base/role-locks.yaml has the right.",
            ) from error
        leases = (decoded(each, _Lease) for each in items)
        return {each.metadata.name: Found(each.metadata.uid, each.spec) for each in leases if self._ours(each)}

    def _ours(self, lease: _Lease) -> bool:
        return lease.metadata.name in self._names


def _collection(namespace: str) -> str:
    return f"/apis/{_API_VERSION}/namespaces/{quote(namespace, safe='')}/leases"
