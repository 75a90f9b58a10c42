"""What the sandbox's Lambda keeps and answers, where nothing is scripted."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from remediator.sandbox.cloud import CODE_URL_SECRET, Cloud
from tests.sandbox.cloud.conftest import Clients, StoppedClock, create, error_of


def test_a_function_is_found_by_name_and_by_arn(cloud: Cloud, client: Clients) -> None:
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


def test_a_missing_function_is_named_in_awss_words(client: Clients) -> None:
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


def test_a_region_has_only_its_own_functions(cloud: Cloud, client: Clients) -> None:
    arn = cloud.create_function("orders")
    elsewhere = client(region="eu-west-1")
    assert error_of(elsewhere.get_function, FunctionName="orders")[0] == "ResourceNotFoundException"
    code, status, message = error_of(elsewhere.get_function, FunctionName=arn)
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message == "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"


def test_removal_behind_everyones_back_is_at_once(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.remove("orders")
    cloud.remove("orders")
    assert error_of(client().get_function, FunctionName="orders")[1] == 404
    with pytest.raises(LookupError, match="no function orders in us-east-1"):
        cloud.set_state("orders", "Pending")


def test_every_call_is_logged(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
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


def test_what_moto_drops_from_an_update_is_answered(cloud: Cloud, client: Clients) -> None:
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


def test_tags_concurrency_and_event_invoke_config_converge(cloud: Cloud, client: Clients) -> None:
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


def test_create_needs_a_role_and_code_that_exist(cloud: Cloud, client: Clients) -> None:
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


def test_an_update_of_an_old_revision_is_refused(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    revision = cloud.configuration("orders")["RevisionId"]
    client().update_function_configuration(FunctionName="orders", Timeout=9, RevisionId=revision)
    refused = error_of(client().update_function_configuration, FunctionName="orders", Timeout=10, RevisionId=revision)
    assert refused[:2] == ("PreconditionFailedException", 412)


def test_lists_are_paged(cloud: Cloud, client: Clients) -> None:
    for number in range(3):
        cloud.create_function(f"f{number}")
    pages = list(client().get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["FunctionName"] for one in page["Functions"]] for page in pages] == [["f0", "f1"], ["f2"]]


def test_it_never_runs_code(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    assert error_of(client().invoke, FunctionName="orders")[0] == "ServiceException"


def test_it_starts_anew_and_alone(clock: StoppedClock) -> None:
    with Cloud(clock) as first:
        first.create_function("orders")
        with pytest.raises(RuntimeError, match="another cloud of account 123456789012"):
            Cloud(clock).start()
    with Cloud(clock) as second, pytest.raises(LookupError):
        second.configuration("orders")


def test_a_list_leaves_states_to_get_function(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, ListFunctions: it gives a subset of the fields; for these there is GetFunction."""
    cloud.create_function("orders", MemorySize=256)
    cloud.set_state("orders", "Failed", reason_code="InternalError", reason="Broken.")
    cloud.set_update("orders", "Failed", reason_code="InternalError", reason="Broken.")
    (listed,) = client().list_functions()["Functions"]
    shown = client().get_function_configuration(FunctionName="orders")
    del shown["ResponseMetadata"]
    assert shown.keys() - listed.keys() == {
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
    }
    assert listed.items() <= shown.items()


def test_a_page_has_fifty_functions_at_most(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, ListFunctions: 50 in each response, even where MaxItems says more."""
    for number in range(51):
        cloud.create_function(f"f{number}")
    first = client().list_functions(MaxItems=1000)
    assert len(first["Functions"]) == 50
    last = client().list_functions(Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in last["Functions"]] == ["f50"]
    assert "NextMarker" not in last


def test_tags_are_listed_whole(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, ListTags: it has no pages."""
    arn = cloud.create_function("orders", Tags={f"key{number}": "value" for number in range(50)})
    assert len(client().list_tags(Resource=arn)["Tags"]) == 50
    assert error_of(client().list_tags, Resource=f"{arn}-not")[:2] == ("ResourceNotFoundException", 404)


def test_the_code_url_carries_a_secret_to_look_for(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, GetFunction: the link to the deployment package is valid for ten minutes."""
    cloud.create_function("orders")
    answer = client().get_function(FunctionName="orders")
    query = parse_qs(urlsplit(answer["Code"]["Location"]).query)
    assert query["X-Amz-Signature"] == query["X-Amz-Security-Token"] == [CODE_URL_SECRET]
    assert query["X-Amz-Expires"] == ["600"]
    assert CODE_URL_SECRET not in str(client().get_function_configuration(FunctionName="orders"))


def test_the_account_says_how_much_concurrency_is_left(cloud: Cloud, client: Clients) -> None:
    """Lambda API Reference, AccountLimit: what is unreserved is the limit minus what functions reserve."""
    for name in ("orders", "bills"):
        cloud.create_function(name)
    cloud.create_function("elsewhere", region="eu-west-1")
    client().put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=300)
    answer = client().get_account_settings()
    limit = answer["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 700)
    assert answer["AccountUsage"]["FunctionCount"] == 2
    cloud.concurrency_limit = 500
    assert client().get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 200


def test_a_hundred_executions_stay_unreserved(cloud: Cloud, client: Clients) -> None:
    """Lambda Developer Guide, "Configuring reserved concurrency"."""
    for name in ("orders", "bills"):
        cloud.create_function(name)
    lambda_ = client()
    lambda_.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=300)
    assert error_of(lambda_.put_function_concurrency, FunctionName="bills", ReservedConcurrentExecutions=601) == (
        "InvalidParameterValueException",
        400,
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [100].",
    )
    lambda_.put_function_concurrency(FunctionName="bills", ReservedConcurrentExecutions=600)
    lambda_.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)
    assert lambda_.get_function_concurrency(FunctionName="orders")["ReservedConcurrentExecutions"] == 0
    assert lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 400
