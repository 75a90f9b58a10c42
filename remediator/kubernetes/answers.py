"""What the API server says when it refuses, read from an answer that may be anything at all."""

from __future__ import annotations

import re

import msgspec

# What the decoder raises on an answer that is not what it should be: broken, not UTF-8, or nested without end.
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_OWNER = re.compile(r'conflict with ("(?:[^"\\]|\\.)*")')  # as Go quotes it, before what else is said of it


class _Status(msgspec.Struct):
    message: str = ""


def message_in(body: bytes | str | None) -> str:
    """Return what the server says; empty where it says nothing that we can read."""
    try:
        return msgspec.json.decode(body or b"{}", type=_Status).message
    except MALFORMED:
        return ""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""
    field: str = ""


class _Details(msgspec.Struct):
    name: str = ""
    causes: tuple[_Cause, ...] = ()


class _Detailed(msgspec.Struct):
    details: _Details | None = None


def conflicts_in(body: bytes | str | None) -> tuple[tuple[str, str], ...]:
    """Return the owners and fields of a refused apply; none where it was refused for anything else.

    Their form is that of apimachinery `pkg/util/managedfields/internal/conflict.go`.
    """
    causes = _details(body).causes
    return tuple((_owner(each.message), each.field) for each in causes if each.reason == "FieldManagerConflict")


class ListMeta(msgspec.Struct, frozen=True, rename={"next": "continue", "remaining": "remainingItemCount"}):
    """`metadata` of a list: the token of its next page, and how many items are about to follow."""

    next: str = ""
    remaining: int | None = None


class Page(msgspec.Struct, frozen=True):
    """A list, whole or a page of it; each item as the server wrote it."""

    items: list[msgspec.Raw] | None
    metadata: ListMeta = ListMeta()


class _Listed(msgspec.Struct):
    metadata: ListMeta | None = None


def next_in(body: bytes | str | None) -> str:
    """Return the token by which a list goes on whose own has expired; empty where the server gives none."""
    try:
        found = msgspec.json.decode(body or b"{}", type=_Listed).metadata
    except MALFORMED:
        return ""
    return found.next if found else ""


def names_an_object(body: bytes | str | None) -> bool:
    """Whether a refusal speaks of one object: what is said of a path that is not served has no name in it."""
    return bool(_details(body).name)


def _details(body: bytes | str | None) -> _Details:
    try:
        return msgspec.json.decode(body or b"{}", type=_Detailed).details or _Details()
    except MALFORMED:
        return _Details()


def _owner(message: str) -> str:
    """Return the name in `conflict with "kubectl" using v1`; the whole where there is none that can be read."""
    found = _OWNER.match(message)
    try:
        return str(msgspec.json.decode(found[1])) if found else message
    except MALFORMED:  # an escape that Go knows and JSON does not
        return message
