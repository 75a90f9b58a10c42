"""The annotation in which kubectl keeps what it applied from its side, and how its server-side apply takes over.

As apimachinery `pkg/util/managedfields/internal/lastapplied*.go`.
"""

from __future__ import annotations

import json

from remediator.sandbox.api import fields, typed
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.values import Object

KUBECTL = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_ESCAPED = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}


def allowed(live: Object, resource: Resource) -> fields.Fields:
    """Return what kubectl applied from its side, and is still so: applying that anew is no conflict."""
    try:
        last = json.loads(_kept(live))
    except ValueError:
        return frozenset()
    if not isinstance(last, dict) or last.get("apiVersion") != resource.api_version:
        return frozenset()
    if typed.troubles(last, resource.schema):
        return frozenset()
    changed, removed = fields.compared(last, live, resource.schema)
    return fields.stated(last, resource.schema) - changed - removed


def renewed(obj: Object, body: Object) -> Object:
    """Return an object with its annotation, where it has one, telling of what was applied now."""
    if not _kept(obj):
        return obj
    text = json.dumps(_bare(body), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for letter, escaped in _ESCAPED.items():
        text = text.replace(letter, escaped)
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "annotations": {**meta["annotations"], ANNOTATION: f"{text}\n"}}}


def _kept(obj: Object) -> str:
    text: str = (obj["metadata"].get("annotations") or {}).get(ANNOTATION) or ""
    return text


def _bare(body: Object) -> Object:
    """Return a configuration without the annotation: it would hold itself."""
    meta = body.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if ANNOTATION not in annotations:
        return body
    rest = {name: value for name, value in annotations.items() if name != ANNOTATION}
    return {**body, "metadata": {**meta, "annotations": rest}}
