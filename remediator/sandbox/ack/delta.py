"""What differs between the spec that a user wants and the function that Lambda has."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.ack.resource import Resource

# Fields that are compared as values, and those that are compared part by part. References, publish and the image
# configuration are copied from the spec when a function is read, so they never differ.
_VALUES = (
    "codeSigningConfigARN",
    "description",
    "handler",
    "kmsKeyARN",
    "memorySize",
    "name",
    "packageType",
    "reservedConcurrentExecutions",
    "role",
    "runtime",
    "timeout",
)
_LISTS = ("architectures", "fileSystemConfigs", "layers")
_STRUCTS = (
    "deadLetterConfig",
    "durableConfig",
    "environment",
    "ephemeralStorage",
    "functionEventInvokeConfig",
    "loggingConfig",
    "snapStart",
    "tenancyConfig",
    "tracingConfig",
    "vpcConfig",
)
_NOT_CONFIGURATION = (
    "code",
    "codeSigningConfigARN",
    "functionEventInvokeConfig",
    "reservedConcurrentExecutions",
    "tags",
    "tenancyConfig",
)


def delta(desired: Resource, latest: Resource) -> frozenset[str]:
    """Return the paths in spec that differ (lambda-controller pkg/resource/function/delta.go)."""
    want, have = desired["spec"], latest["spec"]
    different = {field for field in _VALUES if want.get(field) != have.get(field)}
    # Lists are compared by length first: an empty one and none are the same.
    different |= {field for field in _LISTS if (want.get(field) or []) != (have.get(field) or [])}
    for field in _STRUCTS:
        different |= {f"{field}{part}" for part in _parts(want.get(field), have.get(field))}
    if (want.get("tags") or {}) != (have.get("tags") or {}):
        different.add("tags")
    wanted_code, code = want.get("code") or {}, have.get("code") or {}
    if wanted_code.get("imageURI") != code.get("imageURI"):
        different.add("code.imageURI")
    if _checksum_differs(want, wanted_code, latest.get("status") or {}):
        different.add("code.sha256")
    return frozenset(different)


def touches_code(different: frozenset[str]) -> bool:
    """Tell whether the code is to be updated: then it wins, and the configuration is not looked at in this pass."""
    return bool(different & {"code.imageURI", "code.sha256", "architectures"})


def touches_configuration(different: frozenset[str]) -> bool:
    """Tell whether UpdateFunctionConfiguration is called for."""
    return any(path.split(".")[0] not in _NOT_CONFIGURATION for path in different)


def _checksum_differs(want: dict[str, Any], wanted_code: dict[str, Any], status: dict[str, Any]) -> bool:
    """Compare `spec.code.sha256` as a string with the live CodeSha256, for a Zip function only (hooks.go)."""
    checksum = wanted_code.get("sha256")
    return want.get("packageType") == "Zip" and checksum is not None and checksum != status.get("codeSHA256")


def _parts(want: dict[str, Any] | None, have: dict[str, Any] | None) -> list[str]:
    """Return the suffixes of a structure's fields that differ; the structure itself where only one side has it."""
    if (want is None) != (have is None):
        return [""]
    want, have = want or {}, have or {}
    return [f".{key}" for key in {**want, **have} if (want.get(key) or None) != (have.get(key) or None)]
