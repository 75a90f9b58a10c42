"""Who wrote what to an object, and when, as `metadata.managedFields` has it."""

from __future__ import annotations

from typing import Any

import msgspec

from remediator.model.applied import with_owners
from remediator.model.resource import Resource
from tests.builders import Json, at, decoded, function

USER, ACK = "kubectl-client-side-apply", "controller"


def wrote(manager: str, ago: float, *fields: str, subresource: str = "") -> Json:
    """Write who wrote `fields` (`spec`, `metadata`, `status`), so many seconds before NOW."""
    entry: Json = {
        "manager": manager,
        "operation": "Update",
        "time": at(seconds=ago),
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{each}": {"f:any": {}} for each in fields},
    }
    return entry | ({"subresource": subresource} if subresource else {})


def passed(ago: float, manager: str = ACK) -> Json:
    """Write that ACK ended a pass, so many seconds before NOW."""
    return wrote(manager, ago, "status", subresource="status")


def owned(*entries: Json, metadata: Json | None = None, **more: Any) -> Resource:
    """Read a Function whose fields were written so."""
    raw = function(metadata={"managedFields": list(entries)} | (metadata or {}), **more)
    return with_owners(decoded(raw), msgspec.json.encode(raw), always=True)
