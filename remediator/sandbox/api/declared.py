"""The fields of the few built-in kinds that this project writes, and what Go's decoder says of wrong ones.

The real server knows every built-in kind; here, the others are stored as they come.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from remediator.sandbox.api.values import Object, go_type, json_type

_TEXT: Object = {"type": "string"}
_TEXTS: Object = {"type": "object", "additionalProperties": _TEXT}
_BYTES: Object = {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}}
_FLAG: Object = {"type": "boolean"}
_MICRO: Object = {"type": "string", "format": "micro-time"}
_INT32: Object = {"type": "integer", "format": "int32"}
_LEASE_SPEC: Object = {
    "holderIdentity": _TEXT,
    "leaseDurationSeconds": _INT32,
    "acquireTime": _MICRO,
    "renewTime": _MICRO,
    "leaseTransitions": _INT32,
    "strategy": _TEXT,
    "preferredHolder": _TEXT,
}

CONFIG_MAP: Object = {"properties": {"data": _TEXTS, "binaryData": _BYTES, "immutable": _FLAG}}
SECRET: Object = {"properties": {"data": _BYTES, "stringData": _TEXTS, "type": _TEXT, "immutable": _FLAG}}
LEASE: Object = {"properties": {"spec": {"type": "object", "properties": _LEASE_SPEC}}}

MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
"""`metav1.MicroTime`: exactly six digits after the point, unlike every other time in the API."""


def undecodable(obj: Object, schema: Object, kind: str) -> str:
    """Return why Go could not decode the object into its kind, empty if it could."""
    return next(_troubles(obj, schema, f"{kind}."), "")


def bad_micro_time(value: Any) -> str:
    """Return why this is no `MicroTime`, empty if it is one or absent."""
    if value is None or (isinstance(value, str) and MICRO_TIME.fullmatch(value)):
        return ""
    layout = "2006-01-02T15:04:05.000000Z07:00"
    return f'parsing time "{value}" as "{layout}": cannot parse "{str(value)[19:]}" as ".000000"'


def _troubles(obj: Object, schema: Object, path: str) -> Iterator[str]:
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name, value in obj.items():
        child = properties.get(name, rest)
        if child is None or value is None:
            continue
        where = f"{path}{name}" if properties else path.removesuffix(".")
        found, wanted = json_type(value), child["type"]
        if found != wanted:
            field = f"Go struct field {where} of type {_go_name(child)}"
            yield f"json: cannot unmarshal {go_type(value)} into {field}"
        elif child.get("format") == "micro-time" and bad_micro_time(value):
            yield bad_micro_time(value)
        elif child.get("format") == "byte" and not _is_base64(value):
            yield "illegal base64 data at input byte 0"
        elif wanted == "object":
            yield from _troubles(value, child, f"{where}.")


def _go_name(schema: Object) -> str:
    if "additionalProperties" in schema:
        return f"map[string]{_go_name(schema['additionalProperties'])}"
    declared: str = schema["type"]
    return {"byte": "[]uint8", "int32": "int32"}.get(schema.get("format", ""), declared)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True
