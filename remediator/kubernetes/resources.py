"""Functions in the cluster: list, read and patch them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import ClusterError, NotFound
from remediator.kubernetes import controller, controller_log, preflight
from remediator.kubernetes.definitions import read_definitions
from remediator.kubernetes.identities import read_identities
from remediator.kubernetes.namespaces import list_namespaces, read_namespace
from remediator.kubernetes.transport import MALFORMED, Expired, Transport, decoded
from remediator.model.applied import with_owners
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Rehearsal
from remediator.model.definition import Definitions
from remediator.model.identities import Identities
from remediator.model.log import ControllerLog
from remediator.model.namespace import Namespace
from remediator.model.plan import Operation
from remediator.model.resource import FUNCTION_GROUP, Ref, Resource

_API = f"/apis/{FUNCTION_GROUP}/v1alpha1"
_PAGE = 500
_RESTARTS = 2


class _ListMeta(Struct, frozen=True, rename={"next": "continue", "remaining": "remainingItemCount"}):
    next: str = ""
    remaining: int | None = None


class _Page(Struct, frozen=True):
    items: list[msgspec.Raw] | None
    metadata: _ListMeta = _ListMeta()


class KubernetesCluster:
    """The Cluster port. `namespace` None means all of them; `selector` is a label selector as kubectl takes it.

    `writes` is the transport for writes, where those must not wait as long as reads may.
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str | None = None,
        selector: str | None = None,
        writes: Transport | None = None,
    ) -> None:
        self._transport = transport
        self._writes = writes or transport
        self._namespace = namespace
        self._selector = selector
        self._saw_all = False

    def resources(self) -> Iterator[Resource | str]:
        """List in pages. What cannot be decoded is named, and does not end the list; nor does a page that fails after
        others came. Raises ClusterError where nothing can be seen at all.
        """
        self._saw_all = False
        items, broken_off = self._items()
        saw_all = not broken_off
        for raw in items:
            resource = decode(bytes(raw))
            saw_all = saw_all and isinstance(resource, Resource)
            yield resource
        if broken_off:
            yield broken_off
        self._saw_all = saw_all

    def _items(self) -> tuple[list[msgspec.Raw], str]:
        for _ in range(_RESTARTS):
            try:
                return self._pages()
            except Expired:
                continue  # the list took longer than etcd remembers: begin anew
        return self._pages(last_try=True)

    def _pages(self, *, last_try: bool = False) -> tuple[list[msgspec.Raw], str]:
        """Fetch page by page; the second value says what was not seen, if anything."""
        where = f"/namespaces/{quote(self._namespace, safe='')}" if self._namespace else ""
        query: dict[str, str | int] = {"limit": _PAGE}
        if self._selector:
            query["labelSelector"] = self._selector
        items: list[msgspec.Raw] = []
        page: _Page | None = None
        while True:
            try:
                page = decoded(self._transport.get(f"{_API}{where}/functions", query), _Page)
            except ClusterError as error:
                if page is None and isinstance(error, NotFound):
                    raise ClusterError(
                        f"this cluster does not know functions.{FUNCTION_GROUP}",
                        hint="Is ACK's lambda-controller installed here (its CRDs), and is this the right --context?",
                    ) from error
                if page is None or (isinstance(error, Expired) and not last_try):
                    raise
                rest = page.metadata.remaining
                after = f"after {len(items)} of about {len(items) + rest}" if rest else f"after {len(items)}"
                return (
                    items,
                    f"the list of Functions broke off {after}: {error.message.rstrip('.')}. {error.hint}".rstrip(),
                )
            items += page.items or []
            if not page.metadata.next:
                return items, ""
            query["continue"] = page.metadata.next

    def get(self, namespace: str, name: str) -> Resource:
        """Read one; raise NotFound, or ClusterError where it cannot be decoded."""
        resource = decode(self._transport.get(_path(namespace, name)))
        if isinstance(resource, str):
            raise ClusterError(resource)
        return resource

    def raw(self, ref: Ref) -> bytes:
        return self._transport.get(_path(ref.namespace, ref.name))

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        return decoded(self._writes.patch(_path(ref.namespace, ref.name), patch), Resource)

    def controller(self, heartbeats: Sequence[datetime], now: datetime) -> ControllerFacts:
        everywhere = self._namespace is None and self._selector is None and self._saw_all
        return controller.discover(self._transport, heartbeats, now, everywhere=everywhere)

    def definitions(self) -> Definitions:
        return read_definitions(self._transport)

    def permitted(self, ref: Ref) -> tuple[bool | None, str]:
        return preflight.may_patch(self._transport, ref)

    def rehearse(self, before: Resource, patch: Sequence[Operation]) -> Rehearsal:
        path = _path(before.metadata.namespace, before.metadata.name)
        return preflight.rehearse(lambda: self._transport.patch(path, patch, dry_run=True), before, patch)

    def skew(self) -> float | None:
        return self._transport.skew

    def namespaces(self) -> dict[str, Namespace]:
        if self._namespace is None:
            return list_namespaces(self._transport)
        only = read_namespace(self._transport, f"/api/v1/namespaces/{quote(self._namespace, safe='')}")
        return {only.name: only}

    def identities(self, namespaces: Iterable[str], controller: ControllerFacts) -> Identities:
        return read_identities(self._transport, namespaces, controller)

    def log_lines(self, ref: Ref) -> ControllerLog:
        return controller_log.log_lines(self._transport, ref)

    def namespace_annotations(self, namespace: str) -> dict[str, str] | None:
        return preflight.annotations_of(self._transport, quote(namespace, safe=""))


def decode(content: bytes) -> Resource | str:
    """Read one object from JSON; say in a sentence what is wrong with one that cannot be read."""
    try:
        return with_owners(msgspec.json.decode(content, type=Resource), content)
    except MALFORMED as error:
        return f"Function {_name_of(content)} cannot be read and was left out: {error}"


def _name_of(content: bytes) -> str:
    """Find namespace and name where the rest is broken; msgspec gives nothing of what it cannot read whole."""
    try:
        found = json.loads(content.decode(errors="replace"))["metadata"]
        namespace, name = found.get("namespace"), found.get("name")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        namespace = name = None
    named = "/".join(each if isinstance(each, str) and each else "?" for each in (namespace, name))
    return named.encode(errors="replace").decode()  # half of a surrogate pair is no text that can be printed


def _path(namespace: str, name: str) -> str:
    # Names come from the command line: "../secrets" must stay a name.
    return f"{_API}/namespaces/{quote(namespace, safe='')}/functions/{quote(name, safe='')}"
