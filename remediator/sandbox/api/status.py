"""Refusals, as `Status` objects and in the words of k8s.io/apimachinery `pkg/api/errors`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediator.sandbox.api.values import Object

if TYPE_CHECKING:
    from remediator.sandbox.api.resources import Resource


class ApiError(Exception):
    """A request that is refused.

    `body` is the `Status` to answer, or plain text where the real server answers text.
    """

    def __init__(self, code: int, body: Object | str) -> None:
        super().__init__(body if isinstance(body, str) else body["message"])
        self.code = code
        self.body = body


@dataclass(frozen=True)
class Cause:
    """One field error inside a 422."""

    reason: str
    field: str
    detail: str

    def status(self) -> Object:
        """Render the cause as an entry of `details.causes`."""
        return {"reason": self.reason, "message": self.detail, "field": self.field}


def failure(code: int, reason: str, message: str, details: Object | None = None) -> ApiError:
    """Build any refusal. Empty reason and absent details are left out, as Go's `omitempty` does."""
    body: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    if reason:
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    return ApiError(code, {**body, "code": code})


def details_of(resource: Resource, name: str = "", kind: str = "", **more: Any) -> Object:
    """Say what a refusal is about: name, group and (by default) the plural, each left out where empty."""
    details: Object = {"name": name, "group": resource.group, "kind": kind or resource.plural}
    return {key: value for key, value in details.items() if value} | more


def qualified(resource: Resource, kind: str = "") -> str:
    """Name a resource `plural.group`, the way messages do."""
    return ".".join(part for part in (kind or resource.plural, resource.group) if part)


def bad_request(message: str) -> ApiError:
    """Refuse what cannot be understood (400)."""
    return failure(400, "BadRequest", message)


def no_such_path() -> ApiError:
    """Refuse a path of no known API group: plain text, not a `Status`."""
    return ApiError(404, "404 page not found\n")


def no_such_resource() -> ApiError:
    """Refuse an unknown resource inside a built-in group."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    """Refuse a verb that the path does not have."""
    message = "the server does not allow this method on the requested resource"
    return failure(405, "MethodNotAllowed", message, {})


def unauthorized() -> ApiError:
    """Refuse a request without a good bearer token."""
    return failure(401, "Unauthorized", "Unauthorized")


def overloaded() -> ApiError:
    """Refuse for want of a seat (429): in text, as priority and fairness does, to be tried again in a second."""
    return ApiError(429, "Too many requests, please try again later.\n")


def not_found(resource: Resource, name: str) -> ApiError:
    """Refuse a request for an object that is not there."""
    return failure(404, "NotFound", f'{qualified(resource)} "{name}" not found', details_of(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """Refuse to create what is there."""
    message = f'{qualified(resource)} "{name}" already exists'
    return failure(409, "AlreadyExists", message, details_of(resource, name))


def conflict(resource: Resource, name: str, why: str, kind: str = "") -> ApiError:
    """Refuse a write that was meant for another state of the object."""
    message = f'Operation cannot be fulfilled on {qualified(resource, kind)} "{name}": {why}'
    return failure(409, "Conflict", message, details_of(resource, name, kind))


def modified(resource: Resource, name: str) -> ApiError:
    """Refuse a write with a stale `resourceVersion`."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def apply_conflict(conflicts: list[tuple[str, str]]) -> ApiError:
    """Refuse to apply what others own: who, and which field, in the order of the message."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in conflicts
    ]
    if len(conflicts) == 1:
        who, path = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {who}: {path}"
    else:
        lines = [
            "\n".join((f"conflicts with {who}:", *(f"- {path}" for _, path in theirs)))
            for who, theirs in itertools.groupby(conflicts, key=lambda conflict: conflict[0])
        ]
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return failure(409, "Conflict", message, {"causes": causes})


def forbidden(resource: Resource, name: str, why: str, **details: Any) -> ApiError:
    """Refuse what policy does not allow."""
    message = f'{qualified(resource)} "{name}" is forbidden: {why}'
    return failure(403, "Forbidden", message, details_of(resource, name, **details))


def invalid(resource: Resource, name: str, causes: Iterable[Cause], kind: str = "") -> ApiError:
    """Refuse an object whose fields are wrong (422)."""
    kind = kind or resource.kind
    found = list(causes)
    message = f'{qualified(resource, kind)} "{name}" is invalid: {_joined(found)}'
    listed = {"causes": [cause.status() for cause in found]}
    return failure(422, "Invalid", message, details_of(resource, name, kind) | listed)


def invalid_options(kind: str, *causes: Cause) -> ApiError:
    """Refuse query parameters that do not fit (422); `kind` is `ListOptions` and the like."""
    listed = {"group": "meta.k8s.io", "kind": kind, "causes": [cause.status() for cause in causes]}
    return failure(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {_joined(list(causes))}', listed)


def invalid_patch(patched: str, why: str) -> ApiError:
    """Refuse a patch whose result is no object of the kind (422); `patched` is that result, as JSON."""
    quoted = patched.replace("\\", "\\\\").replace('"', '\\"')
    cause = Cause("FieldValueInvalid", "patch", f'Invalid value: "{quoted}": {why}')
    return failure(422, "Invalid", f' "" is invalid: {_joined([cause])}', {"causes": [cause.status()]})


def unpatchable() -> ApiError:
    """Refuse a JSON Patch that does not apply, a failed `test` included.

    The real server does not say which.
    """
    return failure(422, "Invalid", "the server rejected our request due to an error in our request", {})


def expired(message: str) -> ApiError:
    """Refuse to go back to a revision that has been compacted (410)."""
    return failure(410, "Expired", message)


def too_new(wanted: int, current: int) -> ApiError:
    """Refuse a `resourceVersion` from the future (504, to be retried)."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return failure(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def _joined(causes: list[Cause]) -> str:
    texts = list(dict.fromkeys(f"{cause.field}: {cause.detail}" for cause in causes))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
