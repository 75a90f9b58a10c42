"""Watches: a stream of what happens, one JSON line each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping

from remediator.sandbox.api import builtin
from remediator.sandbox.api.listing import matcher, number, revision_of
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.selectors import Matcher
from remediator.sandbox.api.status import Cause, expired, invalid_options
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
) -> Iterator[bytes]:
    """Return the lines of a watch. Raises 400 and 422 before the first line; later trouble is an ERROR line.

    `timeoutSeconds` counts real seconds, because it is the client's connection that it limits.
    """
    fits = matcher(resource, query)
    seconds = number(query, "timeoutSeconds") or DEFAULT_SECONDS
    asked = revision_of(query)
    initial = query.get("sendInitialEvents") == "true"
    if initial and query.get("resourceVersionMatch") != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise invalid_options("ListOptions", Cause("FieldValueForbidden", "resourceVersionMatch", why))
    bookmark = initial and query.get("allowWatchBookmarks") in ("true", "1")
    events = _events(store, resource, namespace, fits, asked, initial, bookmark, time.monotonic() + seconds, closing)
    return (_line(kind, obj) for kind, obj in events)


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _events(
    store: Store,
    resource: Resource,
    namespace: str | None,
    fits: Matcher,
    asked: int,
    initial: bool,
    bookmark: bool,
    deadline: float,
    closing: threading.Event,
) -> Iterator[Event]:
    revision = asked
    if asked == 0 or initial:
        with store.lock:
            revision = store.revision
            present = [builtin.outward(obj, resource) for _, obj in store.items(resource.shelf, namespace)]
        yield from (("ADDED", obj) for obj in present if fits(obj))
        if bookmark:
            yield "BOOKMARK", _bookmark(resource, revision)
    prefix = "" if namespace is None else f"{namespace}/"
    while not closing.is_set() and time.monotonic() < deadline:
        with store.lock:
            try:
                changes = store.changes_after(revision, resource.shelf)
            except Compacted as error:
                too_old = expired(f"too old resource version: {revision} ({error.revision})")
                assert isinstance(too_old.body, dict)
                yield "ERROR", too_old.body
                return
            revision = max(revision, store.revision)
            if not changes:
                store.changed.wait(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        for change in changes:
            if change.key.startswith(prefix):
                yield from _seen(change, resource, fits)


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
