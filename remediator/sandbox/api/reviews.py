"""Reviews: who am I, and may I. Answered, never stored."""

from __future__ import annotations

from remediator.sandbox.api.messages import Answer, Request, json_body
from remediator.sandbox.api.refusals import Refusals
from remediator.sandbox.api.resources import REVIEWS
from remediator.sandbox.api.status import failure, method_not_allowed
from remediator.sandbox.api.values import Object, timestamp
from remediator.sandbox.clock import SandboxClock

USER: Object = {"username": "sandbox-admin", "uid": "1", "groups": ["system:masters", "system:authenticated"]}


def reviewed(request: Request, refusals: Refusals, clock: SandboxClock) -> Answer | None:
    """Answer a review, or return None where the path is not one's. Raises 405, 422."""
    steps = tuple(request.path.strip("/").split("/")[1:])
    kind = REVIEWS.get(steps) if len(steps) == 3 else None
    if kind is None:
        return None
    if request.method != "POST":
        raise method_not_allowed()
    if kind == "SelfSubjectReview":
        metadata = {"creationTimestamp": timestamp(clock.now())}
        return Answer(201, _review(steps, kind, metadata) | {"status": {"userInfo": USER}})
    body = json_body(request.body, "the object provided is unrecognized: json parse error: ")
    spec = body.get("spec") or {}
    attributes = spec.get("resourceAttributes")
    if (attributes is None) == (spec.get("nonResourceAttributes") is None):
        choice = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        why = f"Invalid value: null: {choice}"
        cause = {"reason": "FieldValueInvalid", "message": why, "field": "spec.resourceAttributes"}
        details = {"group": steps[0], "causes": [cause]}
        message = f'.{steps[0]} "" is invalid: spec.resourceAttributes: {why}'
        raise failure(422, "Invalid", message, details)
    status = {"allowed": attributes is None or not _is_refused(attributes, refusals)}
    return Answer(201, _review(steps, kind, body.get("metadata") or {}) | {"spec": spec, "status": status})


def _review(steps: tuple[str, ...], kind: str, metadata: Object) -> Object:
    return {"apiVersion": "/".join(steps[:2]), "kind": kind, "metadata": metadata}


def _is_refused(attributes: Object, refusals: Refusals) -> bool:
    parts = (attributes.get("resource", ""), attributes.get("subresource", ""))
    return refusals.forbids(attributes.get("verb", ""), "/".join(part for part in parts if part))
