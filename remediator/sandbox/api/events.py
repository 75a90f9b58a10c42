"""Events, which two API groups serve in two shapes: core/v1 and events.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.sandbox.api.resources import NEW_EVENTS, Resource
from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object

NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Core name → events.k8s.io name (kubernetes `pkg/apis/events/v1/conversion.go`).

All other fields share a name.
"""

_CORE_NAMES = {new: core for core, new in NAMES.items()}
_ALWAYS: Object = {
    "eventTime": None,
    "firstTimestamp": None,
    "lastTimestamp": None,
    "reportingComponent": "",
    "reportingInstance": "",
    "source": {},
}
"""Fields without `omitempty` in the core shape, which is also how events are stored."""


def as_core(event: Object) -> Object:
    """Return an event of either group in the core shape."""
    renamed = {_CORE_NAMES.get(name, name): value for name, value in event.items()}
    return {**_ALWAYS, **renamed, "apiVersion": "v1", "kind": "Event"}


def as_new(event: Object) -> Object:
    """Return a stored event in the shape of events.k8s.io."""
    kept = {name: value for name, value in event.items() if value != "" or not name.startswith("reporting")}
    return {NAMES.get(name, name): value for name, value in kept.items()} | {
        "apiVersion": NEW_EVENTS.api_version
    }


def faults(event: Object, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with a new event, given in the core shape."""
    namespace = event["metadata"].get("namespace", "")
    about = event.get("involvedObject", {}).get("namespace", "")
    if about != namespace and (about or namespace != "default"):
        detail = f'Invalid value: "{about}": does not match event.namespace'
        yield Cause("FieldValueInvalid", "involvedObject.namespace", detail)
    elif resource is NEW_EVENTS and not event.get("eventTime"):
        yield Cause("FieldValueRequired", "eventTime", "Required value")
    elif resource is NEW_EVENTS:
        for name in ("reportingComponent", "reportingInstance", "action", "reason"):
            if not event.get(name):
                yield Cause("FieldValueRequired", NAMES.get(name, name), "Required value")
