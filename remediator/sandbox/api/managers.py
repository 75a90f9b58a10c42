"""managedFields: who set which field last, kept at each write (apimachinery `pkg/util/managedfields`).

Server-side apply is not served, so every entry is an `Update`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from remediator.sandbox.api import fields
from remediator.sandbox.api.messages import Request
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.status import Cause, invalid_options
from remediator.sandbox.api.values import Object, timestamp

LONGEST = 128
_EMPTY: Object = {"spec": {}, "status": {}}
"""What Go always writes of a built-in kind: nobody comes to own the two for having set them."""

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class Manager:
    """Who writes: a name, and the subresource that is written to."""

    name: str
    subresource: str = ""


def manager_of(request: Request, options: str, subresource: str = "") -> Manager:
    """Return who writes: `fieldManager`, or the first part of the User-Agent. Raises 422."""
    asked = request.query.get("fieldManager", "")
    if len(asked.encode()) > LONGEST:
        why = f"Too long: may not be more than {LONGEST} bytes"
        raise invalid_options(options, Cause("FieldValueTooLong", "fieldManager", why))
    agent = (request.header("user-agent") or "unknown").partition("/")[0]
    return Manager(asked or "".join(letter for letter in agent if letter.isprintable())[:LONGEST], subresource)


def tracked(new: Object, old: Object | None, resource: Resource, manager: Manager, now: datetime) -> Object:
    """Return `new` with its managedFields brought up to date; `old` is None for a new object.

    An object that has none, because it was stored without or its owner cleared them, goes on without.
    """
    entries = _base(new, old, manager)
    bare = {**new, "metadata": {key: value for key, value in new["metadata"].items() if key != "managedFields"}}
    if old is not None and not entries:
        return bare
    before = old if old is not None else ({} if resource.custom else _EMPTY)
    taken, removed = fields.compared(before, bare, resource.schema)
    owned = {key: (owned - taken - removed, at) for key, (owned, at) in entries.items()}
    if taken:
        key = (manager.name, resource.api_version, manager.subresource)
        owned[key] = (owned.get(key, (frozenset(), ""))[0] | taken, timestamp(now))
    kept = [_entry(key, set_, at) for key, (set_, at) in owned.items() if set_]
    if not kept:
        return bare
    kept.sort(key=lambda each: (each["time"], each["manager"], each["apiVersion"], each.get("subresource", "")))
    return {**bare, "metadata": {**bare["metadata"], "managedFields": kept}}


def _base(new: Object, old: Object | None, manager: Manager) -> dict[Key, tuple[fields.Fields, str]]:
    """Return the entries to start from: those of the request, where it has any, else those stored."""
    stored = (old or {"metadata": {}})["metadata"].get("managedFields")
    sent = new["metadata"].get("managedFields")
    if manager.subresource:
        return _decoded(stored)
    if sent == [{}]:
        return {}
    return _decoded(sent) or _decoded(stored)


def _decoded(entries: Any) -> dict[Key, tuple[fields.Fields, str]]:
    """Return entries by who they are of; nothing if one of them cannot be read."""
    found: dict[Key, tuple[fields.Fields, str]] = {}
    for entry in entries or ():
        if entry.get("fieldsType") != "FieldsV1":
            return {}
        key = (entry.get("manager", ""), entry.get("apiVersion", ""), entry.get("subresource", ""))
        found[key] = (fields.read(entry.get("fieldsV1") or {}), entry.get("time", ""))
    return found


def _entry(key: Key, owned: fields.Fields, at: str) -> Object:
    name, api_version, subresource = key
    entry: Object = {
        "manager": name,
        "operation": "Update",
        "apiVersion": api_version,
        "time": at,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.written(owned),
    }
    return entry | ({"subresource": subresource} if subresource else {})
