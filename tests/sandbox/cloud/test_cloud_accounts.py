"""How the sandbox tells accounts apart, and lets one into another by a role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.sandbox.cloud import Cloud
from tests.sandbox.cloud.conftest import OTHER, START, Clients, StoppedClock, error_of

SESSION = "arn:aws:sts::123456789012:assumed-role/sandbox/session"


def assume(client: Clients, role: str, **parameters: Any) -> Any:
    return client("sts").assume_role(RoleArn=role, RoleSessionName="oncall", **parameters)["Credentials"]


def refused(client: Clients, role: str, **parameters: Any) -> tuple[str, int, str]:
    return error_of(client("sts").assume_role, RoleArn=role, RoleSessionName="oncall", **parameters)


def test_another_accounts_key_sees_another_account(cloud: Cloud, client: Clients) -> None:
    arn = cloud.create_function("orders")
    cloud.identify("AKIAOTHER", "210987654321")
    assert client("sts").get_caller_identity()["Account"] == cloud.account == "123456789012"
    assert client("sts", access_key="AKIAOTHER").get_caller_identity()["Account"] == "210987654321"
    stranger = client(access_key="AKIAOTHER")
    assert "210987654321:function:orders" in error_of(stranger.get_function, FunctionName="orders")[2]
    assert error_of(stranger.get_function, FunctionName=arn)[:2] == ("AccessDeniedException", 403)


def test_accounts_have_functions_of_their_own(cloud: Cloud, client: Clients) -> None:
    cloud.identify("AKIAOTHER", OTHER)
    cloud.create_function("orders", MemorySize=128)
    arn = cloud.create_function("orders", account=OTHER, MemorySize=256)
    assert arn == f"arn:aws:lambda:us-east-1:{OTHER}:function:orders"
    cloud.set_state("orders", "Inactive", account=OTHER)
    cloud.set_update("orders", "Failed", account=OTHER)
    mine, theirs = (client(access_key=key) for key in ("AKIAONCALL", "AKIAOTHER"))
    assert theirs.get_function_configuration(FunctionName=arn)["MemorySize"] == 256
    assert mine.get_function_configuration(FunctionName="orders")["MemorySize"] == 128
    assert cloud.configuration("orders")["State"] == "Active"
    shown = cloud.configuration("orders", account=OTHER)
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Inactive", "Failed")
    cloud.remove("orders", account=OTHER)
    assert theirs.list_functions()["Functions"] == []
    assert len(mine.list_functions()["Functions"]) == 1


def test_a_caller_is_who_it_was_said_to_be(cloud: Cloud, client: Clients) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/ack-lambda/1760000000"
    cloud.identify("AKIACONTROLLER", cloud.account, role)
    cloud.identify("AKIAANN", OTHER, f"arn:aws:iam::{OTHER}:user/ann")
    answers = [
        client("sts", access_key=key).get_caller_identity() for key in ("AKIACONTROLLER", "AKIAANN", "AKIAONCALL")
    ]
    assert [each["Arn"] for each in answers] == [role, f"arn:aws:iam::{OTHER}:user/ann", SESSION]
    assert answers[0]["UserId"].endswith(":1760000000")


def test_a_session_is_of_the_roles_account(cloud: Cloud, client: Clients) -> None:
    """STS API Reference, AssumeRole: temporary credentials, and the assumed role's ARN with the session's name."""
    role = cloud.add_role("remediator", account=OTHER)
    assert role == f"arn:aws:iam::{OTHER}:role/remediator"
    cloud.create_function("orders", account=OTHER, MemorySize=256)
    answer = client("sts").assume_role(RoleArn=role, RoleSessionName="oncall")
    expected = f"arn:aws:sts::{OTHER}:assumed-role/remediator/oncall"
    assert answer["AssumedRoleUser"]["Arn"] == expected
    granted = answer["Credentials"]
    assert granted["AccessKeyId"].startswith("ASIA")
    assert granted["Expiration"] == START + timedelta(hours=1)
    identity = client("sts", credentials=granted).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (OTHER, expected)
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    lambda_ = client(credentials=granted)
    assert lambda_.get_function_configuration(FunctionName="orders")["MemorySize"] == 256
    assert [(each.account, each.access_key) for each in cloud.calls_of("GetFunctionConfiguration")] == [
        (OTHER, granted["AccessKeyId"])
    ]
    cloud.deny("GetFunction")
    assert f"User: {expected} is not authorized" in error_of(lambda_.get_function, FunctionName="orders")[2]


def test_a_function_of_another_account_lets_nobody_in(cloud: Cloud, client: Clients) -> None:
    """IAM User Guide, "Troubleshoot access denied error messages": an implicit denial by resource-based policies."""
    arn = cloud.create_function("orders", account=OTHER)
    assert error_of(client().get_function, FunctionName=arn) == (
        "AccessDeniedException",
        403,
        f"User: {SESSION} is not authorized to perform: lambda:GetFunction on resource: {arn} because no "
        "resource-based policy allows the lambda:GetFunction action",
    )


def test_a_role_that_is_not_there_is_refused_as_one_that_trusts_somebody_else(cloud: Cloud, client: Clients) -> None:
    """STS API Reference, AssumeRole: the trust policy has to name the caller."""
    closed = cloud.add_role("closed", account=OTHER, trusts=["345678901234"])
    for role in (closed, f"{closed}-not"):
        assert refused(client, role) == (
            "AccessDenied",
            403,
            f"User: {SESSION} is not authorized to perform: sts:AssumeRole on resource: {role}",
        )
    assert {each.error_code for each in cloud.calls_of("AssumeRole")} == {"AccessDenied"}


@pytest.mark.parametrize(
    ("trusted", "lets_in"),
    [
        ("123456789012", True),
        (SESSION, True),
        ("arn:aws:iam::123456789012:role/sandbox", True),
        ("arn:aws:iam::123456789012:role/other", False),
        (OTHER, False),
    ],
)
def test_a_role_trusts_accounts_roles_and_sessions(cloud: Cloud, client: Clients, trusted: str, lets_in: bool) -> None:
    """IAM User Guide, "AWS JSON policy elements: Principal"."""
    role = cloud.add_role("remediator", account=OTHER, trusts=[trusted])
    if lets_in:
        assert assume(client, role)
    else:
        assert refused(client, role)[0] == "AccessDenied"


def test_a_role_can_ask_for_an_external_id(cloud: Cloud, client: Clients) -> None:
    """IAM User Guide, "Access to AWS accounts owned by third parties": the condition sts:ExternalId."""
    role = cloud.add_role("remediator", account=OTHER, external_id="shop-7")
    assert assume(client, role, ExternalId="shop-7")
    for wrong in ({}, {"ExternalId": "shop-8"}):
        assert refused(client, role, **wrong)[0] == "AccessDenied"


def test_a_session_ends_by_the_sandboxs_clock(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    role = cloud.add_role("remediator", account=OTHER)
    granted = assume(client, role, DurationSeconds=900)
    clock.seconds = 899
    assert client(credentials=granted).list_functions()["Functions"] == []
    clock.seconds = 900
    said = "The security token included in the request is expired"
    assert error_of(client(credentials=granted).list_functions) == ("ExpiredTokenException", 403, said)
    assert error_of(client("sts", credentials=granted).get_caller_identity) == ("ExpiredToken", 403, said)
    assert client(credentials=assume(client, role)).list_functions()["Functions"] == []


@pytest.mark.parametrize("token", [None, "another"])
def test_a_session_needs_its_own_token(cloud: Cloud, client: Clients, token: str | None) -> None:
    """IAM User Guide, "Using temporary credentials with AWS resources": the session token goes with every request."""
    role = cloud.add_role("remediator", account=OTHER)
    granted = {**assume(client, role), "SessionToken": token}
    assert error_of(client(credentials=granted).list_functions)[:2] == ("UnrecognizedClientException", 403)


def test_a_session_can_assume_the_next_role_for_an_hour(cloud: Cloud, client: Clients) -> None:
    """IAM User Guide, "Methods to assume a role": role chaining limits the session to one hour."""
    first = cloud.add_role("first", account=OTHER)
    second = cloud.add_role("second", trusts=[first])
    assert refused(client, second)[0] == "AccessDenied"
    sts = client("sts", credentials=assume(client, first))
    granted = sts.assume_role(RoleArn=second, RoleSessionName="deeper")["Credentials"]
    arn = client("sts", credentials=granted).get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/second/deeper"
    longer = {"RoleArn": second, "RoleSessionName": "deeper", "DurationSeconds": 3601}
    assert error_of(sts.assume_role, **longer)[:2] == ("ValidationError", 400)


def test_a_user_can_have_a_session_for_longer(cloud: Cloud, client: Clients) -> None:
    cloud.identify("AKIAONCALL", cloud.account, "arn:aws:iam::123456789012:user/ann")
    granted = assume(client, cloud.add_role("remediator", account=OTHER), DurationSeconds=7200)
    assert granted["Expiration"] == START + timedelta(hours=2)


def test_two_clouds_share_no_account(clock: StoppedClock) -> None:
    with Cloud(clock) as first, Cloud(clock, account="345678901234") as second:
        first.identify("AKIAOTHER", OTHER)
        with pytest.raises(RuntimeError, match=f"another cloud of account {OTHER}"):
            second.create_function("orders", account=OTHER)
    with Cloud(clock, account=OTHER) as third:
        assert third.create_function("orders")


def test_what_was_said_of_keys_before_the_start_holds(clock: StoppedClock) -> None:
    cloud = Cloud(clock)
    cloud.identify("AKIAOTHER", OTHER)
    with cloud:
        assert cloud.create_function("orders", account=OTHER)
