"""What Lambda's reason codes mean: whether waiting can help, and who can do something about it.

StateReasonCode and LastUpdateStatusReasonCode are open enums: the answers hold codes that no documentation has, and new
ones come. An unknown code is shown as it is, and taken as permanent: better to report than to retry for ever. Source:
AWS Lambda API reference (FunctionConfiguration), and the documentation of VPC, container image, KMS and file system
settings.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ReasonClass(StrEnum):
    """What becomes of a reason with time: `transient` passes, `capacity` where room is made, `permanent` never does."""

    NORMAL = "normal"
    TRANSIENT = "transient"
    CAPACITY = "capacity"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Reason(Struct, frozen=True):
    """One code. `at_first` is its class in the first minutes of an update, where that is another."""

    code: str
    kind: ReasonClass
    advice: str
    at_first: ReasonClass | None = None

    @property
    def takes_a_person(self) -> bool:
        """Whether somebody is known to have to do something about it."""
        return self.kind in (ReasonClass.CAPACITY, ReasonClass.PERMANENT)

    def of_update(self, *, young: bool) -> ReasonClass:
        """Say what becomes of an update that failed for it."""
        return self.at_first if young and self.at_first is not None else self.kind


_NORMAL, _T, _C, _P = ReasonClass.NORMAL, ReasonClass.TRANSIENT, ReasonClass.CAPACITY, ReasonClass.PERMANENT

_TABLE = (
    Reason("Idle", _NORMAL, "nothing is wrong: the next invocation or update wakes it"),
    Reason("Creating", _T, "wait"),
    Reason("Restoring", _T, "wait: it is being brought back after idling"),
    Reason("DrainingDurableExecutions", _T, "wait for its durable executions to end, which can take days"),
    Reason("EniLimitExceeded", _C, "free network interfaces of the VPC, or have their quota raised"),
    Reason("SubnetOutOfIPAddresses", _C, "free addresses in the subnet, or use a larger one"),
    Reason("InvalidSubnet", _P, "correct the subnets in the spec, or the reference to them"),
    Reason("InvalidSecurityGroup", _P, "correct the security groups in the spec, or the reference to them"),
    Reason(
        "InsufficientRolePermissions",
        _P,
        "let the function's role create, describe and delete network interfaces",
        at_first=_T,
    ),
    Reason("InvalidConfiguration", _P, "correct the settings that contradict each other"),
    Reason("InternalError", _T, "try once more after some minutes, then ask AWS support"),
    Reason("ImageDeleted", _P, "push the image again, or name one that is there"),
    Reason("ImageAccessDenied", _P, "let Lambda read the image in the policy of its repository"),
    Reason("InvalidImage", _P, "build the image anew, for the function's architecture"),
    Reason("KMSKeyAccessDenied", _P, "let the function's role use the key, by its policy or a grant"),
    Reason("KMSKeyNotFound", _P, "name a key that exists in this region"),
    Reason("InvalidStateKMSKey", _P, "cancel the key's deletion, or finish its import"),
    Reason("DisabledKMSKey", _P, "enable the key"),
    Reason("EFSIOError", _T, "look at the file system, then try once more"),
    Reason("EFSMountConnectivityError", _T, "see that a mount target can be reached on port 2049, then try once more"),
    Reason("EFSMountFailure", _T, "look at access point and mount target, then try once more"),
    Reason("EFSMountTimeout", _T, "see that a mount target answers in time, then try once more"),
    Reason("InvalidRuntime", _P, "name a runtime that Lambda supports"),
    Reason("InvalidZipFileException", _P, "build the package anew"),
    Reason("FunctionError", _P, "correct the function: its start fails, and its logs tell why"),
    Reason("FunctionError.InitTimeout", _T, "try once more, then make the function start faster"),
    Reason("FunctionError.RuntimeInitError", _P, "correct the function: its runtime does not start"),
    Reason("FunctionError.ExtensionInitError", _P, "correct or remove the extension that does not start"),
    Reason("FunctionError.InitResourceExhausted", _P, "give the function more memory or storage to start with"),
    Reason("FunctionError.TooManyExtensions", _P, "remove extensions"),
    Reason("FunctionError.InvalidEntryPoint", _P, "correct the entry point in imageConfig"),
    Reason("FunctionError.InvalidWorkingDirectory", _P, "correct the working directory in imageConfig"),
    Reason("FunctionError.PermissionDenied", _P, "make the entry point executable in the image"),
    Reason("VcpuLimitExceeded", _C, "have the quota of vCPUs raised"),
    Reason("CapacityProviderScalingLimitExceeded", _C, "let the capacity provider grow further"),
    Reason("InsufficientCapacity", _T, "wait, or allow other zones or instance types"),
    Reason("EC2RequestLimitExceeded", _T, "wait, and spread deployments over time"),
    Reason("DisallowedByVpcEncryptionControl", _P, "ask who owns the VPC's encryption control"),
    Reason("ServiceQuotaExceededException", _C, "have the quota that is named raised"),
    Reason("IncompatibleAcceleratorInstanceTypes", _P, "name instance types that have what the function asks for"),
)

REASON_CODES: dict[str, Reason] = {each.code: each for each in _TABLE}


def reason_of(code: str | None) -> Reason:
    """Look a code up; one that we do not know, and none at all, are `unknown`."""
    if not code:
        return Reason("", ReasonClass.UNKNOWN, "")
    return REASON_CODES.get(code) or Reason(
        code, ReasonClass.UNKNOWN, "this code is not known here; see what AWS documents of it"
    )
