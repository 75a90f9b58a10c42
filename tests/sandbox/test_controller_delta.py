"""What the sandbox's controller takes for a difference, and what it writes and sends because of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from remediator.sandbox.ack import function
from remediator.sandbox.ack.delta import delta, touches_code, touches_configuration
from remediator.sandbox.ack.resource import (
    FINALIZER,
    merge_patch,
    metadata_and_spec_patch,
    status_patch,
    with_finalizer,
    with_system_tags,
    without_finalizer,
)

SHA = "gRYxIpg4vEhSzkSxjjZq8YDfKtSaQuRGX5hCE2VjvAw="


def resource(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    base = {"name": "orders", "code": {"s3Bucket": "b", "s3Key": "k"}, "role": "r", "packageType": "Zip"}
    metadata = {"namespace": "shop", "name": "orders"}
    return {"metadata": metadata, "spec": {**base, **spec}, "status": {"codeSHA256": SHA, **(status or {})}}


@pytest.mark.parametrize(
    ("want", "have", "paths"),
    [
        ({"timeout": 9}, {"timeout": 3}, {"timeout"}),
        ({}, {"description": ""}, {"description"}),
        ({"publish": False}, {}, set()),
        ({"layers": [], "fileSystemConfigs": []}, {}, set()),
        ({"layers": ["a"]}, {"layers": ["b"]}, {"layers"}),
        ({"environment": {"variables": {"A": "1"}}}, {}, {"environment"}),
        (
            {"environment": {"variables": {"A": "1"}}},
            {"environment": {"variables": {"A": "2"}}},
            {"environment.variables"},
        ),
        ({"tags": {"a": "b"}}, {}, {"tags"}),
        ({"reservedConcurrentExecutions": 5}, {}, {"reservedConcurrentExecutions"}),
    ],
)
def test_what_differs(want: dict[str, Any], have: dict[str, Any], paths: set[str]) -> None:
    assert delta(resource(**want), resource(**have)) == paths


@pytest.mark.parametrize(
    ("checksum", "package", "differs"),
    [(SHA, "Zip", False), ("81163122" * 8, "Zip", True), ("anything", None, False), (None, "Zip", False)],
)
def test_the_checksum_is_compared_as_a_string_for_zip_only(
    checksum: str | None, package: str | None, differs: bool
) -> None:
    code = {"s3Bucket": "b", "s3Key": "k", **({"sha256": checksum} if checksum else {})}
    want = resource(code=code, packageType=package)
    assert ("code.sha256" in delta(want, copy.deepcopy(want))) is differs


def test_a_new_place_of_the_code_alone_is_not_seen() -> None:
    moved = resource(code={"s3Bucket": "b", "s3Key": "k2"})
    have = function.observed(moved, {"FunctionName": "orders", "FunctionArn": "arn", "PackageType": "Zip", "Role": "r"})
    assert "code.sha256" not in delta(moved, have)


def test_code_and_configuration_are_told_apart() -> None:
    assert touches_code(frozenset({"code.sha256", "environment.variables"}))
    assert touches_code(frozenset({"architectures"}))
    assert touches_configuration(frozenset({"environment.variables"}))
    rest = {
        "tags",
        "reservedConcurrentExecutions",
        "functionEventInvokeConfig.maximumRetryAttempts",
        "code.sha256",
    }
    assert not touches_configuration(frozenset(rest))


def test_an_answer_of_lambda_overwrites_spec_and_status() -> None:
    answer = {
        "FunctionName": "orders",
        "FunctionArn": "arn:orders",
        "Timeout": 3,
        "State": "Active",
        "RevisionId": "rev",
        "VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"], "VpcId": "v"},
        "KMSKeyArn": "key",
        "Environment": {"Variables": {"A": "1"}},
    }
    seen = function.observed(resource(timeout=9, handler="gone", publish=True), answer)
    assert seen["spec"] == {
        "name": "orders",
        "code": {"s3Bucket": "b", "s3Key": "k"},
        "timeout": 3,
        "publish": True,
        "vpcConfig": {"subnetIDs": ["s"], "securityGroupIDs": ["g"]},
        "kmsKeyARN": "key",
        "environment": {"variables": {"A": "1"}},
    }
    assert seen["status"]["ackResourceMetadata"] == {"arn": "arn:orders"}
    assert (seen["status"]["state"], seen["status"]["revisionID"]) == ("Active", "rev")


def test_only_what_differs_is_sent_and_what_is_removed_is_emptied() -> None:
    sent = function.configuration_parameters(
        resource(timeout=9, memorySize=128), frozenset({"timeout", "environment", "description"})
    )
    assert sent == {"FunctionName": "orders", "Timeout": 9, "Description": "", "Environment": {}}


def test_a_new_checksum_sends_the_place_of_the_code() -> None:
    want = resource(architectures=["arm64"])
    sent = function.code_parameters(want, want, frozenset({"code.sha256"}))
    place = {"FunctionName": "orders", "Architectures": ["arm64"], "S3Bucket": "b", "S3Key": "k"}
    assert function.code_parameters(want, want, frozenset({"architectures"})) == place
    assert sent == {"FunctionName": "orders", "Architectures": ["arm64"], "S3Bucket": "b", "S3Key": "k"}


def test_the_controllers_own_tags_never_reach_the_spec() -> None:
    before = with_system_tags(resource(tags={"team": "a"}))
    assert before["spec"]["tags"]["services.k8s.aws/namespace"] == "shop"
    after = copy.deepcopy(before)
    after["spec"]["tags"]["aws:cloudformation:stack-name"] = "s"
    assert metadata_and_spec_patch(before, after) == {}
    after["spec"]["timeout"] = 3
    assert metadata_and_spec_patch(before, after) == {"spec": {"timeout": 3}}


def test_finalizers_are_patched_as_a_whole_list() -> None:
    theirs = resource()
    theirs["metadata"]["finalizers"] = ["other/one"]
    managed = with_finalizer(theirs)
    assert metadata_and_spec_patch(theirs, managed) == {"metadata": {"finalizers": ["other/one", FINALIZER]}}
    assert metadata_and_spec_patch(managed, without_finalizer(managed)) == {"metadata": {"finalizers": ["other/one"]}}
    alone = with_finalizer(resource())
    assert metadata_and_spec_patch(alone, without_finalizer(alone)) == {"metadata": {"finalizers": None}}


def test_a_merge_patch_leads_from_one_object_to_the_other() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "e": [], "g": {"h": 1}}
    after = {"a": 2, "b": {"c": 1, "d": [2]}, "f": [], "i": {"j": 1}}
    assert merge_patch(before, after) == {"a": 2, "b": {"d": [2]}, "g": None, "i": {"j": 1}}
    assert status_patch(resource(), resource()) == {}
