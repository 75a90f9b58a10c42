"""Server-side apply: an object and a configuration become an object, and who owns what (apimachinery as `managers`)."""

from __future__ import annotations

from datetime import datetime

from remediator.sandbox.api import fields, lastapplied, schema, typed
from remediator.sandbox.api.managers import APPLY, UPDATE, Key, Manager, Owned, Owners, owners_of, with_owners
from remediator.sandbox.api.merge import merged, pruned
from remediator.sandbox.api.metadata import SERVER_OWNED
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.status import apply_conflict, failure
from remediator.sandbox.api.values import Object, same, timestamp

BEFORE = "before-first-apply"
"""Who owns what was there already, where nobody was known to (`skipnonapplied.go`)."""


def applied(
    live: Object | None, body: Object, resource: Resource, manager: Manager, *, force: bool, now: datetime
) -> Object:
    """Return what applying `body` makes of an object, None for one that is not there. Raises 500, 409."""
    _expect_typed(body, resource)
    stored: Object = live or {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}}
    owners = owners_of(stored) or _nobody_known(stored, resource, manager, now)
    me = Key(manager.name, APPLY, resource.api_version, manager.subresource)
    last = owners.pop(me, Owned(frozenset(), ""))
    said = _own_half(fields.stated(body, resource.schema), resource, manager)
    owned = said.union(*(each.fields for each in owners.values()))
    result = pruned(merged(stored, body, resource.schema), last.fields, owned, resource.schema)
    taken, removed = (_own_half(each, resource, manager) for each in fields.compared(stored, result, resource.schema))
    if not force:
        _expect_undisputed(taken, owners, stored, resource, manager)
    owners = {key: Owned(each.fields - taken - removed, each.time) for key, each in owners.items()}
    mine = said - fields.SERVER_OWNED
    still = same(stored, result) or (
        mine == last.fields and _same_but_for_the_servers(stored, result, resource, manager)
    )
    owners[me] = Owned(mine, last.time if still else timestamp(now))
    shaped = schema.shaped(result, resource.schema, nulls=True)
    if manager.name == lastapplied.KUBECTL:
        shaped = lastapplied.renewed(shaped, body)
    return with_owners(shaped, owners)


def _expect_typed(body: Object, resource: Resource) -> None:
    found = typed.troubles(body, resource.schema)
    if not found:
        return
    meta = body.get("metadata")
    namespace, name = (meta.get(each, "") if isinstance(meta, dict) else "" for each in ("namespace", "name"))
    about = f"{namespace}/{name}; {resource.api_version}, Kind={resource.kind}"
    text = found[0] if len(found) == 1 else "\n  ".join(("errors:", *found))
    raise failure(500, "", f"failed to create typed patch object ({about}): {text}")


def _nobody_known(stored: Object, resource: Resource, manager: Manager, now: datetime) -> Owners:
    everything, _ = fields.compared({}, stored, resource.schema)
    key = Key(BEFORE, UPDATE, resource.api_version, manager.subresource)
    return {key: Owned(_own_half(everything, resource, manager), timestamp(now))}


def _own_half(paths: fields.Fields, resource: Resource, manager: Manager) -> fields.Fields:
    """Return what can be written through an endpoint: all but the status, or the status alone."""
    if not resource.has_status:
        return paths
    return frozenset(path for path in paths if (path[:1] == ("f:status",)) == bool(manager.subresource))


def _same_but_for_the_servers(stored: Object, result: Object, resource: Resource, manager: Manager) -> bool:
    """Tell whether two objects differ only in what is not written through this endpoint.

    Nothing is then stored. Empty labels differ from none, however often they are applied.
    """

    def written(obj: Object) -> Object:
        if manager.subresource:
            return {"status": obj.get("status")}
        rest = {name: value for name, value in obj.items() if name != "status" or not resource.has_status}
        meta = obj.get("metadata") or {}
        return {**rest, "metadata": {name: value for name, value in meta.items() if name not in SERVER_OWNED}}

    return same(written(stored), written(result))


def _expect_undisputed(
    taken: fields.Fields, owners: Owners, stored: Object, resource: Resource, manager: Manager
) -> None:
    """Refuse to change what others own (409), but for what kubectl itself applied from its side."""
    allowed = lastapplied.allowed(stored, resource) if manager.name == lastapplied.KUBECTL else frozenset()
    disputed = {key: each.fields & taken - allowed for key, each in owners.items()}
    conflicts = [
        (_named(key), fields.shown(path)) for key in sorted(disputed) for path in fields.ordered(disputed[key])
    ]
    if conflicts:
        raise apply_conflict(conflicts)


def _named(key: Key) -> str:
    below = f' with subresource "{key.subresource}"' if key.subresource else ""
    return f'"{key.manager}"{below}' + (f" using {key.api_version}" if key.operation == UPDATE else "")
