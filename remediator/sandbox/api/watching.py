"""Watches: a stream of what happens, one JSON line each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from remediator.sandbox.api import builtin
from remediator.sandbox.api.listing import flag, matcher, number
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.selectors import Matcher
from remediator.sandbox.api.status import ApiError, Cause, expired, failure, invalid_options, too_new
from remediator.sandbox.api.store import Change, Compacted, Store
from remediator.sandbox.api.values import Object

DEFAULT_SECONDS = 1800
POLL_SECONDS = 0.5
"""How often a silent watch looks whether the server is stopping. Changes wake it at once."""

Event = tuple[str, Object]


def watched(
    store: Store,
    resource: Resource,
    namespace: str | None,
    query: Mapping[str, str],
    closing: threading.Event,
    shown: Callable[[Object], Object] = lambda obj: obj,
) -> Iterator[bytes]:
    """Return the lines of a watch. Raises 400, 422 and 500 before the first line; later trouble is an ERROR line.

    `timeoutSeconds` counts real seconds, because it is the client's connection that it limits.
    """
    fits = matcher(resource, query)
    seconds = number(query, "timeoutSeconds") or DEFAULT_SECONDS
    faults = list(_faults(query, query.get("resourceVersionMatch", "")))
    if faults:
        raise invalid_options("ListOptions", *faults)
    start = _Start(
        _revision(query),
        initial=flag(query, "sendInitialEvents") if "sendInitialEvents" in query else None,
        bookmark=flag(query, "allowWatchBookmarks"),
    )
    events = _events(store, resource, namespace, fits, start, time.monotonic() + seconds, closing)
    return (_line(kind, obj if kind == "ERROR" else shown(obj)) for kind, obj in events)


@dataclass(frozen=True)
class _Start:
    """Where a watch begins. `initial` is None where the query does not say."""

    revision: int
    initial: bool | None
    bookmark: bool

    @property
    def shows_what_is_there(self) -> bool:
        return self.revision == 0 if self.initial is None else self.initial


def _faults(query: Mapping[str, str], match: str) -> Iterator[Cause]:
    """Yield what does not fit together (apimachinery `pkg/apis/meta/internalversion/validation`)."""
    if "sendInitialEvents" in query and match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        yield Cause("FieldValueForbidden", "resourceVersionMatch", why)
    if match and "sendInitialEvents" not in query:
        why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        yield Cause("FieldValueForbidden", "resourceVersionMatch", why)
    if match not in ("NotOlderThan", ""):
        why = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
        yield Cause("FieldValueNotSupported", "resourceVersionMatch", why)


def _revision(query: Mapping[str, str]) -> int:
    """Return where to begin. Raises 500 for what is no version: lists answer 400, watches do not."""
    text = query.get("resourceVersion") or "0"
    if not text.isdigit():
        why = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise failure(500, "", why)
    return int(text)


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _events(
    store: Store,
    resource: Resource,
    namespace: str | None,
    fits: Matcher,
    start: _Start,
    deadline: float,
    closing: threading.Event,
) -> Iterator[Event]:
    revision = start.revision
    if start.initial and revision > store.revision:
        yield "ERROR", _body(too_new(revision, store.revision))
        return
    if revision == 0 or start.initial:
        with store.lock:
            revision = store.revision
            present = [builtin.outward(obj, resource) for _, obj in store.items(resource.shelf, namespace)]
        yield from (("ADDED", obj) for obj in present if fits(obj) and start.shows_what_is_there)
        if start.initial and start.bookmark:
            yield "BOOKMARK", _bookmark(resource, revision)
    prefix = "" if namespace is None else f"{namespace}/"
    while not closing.is_set() and time.monotonic() < deadline:
        with store.lock:
            try:
                changes = store.changes_after(revision, resource.shelf)
            except Compacted as error:
                yield "ERROR", _body(expired(f"too old resource version: {revision} ({error.revision})"))
                return
            revision = max(revision, store.revision)
            if not changes:
                store.changed.wait(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        for change in changes:
            if change.key.startswith(prefix):
                yield from _seen(change, resource, fits)


def _body(error: ApiError) -> Object:
    assert isinstance(error.body, dict)
    return error.body


def _seen(change: Change, resource: Resource, fits: Matcher) -> Iterator[Event]:
    """Yield what a watcher with this selector sees of a change: leaving the selection is a deletion."""
    before = None if change.before is None else builtin.outward(change.before, resource)
    after = None if change.after is None else builtin.outward(change.after, resource)
    was, is_now = before is not None and fits(before), after is not None and fits(after)
    if is_now and after is not None:
        yield ("MODIFIED" if was else "ADDED"), after
    elif was and before is not None:
        metadata = {**before["metadata"], "resourceVersion": str(change.revision)}
        yield "DELETED", {**before, "metadata": metadata}


def _bookmark(resource: Resource, revision: int) -> Object:
    """Return the object that says: the initial events end here."""
    metadata = {"resourceVersion": str(revision), "annotations": {"k8s.io/initial-events-end": "true"}}
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
