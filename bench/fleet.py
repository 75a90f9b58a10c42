"""Functions as a cluster has them: three to four kilobytes each, most of it managedFields, and a few of them unwell.

No two are alike where real ones are not: digests, ids, addresses, times. A list of them is packed by gzip to an eighth,
as those of real clusters are; of one Function under ten thousand names it would be a twentieth, and whoever has to
unpack it would look quicker than he is. Each is the same in every run, but for the times, which are counted from now.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

Object = dict[str, Any]

ACCOUNT, REGION = "123456789012", "us-east-1"
HOME = "bench"  # where records are kept
NAMESPACES = tuple(f"team-{number:02d}" for number in range(20))
UNWELL_EVERY = 100  # one in a hundred

_API_VERSION = "lambda.services.k8s.aws/v1alpha1"
_WHAT = ("checkout", "orders", "billing", "search", "stock", "mail", "refunds", "prices", "reports", "images")
_DOES = ("worker", "api", "consumer", "cron", "export", "webhook", "sync", "thumbnails")
_RESYNCED = timedelta(hours=10)  # the controller's own period: each heartbeat is at most so old
_RETRIED = timedelta(minutes=15)  # and of what it retries, about
_BUSY = (
    "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 409, "
    "RequestID: {request}, ResourceConflictException: The operation cannot be performed at "
    "this time. An update is in progress for resource: {arn}"
)
_DENIED = (
    "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 403, "
    "RequestID: {request}, AccessDeniedException: User: arn:aws:sts::123456789012:"
    "assumed-role/ack-lambda-controller/session is not authorized to perform: lambda:UpdateFunctionConfiguration on "
    "resource: {arn}"
)


def fleet(numbers: Iterable[int], *, now: datetime, unwell: bool = False) -> Iterator[Object]:
    """Make the Functions of these numbers, as etcd keeps them: healthy, or each of them stuck somehow."""
    for number in numbers:
        chance = _Chance(number, now)
        function = _healthy(number, chance)
        if unwell:
            _trouble(number)(function, chance)
        yield function


def is_gone(number: int) -> bool:
    """Whether the Function of a number, where it is unwell, is one that AWS does not have any more."""
    return _trouble(number) is _deleted


def is_well_in_aws(number: int) -> bool:
    """Whether AWS says of the Function of a number, where it is unwell, that nothing is the matter with it."""
    return _trouble(number) is _half_updated


def name_of(number: int) -> str:
    """Name the Function of a number."""
    return f"{_WHAT[number % len(_WHAT)]}-{_DOES[number // 7 % len(_DOES)]}-{number:06d}"


def namespace_of(number: int) -> str:
    """Name the namespace of a Function."""
    return NAMESPACES[number % len(NAMESPACES)]


class _Chance:
    """What differs from one Function to the next, by its number."""

    def __init__(self, number: int, now: datetime) -> None:
        self._random = Random(number)
        self._now = now

    def of(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def hex(self, digits: int) -> str:
        return self._random.randbytes(digits // 2).hex()

    def base64(self, size: int) -> str:
        return base64.b64encode(self._random.randbytes(size)).decode()

    def letters(self, count: int) -> str:
        return "".join(self._random.choices(string.ascii_lowercase + string.digits, k=count))

    def uuid(self) -> str:
        return str(UUID(bytes=self._random.randbytes(16), version=4))

    def ago(self, most: timedelta) -> datetime:
        return (self._now - most * self._random.random()).astimezone(UTC)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _healthy(number: int, chance: _Chance) -> Object:
    name, namespace = name_of(number), namespace_of(number)
    created, heartbeat = _time(chance.ago(timedelta(days=600))), _time(chance.ago(_RESYNCED))
    spec = _spec(name, namespace, chance)
    return {
        "apiVersion": _API_VERSION,
        "kind": "Function",
        "metadata": {
            "annotations": {
                "argocd.argoproj.io/tracking-id": f"{namespace}:{_API_VERSION}/Function:{namespace}/{name}"
            },
            "creationTimestamp": created,
            "finalizers": ["finalizers.lambda.services.k8s.aws/Function"],
            "generation": chance.number(2, 40),
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace},
            "managedFields": _managed_fields(spec, created, heartbeat),
            "name": name,
            "namespace": namespace,
            "uid": chance.uuid(),
        },
        "spec": spec,
        "status": _status(name, heartbeat, chance),
    }


def _spec(name: str, namespace: str, chance: _Chance) -> Object:
    team = f"{chance.of(*_WHAT)}-{chance.letters(5)}"
    return {
        "architectures": [chance.of("x86_64", "arm64")],
        "code": {"s3Bucket": "shop-artifacts-eu", "s3Key": f"{namespace}/{name}/{chance.hex(40)}.zip"},
        "description": f"{chance.of('Takes', 'Books', 'Sends', 'Counts')} what {team} {chance.of('asks for', 'left')}",
        "environment": {
            "variables": {
                "DATABASE_URL": f"postgres://{team}.cluster-{chance.letters(12)}.{REGION}.rds.amazonaws.com:5432/orders",
                "QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{namespace}-{team}",
                "SENTRY_DSN": f"https://{chance.hex(32)}@o{chance.number(10**5, 10**6)}.ingest.sentry.io/4507",
                "API_TOKEN": chance.base64(30),
                "LOG_LEVEL": chance.of("info", "warning", "debug"),
                "STAGE": "production",
            }
        },
        "handler": "app.handler",
        "memorySize": chance.of(128, 256, 512, 1024, 1769),
        "name": name,
        "packageType": "Zip",
        "role": f"arn:aws:iam::{ACCOUNT}:role/{namespace}-{name}-{chance.letters(13)}",
        "runtime": chance.of("python3.13", "nodejs22.x", "provided.al2023"),
        "snapStart": {"applyOn": "None"},
        "tags": {"team": namespace, "costCenter": str(chance.number(1000, 9999)), "managedBy": "ack"},
        "timeout": chance.number(3, 60),
        "tracingConfig": {"mode": "PassThrough"},
        "vpcConfig": {
            "securityGroupIDs": [f"sg-0{chance.hex(16)}"],
            # Of those there are few, and many a Function in each.
            "subnetIDs": [f"subnet-0{Random(f'{namespace}{zone}').randbytes(8).hex()}" for zone in range(2)],
        },
    }


def _status(name: str, heartbeat: str, chance: _Chance) -> Object:
    return {
        "ackResourceMetadata": {
            "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            "ownerAccountID": ACCOUNT,
            "region": REGION,
        },
        "codeSHA256": chance.base64(32),
        "codeSize": chance.number(2_000, 50_000_000),
        "conditions": [
            {
                "type": "ACK.ResourceSynced",
                "status": "True",
                "lastTransitionTime": heartbeat,
                "message": "Resource synced successfully",
                "reason": "",
            },
            {"type": "Ready", "status": "True", "lastTransitionTime": heartbeat, "reason": "ACK.ResourceSynced"},
        ],
        "lastModified": f"{chance.ago(timedelta(days=60)):%Y-%m-%dT%H:%M:%S}.{chance.number(0, 999):03d}+0000",
        "lastUpdateStatus": "Successful",
        "revisionID": chance.uuid(),
        "state": "Active",
        "version": "$LATEST",
    }


def _managed_fields(spec: Object, created: str, heartbeat: str) -> list[Object]:
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
            "time": created,
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
            "time": created,
            "fieldsV1": {
                "f:metadata": {"f:finalizers": {".": {}, 'v:"finalizers.lambda.services.k8s.aws/Function"': {}}},
                "f:spec": {"f:architectures": {}, "f:snapStart": {".": {}, "f:applyOn": {}}, "f:packageType": {}},
            },
        },
        entry
        | {
            "manager": "ack-lambda-controller",
            "subresource": "status",
            "time": heartbeat,
            "fieldsV1": {"f:status": {".": {}} | {f"f:{each}": {} for each in status}},
        },
    ]


# ---- how they get stuck ----------------------------------------------------------------------------------------------


def _retried(function: Object, error: str, chance: _Chance) -> None:
    status = function["status"]
    text = error.format(arn=status["ackResourceMetadata"]["arn"], request=chance.uuid())
    heartbeat = _time(chance.ago(_RETRIED))
    status["conditions"] = [
        {"type": "ACK.Recoverable", "status": "True", "message": text},
        {"type": "ACK.ResourceSynced", "status": "Unknown", "lastTransitionTime": heartbeat, "reason": text},
        {"type": "Ready", "status": "False", "lastTransitionTime": heartbeat, "reason": "ACK.Recoverable"},
    ]


def _busy(function: Object, chance: _Chance) -> None:
    _retried(function, _BUSY, chance)


def _denied(function: Object, chance: _Chance) -> None:
    _retried(function, _DENIED, chance)


def _hex_digest(function: Object, chance: _Chance) -> None:
    function["spec"]["code"]["sha256"] = chance.hex(64)


def _deleted(function: Object, chance: _Chance) -> None:
    deleted = _time(chance.ago(timedelta(hours=4)) - timedelta(hours=1))
    function["metadata"] |= {"deletionTimestamp": deleted, "deletionGracePeriodSeconds": 0}


def _half_updated(function: Object, _: _Chance) -> None:
    function["status"]["lastUpdateStatus"] = "InProgress"


_TROUBLES = (_busy, _denied, _hex_digest, _deleted, _half_updated)


def _trouble(number: int) -> Callable[[Object, _Chance], None]:
    return _TROUBLES[number // UNWELL_EVERY % len(_TROUBLES)]
