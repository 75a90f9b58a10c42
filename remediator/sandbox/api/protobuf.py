"""Bodies in protobuf, as kubectl sends of built-in kinds: read into JSON, for the few that it makes by itself.

Field numbers are those of kubernetes `staging/src/k8s.io/api/*/generated.proto`. What is not listed is skipped.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from remediator.sandbox.api.messages import Request
from remediator.sandbox.api.values import Object

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\0"

Fields: TypeAlias = dict[int, tuple[str, Any]]
"""By field number: the JSON name, and a type; a type in a list repeats, a dict is a message."""

_TEXTS = ("map", "text")
_META: Fields = {
    1: ("name", "text"),
    2: ("generateName", "text"),
    3: ("namespace", "text"),
    11: ("labels", _TEXTS),
    12: ("annotations", _TEXTS),
    14: ("finalizers", ["text"]),
}
_ATTRIBUTES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
_ACCESS: Fields = {
    1: ("resourceAttributes", {number: (name, "text") for number, name in enumerate(_ATTRIBUTES, 1)}),
    2: ("nonResourceAttributes", {1: ("path", "text"), 2: ("verb", "text")}),
}
_RULE_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
_RULES: Fields = {2: ("rules", [{number: (name, ["text"]) for number, name in enumerate(_RULE_FIELDS, 1)}])}
_SUBJECT: Fields = {1: ("kind", "text"), 2: ("apiGroup", "text"), 3: ("name", "text"), 4: ("namespace", "text")}
_REFERENCE: Fields = {1: ("apiGroup", "text"), 2: ("kind", "text"), 3: ("name", "text")}
_BINDING: Fields = {2: ("subjects", [_SUBJECT]), 3: ("roleRef", _REFERENCE)}
_KINDS: dict[str, Fields] = {
    "ClusterRole": _RULES,
    "ClusterRoleBinding": _BINDING,
    "ConfigMap": {2: ("data", _TEXTS), 3: ("binaryData", ("map", "bytes")), 4: ("immutable", "flag")},
    "Namespace": {},
    "Role": _RULES,
    "RoleBinding": _BINDING,
    "Secret": {
        2: ("data", ("map", "bytes")),
        3: ("type", "text"),
        4: ("stringData", _TEXTS),
        5: ("immutable", "flag"),
    },
    "SelfSubjectAccessReview": {2: ("spec", _ACCESS)},
    "SelfSubjectReview": {},
    "SelfSubjectRulesReview": {2: ("spec", {1: ("namespace", "text")})},
    "ServiceAccount": {},
    "TokenRequest": {2: ("spec", {1: ("audiences", ["text"]), 4: ("expirationSeconds", "number")})},
}


def translated(request: Request) -> Request:
    """Return a request with a JSON body where that can be: as it is, if it is JSON or of an unknown kind."""
    if request.header("content-type") != CONTENT_TYPE or not request.body.startswith(MAGIC):
        return request
    envelope = dict(_fields(request.body[len(MAGIC) :]))
    about = _message(envelope[1], {1: ("apiVersion", "text"), 2: ("kind", "text")})
    known = _KINDS.get(about.get("kind", ""))
    if known is None:
        return request
    body = about | _message(envelope[2], {1: ("metadata", _META), **known})
    return replace(
        request, body=json.dumps(body).encode(), headers={**request.headers, "content-type": "application/json"}
    )


def _message(data: bytes, known: Fields) -> Object:
    """Read a message. Empty values are left out, as `omitempty` does, but for the items of a list."""
    found: Object = {}
    for number, raw in _fields(data):
        if number not in known:
            continue
        name, kind = known[number]
        if isinstance(kind, list):
            found.setdefault(name, []).append(_value(raw, kind[0]))
        elif isinstance(kind, tuple):
            entry = dict(_fields(raw))
            found.setdefault(name, {})[_value(entry[1], "text")] = _value(entry.get(2, b""), kind[1])
        elif raw or isinstance(kind, dict):
            found[name] = _value(raw, kind)
    return found


def _value(raw: Any, kind: Any) -> Any:
    if isinstance(kind, dict):
        return _message(raw, kind)
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    return raw.decode(errors="replace") if kind == "text" else bool(raw) if kind == "flag" else raw


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield field numbers and values: bytes, or a number where it is a varint. The API uses no other wire types."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 0:
            yield tag >> 3, value
        else:
            yield tag >> 3, data[at : at + value]
            at += value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at
