"""Objects as the tests need them: a healthy Function, with only what a test is about said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from remediator.model.controller import ControllerFacts, Health
from remediator.model.kind import KINDS
from remediator.model.live import LiveState, Presence, Vouched
from remediator.model.observation import Observation
from remediator.model.resource import FUNCTION_FINALIZER, Resource

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
SHA = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
PENDING = "function in 'Pending' state, cannot be modified or deleted"
BUSY = (
    "ResourceConflictException: The operation cannot be performed at this time. "
    f"An update is in progress for resource: {ARN}"
)
DOWN = ControllerFacts(Health.DOWN, "its Deployment has 0 of 1 pods ready")
ALIVE = ControllerFacts(Health.ALIVE, "its Deployment is available")

Json = dict[str, Any]


def at(**ago: float) -> str:
    """Write the moment so long before NOW as Kubernetes does."""
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def synced(heartbeat: str | None = None) -> list[Json]:
    moment = heartbeat or at(hours=2)
    return [
        {
            "type": "ACK.ResourceSynced",
            "status": "True",
            "lastTransitionTime": moment,
            "message": "Resource synced successfully",
            "reason": "",
        },
        {"type": "Ready", "status": "True", "lastTransitionTime": moment, "message": "Resource synced successfully"},
    ]


def failing(text: str, heartbeat: str | None = None) -> list[Json]:
    """Write the conditions of an error that ACK retries."""
    return [
        {"type": "ACK.Recoverable", "status": "True", "message": text},
        {
            "type": "ACK.ResourceSynced",
            "status": "Unknown",
            "lastTransitionTime": heartbeat or at(seconds=20),
            "message": "Unable to determine if desired resource state matches latest observed state",
            "reason": text,
        },
    ]


def function(
    name: str = "checkout",
    *,
    namespace: str = "shop",
    conditions: list[Json] | None = None,
    metadata: Json | None = None,
    spec: Json | None = None,
    status: Json | None = None,
) -> Json:
    """Build a Function as the API server holds it; an override of None takes the field away."""
    arn = ARN.replace("checkout", name)
    return {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": _over(
            {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-of-{namespace}-{name}",
                "resourceVersion": "4711",
                "generation": 2,
                "creationTimestamp": at(days=30),
                "finalizers": [FUNCTION_FINALIZER],
            },
            metadata,
        ),
        "spec": _over(
            {
                "name": name,
                "packageType": "Zip",
                "handler": "app.handler",
                "runtime": "python3.12",
                "memorySize": 256,
                "code": {"s3Bucket": "artifacts", "s3Key": "checkout.zip"},
            },
            spec,
        ),
        "status": _over(
            {
                "ackResourceMetadata": {"arn": arn, "ownerAccountID": "123456789012", "region": "us-east-1"},
                "codeSHA256": SHA,
                "lastUpdateStatus": "Successful",
                "revisionID": "rev-1",
                "state": "Active",
                "conditions": synced() if conditions is None else conditions,
            },
            status,
        ),
    }


def other(
    kind: str,
    name: str = "live",
    *,
    namespace: str = "shop",
    conditions: list[Json] | None = None,
    metadata: Json | None = None,
    spec: Json | None = None,
    status: Json | None = None,
) -> Json:
    """Build a resource of another kind of the lambda-controller; it belongs to the function `checkout`."""
    return {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": kind,
        "metadata": _over(
            {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-of-{kind}-{namespace}-{name}",
                "resourceVersion": "815",
                "generation": 1,
                "creationTimestamp": at(days=30),
                "finalizers": [f"finalizers.lambda.services.k8s.aws/{kind}"],
            },
            metadata,
        ),
        "spec": _over({"name": name, "functionName": "checkout"}, spec),
        "status": _over(
            {
                "ackResourceMetadata": {"ownerAccountID": "123456789012", "region": "us-east-1"},
                "conditions": synced() if conditions is None else conditions,
            },
            status,
        ),
    }


def waiting(reason: str, status: str = "Unknown") -> list[Json]:
    """Write the one condition of what waits for a reference."""
    return [
        {
            "type": "ACK.ReferencesResolved",
            "status": status,
            "lastTransitionTime": at(seconds=20),
            "message": "Reference resolution failed",
            "reason": reason,
        }
    ]


def _over(base: Json, changes: Json | None) -> Json:
    merged = base | (changes or {})
    return {key: value for key, value in merged.items() if value is not None}


def deleting(name: str = "checkout", *, hours: float = 3, **more: Any) -> Json:
    """Build a Function that is being deleted, green as it was before."""
    metadata = {"deletionTimestamp": at(hours=hours), "generation": 3} | more.pop("metadata", {})
    return function(name, metadata=metadata, **more)


def decoded(raw: Json) -> Resource:
    """Read an object as an adapter would."""
    return msgspec.convert(raw, Resource)


def active(**changes: Any) -> LiveState:
    """Build AWS's answer for a function that is well."""
    base: Json = {
        "presence": Presence.PRESENT,
        "state": "Active",
        "last_update_status": "Successful",
        "code_sha256": SHA,
        "package_type": "Zip",
        "revision_id": "rev-1",
        "arn": ARN,
    }
    return LiveState(**(base | changes))


GONE = LiveState(presence=Presence.GONE, vouched=Vouched.PROVEN)
UNPROVEN_GONE = LiveState(presence=Presence.GONE, why="nobody checked account and region")


def observe(raw: Json, live: LiveState, **more: Any) -> Observation:
    return Observation(resource=decoded(raw), live_state=live, **({"now": NOW} | more))


def definition(kind: str) -> Json:
    """Write the least that makes an API server serve a kind of another of ACK's controllers."""
    known = KINDS[kind]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": anything},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": known.collection},
        "spec": {
            "group": known.group,
            "names": {"kind": kind, "plural": known.plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
