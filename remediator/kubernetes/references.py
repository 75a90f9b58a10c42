"""Follow references from object to object: how each stands, and what it waits for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import ClusterError, NotFound
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.kind import KINDS
from remediator.model.masking import mask
from remediator.model.reference import Link, LinkState, Pointer, pointers, pointers_in
from remediator.model.reference_text import complaint, link_by_text
from remediator.model.resource import (
    AckMetadata,
    Condition,
    Environment,
    FunctionSpec,
    FunctionStatus,
    Metadata,
    Resource,
)

# A Function's role, its policy: two. Deeper chains are there in networks; what lies beyond is not worth a request.
_DEEPEST = 8
# Of one resource, all branches together: a route table can have a thousand routes.
_MOST = 100
_LONGEST_WHY = 300


class _Status(Struct, frozen=True, rename="camel"):
    conditions: list[Condition] | None = None
    ack_resource_metadata: AckMetadata | None = None
    environment: Environment | None = None


class _Object(Struct, frozen=True):
    """An object of any of ACK's kinds, as far as all of them are alike."""

    metadata: Metadata
    kind: str = ""
    spec: dict[str, Any] | None = None
    status: _Status | None = None

    def as_resource(self) -> Resource:
        """Read its conditions, and what must not be shown, as those of any resource of ours."""
        status = self.status or _Status()
        try:
            spec = msgspec.convert({"environment": (self.spec or {}).get("environment")}, FunctionSpec)
        except msgspec.ValidationError:
            spec = FunctionSpec()
        return Resource(
            metadata=self.metadata,
            kind=self.kind,
            spec=spec,
            status=FunctionStatus(conditions=status.conditions, environment=status.environment),
        )


class References:
    """Follows references, and reads each object once, however many refer to it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._read: dict[tuple[str, str, str], _Object | tuple[LinkState, str]] = {}

    def of(self, resource: Resource) -> tuple[Link, ...]:
        """Follow what a resource refers to. What could not be read is told by the controller's words, if they tell."""
        left = [_MOST]
        start = (resource.kind, resource.metadata.namespace, resource.metadata.name)
        return self._links(pointers(resource), complaint(resource), (start,), left)

    def _links(
        self, pointed: Sequence[Pointer], said: str, way: tuple[tuple[str, str, str], ...], left: list[int]
    ) -> tuple[Link, ...]:
        links = []
        for each in pointed:
            if left[0] <= 0:
                break
            left[0] -= 1
            told = link_by_text(said, each, pointed)
            if each.target in way:
                links.append(each.link(LinkState.CIRCULAR))
            elif told is not None and told.state is LinkState.FORBIDDEN:
                links.append(told)  # that it is there is no help
            else:
                followed = self._link(each, way, left)
                links.append(told if told is not None and followed.state is LinkState.UNREADABLE else followed)
        return tuple(links)

    def _link(self, pointer: Pointer, way: tuple[tuple[str, str, str], ...], left: list[int]) -> Link:
        found = self._look(pointer)
        if isinstance(found, tuple):
            return pointer.link(*found)
        state, why = _standing(found)
        waits = state is LinkState.NOT_SYNCED and len(way) < _DEEPEST and not _resolved(found)
        if not waits:
            return pointer.link(state, why)
        further = pointers_in(pointer.kind, pointer.namespace, found.spec or {})
        beneath = self._links(further, complaint(found.as_resource()), (*way, pointer.target), left)
        return pointer.link(state, why, beneath)

    def _look(self, pointer: Pointer) -> _Object | tuple[LinkState, str]:
        if pointer.target not in self._read:
            self._read[pointer.target] = self._get(pointer)
        return self._read[pointer.target]

    def _get(self, pointer: Pointer) -> _Object | tuple[LinkState, str]:
        kind = KINDS[pointer.kind]
        path = f"/apis/{kind.group}/v1alpha1/namespaces/{quote(pointer.namespace, safe='')}/{kind.plural}"
        try:
            found = decoded(self._transport.get(f"{path}/{quote(pointer.name, safe='')}"), _Object)
        except NotFound as error:
            # A kind that is not served is answered in plain text, without a name.
            there = f'"{pointer.name}" not found' in error.message
            return (LinkState.MISSING if there else LinkState.KIND_MISSING), ""
        except ClusterError as error:
            return LinkState.UNREADABLE, error.message
        return msgspec.structs.replace(found, kind=pointer.kind)


def _standing(found: _Object) -> tuple[LinkState, str]:
    """Judge as ACK does: Terminal, else synced or not (references.go); a deletion it does not look at."""
    resource = found.as_resource()
    terminal = resource.condition("ACK.Terminal")
    if terminal is not None and resource.terminal:
        return LinkState.TERMINAL, _shown(terminal.message or "", resource)
    if resource.synced:
        return LinkState.READY, "being deleted" if resource.deleting else ""
    said = resource.error_text or complaint(resource)
    if not said and not resource.conditions:
        said = "no controller has ever looked at it"
    return (LinkState.DELETING if resource.deleting else LinkState.NOT_SYNCED), _shown(said, resource)


def _shown(text: str, resource: Resource) -> str:
    masked = mask(text, resource.secrets)
    return masked if len(masked) <= _LONGEST_WHY else f"{masked[:_LONGEST_WHY]}…"


def _resolved(found: _Object) -> bool:
    return found.as_resource().holds("ACK.ReferencesResolved")
