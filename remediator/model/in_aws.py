"""What a resource is in AWS: each kind is found there by something else."""

from __future__ import annotations

from typing import NamedTuple

from remediator.model.resource import FunctionSpec, FunctionStatus, Resource

_NO_SPEC, _NO_STATUS = FunctionSpec(), FunctionStatus()


class Named(NamedTuple):
    """A field of the spec that names something in AWS: what it says, and what the recorded ARN says."""

    field: str
    says: str
    recorded: str


def function_of(resource: Resource) -> str:
    """Name the function that it is, or belongs to; empty where only a reference tells."""
    spec, status = resource.spec or _NO_SPEC, resource.status or _NO_STATUS
    if resource.is_function:
        return spec.name or ""
    return _function_in(spec.function_name) or _function_in(status.function_arn) or _function_in(resource.arn_text)


def _function_in(text: str | None) -> str:
    """Read a function's name where it can be an ARN, with or without a qualifier, or a part of one."""
    text = text or ""
    if text.startswith("arn:") and ":function:" not in text:
        return ""  # of something else, such as an event source mapping
    return text.rpartition(":function:")[2].split(":", 1)[0]


def in_aws(resource: Resource) -> str:
    """Say in words what it is in AWS, as far as the object tells."""
    spec, status = resource.spec or _NO_SPEC, resource.status or _NO_STATUS
    function = function_of(resource)
    of = f" of function {function!r}" if function else ""
    match resource.kind:
        case "Alias":
            return f"alias {spec.name or ''!r}{of}"
        case "Version":
            return f"version {status.version or '(not published yet)'}{of}"
        case "FunctionURLConfig":
            return f"URL{of}{f', qualifier {spec.qualifier}' if spec.qualifier else ''}"
        case "EventSourceMapping":
            return f"event source mapping {status.uuid or '(without a UUID yet)'}{of}"
        case "LayerVersion":
            number = status.version_number
            return f"{'a version' if number is None else f'version {number}'} of layer {spec.layer_name or ''!r}"
        case "CodeSigningConfig":
            return f"code signing config {resource.arn_text or '(without an ARN yet)'}"
        case _:
            return f"function {function!r}"


def renamed(resource: Resource) -> Named | None:
    """Find a name in the spec that is not the one in the recorded ARN; None where they agree, or either is missing.

    Of an Alias ACK asks by function and name, of a LayerVersion by layer: under another name it finds nothing, and what
    the object made stays in AWS.
    """
    named = [each for each in _names(resource) if each.says and each.recorded]
    return next((each for each in named if each.says != each.recorded), None)


def _names(resource: Resource) -> tuple[Named, ...]:
    spec, parts = resource.spec or _NO_SPEC, (resource.arn_text or "").split(":")
    if len(parts) != 8:
        return ()
    if resource.kind == "Alias" and parts[5] == "function":
        stated = function_of(resource) if spec.function_name else ""
        return Named("spec.functionName", stated, parts[6]), Named("spec.name", spec.name or "", parts[7])
    if resource.kind == "LayerVersion" and parts[5] == "layer":
        return (Named("spec.layerName", spec.layer_name or "", parts[6]),)
    return ()
