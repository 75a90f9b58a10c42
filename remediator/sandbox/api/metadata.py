"""ObjectMeta: what a client may set, what only the server sets, and what makes it invalid."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from remediator.sandbox.api.resources import NAMESPACES, Resource
from remediator.sandbox.api.status import Cause
from remediator.sandbox.api.values import Object, go_type, timestamp

SERVER_OWNED = (
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
"""Set by the server alone: what a client sends is ignored without a word."""

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The alphabet of `generateName` (apimachinery `pkg/util/rand`): no vowels, no look-alikes."""

ANNOTATIONS = 256 * 1024
"""How many bytes all annotations of an object may have, keys and values."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME_PART = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    f"'{_LABEL}')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_NAME_PART}')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    f"used for validation is '({_NAME_PART})?')"
)


def undecodable(metadata: Any) -> str:
    """Return why this is no ObjectMeta, in Go's words; empty if it is one."""
    if metadata is not None and not isinstance(metadata, dict):
        return f"json: cannot unmarshal {go_type(metadata)} into Go struct field .metadata of type v1.ObjectMeta"
    for name, wanted in (("labels", dict), ("annotations", dict), ("finalizers", list)):
        value = (metadata or {}).get(name)
        if value is None:
            continue
        field = f"Go struct field ObjectMeta.{name}"
        if not isinstance(value, wanted):
            declared = "map[string]string" if wanted is dict else "[]string"
            return f"json: cannot unmarshal {go_type(value)} into {field} of type {declared}"
        for item in value.values() if isinstance(value, dict) else value:
            if item is not None and not isinstance(item, str):
                return f"json: cannot unmarshal {go_type(item)} into {field} of type string"
    return ""


def born(obj: Object, resource: Resource, namespace: str, now: datetime) -> Object:
    """Return a new object's metadata: its name generated if so asked, and all that the server sets."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVER_OWNED}
    if "name" not in metadata and "generateName" in metadata:
        metadata["name"] = metadata["generateName"] + "".join(secrets.choice(SUFFIX_LETTERS) for _ in range(5))
    if resource.namespaced:
        metadata["namespace"] = namespace
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp(now)
    if resource.bumps is not None:
        metadata["generation"] = 1
    return metadata


def carried(new: Object, old: Object) -> Object:
    """Return the metadata of an update, with what a client cannot change taken from the stored object."""
    metadata = {key: value for key, value in new.items() if key not in SERVER_OWNED}
    kept = ("name", "namespace", *SERVER_OWNED)
    metadata |= {key: old[key] for key in kept if key in old}
    for key in ("uid", "managedFields"):
        if key not in metadata and key in old:
            metadata[key] = old[key]
    return metadata


def creation_faults(metadata: Object, resource: Resource) -> Iterator[Cause]:
    """Yield what is wrong with a new object's metadata."""
    name = metadata.get("name", "")
    if not name:
        detail = "Required value: name or generateName is required"
        yield Cause("FieldValueRequired", "metadata.name", detail)
        return
    pattern, rule = (_LABEL, _LABEL_RULE) if resource is NAMESPACES else (_SUBDOMAIN, _SUBDOMAIN_RULE)
    if resource.group == "rbac.authorization.k8s.io":
        pattern, rule = "[^/%]*", "may not contain '/'"
    if not re.fullmatch(pattern, name) or len(name) > 253:
        yield _invalid("metadata.name", name, rule)
    yield from _label_faults(metadata)


def update_faults(metadata: Object, old: Object) -> Iterator[Cause]:
    """Yield what is wrong with an update's metadata."""
    if metadata.get("uid") != old.get("uid"):
        yield _invalid("metadata.uid", metadata.get("uid"), "field is immutable")
    before = old.get("finalizers", [])
    added = sorted(item for item in metadata.get("finalizers", []) if item not in before)
    if added and "deletionTimestamp" in old:
        listed = ", ".join(json.dumps(item) for item in added)
        detail = (
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}"
        )
        yield Cause("FieldValueForbidden", "metadata.finalizers", detail)
    yield from _label_faults(metadata)


def _label_faults(metadata: Object) -> Iterator[Cause]:
    for key, value in metadata.get("labels", {}).items():
        if not re.fullmatch(_NAME_PART, key.rpartition("/")[2]):
            yield _invalid("metadata.labels", key, _KEY_RULE)
        if not re.fullmatch(f"({_NAME_PART})?", value) or len(value) > 63:
            yield _invalid("metadata.labels", value, _VALUE_RULE)
    annotations = metadata.get("annotations", {})
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS:
        yield too_long("metadata.annotations", ANNOTATIONS)
    for key in annotations:
        if not re.fullmatch(_NAME_PART, key.rpartition("/")[2]):
            yield _invalid("metadata.annotations", key, _KEY_RULE)


def too_long(field: str, limit: int) -> Cause:
    """Say that a field has more bytes than it may."""
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def _invalid(field: str, value: Any, rule: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {json.dumps(value)}: {rule}")
