"""What the built-in kinds do on their own: defaults, the two shapes of events, and their few checks."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from remediator.sandbox.api import events, metadata
from remediator.sandbox.api.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NEW_EVENTS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    Resource,
)
from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object, in_utc

BINDINGS = (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)
MAP_BYTES = 1024 * 1024
"""How much a Secret or ConfigMap may hold."""
LEASE_TIMES = ("acquireTime", "renewTime")


def inward(obj: Object, resource: Resource) -> Object:
    """Return an object as clients send it in the shape in which it is stored."""
    if resource in (EVENTS, NEW_EVENTS):
        return events.as_core(obj)
    if resource is SECRETS:
        return _secret(obj)
    if resource in BINDINGS and obj.get("subjects"):
        obj = {**obj, "subjects": [_subject(subject) for subject in obj["subjects"]]}
    if resource is LEASES and obj.get("spec"):
        times = {name: in_utc(obj["spec"][name], micro=True) for name in LEASE_TIMES if name in obj["spec"]}
        obj = {**obj, "spec": {**obj["spec"], **times}}
    return {"apiVersion": resource.api_version, "kind": resource.kind, **obj}


def outward(obj: Object, resource: Resource) -> Object:
    """Return a stored object in the shape of this kind's API group."""
    return events.as_new(obj) if resource is NEW_EVENTS else obj


def born(obj: Object, resource: Resource) -> Object:
    """Return a new object with what the server adds to its kind: a first status, a namespace's own label."""
    if resource.has_status:
        obj = {key: value for key, value in obj.items() if key != "status"}
    if resource.initial_status is not None:
        obj = {**obj, "status": resource.initial_status}
    if resource is NAMESPACES:
        meta = obj["metadata"]
        labels = {**meta.get("labels", {}), "kubernetes.io/metadata.name": meta.get("name", "")}
        obj = {**obj, "metadata": {**meta, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
    return obj


def judged_as(resource: Resource) -> Resource:
    """Return the kind in whose name an object is found fault with: an event is core's by then, in either group."""
    return EVENTS if resource is NEW_EVENTS else resource


def faults(new: Object, old: Object | None, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with an object of a built-in kind; `old` is None for a new one. Few are checked."""
    if resource in (EVENTS, NEW_EVENTS):
        yield from events.faults(new, old, resource)
    elif resource is LEASES:
        yield from _lease_faults(new.get("spec", {}))
    elif resource in (SECRETS, CONFIG_MAPS):
        yield from _map_faults(new, resource)
        if old is not None:
            yield from _fixed_faults(new, old)
    elif resource in (ROLES, CLUSTER_ROLES):
        for index, rule in enumerate(new.get("rules") or ()):
            if not rule.get("verbs"):
                detail = "Required value: verbs must contain at least one value"
                yield Cause("FieldValueRequired", f"rules[{index}].verbs", detail)
    elif resource in BINDINGS and old is not None and new["roleRef"] != old["roleRef"]:
        yield Cause("FieldValueInvalid", "roleRef", f"Invalid value: {new['roleRef']}: cannot change roleRef")


def _lease_faults(spec: Object) -> Iterator[Cause]:
    seconds, transitions = spec.get("leaseDurationSeconds", 1), spec.get("leaseTransitions", 0)
    if seconds <= 0:
        detail = f"Invalid value: {seconds}: must be greater than 0"
        yield Cause("FieldValueInvalid", "spec.leaseDurationSeconds", detail)
    if transitions < 0:
        detail = f"Invalid value: {transitions}: must be greater than or equal to 0"
        yield Cause("FieldValueInvalid", "spec.leaseTransitions", detail)


def _map_faults(new: Object, resource: Resource) -> Iterator[Cause]:
    plain = sum(len(value.encode()) for value in (new.get("data") or {}).values())
    if resource is SECRETS:
        plain = plain * 3 // 4
    if plain > MAP_BYTES:
        yield metadata.too_long("data" if resource is SECRETS else "[]", MAP_BYTES)


def _fixed_faults(new: Object, old: Object) -> Iterator[Cause]:
    if new.get("type") != old.get("type"):
        yield Cause("FieldValueInvalid", "type", f'Invalid value: "{new["type"]}": field is immutable')
    if old.get("immutable"):
        changed = [name for name in ("data", "binaryData") if new.get(name) != old.get(name)]
        for name in (*changed, *(() if new.get("immutable") else ("immutable",))):
            yield Cause("FieldValueForbidden", name, "Forbidden: field is immutable when `immutable` is set")


def _subject(subject: Object) -> Object:
    group = {} if subject["kind"] == "ServiceAccount" else {"apiGroup": "rbac.authorization.k8s.io"}
    return {**group, **subject}


def _secret(obj: Object) -> Object:
    plain = obj.get("stringData") or {}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    secret |= {key: value for key, value in obj.items() if key != "stringData"}
    return {**secret, "data": {**(obj.get("data") or {}), **encoded}} if encoded else secret
