"""What was applied to an object with kubectl, and is no longer in it, because ACK overwrote it.

ACK writes what it reads from AWS back into the spec, so that a change which never reached AWS vanishes from the cluster
(aws-controllers-k8s/community#1968). Who wrote which field stands in managedFields, which is most of an object: it is
read for those objects alone that differ from what was applied. `spec.code` is left out: ACK never writes it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model.live import LiveState
from remediator.model.owners import ACK_MANAGERS, NOT_OTHERS
from remediator.model.resource import LAST_APPLIED, FunctionSpec, ManagedFields, Resource
from remediator.model.settings import EMPTY
from remediator.model.times import parse_time

_VARIABLES = "environment.variables."


class OwnedFields(ManagedFields, frozen=True, gc=False):
    """An entry of `metadata.managedFields` with what was written, as the API server has it."""

    fields_v1: dict[str, Any] = msgspec.field(default={}, name="fieldsV1")

    def has(self, *path: str) -> bool:
        """Whether a field is this manager's, such as `has("spec", "memorySize")`."""
        found: object = self.fields_v1
        for name in path:
            found = found.get(f"f:{name}") if isinstance(found, Mapping) else None
        return found is not None


class _Metadata(Struct, frozen=True, rename="camel"):
    managed_fields: list[OwnedFields] | None = None


class _Owned(Struct, frozen=True):
    metadata: _Metadata


class _Applied(Struct, frozen=True):
    spec: FunctionSpec | None = None


def with_owners(resource: Resource, content: bytes, *, always: bool = False) -> Resource:
    """Add who wrote which field, from the object's own JSON, where it is worth a second reading, or `always`.

    An object whose fields are not written as they should be stays as it is.
    """
    if not always and not any(True for _ in _differing(resource)):
        return resource
    try:
        found = msgspec.json.decode(content, type=_Owned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return resource
    metadata = msgspec.structs.replace(resource.metadata, managed_fields=list(found.metadata.managed_fields or ()))
    return msgspec.structs.replace(resource, metadata=metadata)


def changed_at(resource: Resource) -> datetime | None:
    """Say when somebody other than ACK last wrote to the spec, at the latest; None where nothing tells.

    By the API server's clock, in whole seconds, from managedFields; where those are missing, when the object was made.
    """
    if resource.deleting:
        return resource.deleted_at
    times = (
        parse_time(each.time)
        for each in resource.metadata.managed_fields or ()
        if not each.subresource
        and each.manager not in NOT_OTHERS
        and (not isinstance(each, OwnedFields) or each.has("spec"))
    )
    return max((each for each in times if each is not None), default=resource.created_at)


def overwritten(resource: Resource) -> tuple[str, ...]:
    """Name the fields whose applied value only ACK can have taken out of the spec.

    A value that is another now has an owner. One that is gone has none: then nobody but ACK and who applied may ever
    have written to the spec.
    """
    entries = [each for each in resource.metadata.managed_fields or () if isinstance(each, OwnedFields)]
    spec = [each for each in entries if not each.subresource and each.has("spec")]
    ours = [each for each in spec if each.manager in ACK_MANAGERS]
    others = [
        each
        for each in spec
        if each.manager not in NOT_OTHERS and not each.has("metadata", "annotations", LAST_APPLIED)
    ]
    if not ours:
        return ()
    return tuple(
        field
        for field, gone in _differing(resource)
        if (not others if gone else any(each.has("spec", *_path(field)) for each in ours))
    )


def lost(resource: Resource, live: LiveState) -> tuple[str, ...]:
    """Name those of the overwritten fields that are in the spec as they are in AWS: nothing will bring them back."""
    if not live.present or resource.spec is None:
        return ()
    settings, there = resource.spec.settings, dict(live.configuration)
    variables = _variables(resource.spec)
    return tuple(
        field
        for field in overwritten(resource)
        if (
            variables.get(field.removeprefix(_VARIABLES)) == live.environment.get(field.removeprefix(_VARIABLES))
            if field.startswith(_VARIABLES)
            else settings.get(field, "") == there.get(field, "")
        )
    )


def _path(field: str) -> list[str]:
    # A variable's name can have dots in it, as far as an API server is concerned.
    if field.startswith(_VARIABLES):
        return ["environment", "variables", field.removeprefix(_VARIABLES)]
    return field.split(".")


def _differing(resource: Resource) -> Iterator[tuple[str, bool]]:
    """Name what was applied and is not so in the spec, and whether there is nothing in its place."""
    remembered = resource.annotations.get(LAST_APPLIED)
    if not remembered or resource.spec is None:
        return
    try:
        applied = msgspec.json.decode(remembered, type=_Applied).spec
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return
    if applied is None:
        return
    now = resource.spec.settings
    for field, value in applied.settings.items():
        # What was applied empty, and filled by AWS or left out, is not lost.
        if value != now.get(field) and not (field not in now and value in ("", EMPTY)):
            yield field, field not in now
    wanted, there = _variables(applied), _variables(resource.spec)
    for name in sorted(wanted.keys() | there.keys()) if wanted else ():
        if wanted.get(name) != there.get(name):
            yield f"{_VARIABLES}{name}", name not in there


def _variables(spec: FunctionSpec) -> Mapping[str, str | None]:
    return (spec.environment.variables if spec.environment else None) or {}
