"""TokenRequests: a ServiceAccount is given a token for so many seconds."""

from __future__ import annotations

from remediator.sandbox.api.messages import json_body
from remediator.sandbox.api.status import failure
from remediator.sandbox.api.users import Users
from remediator.sandbox.api.values import Object, timestamp

GROUP = "authentication.k8s.io"
AUDIENCE = "https://kubernetes.default.svc"
LEAST_SECONDS = 600
USUAL_SECONDS = 3600


def requested(users: Users, account: Object, body: bytes) -> Object:
    """Return the answer to a TokenRequest for a stored ServiceAccount. Raises 400, 422."""
    told = json_body(body, "couldn't get version/kind; json parse error: ")
    seconds = (told.get("spec") or {}).get("expirationSeconds", USUAL_SECONDS)
    if seconds < LEAST_SECONDS:
        why = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        cause = {"reason": "FieldValueInvalid", "message": why, "field": "spec.expirationSeconds"}
        details = {"group": GROUP, "kind": "TokenRequest", "causes": [cause]}
        raise failure(422, "Invalid", f'TokenRequest.{GROUP} "" is invalid: {cause["field"]}: {why}', details)
    token, expires = users.issue(account, seconds)
    metadata = {name: account["metadata"][name] for name in ("name", "namespace", "uid", "creationTimestamp")}
    return {
        "kind": "TokenRequest",
        "apiVersion": f"{GROUP}/v1",
        "metadata": metadata,
        "spec": {"audiences": [AUDIENCE], "expirationSeconds": seconds, "boundObjectRef": None},
        "status": {"token": token, "expirationTimestamp": timestamp(expires)},
    }
