"""Events, which two API groups serve in two shapes: core/v1 and events.k8s.io/v1."""

from __future__ import annotations

import json
import re
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
"""In bytes, whatever the server calls them."""
WORD_LENGTH = 128
FEWEST_IN_SERIES = 2

_HOMES = ("default", "kube-system")
"""Where events live that are about nothing in a namespace."""
_DEPRECATED = ("count", "firstTimestamp", "lastTimestamp", "source")
_IMMUTABLE = (
    *("involvedObject", "reason", "message", "type", "eventTime", "action", "related"),
    *("reportingComponent", "reportingInstance", *_DEPRECATED),
)
_QUALIFIED = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
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


def faults(event: Object, old: Object | None, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with an event in the core shape; `old` is None for a new one.

    Each group has rules of its own (kubernetes `pkg/apis/core/validation/events.go`): only core wants a new
    event beside its object, only events.k8s.io wants everything filled in, and nothing changed but `series`.
    """
    if resource is NEW_EVENTS:
        yield from _incomplete(event) if old is None else _changed(event, old)
        yield from _series_faults(event)
    elif old is None:
        yield from _misplaced(event)


def _incomplete(event: Object) -> Iterator[Cause]:
    if not event.get("eventTime"):
        yield Cause("FieldValueRequired", "eventTime", "Required value")
        return
    if not event.get("involvedObject", {}).get("namespace") and event["metadata"].get("namespace") not in _HOMES:
        yield _invalid("involvedObject.namespace", "does not match event.namespace")
    for name in ("reportingComponent", "reportingInstance", "action", "reason"):
        shown, value = NAMES.get(name, name), event.get(name, "")
        if not value:
            yield Cause("FieldValueRequired", shown, "Required value")
        if name == "reportingComponent":
            if not re.fullmatch(_QUALIFIED, value):
                yield Cause("FieldValueInvalid", shown, f"Invalid value: {json.dumps(value)}: {_QUALIFIED_RULE}")
        elif len(value.encode()) > WORD_LENGTH:
            yield _invalid(shown, f"can have at most {WORD_LENGTH} characters")
    if len(event.get("message", "").encode()) > NOTE_LENGTH:
        yield _invalid("message", f"can have at most {NOTE_LENGTH} characters")
    if event.get("type") not in TYPES:
        yield _invalid("type", f"has invalid value: {event.get('type', '')}")
    for name in _DEPRECATED:
        if event.get(name):
            yield _invalid(name, "needs to be unset")


def _changed(event: Object, old: Object) -> Iterator[Cause]:
    for name in _IMMUTABLE:
        if event.get(name) != old.get(name):
            shown = "reportingController" if name == "reportingComponent" else name
            detail = f"Invalid value: {json.dumps(event.get(name))}: field is immutable"
            yield Cause("FieldValueInvalid", shown, detail)


def _series_faults(event: Object) -> Iterator[Cause]:
    series = event.get("series")
    if series is None:
        return
    if series.get("count", 0) < FEWEST_IN_SERIES:
        yield _invalid("series.count", f"should be at least {FEWEST_IN_SERIES}")
    if not series.get("lastObservedTime"):
        yield Cause("FieldValueRequired", "series.lastObservedTime", "Required value")


def _misplaced(event: Object) -> Iterator[Cause]:
    namespace = event["metadata"].get("namespace", "")
    about = event.get("involvedObject", {}).get("namespace", "")
    if about != namespace and (about or namespace != "default"):
        detail = f'Invalid value: "{about}": does not match event.namespace'
        yield Cause("FieldValueInvalid", "involvedObject.namespace", detail)


def _invalid(field: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f'Invalid value: "": {why}')
