"""How the sandbox refuses: in AWS's words, and only what it was told to."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.cloud import Cloud
from tests.sandbox.cloud.conftest import BUSY, OTHER, Clients, error_of, refusal_of

CALLER = "arn:aws:sts::123456789012:assumed-role/sandbox/session"
ORDERS = "arn:aws:lambda:us-east-1:123456789012:function:orders"


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDeniedException", 403), ("TooManyRequestsException", 429), ("ServiceException", 500)],
)
def test_a_refusal_has_awss_code_status_and_message(cloud: Cloud, client: Clients, code: str, status: int) -> None:
    cloud.create_function("orders")
    cloud.refuse("GetFunction", code, "No & <no>.")
    assert error_of(client().get_function, FunctionName="orders") == (code, status, "No & <no>.")
    assert client().get_function_configuration(FunctionName="orders")
    cloud.allow()
    assert client().get_function(FunctionName="orders")


def test_a_refusal_can_be_narrow(cloud: Cloud, client: Clients) -> None:
    for name in ("orders", "bills"):
        cloud.create_function(name)
    cloud.refuse("GetFunction", "AccessDeniedException", "no", name="orders", times=1, access_key="AKIACONTROLLER")
    controller = client(access_key="AKIACONTROLLER")
    assert client().get_function(FunctionName="orders")
    assert controller.get_function(FunctionName="bills")
    assert error_of(controller.get_function, FunctionName="orders")[1] == 403
    assert controller.get_function(FunctionName="orders")


def test_sts_can_be_refused(cloud: Cloud, client: Clients) -> None:
    cloud.refuse("GetCallerIdentity", "ExpiredToken", "The token is <expired>.", status=403)
    assert error_of(client("sts").get_caller_identity) == ("ExpiredToken", 403, "The token is <expired>.")


def test_a_denial_names_caller_action_and_resource(cloud: Cloud, client: Clients) -> None:
    """IAM User Guide, "Troubleshoot access denied error messages": an implicit denial by identity-based policies."""
    cloud.create_function("orders")
    cloud.deny("GetFunction")
    expected = (
        "AccessDeniedException",
        403,
        f"User: {CALLER} is not authorized to perform: lambda:GetFunction on resource: {ORDERS} because no "
        "identity-based policy allows the lambda:GetFunction action",
    )
    for asked in ("orders", ORDERS):
        assert error_of(client().get_function, FunctionName=asked) == expected


def test_an_explicit_denial_says_so(cloud: Cloud, client: Clients) -> None:
    """IAM User Guide, "Troubleshoot access denied error messages": an explicit denial by identity-based policies."""
    cloud.deny("DeleteFunction", explicit=True)
    assert error_of(client().delete_function, FunctionName="orders")[2] == (
        f"User: {CALLER} is not authorized to perform: lambda:DeleteFunction on resource: {ORDERS} with an explicit "
        "deny in an identity-based policy"
    )


def test_a_denial_without_a_resource_is_of_all(cloud: Cloud, client: Clients) -> None:
    """Service Authorization Reference, AWS Lambda: ListFunctions has no resource type."""
    cloud.deny("ListFunctions")
    assert "lambda:ListFunctions on resource: * because" in error_of(client().list_functions)[2]


def test_a_denial_names_the_caller_that_a_key_belongs_to(cloud: Cloud, client: Clients) -> None:
    cloud.identify("AKIAANN", cloud.account, "arn:aws:iam::123456789012:user/ann")
    cloud.deny("GetFunction")
    refused = error_of(client(access_key="AKIAANN").get_function, FunctionName="orders")[2]
    assert refused.startswith("User: arn:aws:iam::123456789012:user/ann is not authorized")


def test_too_many_requests_have_a_reason_and_a_time_to_wait(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, TooManyRequestsException: Reason, Type, and the header Retry-After."""
    cloud.throttle("GetFunction", retry_after=7)
    refused = refusal_of(client().get_function, FunctionName="orders")
    assert refused["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}
    assert (refused["Reason"], refused["Type"]) == ("CallerRateLimitExceeded", "User")
    assert refused["retryAfterSeconds"] == "7"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_throttle_need_not_say_when_to_come_back(cloud: Cloud, client: Clients) -> None:
    cloud.throttle("GetFunction", reason="ConcurrentInvocationLimitExceeded")
    refused = refusal_of(client().get_function, FunctionName="orders")
    assert refused["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert "retry-after" not in refused["ResponseMetadata"]["HTTPHeaders"]


def test_a_throttle_without_a_reason_is_the_common_error(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, Common Errors: ThrottlingException, HTTP status code 400."""
    cloud.throttle("GetFunction", reason=None)
    refused = error_of(client().get_function, FunctionName="orders")
    assert refused == ("ThrottlingException", 400, "Rate exceeded")


def test_sts_throttles_in_its_own_words(cloud: Cloud, client: Clients) -> None:
    cloud.throttle("GetCallerIdentity")
    assert error_of(client("sts").get_caller_identity) == ("Throttling", 400, "Rate exceeded")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, f"{BUSY}An update is in progress for resource: {ORDERS}"),
        ("Pending", f"{BUSY}The function is currently in the following state: Pending"),
    ],
)
def test_a_conflict_has_both_its_wordings(cloud: Cloud, client: Clients, state: str | None, said: str) -> None:
    """Lambda API Reference, ResourceConflictException: another operation is in progress."""
    cloud.create_function("orders")
    cloud.conflict("UpdateFunctionConfiguration", state=state, times=1)
    refused = refusal_of(client().update_function_configuration, FunctionName="orders", Timeout=9)
    assert refused["Error"] == {"Code": "ResourceConflictException", "Message": said}
    assert (refused["ResponseMetadata"]["HTTPStatusCode"], refused["Type"]) == (409, "User")
    assert client().update_function_configuration(FunctionName="orders", Timeout=9)["Timeout"] == 9


@pytest.mark.parametrize("status", [500, 503])
def test_a_broken_service_says_service_exception(cloud: Cloud, client: Clients, status: int) -> None:
    """Lambda API Reference, ServiceException: the Lambda service encountered an internal error."""
    cloud.fail("GetFunction", status=status)
    refused = refusal_of(client().get_function, FunctionName="orders")
    assert refused["Error"]["Code"] == "ServiceException"
    assert (refused["ResponseMetadata"]["HTTPStatusCode"], refused["Type"]) == (status, "Service")


def test_an_expired_key_is_refused_everywhere(cloud: Cloud, client: Clients) -> None:
    """STS names the error ExpiredToken, Lambda ExpiredTokenException (Lambda API Reference, Common Errors)."""
    said = "The security token included in the request is expired"
    cloud.expire("AKIAONCALL")
    assert error_of(client().get_function, FunctionName="orders") == ("ExpiredTokenException", 403, said)
    assert error_of(client().list_functions)[0] == "ExpiredTokenException"
    assert error_of(client("sts").get_caller_identity) == ("ExpiredToken", 403, said)
    assert client(access_key="AKIAOTHER").list_functions()["Functions"] == []


def test_a_key_that_aws_does_not_know_is_refused_everywhere(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, Common Errors, UnrecognizedClientException; STS says InvalidClientTokenId."""
    said = "The security token included in the request is invalid."
    cloud.disown("AKIAONCALL")
    assert error_of(client().list_functions) == ("UnrecognizedClientException", 403, said)
    assert error_of(client("sts").get_caller_identity) == ("InvalidClientTokenId", 403, said)


def test_a_regional_endpoint_takes_only_its_own_signatures(cloud: Cloud, client: Clients) -> None:
    cloud.endpoint_region = "eu-west-1"
    said = "Credential should be scoped to a valid region."
    assert error_of(client().list_functions) == ("InvalidSignatureException", 403, said)
    assert error_of(client("sts").get_caller_identity) == ("SignatureDoesNotMatch", 403, said)
    assert client(region="eu-west-1").list_functions()["Functions"] == []


@pytest.mark.parametrize(
    "which",
    [{"name": "orders"}, {"access_key": "AKIACONTROLLER"}, {"account": OTHER}, {"times": 2}, {"after": 2}],
    ids=lambda which: next(iter(which)),
)
def test_every_kind_of_refusal_can_be_narrowed(cloud: Cloud, client: Clients, which: dict[str, Any]) -> None:
    cloud.identify("AKIAOTHER", OTHER)
    for account in (cloud.account, OTHER):
        for name in ("orders", "bills"):
            cloud.create_function(name, account=account)
    cloud.deny("GetFunction", **which)
    refused = []
    for key in ("AKIAONCALL", "AKIACONTROLLER", "AKIAOTHER"):
        lambda_ = client(access_key=key)
        for name in ("orders", "bills"):
            lambda_.get_function_configuration(FunctionName=name)
            try:
                lambda_.get_function(FunctionName=name)
            except lambda_.exceptions.ClientError:
                refused.append((key, name))
    everything = [(key, name) for key in ("AKIAONCALL", "AKIACONTROLLER", "AKIAOTHER") for name in ("orders", "bills")]
    assert (
        refused
        == {
            "name": everything[::2],
            "access_key": everything[2:4],
            "account": everything[4:],
            "times": everything[:2],
            "after": everything[2:],
        }[next(iter(which))]
    )


def test_refusals_after_each_other_are_taken_in_order(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.throttle("GetFunction", times=2)
    cloud.fail("GetFunction", times=1)
    lambda_ = client()
    said = [error_of(lambda_.get_function, FunctionName="orders")[0] for _ in range(3)]
    assert said == ["TooManyRequestsException", "TooManyRequestsException", "ServiceException"]
    assert lambda_.get_function(FunctionName="orders")


def test_every_operation_can_be_refused_at_once(cloud: Cloud, client: Clients) -> None:
    cloud.fail("*")
    assert error_of(client().list_functions)[1] == 500
    assert error_of(client("sts").get_caller_identity)[1] == 500
    cloud.allow()
    assert client().list_functions()["Functions"] == []


def test_the_log_tells_how_each_call_ended(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.deny("GetFunction", times=1)
    error_of(client().get_function, FunctionName="orders")
    client().get_function(FunctionName="orders")
    error_of(client().get_function, FunctionName="bills")
    client("sts").get_caller_identity()
    client().delete_function(FunctionName="orders")
    assert [(each.operation, each.status, each.error_code) for each in cloud.calls] == [
        ("GetFunction", 403, "AccessDeniedException"),
        ("GetFunction", 200, None),
        ("GetFunction", 404, "ResourceNotFoundException"),
        ("GetCallerIdentity", 200, None),
        ("DeleteFunction", 204, None),
    ]


def test_calls_can_be_counted(cloud: Cloud, client: Clients) -> None:
    cloud.identify("AKIAOTHER", OTHER)
    for key, name in (("AKIAONCALL", "orders"), ("AKIAONCALL", "bills"), ("AKIAOTHER", "orders")):
        error_of(client(access_key=key).get_function, FunctionName=name)
        error_of(client(access_key=key).get_function_configuration, FunctionName=name)
    assert len(cloud.calls_of("GetFunction")) == 3
    assert len(cloud.calls_of("GetFunction", function="orders")) == 2
    assert len(cloud.calls_of("GetFunction", access_key="AKIAONCALL")) == 2
    assert [each.access_key for each in cloud.calls_of("GetFunction", account=OTHER)] == ["AKIAOTHER"]
    assert [each.function for each in cloud.calls_of("GetFunction", since=2)] == ["bills", "orders"]
    assert cloud.calls_of("ListFunctions") == []
