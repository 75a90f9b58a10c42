"""Functions as a cluster has them: three to four kilobytes each, most of it managedFields, and a few of them unwell."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Object = dict[str, Any]

ACCOUNT, REGION = "123456789012", "us-east-1"
NAMESPACES = tuple(f"team-{number:02d}" for number in range(20))
UNWELL_EVERY = 100  # one in a hundred

_API_VERSION = "lambda.services.k8s.aws/v1alpha1"
_HEARTBEAT = "2026-11-21T09:41:07Z"
_BUSY = (
    "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 409, "
    "RequestID: 1d0b6d5b-77c2-4f0e-9a35-6b8a1f2c3d4e, ResourceConflictException: The operation cannot be performed at "
    "this time. An update is in progress for resource: {arn}"
)
_DENIED = (
    "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 403, "
    "RequestID: 1d0b6d5b-77c2-4f0e-9a35-6b8a1f2c3d4e, AccessDeniedException: User: arn:aws:sts::123456789012:"
    "assumed-role/ack-lambda-controller/session is not authorized to perform: lambda:UpdateFunctionConfiguration on "
    "resource: {arn}"
)
_HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def fleet(numbers: Iterable[int], *, unwell: bool = False) -> Iterator[Object]:
    """Make the Functions of these numbers, as etcd keeps them: healthy, or each of them stuck somehow."""
    for number in numbers:
        function = _healthy(number)
        if unwell:
            _trouble(number)(function)
        yield function


def is_gone(number: int) -> bool:
    """Whether the Function of a number, where it is unwell, is one that AWS does not have any more."""
    return _trouble(number) is _deleted


def name_of(number: int) -> str:
    """Name the Function of a number."""
    return f"checkout-worker-{number:06d}"


def namespace_of(number: int) -> str:
    """Name the namespace of a Function."""
    return NAMESPACES[number % len(NAMESPACES)]


def _healthy(number: int) -> Object:
    name, namespace = name_of(number), namespace_of(number)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    spec = {
        "architectures": ["x86_64"],
        "code": {"s3Bucket": "shop-artifacts-eu", "s3Key": f"{namespace}/{name}/1.{number % 90}.zip"},
        "description": "Takes orders from the queue, and books them",
        "environment": {
            "variables": {
                "LOG_LEVEL": "info",
                "STAGE": "production",
                "TABLE": f"{namespace}-orders",
                "QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{namespace}-orders",
                "POWERTOOLS_SERVICE_NAME": name,
            }
        },
        "ephemeralStorage": {"size": 512},
        "handler": "app.handler",
        "memorySize": 256,
        "name": name,
        "packageType": "Zip",
        "role": f"arn:aws:iam::{ACCOUNT}:role/{namespace}-worker",
        "runtime": "python3.13",
        "snapStart": {"applyOn": "None"},
        "tags": {"team": namespace, "costCenter": "4711", "managedBy": "ack"},
        "timeout": 15,
        "tracingConfig": {"mode": "PassThrough"},
    }
    return {
        "apiVersion": _API_VERSION,
        "kind": "Function",
        "metadata": {
            "annotations": {
                "argocd.argoproj.io/tracking-id": f"{namespace}:{_API_VERSION}/Function:{namespace}/{name}"
            },
            "creationTimestamp": "2026-09-14T08:12:03Z",
            "finalizers": ["finalizers.lambda.services.k8s.aws/Function"],
            "generation": 2,
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace},
            "managedFields": _managed_fields(spec),
            "name": name,
            "namespace": namespace,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        },
        "spec": spec,
        "status": {
            "ackResourceMetadata": {"arn": arn, "ownerAccountID": ACCOUNT, "region": REGION},
            "codeSHA256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "codeSize": 48213,
            "conditions": [
                {"type": "ACK.LateInitialized", "status": "True", "lastTransitionTime": _HEARTBEAT},
                {
                    "type": "ACK.ResourceSynced",
                    "status": "True",
                    "lastTransitionTime": _HEARTBEAT,
                    "message": "Resource synced successfully",
                    "reason": "",
                },
                {"type": "Ready", "status": "True", "lastTransitionTime": _HEARTBEAT, "reason": "ACK.ResourceSynced"},
            ],
            "lastModified": "2026-11-20T17:03:11.000+0000",
            "lastUpdateStatus": "Successful",
            "revisionID": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "state": "Active",
            "version": "$LATEST",
        },
    }


def _managed_fields(spec: Object) -> list[Object]:
    """Write down who owns what, as a server does: Argo CD the spec, the controller the rest."""

    def owned(value: Any) -> Object:
        if not isinstance(value, dict):
            return {}
        return {".": {}} | {f"f:{key}": owned(each) for key, each in value.items()}

    entry = {"apiVersion": _API_VERSION, "fieldsType": "FieldsV1", "operation": "Update"}
    status = ("ackResourceMetadata", "codeSHA256", "codeSize", "conditions", "lastModified", "lastUpdateStatus")
    return [
        entry
        | {
            "manager": "argocd-controller",
            "operation": "Apply",
            "time": "2026-09-14T08:12:03Z",
            "fieldsV1": {
                "f:metadata": {
                    "f:annotations": {"f:argocd.argoproj.io/tracking-id": {}},
                    "f:labels": {"f:app.kubernetes.io/name": {}, "f:app.kubernetes.io/part-of": {}},
                },
                "f:spec": {key: each for key, each in owned(spec).items() if key != "."},
            },
        },
        entry
        | {
            "manager": "ack-lambda-controller",
            "time": "2026-09-14T08:12:09Z",
            "fieldsV1": {
                "f:metadata": {"f:finalizers": {".": {}, 'v:"finalizers.lambda.services.k8s.aws/Function"': {}}},
                "f:spec": {"f:architectures": {}, "f:snapStart": {".": {}, "f:applyOn": {}}, "f:packageType": {}},
            },
        },
        entry
        | {
            "manager": "ack-lambda-controller",
            "subresource": "status",
            "time": _HEARTBEAT,
            "fieldsV1": {"f:status": {".": {}} | {f"f:{each}": {} for each in status}},
        },
    ]


# ---- how they get stuck ----------------------------------------------------------------------------------------------


def _retried(function: Object, error: str) -> None:
    text = error.format(arn=function["status"]["ackResourceMetadata"]["arn"])
    function["status"]["conditions"] = [
        {"type": "ACK.Recoverable", "status": "True", "message": text},
        {"type": "ACK.ResourceSynced", "status": "Unknown", "lastTransitionTime": _HEARTBEAT, "reason": text},
        {"type": "Ready", "status": "False", "lastTransitionTime": _HEARTBEAT, "reason": "ACK.Recoverable"},
    ]


def _busy(function: Object) -> None:
    _retried(function, _BUSY)


def _denied(function: Object) -> None:
    _retried(function, _DENIED)


def _hex_digest(function: Object) -> None:
    function["spec"]["code"]["sha256"] = _HEX


def _deleted(function: Object) -> None:
    function["metadata"] |= {"deletionTimestamp": "2026-11-21T08:00:00Z", "deletionGracePeriodSeconds": 0}


def _half_updated(function: Object) -> None:
    function["status"] = copy.deepcopy(function["status"]) | {"lastUpdateStatus": "InProgress"}


_TROUBLES = (_busy, _denied, _hex_digest, _deleted, _half_updated)


def _trouble(number: int) -> Callable[[Object], None]:
    return _TROUBLES[number // UNWELL_EVERY % len(_TROUBLES)]
