"""One custom resource of ACK's lambda-controller, as the API server lists it: only the fields that we use.

A `Function` first of all. The other kinds lie in the same values, each with what it has of them.

Field names on the wire are Kubernetes' camelCase. Everything but the identity is optional, because a resource that
the controller has never seen has no status, and a hand-made dump lacks whatever its author left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from remediator.model.kind import FUNCTION, KINDS, LAMBDA_GROUP
from remediator.model.settings import Reference, Settings, from_spec
from remediator.model.times import parse_time

FUNCTION_GROUP = LAMBDA_GROUP
FUNCTION_FINALIZER = KINDS[FUNCTION].finalizer
# Our mark, on what a Resync or a Release is at work on.
RESYNC_ANNOTATION = "ack-remediator.dev/resync"
# People's marks, on what is to be left alone: `true`, and an RFC 3339 time.
IGNORE = "ack-remediator.dev/ignore"
IGNORE_UNTIL = "ack-remediator.dev/ignore-until"
# What the deletion-policy was before a Release set it: there only while one is under way.
POLICY_BEFORE_ANNOTATION = "ack-remediator.dev/deletion-policy-before"
# ACK's own: whether the function goes with its object. Anything but `delete` keeps it.
DELETION_POLICY = "services.k8s.aws/deletion-policy"
# The same for all in a namespace: ACK takes it where the object has none (runtime, pkg/runtime/reconciler.go).
NAMESPACE_DELETION_POLICY = f"{LAMBDA_GROUP.partition('.')[0]}.{DELETION_POLICY}"
# ACK's own: it looks, and changes nothing.
READ_ONLY = "services.k8s.aws/read-only"
RETAIN = "retain"
# ACK's own, too: set on an object whose function was there before it.
ADOPTED = "services.k8s.aws/adopted"
# What tells ACK to take over a function that exists, and by what it finds that (runtime
# apis/core/v1alpha1/annotations.go); behind the feature gate ResourceAdoption (pkg/featuregate/features.go: Beta, on by
# default).
ADOPTION_POLICY = "services.k8s.aws/adoption-policy"
ADOPTION_FIELDS = "services.k8s.aws/adoption-fields"
ADOPT_OR_CREATE = "adopt-or-create"
# What `kubectl apply` remembers of what it was given.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_REQUEST_ID = re.compile(r"(?i)\b(request ?id:?\s*)[0-9a-f-]{8,}")


class Ref(NamedTuple):
    """Which object: enough to read it again, and to know whether it is still the same one (uid)."""

    namespace: str
    name: str
    uid: str
    kind: str = FUNCTION

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Arn(NamedTuple):
    """The parts of a function's ARN (`arn:<partition>:lambda:<region>:<account>:function:<name>`)."""

    region: str
    account: str
    name: str


def function_arn(text: str | None) -> Arn | None:
    """Read a function's ARN, without a qualifier; None for anything else."""
    parts = (text or "").split(":")
    if len(parts) != 7 or parts[0] != "arn" or parts[2] != "lambda" or parts[5] != "function":
        return None
    return Arn(region=parts[3], account=parts[4], name=parts[6])


class Condition(Struct, frozen=True, rename="camel"):
    """One entry of `status.conditions`. ACK's have no observedGeneration (aws-controllers-k8s/community#1583)."""

    type: str = ""
    status: str = ""
    last_transition_time: str | None = None
    reason: str | None = None
    message: str | None = None


class ManagedFields(Struct, frozen=True, gc=False):
    """One entry of `metadata.managedFields`: who wrote, and when. What was written is skipped: it is most of an object.

    Where it matters, `model.applied` reads it after all. `subresource` is `status` for writes to that alone.
    """

    manager: str = ""
    operation: str = ""
    time: str | None = None
    subresource: str = ""


class OwnerReference(Struct, frozen=True, gc=False):
    """One entry of `metadata.ownerReferences`; `controller` marks the one that made the object and keeps it so."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class Metadata(Struct, frozen=True, rename="camel"):
    """`metadata`."""

    name: str
    namespace: str = "default"
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] | None = None
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    managed_fields: list[ManagedFields] | None = None


class Code(Struct, frozen=True, rename="camel"):
    """`spec.code`."""

    s3_bucket_ref: Reference | None = None
    sha256: str | None = None
    image_uri: str | None = msgspec.field(default=None, name="imageURI")


class Environment(Struct, frozen=True):
    """`spec.environment`. Its values are secrets: they are never shown, only masked."""

    variables: dict[str, str | None] | None = None

    def __repr__(self) -> str:
        return f"Environment({len(self.variables or {})} variables)"


class FunctionSpec(Settings, frozen=True, rename="camel"):
    """`spec`. `publish` keeps absent apart from every value: Resync may use it only where it is absent.

    What only other kinds have stands at the end.
    """

    name: str | None = None
    code: Code | None = None
    publish: bool | UnsetType | None = UNSET
    environment: Environment | None = None
    reserved_concurrent_executions: int | None = None
    code_signing_config_ref: Reference | None = None
    function_name: str | None = None
    function_ref: Reference | None = None
    qualifier: str | None = None
    layer_name: str | None = None
    event_source_ref: Reference | None = None
    queue_refs: list[Reference] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What can be compared with AWS's answer (`LiveState.configuration`), by the spec's own names."""
        return from_spec(self)


class AckMetadata(Struct, frozen=True):
    """`status.ackResourceMetadata`: where the controller found the function."""

    arn: str | None = None
    owner_account_id: str | None = msgspec.field(default=None, name="ownerAccountID")
    region: str | None = None


class FunctionStatus(Struct, frozen=True, rename="camel"):
    """`status`. state and lastUpdateStatus are snapshots of the last pass: they can be hours old.

    What only other kinds have stands at the end; a Version's environment is as secret as its function's.
    """

    ack_resource_metadata: AckMetadata | None = None
    conditions: list[Condition] | None = None
    code_sha256: str | None = msgspec.field(default=None, name="codeSHA256")
    last_modified: str | None = None
    last_update_status: str | None = None
    revision_id: str | None = msgspec.field(default=None, name="revisionID")
    state: str | None = None
    environment: Environment | None = None
    function_arn: str | None = msgspec.field(default=None, name="functionARN")
    uuid: str | None = None
    version: str | None = None
    version_number: int | None = None


class Resource(Struct, frozen=True, rename="camel"):
    """One resource, with the readings of it that more than one place needs."""

    metadata: Metadata
    api_version: str = f"{FUNCTION_GROUP}/v1alpha1"
    kind: str = FUNCTION
    spec: FunctionSpec | None = None
    status: FunctionStatus | None = None

    @property
    def ref(self) -> Ref:
        return Ref(self.metadata.namespace, self.metadata.name, self.metadata.uid, self.kind)

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.annotations or {}

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.labels or {}

    @property
    def finalizers(self) -> tuple[str, ...]:
        return tuple(self.metadata.finalizers or ())

    @property
    def is_function(self) -> bool:
        """Whether it is a Function: of the other kinds we tell what they show, and act on none."""
        return self.kind == FUNCTION

    @property
    def managed(self) -> bool:
        """Whether ACK's finalizer is there: the one thing that makes an object ACK's (runtime, descriptor.go)."""
        return f"finalizers.{FUNCTION_GROUP}/{self.kind}" in self.finalizers

    @property
    def adopted(self) -> bool:
        """Whether ACK took the function over rather than made it; it then never makes it again."""
        return self.annotations.get(ADOPTED) == "true"

    @property
    def deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @property
    def deleted_at(self) -> datetime | None:
        return parse_time(self.metadata.deletion_timestamp)

    @property
    def created_at(self) -> datetime | None:
        return parse_time(self.metadata.creation_timestamp)

    @property
    def function_name(self) -> str:
        """The function's name in AWS; empty for what is no function, whatever else it has a name for."""
        return (self.spec.name if self.spec and self.is_function else None) or ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(self.status.conditions or ()) if self.status else ()

    def condition(self, kind: str) -> Condition | None:
        """Return the first condition of a type, such as `ACK.Terminal`."""
        found = self.status.conditions if self.status else None
        for each in found or ():  # this is asked nine times of each object that is listed
            if each.type == kind:
                return each
        return None

    def holds(self, kind: str) -> bool:
        """Whether a condition is there with status True."""
        found = self.condition(kind)
        return found is not None and found.status == "True"

    @property
    def synced(self) -> bool:
        return self.holds("ACK.ResourceSynced")

    @property
    def terminal(self) -> bool:
        return self.holds("ACK.Terminal")

    @property
    def heartbeat(self) -> datetime | None:
        """When the controller last finished a pass: it rewrites this time on every one (runtime, condition.go)."""
        found = self.condition("ACK.ResourceSynced")
        return parse_time(found.last_transition_time) if found else None

    @property
    def error_text(self) -> str:
        """What the controller last complained of, without request ids (each retry has its own); empty if nothing."""
        recoverable, synced = self.condition("ACK.Recoverable"), self.condition("ACK.ResourceSynced")
        text = ""
        if recoverable is not None and recoverable.status == "True":
            text = recoverable.message or ""
        elif synced is not None and synced.status != "True":
            text = synced.reason or ""
        return strip_request_ids(text)

    @property
    def arn_text(self) -> str | None:
        place = self.status.ack_resource_metadata if self.status else None
        return place.arn if place else None

    @property
    def arn(self) -> Arn | None:
        """The function's ARN as the controller recorded it; None if absent or not a function's.

        A Version can record its function's.
        """
        return function_arn(self.arn_text) if self.is_function else None

    @property
    def in_vpc(self) -> bool:
        vpc = self.spec.vpc_config if self.spec else None
        return bool(vpc and (vpc.subnet_ids or vpc.subnet_refs))

    @property
    def secrets(self) -> frozenset[str]:
        """Every value that must not be shown: environment values, and those that `kubectl apply` remembered."""
        found: set[str] = set()
        for half in (self.spec, self.status):
            variables = half.environment.variables if half and half.environment else None
            found |= {value for value in (variables or {}).values() if value}
        return frozenset(found | _last_applied_values(self.annotations))


def strip_request_ids(text: str) -> str:
    """Remove AWS request ids, so that two retries of one error read the same."""
    return _REQUEST_ID.sub(r"\1…", text)


def _last_applied_values(annotations: Mapping[str, str]) -> set[str]:
    remembered = annotations.get(LAST_APPLIED)
    if not remembered:
        return set()
    try:
        applied = msgspec.json.decode(remembered, type=_Applied)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return set()
    environment = applied.spec.environment if applied.spec else None
    return {value for value in ((environment.variables if environment else None) or {}).values() if value}


class _AppliedSpec(Struct, frozen=True):
    environment: Environment | None = None


class _Applied(Struct, frozen=True):
    spec: _AppliedSpec | None = None
