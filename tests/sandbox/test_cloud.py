"""The sandbox's Lambda, asked through boto3 as the product and the controller ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud

BUSY = "The operation cannot be performed at this time. "


class StoppedClock(SandboxClock):
    """A clock that a test moves by hand, so that no test waits."""

    def __init__(self) -> None:
        super().__init__(start=datetime(2026, 11, 21, 10, tzinfo=UTC))
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime(2026, 11, 21, 10, tzinfo=UTC).timestamp() + self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def cloud(clock: StoppedClock) -> Iterator[Cloud]:
    with Cloud(clock) as running:
        yield running


@pytest.fixture
def client(cloud: Cloud) -> Callable[..., Any]:
    def make(service: str = "lambda", region: str = "us-east-1", access_key: str = "AKIAONCALL") -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=cloud.endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    answer = raised.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def create(cloud: Cloud, lambda_: Any, name: str, **parameters: Any) -> Any:
    code = {"S3Bucket": cloud.code["s3Bucket"], "S3Key": cloud.code["s3Key"]}
    defaults = {"Role": cloud.role_arn, "Runtime": "python3.13", "Handler": "app.handler", "Code": code}
    return lambda_.create_function(FunctionName=name, **{**defaults, **parameters})


def test_a_function_is_found_by_name_and_by_arn(cloud: Cloud, client: Callable[..., Any]) -> None:
    arn = cloud.create_function("orders")
    assert arn == "arn:aws:lambda:us-east-1:123456789012:function:orders"
    for asked in ("orders", arn):
        answer = client().get_function_configuration(FunctionName=asked)
        del answer["ResponseMetadata"]
        assert answer == cloud.configuration("orders")
    assert answer["State"] == "Active"
    assert answer["LastUpdateStatus"] == "Successful"
    assert answer["LastModified"] == "2026-11-21T10:00:00.000+0000"
    assert answer["CodeSha256"] == cloud.code_sha256


def test_a_missing_function_is_named_in_awss_words(client: Callable[..., Any]) -> None:
    expected = (
        "ResourceNotFoundException",
        404,
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:orders",
    )
    for operation in (
        "get_function",
        "get_function_configuration",
        "get_function_concurrency",
        "delete_function",
    ):
        assert error_of(getattr(client(), operation), FunctionName="orders") == expected


def test_a_region_has_only_its_own_functions(cloud: Cloud, client: Callable[..., Any]) -> None:
    arn = cloud.create_function("orders")
    elsewhere = client(region="eu-west-1")
    assert error_of(elsewhere.get_function, FunctionName="orders")[0] == "ResourceNotFoundException"
    code, status, message = error_of(elsewhere.get_function, FunctionName=arn)
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message == "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"


def test_another_accounts_key_sees_another_account(cloud: Cloud, client: Callable[..., Any]) -> None:
    arn = cloud.create_function("orders")
    cloud.identify("AKIAOTHER", "210987654321")
    assert client("sts").get_caller_identity()["Account"] == cloud.account == "123456789012"
    assert client("sts", access_key="AKIAOTHER").get_caller_identity()["Account"] == "210987654321"
    stranger = client(access_key="AKIAOTHER")
    assert "210987654321:function:orders" in error_of(stranger.get_function, FunctionName="orders")[2]
    assert error_of(stranger.get_function, FunctionName=arn)[:2] == ("AccessDeniedException", 403)


def test_a_pending_function_refuses_updates_until_it_is_active(
    cloud: Cloud, clock: StoppedClock, client: Callable[..., Any]
) -> None:
    cloud.create_function("orders")
    cloud.set_state("orders", "Pending", reason_code="Creating", reason="Hold on.", seconds=60)
    pending = client().get_function(FunctionName="orders")["Configuration"]
    assert (pending["State"], pending["StateReasonCode"], pending["StateReason"]) == (
        "Pending",
        "Creating",
        "Hold on.",
    )
    refused = (
        "ResourceConflictException",
        409,
        BUSY + "The function is currently in the following state: Pending",
    )
    assert error_of(client().update_function_configuration, FunctionName="orders", Timeout=9) == refused
    assert error_of(client().update_function_code, FunctionName="orders", ZipFile=b"") == refused
    clock.seconds = 60
    settled = client().get_function_configuration(FunctionName="orders")
    assert settled["State"] == "Active"
    assert "StateReasonCode" not in settled
    assert settled["RevisionId"] != pending["RevisionId"]
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    assert cloud.configuration("orders")["Timeout"] == 9


def test_an_accepted_update_is_in_progress_for_a_while(
    cloud: Cloud, clock: StoppedClock, client: Callable[..., Any]
) -> None:
    arn = cloud.create_function("orders")
    before = cloud.configuration("orders")
    cloud.update_takes = 30
    clock.seconds = 5
    accepted = client().update_function_configuration(FunctionName="orders", Timeout=9)
    assert accepted["LastUpdateStatus"] == "InProgress"
    assert accepted["LastModified"] == "2026-11-21T10:00:05.000+0000"
    assert accepted["RevisionId"] != before["RevisionId"]
    refused = error_of(client().update_function_configuration, FunctionName="orders", Timeout=10)
    assert refused == (
        "ResourceConflictException",
        409,
        f"{BUSY}An update is in progress for resource: {arn}",
    )
    clock.seconds = 35
    assert cloud.configuration("orders")["LastUpdateStatus"] == "Successful"


def test_an_update_can_fail_and_stay_failed(cloud: Cloud, clock: StoppedClock) -> None:
    cloud.create_function("orders")
    cloud.set_update("orders", "InProgress", seconds=10, then="Failed")
    clock.seconds = 10
    assert cloud.configuration("orders")["LastUpdateStatus"] == "Failed"
    cloud.set_update("orders", "Failed", reason_code="EniLimitExceeded", reason="No more interfaces.")
    clock.seconds = 10_000
    assert cloud.configuration("orders")["LastUpdateStatusReasonCode"] == "EniLimitExceeded"


def test_a_new_function_is_pending_for_a_while(cloud: Cloud, clock: StoppedClock, client: Callable[..., Any]) -> None:
    cloud.create_takes = 20
    assert create(cloud, client(), "orders")["State"] == "Pending"
    clock.seconds = 20
    assert client().get_function(FunctionName="orders")["Configuration"]["State"] == "Active"


def test_a_deleted_function_takes_its_time(cloud: Cloud, clock: StoppedClock, client: Callable[..., Any]) -> None:
    cloud.create_function("orders")
    cloud.delete_takes = 7
    client().delete_function(FunctionName="orders")
    assert client().get_function(FunctionName="orders")["Configuration"]["State"] == "Deleting"
    assert error_of(client().delete_function, FunctionName="orders")[1] == 409
    clock.seconds = 7
    assert error_of(client().get_function, FunctionName="orders")[1] == 404
    assert client().list_functions()["Functions"] == []


def test_removal_behind_everyones_back_is_at_once(cloud: Cloud, client: Callable[..., Any]) -> None:
    cloud.create_function("orders")
    cloud.remove("orders")
    cloud.remove("orders")
    assert error_of(client().get_function, FunctionName="orders")[1] == 404
    with pytest.raises(LookupError, match="no function orders in us-east-1"):
        cloud.set_state("orders", "Pending")


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDeniedException", 403), ("TooManyRequestsException", 429), ("ServiceException", 500)],
)
def test_a_refusal_has_awss_code_status_and_message(
    cloud: Cloud, client: Callable[..., Any], code: str, status: int
) -> None:
    cloud.create_function("orders")
    cloud.refuse("GetFunction", code, "No & <no>.")
    assert error_of(client().get_function, FunctionName="orders") == (code, status, "No & <no>.")
    assert client().get_function_configuration(FunctionName="orders")
    cloud.allow()
    assert client().get_function(FunctionName="orders")


def test_a_refusal_can_be_narrow(cloud: Cloud, client: Callable[..., Any]) -> None:
    for name in ("orders", "bills"):
        cloud.create_function(name)
    cloud.refuse("GetFunction", "AccessDeniedException", "no", name="orders", times=1, access_key="AKIACONTROLLER")
    controller = client(access_key="AKIACONTROLLER")
    assert client().get_function(FunctionName="orders")
    assert controller.get_function(FunctionName="bills")
    assert error_of(controller.get_function, FunctionName="orders")[1] == 403
    assert controller.get_function(FunctionName="orders")


def test_sts_can_be_refused(cloud: Cloud, client: Callable[..., Any]) -> None:
    cloud.refuse("GetCallerIdentity", "ExpiredToken", "The token is <expired>.", status=403)
    assert error_of(client("sts").get_caller_identity) == ("ExpiredToken", 403, "The token is <expired>.")


def test_every_call_is_logged(cloud: Cloud, clock: StoppedClock, client: Callable[..., Any]) -> None:
    arn = cloud.create_function("orders")
    assert cloud.calls == []
    clock.seconds = 3
    client().get_function(FunctionName=arn)
    seen = len(cloud.calls)
    client("sts", access_key="AKIAOTHER").get_caller_identity()
    error_of(client().tag_resource, Resource=f"{arn}-not", Tags={"a": "b"})
    assert [(call.operation, call.function, call.access_key) for call in cloud.calls] == [
        ("GetFunction", "orders", "AKIAONCALL"),
        ("GetCallerIdentity", None, "AKIAOTHER"),
        ("TagResource", "orders-not", "AKIAONCALL"),
    ]
    assert cloud.calls_since(seen) == cloud.calls[1:]
    assert {call.at for call in cloud.calls} == {datetime(2026, 11, 21, 10, 0, 3, tzinfo=UTC)}


def test_what_moto_drops_from_an_update_is_answered(cloud: Cloud, client: Callable[..., Any]) -> None:
    cloud.create_function("orders", Environment={"Variables": {"A": "1"}})
    client().update_function_configuration(
        FunctionName="orders",
        TracingConfig={"Mode": "Active"},
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogFormat": "JSON"},
        Environment={},
        VpcConfig={},
    )
    code = {"S3Bucket": cloud.code["s3Bucket"], "S3Key": cloud.code["s3Key"]}
    client().update_function_code(FunctionName="orders", Architectures=["arm64"], **code)
    now = client().get_function(FunctionName="orders")["Configuration"]
    assert now["TracingConfig"] == {"Mode": "Active"}
    assert now["EphemeralStorage"] == {"Size": 1024}
    assert now["LoggingConfig"] == {"LogFormat": "JSON"}
    assert now["Architectures"] == ["arm64"]
    assert "Environment" not in now


def test_tags_concurrency_and_event_invoke_config_converge(cloud: Cloud, client: Callable[..., Any]) -> None:
    arn = cloud.create_function("orders")
    lambda_ = client()
    lambda_.tag_resource(Resource=arn, Tags={"team": "a", "stage": "b"})
    lambda_.untag_resource(Resource=arn, TagKeys=["stage"])
    assert lambda_.get_function(FunctionName="orders")["Tags"] == {"team": "a"}
    assert "ReservedConcurrentExecutions" not in lambda_.get_function_concurrency(FunctionName="orders")
    lambda_.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    assert lambda_.get_function_concurrency(FunctionName="orders")["ReservedConcurrentExecutions"] == 5
    assert error_of(lambda_.get_function_event_invoke_config, FunctionName="orders")[0] == "ResourceNotFoundException"
    for attempts in (1, 2):
        lambda_.put_function_event_invoke_config(FunctionName="orders", MaximumRetryAttempts=attempts)
    invoke = lambda_.get_function_event_invoke_config(FunctionName="orders")
    assert invoke["MaximumRetryAttempts"] == 2
    assert invoke["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert lambda_.get_function_code_signing_config(FunctionName="orders")["FunctionName"] == "orders"


def test_create_needs_a_role_and_code_that_exist(cloud: Cloud, client: Callable[..., Any]) -> None:
    bucket = cloud.code["s3Bucket"]
    refused = {
        "role": error_of(lambda: create(cloud, client(), "orders", Role=f"{cloud.role_arn}-not")),
        "bucket": error_of(lambda: create(cloud, client(), "orders", Code={"S3Bucket": "nowhere", "S3Key": "a"})),
        "key": error_of(lambda: create(cloud, client(), "orders", Code={"S3Bucket": bucket, "S3Key": "no.zip"})),
    }
    assert {code for code, _, _ in refused.values()} == {"InvalidParameterValueException"}
    assert {status for _, status, _ in refused.values()} == {400}
    assert refused["role"][2] == "The role defined for the function cannot be assumed by Lambda."
    assert "NoSuchBucket" in refused["bucket"][2]
    assert "NoSuchKey" in refused["key"][2]
    create(cloud, client(), "orders")
    assert error_of(lambda: create(cloud, client(), "orders"))[:2] == ("ResourceConflictException", 409)


def test_an_update_of_an_old_revision_is_refused(cloud: Cloud, client: Callable[..., Any]) -> None:
    cloud.create_function("orders")
    revision = cloud.configuration("orders")["RevisionId"]
    client().update_function_configuration(FunctionName="orders", Timeout=9, RevisionId=revision)
    refused = error_of(client().update_function_configuration, FunctionName="orders", Timeout=10, RevisionId=revision)
    assert refused[:2] == ("PreconditionFailedException", 412)


def test_lists_are_paged(cloud: Cloud, client: Callable[..., Any]) -> None:
    for number in range(3):
        cloud.create_function(f"f{number}")
    cloud.set_state("f2", "Failed")
    pages = list(client().get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["FunctionName"] for one in page["Functions"]] for page in pages] == [["f0", "f1"], ["f2"]]
    assert pages[1]["Functions"][0]["State"] == "Failed"


def test_it_never_runs_code(cloud: Cloud, client: Callable[..., Any]) -> None:
    cloud.create_function("orders")
    assert error_of(client().invoke, FunctionName="orders")[0] == "ServiceException"


def test_it_starts_anew_and_alone(clock: StoppedClock) -> None:
    with Cloud(clock) as first:
        first.create_function("orders")
        with pytest.raises(RuntimeError, match="another cloud of account 123456789012"):
            Cloud(clock).start()
    with Cloud(clock) as second, pytest.raises(LookupError):
        second.configuration("orders")
