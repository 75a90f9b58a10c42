"""The two tongues of a function: the custom resource's spec and status, and the parameters and answers of Lambda."""

from __future__ import annotations

import copy
from typing import Any

from remediator.sandbox.ack.errors import Panicked
from remediator.sandbox.ack.resource import Resource

_SCALARS = {
    "architectures": "Architectures",
    "description": "Description",
    "handler": "Handler",
    "kmsKeyARN": "KMSKeyArn",
    "memorySize": "MemorySize",
    "packageType": "PackageType",
    "role": "Role",
    "runtime": "Runtime",
    "timeout": "Timeout",
}
_STRUCTS = {
    "deadLetterConfig": ("DeadLetterConfig", {"targetARN": "TargetArn"}),
    "durableConfig": (
        "DurableConfig",
        {"executionTimeout": "ExecutionTimeout", "retentionPeriodInDays": "RetentionPeriodInDays"},
    ),
    "environment": ("Environment", {"variables": "Variables"}),
    "ephemeralStorage": ("EphemeralStorage", {"size": "Size"}),
    "loggingConfig": (
        "LoggingConfig",
        {
            "applicationLogLevel": "ApplicationLogLevel",
            "logFormat": "LogFormat",
            "logGroup": "LogGroup",
            "systemLogLevel": "SystemLogLevel",
        },
    ),
    "snapStart": ("SnapStart", {"applyOn": "ApplyOn"}),
    "tenancyConfig": ("TenancyConfig", {"tenantIsolationMode": "TenantIsolationMode"}),
    "tracingConfig": ("TracingConfig", {"mode": "Mode"}),
    "vpcConfig": ("VpcConfig", {"securityGroupIDs": "SecurityGroupIds", "subnetIDs": "SubnetIds"}),
}
_CODE = {
    "imageURI": "ImageUri",
    "s3Bucket": "S3Bucket",
    "s3Key": "S3Key",
    "s3ObjectVersion": "S3ObjectVersion",
    "zipFile": "ZipFile",
}
_FILE_SYSTEM = {"arn": "Arn", "localMountPath": "LocalMountPath"}
_IMAGE = {"command": "Command", "entryPoint": "EntryPoint", "workingDirectory": "WorkingDirectory"}
_EVENT_INVOKE = {
    "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
    "maximumRetryAttempts": "MaximumRetryAttempts",
}
_STATUS = {
    "codeSHA256": "CodeSha256",
    "codeSize": "CodeSize",
    "lastModified": "LastModified",
    "lastUpdateStatus": "LastUpdateStatus",
    "lastUpdateStatusReason": "LastUpdateStatusReason",
    "lastUpdateStatusReasonCode": "LastUpdateStatusReasonCode",
    "masterARN": "MasterArn",
    "revisionID": "RevisionId",
    "signingJobARN": "SigningJobArn",
    "signingProfileVersionARN": "SigningProfileVersionArn",
    "state": "State",
    "stateReason": "StateReason",
    "stateReasonCode": "StateReasonCode",
    "version": "Version",
}


def observed(resource: Resource, configuration: dict[str, Any]) -> Resource:
    """Return the resource with everything in spec and status that Lambda answers overwritten by its answer.

    What Lambda does not answer (code location, publish, image configuration) stays as the user wrote it, so no change
    of those is ever seen (lambda-controller pkg/resource/function/sdk.go, sdkFind).
    """
    seen = copy.deepcopy(resource)
    spec, status = seen["spec"], seen.setdefault("status", {})
    for ours, theirs in _SCALARS.items():
        _put(spec, ours, configuration.get(theirs))
    for ours, (theirs, fields) in _STRUCTS.items():
        answer = configuration.get(theirs)
        _put(spec, ours, None if answer is None else _translated(answer, _inverse(fields)))
    systems = configuration.get("FileSystemConfigs")
    _put(spec, "fileSystemConfigs", systems and [_translated(one, _inverse(_FILE_SYSTEM)) for one in systems])
    spec["name"] = configuration["FunctionName"]
    if configuration.get("Layers") is not None:
        _put(spec, "layers", [layer["Arn"] for layer in configuration["Layers"]] or None)
    for ours, theirs in _STATUS.items():
        _put(status, ours, configuration.get(theirs))
    status.setdefault("ackResourceMetadata", {})["arn"] = configuration["FunctionArn"]
    return seen


def create_parameters(resource: Resource) -> dict[str, Any]:
    """Build the parameters of CreateFunction; reserved concurrency and the like follow in later passes."""
    spec = resource["spec"]
    parameters: dict[str, Any] = {
        "FunctionName": spec["name"],
        "Code": _translated(spec.get("code") or {}, _CODE),
    }
    for ours, theirs in _SCALARS.items():
        _put(parameters, theirs, spec.get(ours))
    for ours in (*_STRUCTS, "fileSystemConfigs", "layers", "imageConfig"):
        if spec.get(ours) is not None:
            theirs, value = _configured(spec, ours)
            parameters[theirs] = value
    _put(parameters, "Tags", spec.get("tags"))
    _put(parameters, "Publish", spec.get("publish"))
    _put(parameters, "CodeSigningConfigArn", spec.get("codeSigningConfigARN") or None)
    return parameters


def code_parameters(desired: Resource, latest: Resource, different: frozenset[str]) -> dict[str, Any]:
    """Build the parameters of UpdateFunctionCode (hooks.go, updateFunctionCode)."""
    spec, code = desired["spec"], desired["spec"].get("code") or {}
    parameters: dict[str, Any] = {"FunctionName": spec["name"]}
    _put(parameters, "Architectures", spec.get("architectures"))
    if "code.sha256" in different and code.get("sha256") is not None:
        location = {ours: code[ours] for ours in _CODE if ours != "imageURI" and ours in code}
    elif "code.imageURI" in different and code.get("imageURI") is not None:
        location = {"imageURI": code["imageURI"]}
    else:
        fields = ("imageURI",) if latest["spec"].get("packageType") == "Image" else ("s3Bucket", "s3Key")
        location = {ours: value for ours, value in (latest["spec"].get("code") or {}).items() if ours in fields}
    return parameters | _translated(location, _CODE)


def configuration_parameters(desired: Resource, different: frozenset[str]) -> dict[str, Any]:
    """Build the parameters of UpdateFunctionConfiguration from what differs; a setting that was removed is emptied."""
    spec = desired["spec"]
    parameters: dict[str, Any] = {"FunctionName": spec["name"]}
    tops = {path.split(".")[0] for path in different}
    for ours, theirs in _SCALARS.items():
        if ours in tops and ours not in ("architectures", "packageType"):
            empty: object = 0 if ours in ("memorySize", "timeout") else ""
            parameters[theirs] = spec.get(ours, empty)
    for ours in (*_STRUCTS, "fileSystemConfigs", "layers", "imageConfig"):
        if ours in tops and ours != "tenancyConfig":
            theirs, value = _configured(spec, ours)
            if value or ours not in (
                "durableConfig",
                "fileSystemConfigs",
                "imageConfig",
                "layers",
                "loggingConfig",
            ):
                parameters[theirs] = value
    return parameters


def event_invoke_parameters(resource: Resource) -> dict[str, Any]:
    """Build the parameters of PutFunctionEventInvokeConfig."""
    wanted = resource["spec"]["functionEventInvokeConfig"]
    parameters = {"FunctionName": resource["spec"]["name"], **_translated(wanted, _EVENT_INVOKE)}
    destinations = wanted.get("destinationConfig") or {}
    for ours, theirs in (("onFailure", "OnFailure"), ("onSuccess", "OnSuccess")):
        if destination := (destinations.get(ours) or {}).get("destination"):
            parameters.setdefault("DestinationConfig", {})[theirs] = {"Destination": destination}
    return parameters


def event_invoke_spec(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the spec's part for an answer of GetFunctionEventInvokeConfig, destinations always included.

    Raise Panicked where a part is not set: v1.14.1 takes all of them for granted (hooks.go,
    setFunctionEventInvokeConfigFromResponse).
    """
    spec = _translated(answer, _inverse(_EVENT_INVOKE))
    destinations = answer.get("DestinationConfig") or {}
    if spec.keys() != _EVENT_INVOKE.keys() or not {"OnFailure", "OnSuccess"} <= destinations.keys():
        raise Panicked("runtime error: invalid memory address or nil pointer dereference")
    spec["destinationConfig"] = {
        ours: {"destination": destination} if (destination := destinations[theirs].get("Destination")) else {}
        for ours, theirs in (("onFailure", "OnFailure"), ("onSuccess", "OnSuccess"))
    }
    return spec


def _configured(spec: dict[str, Any], ours: str) -> tuple[str, Any]:
    if ours == "layers":
        return "Layers", spec.get("layers") or []
    if ours == "fileSystemConfigs":
        return "FileSystemConfigs", [_translated(one, _FILE_SYSTEM) for one in spec.get(ours) or []]
    if ours == "imageConfig":
        return "ImageConfig", _translated(spec.get(ours) or {}, _IMAGE)
    theirs, fields = _STRUCTS[ours]
    return theirs, _translated(spec.get(ours) or {}, fields)


def _translated(source: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: value for key, value in source.items() if key in names and value is not None}


def _inverse(names: dict[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in names.items()}


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    """Set a key, or take it away where there is no value."""
    if value is None:
        target.pop(key, None)
    else:
        target[key] = value
