"""Answers of Lambda, live or from a dump: read for what they say, and never the worse for what is new in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from remediator.aws.answers import present
from remediator.model.live import Presence

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
CONFIGURATION: dict[str, Any] = {
    "FunctionName": "orders",
    "FunctionArn": ARN,
    "Runtime": "python3.13",
    "Role": "arn:aws:iam::123456789012:role/lambda",
    "Handler": "app.handler",
    "CodeSize": 310,
    "Description": "",
    "Timeout": 3,
    "MemorySize": 256,
    "LastModified": "2026-11-21T10:00:00.000+0000",
    "CodeSha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    "RevisionId": "r-1",
    "PackageType": "Zip",
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being updated.",
    "LastUpdateStatusReasonCode": "Updating",
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [], "VpcId": "vpc-1"},
    "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"},
    "Environment": {"Variables": {"DB_PASSWORD": "correct-horse-battery", "STAGE": "prod"}},
}


def test_everything_that_is_used_is_read() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    seen = present(CONFIGURATION, at=at, identity="arn:aws:iam::1:user/joe", account="1", region="us-east-1")
    assert msgspec.structs.asdict(seen) == {
        "presence": Presence.PRESENT,
        "why": "",
        "passing": False,
        "vouched": "unproven",
        "at": at,
        "identity": "arn:aws:iam::1:user/joe",
        "account": "1",
        "region": "us-east-1",
        "arn": ARN,
        "state": "Pending",
        "state_reason": "The function is being created.",
        "state_reason_code": "Creating",
        "last_update_status": "InProgress",
        "last_update_status_reason": "The function is being updated.",
        "last_update_status_reason_code": "Updating",
        "last_modified": datetime(2026, 11, 21, 10, tzinfo=UTC),
        "revision_id": "r-1",
        "code_sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
        "package_type": "Zip",
        "in_vpc": True,
        "snap_start": True,
        "configuration": (
            ("description", ""),
            ("handler", "app.handler"),
            ("memorySize", "256"),
            ("packageType", "Zip"),
            ("role", "arn:aws:iam::123456789012:role/lambda"),
            ("runtime", "python3.13"),
            ("snapStart.applyOn", "PublishedVersions"),
            ("timeout", "3"),
            ("vpcConfig.securityGroupIDs", ""),
            ("vpcConfig.subnetIDs", "subnet-1"),
        ),
        "image_uri": None,
        "environment": {"DB_PASSWORD": "correct-horse-battery", "STAGE": "prod"},
    }


def test_both_calls_answer_alike() -> None:
    code = {"RepositoryType": "S3", "Location": "https://bucket.example.invalid/code?X-Amz-Signature=5ec7e7"}
    seen = present({"Configuration": CONFIGURATION, "Code": code, "Tags": {"team": "shop"}})
    assert seen == present(CONFIGURATION)
    assert "X-Amz-Signature" not in msgspec.json.encode(seen).decode()


def test_the_image_is_read_where_it_is_told_and_never_the_link_beside_it() -> None:
    code = {"ImageUri": "shop/checkout:2", "Location": "https://bucket.example.invalid/code?X-Amz-Signature=5ec7e7"}
    seen = present({"Configuration": CONFIGURATION, "Code": code})
    assert seen.image_uri == "shop/checkout:2"
    assert "X-Amz-Signature" not in msgspec.json.encode(seen).decode()
    assert present({"Configuration": CONFIGURATION, "Code": {"ImageUri": 7}}).image_uri is None


def test_a_function_from_before_states_existed_is_active() -> None:
    seen = present({"FunctionArn": ARN, "FunctionName": "orders"})
    assert (seen.state, seen.last_update_status) == ("Active", None)
    assert not seen.busy


@pytest.mark.parametrize("state", ["ActiveNonInvocable", "Deactivating", "Hibernating"])
def test_states_that_are_new_are_kept_as_they_are(state: str) -> None:
    seen = present(CONFIGURATION | {"State": state, "LastUpdateStatus": "Successful"})
    assert (seen.state, seen.kind_of_state) == (state, f"{state}/Successful")


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, ["Active"], {"a": 1}, ""])
@pytest.mark.parametrize("key", sorted(CONFIGURATION))
def test_no_field_of_another_type_breaks_anything(key: str, value: Any) -> None:
    seen = present(CONFIGURATION | {key: value})
    if key in ("State", "LastUpdateStatus") and value not in (None, ""):
        assert (seen.presence, seen.why) == (Presence.UNREADABLE, f"the answer's {key} is no text")
    else:
        assert seen.present
        assert seen.state
    msgspec.json.encode(seen)
    repr(seen)


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    """JSON can spell it, and no terminal can take it."""
    told = json.loads('{"StateReason": "half \\ud83d a smile", "Description": "\\udc00"}')
    seen = present(CONFIGURATION | told)
    assert seen.state_reason == "half ? a smile"
    assert dict(seen.configuration)["description"] == "?"


@pytest.mark.parametrize("value", [None, 7, "text", [], [{"FunctionName": "orders"}], True])
def test_a_configuration_that_is_none(value: Any) -> None:
    seen = present({"Configuration": value})
    assert (seen.present, seen.arn, seen.state) == (True, None, "Active")


@pytest.mark.parametrize(
    ("variables", "kept"),
    [
        ({"A": "one", "B": 2, "C": None, "D": ["x"]}, {"A": "one"}),
        (["A=1"], {}),
        ("A=1", {}),
        (None, {}),
    ],
)
def test_of_variables_only_texts_are_kept(variables: Any, kept: dict[str, str]) -> None:
    assert present({"Environment": {"Variables": variables}}).environment == kept


def test_variables_that_lambda_could_not_decrypt() -> None:
    """Without the right to the key Lambda answers with an error in their place."""
    error = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}
    assert present({"Environment": {"Error": error}}).environment == {}


@pytest.mark.parametrize(
    ("network", "inside"),
    [
        ({"SubnetIds": ["s-1"]}, True),
        ({"SubnetIds": [], "VpcId": ""}, False),
        ({"SubnetIds": None}, False),
        ({}, False),
        (None, False),
        ("vpc-1", False),
    ],
)
def test_in_a_vpc(network: Any, *, inside: bool) -> None:
    assert present({"VpcConfig": network}).in_vpc is inside


@pytest.mark.parametrize(
    ("snap_start", "applied"),
    [({"ApplyOn": "PublishedVersions"}, True), ({"ApplyOn": "None"}, False), ({}, False), ("PublishedVersions", False)],
)
def test_snap_start(snap_start: Any, *, applied: bool) -> None:
    assert present({"SnapStart": snap_start}).snap_start is applied


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00.000+0000"])
def test_a_strange_time_is_no_time(text: str) -> None:
    assert present({"LastModified": text}).last_modified is None


def test_repr_shows_no_secret() -> None:
    seen = present(CONFIGURATION)
    assert repr(seen) == "LiveState(Pending/InProgress)"
    assert "correct-horse" not in f"{seen} {seen!r} {[seen]}"


def test_a_dump_of_the_aws_cli_is_such_an_answer() -> None:
    assert present(json.loads(json.dumps({"Configuration": CONFIGURATION}))).arn == ARN
