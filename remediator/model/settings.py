"""What of a function ACK compares with AWS at each pass, read alike from a spec and from an answer of Lambda.

A side is written as a mapping of the spec's own paths (`tracingConfig.mode`) to texts, so that it can be shown as it
is compared. A path that is missing is one that side does not set. Environment variables are no part of it: their values
are secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

# How a structure is written that is there, with nothing in it: for ACK that differs from none (runtime, nil.go).
EMPTY = "{}"


class Referred(Struct, frozen=True):
    """Which object a reference names; without a namespace it is in that of who refers."""

    name: str | None = None
    namespace: str | None = None


class Reference(Struct, frozen=True):
    """A reference to another object, such as `spec.roleRef`."""

    to: Referred | None = msgspec.field(default=None, name="from")


class DeadLetterConfig(Struct, frozen=True, gc=False):
    """`spec.deadLetterConfig`."""

    target_arn: str | None = msgspec.field(default=None, name="targetARN")


class DurableConfig(Struct, frozen=True, rename="camel", gc=False):
    """`spec.durableConfig`: seconds, and days."""

    execution_timeout: int | None = None
    retention_period_in_days: int | None = None


class EphemeralStorage(Struct, frozen=True, gc=False):
    """`spec.ephemeralStorage`, in MiB."""

    size: int | None = None


class FileSystemConfig(Struct, frozen=True, rename="camel", gc=False):
    """One entry of `spec.fileSystemConfigs`."""

    arn: str | None = None
    local_mount_path: str | None = None


class LoggingConfig(Struct, frozen=True, rename="camel", gc=False):
    """`spec.loggingConfig`."""

    application_log_level: str | None = None
    log_format: str | None = None
    log_group: str | None = None
    system_log_level: str | None = None


class SnapStart(Struct, frozen=True, rename="camel", gc=False):
    """`spec.snapStart`."""

    apply_on: str | None = None


class TenancyConfig(Struct, frozen=True, rename="camel", gc=False):
    """`spec.tenancyConfig`."""

    tenant_isolation_mode: str | None = None


class TracingConfig(Struct, frozen=True, gc=False):
    """`spec.tracingConfig`."""

    mode: str | None = None


class VpcConfig(Struct, frozen=True):
    """`spec.vpcConfig`."""

    subnet_ids: list[str] | None = msgspec.field(default=None, name="subnetIDs")
    subnet_refs: list[Reference] | None = msgspec.field(default=None, name="subnetRefs")
    security_group_ids: list[str] | None = msgspec.field(default=None, name="securityGroupIDs")
    security_group_refs: list[Reference] | None = msgspec.field(default=None, name="securityGroupRefs")


class Settings(Struct, frozen=True, rename="camel"):
    """The part of a `spec` that `compared` reads; absent parts cost a pointer each."""

    architectures: list[str] | None = None
    dead_letter_config: DeadLetterConfig | None = None
    description: str | None = None
    durable_config: DurableConfig | None = None
    ephemeral_storage: EphemeralStorage | None = None
    file_system_configs: list[FileSystemConfig] | None = None
    handler: str | None = None
    kms_key_arn: str | None = msgspec.field(default=None, name="kmsKeyARN")
    kms_key_ref: Reference | None = None
    layers: list[str] | None = None
    logging_config: LoggingConfig | None = None
    memory_size: int | None = None
    package_type: str | None = None
    role: str | None = None
    role_ref: Reference | None = None
    runtime: str | None = None
    snap_start: SnapStart | None = None
    tenancy_config: TenancyConfig | None = None
    timeout: int | None = None
    tracing_config: TracingConfig | None = None
    vpc_config: VpcConfig | None = None


class Setting(NamedTuple):
    """One thing that is compared: its path in the spec, and in an answer of Lambda."""

    path: str
    answered: str

    @property
    def top(self) -> str:
        """The field of the spec that it is part of."""
        return self.path.partition(".")[0]

    @property
    def nested(self) -> bool:
        return "." in self.path


# As lambda-controller compares them (pkg/resource/function/delta.go); imageConfig is none of them: what AWS has of it
# is never read back into the spec (sdk.go).
SETTINGS = (
    Setting("architectures", "Architectures"),
    Setting("deadLetterConfig.targetARN", "DeadLetterConfig.TargetArn"),
    Setting("description", "Description"),
    Setting("durableConfig.executionTimeout", "DurableConfig.ExecutionTimeout"),
    Setting("durableConfig.retentionPeriodInDays", "DurableConfig.RetentionPeriodInDays"),
    Setting("ephemeralStorage.size", "EphemeralStorage.Size"),
    Setting("fileSystemConfigs", "FileSystemConfigs"),
    Setting("handler", "Handler"),
    Setting("kmsKeyARN", "KMSKeyArn"),
    Setting("layers", "Layers"),
    Setting("loggingConfig.applicationLogLevel", "LoggingConfig.ApplicationLogLevel"),
    Setting("loggingConfig.logFormat", "LoggingConfig.LogFormat"),
    Setting("loggingConfig.logGroup", "LoggingConfig.LogGroup"),
    Setting("loggingConfig.systemLogLevel", "LoggingConfig.SystemLogLevel"),
    Setting("memorySize", "MemorySize"),
    Setting("packageType", "PackageType"),
    Setting("role", "Role"),
    Setting("runtime", "Runtime"),
    Setting("snapStart.applyOn", "SnapStart.ApplyOn"),
    Setting("tenancyConfig.tenantIsolationMode", "TenancyConfig.TenantIsolationMode"),
    Setting("timeout", "Timeout"),
    Setting("tracingConfig.mode", "TracingConfig.Mode"),
    Setting("vpcConfig.securityGroupIDs", "VpcConfig.SecurityGroupIds"),
    Setting("vpcConfig.subnetIDs", "VpcConfig.SubnetIds"),
)
# What is compared as a list, in which none and an empty one are the same.
LISTS = frozenset({"architectures", "fileSystemConfigs", "layers", "vpcConfig.securityGroupIDs", "vpcConfig.subnetIDs"})


def from_spec(spec: Settings) -> dict[str, str]:
    """Write what a spec asks for."""
    return dict(_written(msgspec.to_builtins(spec), [each.path for each in SETTINGS]))


def from_answer(configuration: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Write what AWS has, by the spec's paths; what has an unexpected type is left out."""
    names = {each.answered: each.path for each in SETTINGS} | {
        each.answered.partition(".")[0]: each.top for each in SETTINGS
    }
    return tuple((names[path], text) for path, text in _written(configuration, [each.answered for each in SETTINGS]))


def _written(document: Mapping[str, Any], paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each path that is there with its text, and a structure with nothing in it as `EMPTY`, once."""
    empty = dict.fromkeys(
        top
        for top, _, leaf in (path.partition(".") for path in paths)
        if leaf and isinstance(document.get(top), Mapping)
    )
    found = {path: _text(_at(document, path)) for path in paths}
    told = {path.partition(".")[0] for path, text in found.items() if text is not None}
    for path in paths:
        top, text = path.partition(".")[0], found[path]
        if text is not None:
            yield path, text
        elif top in empty and top not in told:
            told.add(top)
            yield top, EMPTY


def _at(document: Mapping[str, Any], path: str) -> Any:
    top, _, leaf = path.partition(".")
    value = document.get(top)
    if not leaf:
        return value
    return value.get(leaf) if isinstance(value, Mapping) else None


def _text(value: Any) -> str | None:
    """Write a text or a number as it is, a list of them in one order: ACK compares them so."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, list | tuple):
        return None
    entries = [_entry(each) for each in value]
    return ", ".join(sorted(each for each in entries if each is not None))


def _entry(value: Any) -> str | None:
    """Write one entry of a list: a text, a layer as AWS tells it, a file system as either side does."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else None
    arn, mounted = (value.get("arn") or value.get("Arn"), value.get("localMountPath") or value.get("LocalMountPath"))
    texts = [each for each in (arn, mounted) if isinstance(each, str)]
    return " at ".join(texts) if texts else None
