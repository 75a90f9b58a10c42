"""What is saved of an object before something that cannot be undone: the whole of it, known by its uid."""

from __future__ import annotations

import msgspec

from remediator.model.resource import Ref


class _Metadata(msgspec.Struct, frozen=True):
    uid: str = ""


class _Identified(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


def why_not_of(ref: Ref, content: bytes) -> str:
    """Say why what was read is no backup of an object; empty where it is one."""
    try:
        uid = msgspec.json.decode(content, type=_Identified).metadata.uid
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "what was read is no object"
    return "" if uid == ref.uid else "what was read is another object"
