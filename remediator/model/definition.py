"""The definitions of ACK's kinds: where one is being deleted, every object of it goes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Definition(Struct, frozen=True):
    """A CustomResourceDefinition that is being deleted; `why` is what its conditions say of that."""

    name: str
    kind: str
    since: datetime | None = None
    why: str = ""


class Definitions(Struct, frozen=True):
    """Those that are being deleted. `unknown` says in a sentence why that is not known of all; empty where it is.

    `faulty`: that is for a fault, and not for want of a right, which would be the same every day.
    """

    deleting: tuple[Definition, ...] = ()
    unknown: str = ""
    faulty: bool = False
