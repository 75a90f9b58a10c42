"""Events, which two API groups serve in two shapes: core/v1 and events.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.sandbox.api.resources import NEW_EVENTS, Resource
from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object, in_utc

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

TYPES = ("Normal", "Warning")
NOTE_LENGTH = 1024

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
    core = {**_ALWAYS, **renamed, "apiVersion": "v1", "kind": "Event"}
    times = {name: in_utc(core[name]) for name in ("firstTimestamp", "lastTimestamp")}
    return {**core, **times, "eventTime": in_utc(core["eventTime"], micro=True)}


def as_new(event: Object) -> Object:
    """Return a stored event in the shape of events.k8s.io."""
    kept = {name: value for name, value in event.items() if value != "" or not name.startswith("reporting")}
    return {NAMES.get(name, name): value for name, value in kept.items()} | {"apiVersion": NEW_EVENTS.api_version}


def faults(event: Object, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with a new event, given in the core shape.

    Each group has rules of its own (kubernetes `pkg/apis/core/validation/events.go`): only core wants the
    event beside its object, only events.k8s.io wants everything filled in.
    """
    if resource is not NEW_EVENTS:
        yield from _misplaced(event)
    elif not event.get("eventTime"):
        yield Cause("FieldValueRequired", "eventTime", "Required value")
    else:
        for name in ("reportingComponent", "reportingInstance", "action", "reason"):
            if not event.get(name):
                yield Cause("FieldValueRequired", NAMES.get(name, name), "Required value")
        if event.get("type") not in TYPES:
            detail = f'Invalid value: "": has invalid value: {event.get("type", "")}'
            yield Cause("FieldValueInvalid", "type", detail)
        if len(event.get("message", "")) > NOTE_LENGTH:
            detail = f'Invalid value: "": can have at most {NOTE_LENGTH} characters'
            yield Cause("FieldValueInvalid", "message", detail)


def _misplaced(event: Object) -> Iterator[Cause]:
    namespace = event["metadata"].get("namespace", "")
    about = event.get("involvedObject", {}).get("namespace", "")
    if about != namespace and (about or namespace != "default"):
        detail = f'Invalid value: "{about}": does not match event.namespace'
        yield Cause("FieldValueInvalid", "involvedObject.namespace", detail)
