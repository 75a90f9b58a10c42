"""What a resource refers to, and what that refers to in turn."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


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


class Link(Struct, frozen=True):
    """One reference: by which field, to which object, and how that stands.

    `beneath` are its own, where it is not ready. `field` is the path in the spec, such as `roleRef` or
    `vpcConfig.subnetRefs[0]`; `why` is what the referenced object itself says.
    """

    field: str
    kind: str
    namespace: str
    name: str
    state: LinkState
    why: str = ""
    beneath: tuple[Link, ...] = ()
