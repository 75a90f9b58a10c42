"""What is compared of a function, read alike from both sides."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from remediator.model.resource import FunctionSpec
from remediator.model.settings import EMPTY, SETTINGS, from_answer

SPEC: dict[str, Any] = {
    "name": "checkout",
    "architectures": ["arm64"],
    "deadLetterConfig": {"targetARN": "arn:aws:sqs:us-east-1:1:dead"},
    "description": "",
    "durableConfig": {"executionTimeout": 60, "retentionPeriodInDays": 7},
    "ephemeralStorage": {"size": 512},
    "fileSystemConfigs": [{"arn": "arn:aws:efs:us-east-1:1:access-point/a", "localMountPath": "/mnt/a"}],
    "handler": "app.handler",
    "kmsKeyARN": "arn:aws:kms:us-east-1:1:key/k",
    "layers": ["arn:b:2", "arn:a:1"],
    "loggingConfig": {
        "applicationLogLevel": "INFO",
        "logFormat": "JSON",
        "logGroup": "/aws/lambda/checkout",
        "systemLogLevel": "WARN",
    },
    "memorySize": 256,
    "packageType": "Zip",
    "role": "arn:aws:iam::1:role/lambda",
    "runtime": "python3.13",
    "snapStart": {"applyOn": "None"},
    "tenancyConfig": {"tenantIsolationMode": "PER_TENANT"},
    "timeout": 3,
    "tracingConfig": {"mode": "Active"},
    "vpcConfig": {"subnetIDs": ["subnet-2", "subnet-1"], "securityGroupIDs": ["sg-1"]},
}
ANSWER: dict[str, Any] = {
    "FunctionName": "checkout",
    "Architectures": ["arm64"],
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:1:dead"},
    "Description": "",
    "DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 7},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [{"Arn": "arn:aws:efs:us-east-1:1:access-point/a", "LocalMountPath": "/mnt/a"}],
    "Handler": "app.handler",
    "KMSKeyArn": "arn:aws:kms:us-east-1:1:key/k",
    "Layers": [{"Arn": "arn:a:1", "CodeSize": 1}, {"Arn": "arn:b:2", "CodeSize": 1}],
    "LoggingConfig": {
        "ApplicationLogLevel": "INFO",
        "LogFormat": "JSON",
        "LogGroup": "/aws/lambda/checkout",
        "SystemLogLevel": "WARN",
    },
    "MemorySize": 256,
    "PackageType": "Zip",
    "Role": "arn:aws:iam::1:role/lambda",
    "Runtime": "python3.13",
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "Active"},
    "VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"},
}


def settings(spec: dict[str, Any]) -> dict[str, str]:
    return msgspec.convert(spec, FunctionSpec).settings


def test_both_sides_read_alike() -> None:
    """Lists in any order, and whatever else AWS tells: that is how ACK compares them."""
    assert settings(SPEC) == dict(from_answer(ANSWER))
    assert set(settings(SPEC)) == {each.path for each in SETTINGS}


def test_what_is_absent_is_not_there() -> None:
    assert settings({"name": "checkout"}) == {}
    assert from_answer({"FunctionName": "checkout", "Description": None, "Layers": None}) == ()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"TracingConfig": {}}, {"tracingConfig": EMPTY}),
        ({"LoggingConfig": {"LogFormat": None, "New": 1}}, {"loggingConfig": EMPTY}),
        ({"LoggingConfig": {"LogFormat": "Text"}}, {"loggingConfig.logFormat": "Text"}),
        ({"VpcConfig": {"SubnetIds": []}}, {"vpcConfig.subnetIDs": ""}),
        ({"Layers": []}, {"layers": ""}),
    ],
)
def test_a_structure_that_is_empty_is_there(answer: dict[str, Any], told: dict[str, str]) -> None:
    assert dict(from_answer(answer)) == told


@pytest.mark.parametrize("value", [True, 1.5, object()])
def test_what_has_an_unexpected_type_is_left_out(value: object) -> None:
    assert from_answer({"MemorySize": value, "TracingConfig": value, "Layers": [value, {"Arn": value}]}) == (
        ("layers", ""),
    )


def test_a_healthy_resource_costs_little_more() -> None:
    """Structures without a field of their own for the garbage collector: a fleet of them is held during a scan."""
    spec = msgspec.convert(SPEC, FunctionSpec)
    parts = (spec.tracing_config, spec.ephemeral_storage, spec.snap_start, spec.logging_config, spec.dead_letter_config)
    assert all(part is not None and part.__struct_config__.gc is False for part in parts)
