"""What the built-in kinds do on their own: defaults, the two shapes of events, and their few checks."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from remediator.sandbox.api import events
from remediator.sandbox.api.resources import EVENTS, NAMESPACES, NEW_EVENTS, SECRETS, Resource
from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object


def inward(obj: Object, resource: Resource) -> Object:
    """Return an object as clients send it in the shape in which it is stored."""
    if resource in (EVENTS, NEW_EVENTS):
        return events.as_core(obj)
    if resource is SECRETS:
        return _secret(obj)
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
        metadata = obj["metadata"]
        labels = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata.get("name", "")}
        obj = {**obj, "metadata": {**metadata, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
    return obj


def faults(obj: Object, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with a new object of a built-in kind. Most kinds are not checked."""
    if resource in (EVENTS, NEW_EVENTS):
        yield from events.faults(obj, resource)


def _secret(obj: Object) -> Object:
    plain = obj.get("stringData") or {}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    secret |= {key: value for key, value in obj.items() if key != "stringData"}
    return {**secret, "data": {**(obj.get("data") or {}), **encoded}} if encoded else secret
