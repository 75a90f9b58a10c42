"""How the sandbox carries out an update, and takes it back where it fails.

Lambda Developer Guide, "Lambda function states": an update that fails is given up, and the code and configuration of
before stay. While one is under way, what is shown is what was asked for, as the answer to the update shows it.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from remediator.sandbox.cloud import Cloud, Phase
from tests.sandbox.cloud.conftest import BUSY, Clients, StoppedClock, error_of


def archive() -> bytes:
    """Make a deployment package that is not the sandbox's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("app.py", "def handler(event, context):\n    return 2\n")
    return buffer.getvalue()


# All that a request can change, and what each of it was before.
CHANGES: dict[str, dict[str, Any]] = {
    "before": {
        "Timeout": 3,
        "MemorySize": 128,
        "Description": "old",
        "Handler": "app.handler",
        "Runtime": "python3.12",
        "Environment": {"Variables": {"A": "1"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "EphemeralStorage": {"Size": 512},
    },
    "after": {
        "Timeout": 9,
        "MemorySize": 256,
        "Description": "new",
        "Handler": "app.other",
        "Runtime": "python3.13",
        "Environment": {"Variables": {"A": "2", "B": "3"}},
        "TracingConfig": {"Mode": "Active"},
        "EphemeralStorage": {"Size": 1024},
    },
}


def test_an_accepted_update_is_in_progress_for_a_while(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
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


def test_an_update_in_progress_shows_what_was_asked_for(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders", **CHANGES["before"])
    cloud.update_takes = 30
    accepted = client().update_function_configuration(FunctionName="orders", **CHANGES["after"])
    shown = client().get_function_configuration(FunctionName="orders")
    assert (shown["LastUpdateStatus"], shown["LastUpdateStatusReasonCode"]) == ("InProgress", "Creating")
    for answer in (accepted, shown):
        assert CHANGES["after"].items() <= answer.items()


@pytest.mark.parametrize("takes", [0, 30])
def test_an_update_that_fails_leaves_the_configuration_of_before(
    cloud: Cloud, clock: StoppedClock, client: Clients, takes: float
) -> None:
    cloud.create_function("orders", **CHANGES["before"])
    cloud.update_takes = takes
    cloud.next_update_fails("orders", "EniLimitExceeded", "No more network interfaces.")
    clock.seconds = 5
    accepted = client().update_function_configuration(FunctionName="orders", **CHANGES["after"])
    assert accepted["LastUpdateStatus"] == "InProgress"
    assert CHANGES["after"].items() <= accepted.items()
    clock.seconds = 5 + takes
    for failed in (
        client().get_function_configuration(FunctionName="orders"),
        client().get_function(FunctionName="orders")["Configuration"],
        cloud.configuration("orders"),
    ):
        assert failed["State"] == "Active"
        assert failed["LastUpdateStatus"] == "Failed"
        assert failed["LastUpdateStatusReasonCode"] == "EniLimitExceeded"
        assert failed["LastUpdateStatusReason"] == "No more network interfaces."
        assert CHANGES["before"].items() <= failed.items()
        assert failed["LastModified"] == accepted["LastModified"]
        assert failed["RevisionId"] != accepted["RevisionId"]


def test_code_that_fails_leaves_the_code_of_before(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.update_takes = 30
    cloud.next_update_fails("orders", "InvalidZipFileException", "Not a package.")
    accepted = client().update_function_code(FunctionName="orders", ZipFile=archive(), Architectures=["arm64"])
    assert accepted["CodeSha256"] != cloud.code_sha256
    assert accepted["Architectures"] == ["arm64"]
    assert cloud.configuration("orders")["CodeSha256"] == accepted["CodeSha256"]
    clock.seconds = 30
    failed = client().get_function(FunctionName="orders")
    assert failed["Configuration"]["CodeSha256"] == cloud.code_sha256
    assert failed["Configuration"]["Architectures"] == ["x86_64"]


def test_only_the_next_update_fails(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.create_function("bills")
    cloud.next_update_fails("orders", "InternalError", "Broken.")
    for name in ("bills", "orders", "orders"):
        client().update_function_configuration(FunctionName=name, Timeout=9)
        clock.seconds += 1
        if name == "bills":
            assert cloud.configuration("bills")["LastUpdateStatus"] == "Successful"
    settled = cloud.configuration("orders")
    assert (settled["LastUpdateStatus"], settled["Timeout"]) == ("Successful", 9)
    assert "LastUpdateStatusReasonCode" not in settled


def test_a_refused_update_is_not_the_next_one(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.next_update_fails("orders", "InternalError", "Broken.")
    error_of(client().update_function_configuration, FunctionName="orders", Role=f"{cloud.role_arn}-not")
    assert cloud.configuration("orders")["LastUpdateStatus"] == "Successful"
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    assert cloud.configuration("orders")["LastUpdateStatus"] == "Failed"


def test_tags_and_concurrency_are_no_part_of_an_update_that_fails(
    cloud: Cloud, clock: StoppedClock, client: Clients
) -> None:
    arn = cloud.create_function("orders")
    cloud.update_takes = 30
    cloud.next_update_fails("orders", "InternalError", "Broken.")
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    client().tag_resource(Resource=arn, Tags={"team": "a"})
    client().put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    clock.seconds = 30
    failed = client().get_function(FunctionName="orders")
    assert failed["Configuration"]["Timeout"] == 3
    assert failed["Tags"] == {"team": "a"}
    assert failed["Concurrency"] == {"ReservedConcurrentExecutions": 5}


def test_an_update_under_way_can_be_made_to_fail(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.update_takes = 30
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    cloud.set_update("orders", "Failed", reason_code="InternalError", reason="Broken.")
    assert cloud.configuration("orders")["Timeout"] == 3


def test_an_update_goes_through_its_phases(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.update_takes = 30
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    cloud.script_update(
        "orders", Phase("InProgress", seconds=60), Phase("Failed", "InternalError", seconds=5), Phase("Successful")
    )
    seen = []
    for clock.seconds in (59, 60, 65):
        answer = client().get_function_configuration(FunctionName="orders")
        seen.append((answer["LastUpdateStatus"], answer["Timeout"]))
    assert seen == [("InProgress", 9), ("Failed", 3), ("Successful", 3)]


def test_a_failure_that_nobody_saw_is_taken_back_too(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.update_takes = 30
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    cloud.script_update("orders", Phase("InProgress", seconds=5), Phase("Failed", seconds=5), Phase("Successful"))
    clock.seconds = 100
    assert (cloud.configuration("orders")["LastUpdateStatus"], cloud.configuration("orders")["Timeout"]) == (
        "Successful",
        3,
    )


def test_what_an_update_did_is_not_taken_back_later(cloud: Cloud, client: Clients) -> None:
    cloud.create_function("orders")
    client().update_function_configuration(FunctionName="orders", Timeout=9)
    cloud.set_update("orders", "Failed", reason_code="InternalError", reason="Broken.")
    assert cloud.configuration("orders")["Timeout"] == 9
