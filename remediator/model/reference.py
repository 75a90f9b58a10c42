"""What a resource refers to, and what that refers to in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model.kind import KINDS
from remediator.model.resource import Resource


class LinkState(StrEnum):
    """How a referenced resource stands. ACK takes it only when it is synced and not Terminal (references.go)."""

    READY = "ready"
    NOT_SYNCED = "not synced"
    TERMINAL = "terminal"
    DELETING = "being deleted"
    MISSING = "missing"
    KIND_MISSING = "kind not installed"
    FORBIDDEN = "in another namespace, which the controller refuses"
    UNREADABLE = "unreadable"
    CIRCULAR = "part of a circle of references"


class Link(Struct, frozen=True):
    """One reference: by which field, to which object, and how that stands.

    `beneath` are its own, where it is not ready. `field` is the path in the spec, such as `roleRef` or
    `vpcConfig.subnetRefs[0]`; `why` is what the referenced object itself says, `finding` what we found wrong with it,
    where it was looked at in the same pass.
    """

    field: str
    kind: str
    namespace: str
    name: str
    state: LinkState
    why: str = ""
    finding: str = ""
    beneath: tuple[Link, ...] = ()

    @property
    def ready(self) -> bool:
        return self.state is LinkState.READY

    @property
    def target(self) -> tuple[str, str, str]:
        """The kind, namespace and name of what is referred to."""
        return self.kind, self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Pointer(Struct, frozen=True):
    """A reference as a spec writes it: by which field, to which object."""

    field: str
    kind: str
    namespace: str
    name: str

    @property
    def target(self) -> tuple[str, str, str]:
        """The kind, namespace and name of what is referred to."""
        return self.kind, self.namespace, self.name

    def link(self, state: LinkState, why: str = "", beneath: tuple[Link, ...] = ()) -> Link:
        """Say how what it leads to stands."""
        return Link(self.field, *self.target, state, why, beneath=beneath)


def pointers(resource: Resource) -> tuple[Pointer, ...]:
    """List what a resource refers to, in the order in which ACK resolves it."""
    spec = msgspec.to_builtins(resource.spec) if resource.spec else {}
    return pointers_in(resource.kind, resource.metadata.namespace, spec)


def pointers_in(kind: str, namespace: str, spec: Mapping[str, Any]) -> tuple[Pointer, ...]:
    """List what a spec refers to. A kind that we do not know refers to nothing; nor does what has another shape."""
    known = KINDS.get(kind)
    return tuple(
        Pointer(field, to, _text(found, "namespace") or namespace, name)
        for path, to in (known.references if known else ())
        for field, found in _at(spec, path.split("."))
        if (name := _text(found, "name"))
    )


def _at(value: Any, path: list[str], before: str = "") -> Iterator[tuple[str, Any]]:
    """Follow a path; yield each wrapper's `from`, with the field that holds it."""
    if not path:
        yield before, value.get("from") if isinstance(value, Mapping) else None
        return
    key, rest = path[0].removesuffix("[]"), path[1:]
    found = value.get(key) if isinstance(value, Mapping) else None
    field = f"{before}.{key}" if before else key
    if not path[0].endswith("[]"):
        yield from _at(found, rest, field)
        return
    for index, each in enumerate(found if isinstance(found, list) else ()):
        yield from _at(each, rest, f"{field}[{index}]")


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""
