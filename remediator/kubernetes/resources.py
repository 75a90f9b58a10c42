"""Functions in the cluster: list, read and patch them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import ClusterError, NotFound
from remediator.kubernetes import controller
from remediator.kubernetes.transport import Expired, Transport
from remediator.model.observation import ControllerFacts
from remediator.model.plan import Operation
from remediator.model.resource import FUNCTION_GROUP, Ref, Resource

T = TypeVar("T")

_API = f"/apis/{FUNCTION_GROUP}/v1alpha1"
_PAGE = 500
_RESTARTS = 2


class _ListMeta(Struct, frozen=True, rename={"next": "continue"}):
    next: str = ""


class _Page(Struct, frozen=True):
    items: list[msgspec.Raw] | None
    metadata: _ListMeta = _ListMeta()


class _Name(Struct, frozen=True):
    name: str = "?"
    namespace: str = "?"


class _Named(Struct, frozen=True):
    metadata: _Name = _Name()


class KubernetesCluster:
    """The Cluster port. `namespace` None means all of them; `selector` is a label selector as kubectl takes it."""

    def __init__(self, transport: Transport, namespace: str | None = None, selector: str | None = None) -> None:
        self._transport = transport
        self._namespace = namespace
        self._selector = selector

    def resources(self) -> Iterator[Resource | str]:
        """List in pages. An object that cannot be decoded is named, and does not end the list."""
        for raw in self._items():
            yield decode(bytes(raw))

    def _items(self) -> list[msgspec.Raw]:
        for _ in range(_RESTARTS):
            try:
                return self._pages()
            except Expired:
                continue  # the list took longer than etcd remembers: begin anew
        return self._pages()

    def _pages(self) -> list[msgspec.Raw]:
        where = f"/namespaces/{quote(self._namespace, safe='')}" if self._namespace else ""
        query: dict[str, str | int] = {"limit": _PAGE}
        if self._selector:
            query["labelSelector"] = self._selector
        items: list[msgspec.Raw] = []
        while True:
            try:
                content = self._transport.get(f"{_API}{where}/functions", query)
            except NotFound as error:
                raise ClusterError(
                    f"this cluster does not know functions.{FUNCTION_GROUP}",
                    hint="Is ACK's lambda-controller installed here (its CRDs), and is this the right --context?",
                ) from error
            page = _decoded(content, _Page)
            items += page.items or []
            if not page.metadata.next:
                return items
            query["continue"] = page.metadata.next

    def get(self, namespace: str, name: str) -> Resource:
        """Read one; raise NotFound, or ClusterError where it cannot be decoded."""
        decoded = decode(self._transport.get(_path(namespace, name)))
        if isinstance(decoded, str):
            raise ClusterError(decoded)
        return decoded

    def raw(self, ref: Ref) -> bytes:
        return self._transport.get(_path(ref.namespace, ref.name))

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        return _decoded(self._transport.patch(_path(ref.namespace, ref.name), patch), Resource)

    def controller(self, heartbeats: Sequence[datetime], now: datetime) -> ControllerFacts:
        everywhere = self._namespace is None and self._selector is None
        return controller.discover(self._transport, heartbeats, now, everywhere=everywhere)


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterError(
            f"the API server's answer makes no sense: {error}",
            hint="Is there a proxy or a login page between us and the server of the kubeconfig?",
        ) from error


def decode(content: bytes) -> Resource | str:
    """Read one object from JSON; say in a sentence what is wrong with one that cannot be read."""
    try:
        return msgspec.json.decode(content, type=Resource)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            named = msgspec.json.decode(content, type=_Named).metadata
        except (msgspec.DecodeError, UnicodeDecodeError):
            named = _Name()
        return f"Function {named.namespace}/{named.name} cannot be read and was left out: {error}"


def _path(namespace: str, name: str) -> str:
    # Names come from the command line: "../secrets" must stay a name.
    return f"{_API}/namespaces/{quote(namespace, safe='')}/functions/{quote(name, safe='')}"
