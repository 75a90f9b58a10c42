"""Ask the API server what we may do: it stores nothing of the question."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from remediator.errors import ClusterError
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.rights import Access

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Allowed(NamedTuple):
    """Whether we may; None where the API server does not say. `why` is its own reason, or what kept it from saying."""

    yes: bool | None
    why: str = ""


class _Answered(Struct, frozen=True):
    allowed: bool
    reason: str = ""


class _Review(Struct, frozen=True):
    status: _Answered


def ask(transport: Transport, access: Access, namespace: str = "") -> Allowed:
    """Ask by a SelfSubjectAccessReview; without a namespace, whether we may in all of them. Raises nothing."""
    resource, _, sub = access.resource.partition("/")
    attributes = {
        "verb": access.verb,
        "group": access.group,
        "resource": resource,
        "subresource": sub,
        "namespace": namespace,
        "name": access.name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        answer = decoded(transport.post(_REVIEWS, body), _Review).status
    except ClusterError as error:
        return Allowed(None, error.message)
    return Allowed(answer.allowed, answer.reason)
