"""Lists: selectors, pages that show one moment, and what `resourceVersion` asks for."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping

from remediator.sandbox.api import builtin
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.selectors import Matcher, field_matcher, label_matcher
from remediator.sandbox.api.status import Cause, bad_request, expired, invalid_options, too_new
from remediator.sandbox.api.store import Compacted, Store
from remediator.sandbox.api.values import Object

MATCHES = ("Exact", "NotOlderThan", "")
TOKEN_VERSION = "meta.k8s.io/v1"
LIST_EXPIRED = "The resourceVersion for the provided list is too old."
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


def matcher(resource: Resource, query: Mapping[str, str]) -> Matcher:
    """Return what tells whether an object of this kind fits both selectors of a query. Raises 400."""
    labels = label_matcher(query.get("labelSelector", ""))
    fields = field_matcher(query.get("fieldSelector", ""), resource)
    return lambda obj: labels(obj) and fields(obj)


def listed(store: Store, resource: Resource, namespace: str | None, query: Mapping[str, str]) -> Object:
    """Return one page of a list as a `…List` object. Raises 400, 410, 422, 504."""
    fits = matcher(resource, query)
    limit = max(0, number(query, "limit"))
    with store.lock:
        revision, start = _position(store, query)
        if query.get("resourceVersion") == "0":
            limit = 0  # answered from the watch cache, which does not page
        at = store.revision if revision is None else revision
        try:
            items = store.items(resource.shelf, namespace, revision)
        except Compacted:
            raise _too_old(query, start) from None
    prefix = "" if namespace is None else f"{namespace}/"
    placed = [(key.removeprefix(prefix), obj) for key, obj in items]
    shown = [(key, builtin.outward(obj, resource)) for key, obj in placed if key >= start]
    shown = [(key, obj) for key, obj in shown if fits(obj)]
    metadata: Object = {"resourceVersion": str(at)}
    if resource.custom:
        metadata = {"continue": "", **metadata}
    if 0 < limit < len(shown):
        metadata["continue"] = _token(at, shown[limit - 1][0] + "\0")
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(shown) - limit
        shown = shown[:limit]
    return {
        "apiVersion": resource.api_version,
        "items": [_item(obj, resource) for _, obj in shown],
        "kind": resource.list_kind or f"{resource.kind}List",
        "metadata": metadata,
    }


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a boolean parameter as Go reads it: whatever is not said to be false is true."""
    return name in query and query[name].lower() not in ("false", "0")


def number(query: Mapping[str, str], name: str) -> int:
    """Return an integer parameter, 0 if absent. Raises 400."""
    text = query.get(name) or "0"
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def revision_of(query: Mapping[str, str]) -> int:
    """Return the `resourceVersion` asked for, 0 if absent. Raises 400."""
    text = query.get("resourceVersion") or "0"
    if not text.isdigit():
        why = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f"invalid resource version: {why}")
    return int(text)


def _item(obj: Object, resource: Resource) -> Object:
    """Return an object as lists show it: built-in kinds without `apiVersion` and `kind`."""
    if resource.custom:
        return obj
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


def _position(store: Store, query: Mapping[str, str]) -> tuple[int | None, str]:
    """Return the revision to list at, None for now, and the key to start from."""
    token, match = query.get("continue", ""), query.get("resourceVersionMatch", "")
    faults = list(_faults(query, match))
    if faults:
        raise invalid_options("ListOptions", *faults)
    asked = revision_of(query)
    if token:
        if asked:
            raise bad_request("specifying resource version is not allowed when using continue")
        revision, start = _parsed(token)
        return (None if revision == -1 else revision), start
    if asked > store.revision:
        raise too_new(asked, store.revision)
    exact = match == "Exact" or (asked > 0 and not match and number(query, "limit") > 0)
    return (asked if exact else None), ""


def _faults(query: Mapping[str, str], match: str) -> Iterator[Cause]:
    """Yield what does not fit together (apimachinery `pkg/apis/meta/internalversion/validation`)."""
    if match and not query.get("resourceVersion"):
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        yield Cause("FieldValueForbidden", "resourceVersionMatch", why)
    if match and query.get("continue"):
        why = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
        yield Cause("FieldValueForbidden", "resourceVersionMatch", why)
    if match not in MATCHES:
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        yield Cause("FieldValueNotSupported", "resourceVersionMatch", why)
    if match == "Exact" and query.get("resourceVersion") == "0":
        why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        yield Cause("FieldValueForbidden", "resourceVersionMatch", why)
    if "sendInitialEvents" in query:
        yield Cause("FieldValueForbidden", "sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list")


def _token(revision: int, start: str) -> str:
    text = json.dumps({"v": TOKEN_VERSION, "rv": revision, "start": f"/{start}"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parsed(token: str) -> tuple[int, str]:
    try:
        fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(fields["rv"]), str(fields["start"]).removeprefix("/")
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None


def _too_old(query: Mapping[str, str], start: str) -> Exception:
    if not query.get("continue"):
        return expired(LIST_EXPIRED)
    refusal = expired(CONTINUE_EXPIRED)
    if isinstance(refusal.body, dict):
        refusal.body["metadata"]["continue"] = _token(-1, start)
    return refusal
