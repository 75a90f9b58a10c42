"""What matters of a namespace."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Namespace(Struct, frozen=True):
    """One namespace. `terminating`: nothing can be created in it any more; `why` is what its conditions say of that."""

    name: str
    annotations: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    terminating: bool = False
    why: str = ""
