"""managedFields: who set or applied which field last, kept at each write (apimachinery `pkg/util/managedfields`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from remediator.sandbox.api import fields
from remediator.sandbox.api.messages import Request
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.status import Cause, invalid_options
from remediator.sandbox.api.values import Object, timestamp

LONGEST = 128
UPDATE, APPLY = "Update", "Apply"
_EMPTY: Object = {"spec": {}, "status": {}}
"""What Go always writes of a built-in kind: nobody comes to own the two for having set them."""


@dataclass(frozen=True)
class Manager:
    """Who writes: a name, the subresource that is written to, and how."""

    name: str
    subresource: str = ""
    operation: str = UPDATE


class Key(NamedTuple):
    """Whose an entry is, in the order of entries of one time."""

    manager: str
    operation: str
    api_version: str
    subresource: str


class Owned(NamedTuple):
    """What an entry is of, and when that changed last: empty for an apply that never changed anything."""

    fields: fields.Fields
    time: str


Owners: TypeAlias = dict[Key, Owned]


def manager_of(request: Request, options: str, subresource: str = "") -> Manager:
    """Return who writes: `fieldManager`, or the first part of the User-Agent. Raises 422."""
    asked = _asked(request, options)
    agent = (request.header("user-agent") or "unknown").partition("/")[0]
    return Manager(asked or "".join(letter for letter in agent if letter.isprintable())[:LONGEST], subresource)


def applier_of(request: Request, subresource: str = "") -> Manager:
    """Return who applies: always `fieldManager`. Raises 422."""
    asked = _asked(request, "PatchOptions")
    if not asked:
        why = "Required value: is required for apply patch"
        raise invalid_options("PatchOptions", Cause("FieldValueRequired", "fieldManager", why))
    return Manager(asked, subresource, APPLY)


def _asked(request: Request, options: str) -> str:
    asked = request.query.get("fieldManager", "")
    if len(asked.encode()) > LONGEST:
        why = f"Too long: may not be more than {LONGEST} bytes"
        raise invalid_options(options, Cause("FieldValueTooLong", "fieldManager", why))
    return asked


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
    owners = {key: Owned(owned - taken - removed, at) for key, (owned, at) in entries.items()}
    if taken:
        key = Key(manager.name, UPDATE, resource.api_version, manager.subresource)
        had = owners[key].fields if key in owners else frozenset()
        owners[key] = Owned(had | taken, timestamp(now))
    return with_owners(bare, owners)


def owners_of(obj: Object) -> Owners:
    """Return the entries of an object by who they are of; nothing if one of them cannot be read."""
    return _decoded(obj["metadata"].get("managedFields"))


def with_owners(obj: Object, owners: Owners) -> Object:
    """Return the object with these entries for its own; who owns nothing has none."""
    rest = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    kept = [_entry(key, owned) for key, owned in owners.items() if owned.fields]
    kept.sort(key=lambda each: [each.get(name, "") for name in _ORDER])
    return {**obj, "metadata": {**rest, "managedFields": kept} if kept else rest}


_ORDER = ("operation", "time", "manager", "apiVersion", "subresource")


def _base(new: Object, old: Object | None, manager: Manager) -> Owners:
    """Return the entries to start from: those of the request, where it has any, else those stored."""
    stored = (old or {"metadata": {}})["metadata"].get("managedFields")
    sent = new["metadata"].get("managedFields")
    if manager.subresource:
        return _decoded(stored)
    if sent == [{}]:
        return {}
    return _decoded(sent) or _decoded(stored)


def _decoded(entries: Any) -> Owners:
    found: Owners = {}
    for entry in entries or ():
        if entry.get("fieldsType") != "FieldsV1":
            return {}
        named = (entry.get(name, "") for name in ("manager", "operation", "apiVersion", "subresource"))
        found[Key(*named)] = Owned(fields.read(entry.get("fieldsV1") or {}), entry.get("time", ""))
    return found


def _entry(key: Key, owned: Owned) -> Object:
    entry: Object = {"manager": key.manager, "operation": key.operation, "apiVersion": key.api_version}
    if owned.time:
        entry["time"] = owned.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fields.written(owned.fields)}
    return entry | ({"subresource": key.subresource} if key.subresource else {})
