"""How the sandbox moves a function through State, and what each move changes."""

from __future__ import annotations

import pytest

from remediator.sandbox.cloud import Cloud, Phase
from tests.sandbox.cloud.conftest import BUSY, Clients, StoppedClock, create, error_of


def test_a_pending_function_refuses_updates_until_it_is_active(
    cloud: Cloud, clock: StoppedClock, client: Clients
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


def test_a_new_function_is_pending_for_a_while(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_takes = 20
    assert create(cloud, client(), "orders")["State"] == "Pending"
    clock.seconds = 20
    assert client().get_function(FunctionName="orders")["Configuration"]["State"] == "Active"


def test_a_deleted_function_takes_its_time(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.delete_takes = 7
    client().delete_function(FunctionName="orders")
    assert client().get_function(FunctionName="orders")["Configuration"]["State"] == "Deleting"
    assert error_of(client().delete_function, FunctionName="orders")[1] == 409
    clock.seconds = 7
    assert error_of(client().get_function, FunctionName="orders")[1] == 404
    assert client().list_functions()["Functions"] == []


def test_a_state_goes_through_its_phases(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    cloud.create_function("orders")
    cloud.script_state(
        "orders",
        Phase("Pending", "Creating", "The function is being created.", seconds=30),
        Phase("Failed", "EniLimitExceeded", "No more network interfaces.", seconds=10),
        Phase("Active"),
    )
    seen = []
    for clock.seconds in (0, 29.9, 30, 39.9, 40, 10_000):
        answer = client().get_function_configuration(FunctionName="orders")
        seen.append((answer["State"], answer.get("StateReasonCode")))
    assert seen == [
        ("Pending", "Creating"),
        ("Pending", "Creating"),
        ("Failed", "EniLimitExceeded"),
        ("Failed", "EniLimitExceeded"),
        ("Active", None),
        ("Active", None),
    ]


def test_phases_that_nobody_saw_have_passed_too(cloud: Cloud, clock: StoppedClock) -> None:
    cloud.create_function("orders")
    cloud.script_state("orders", Phase("Pending", seconds=5), Phase("Failed", seconds=5), Phase("Inactive", "Idle"))
    clock.seconds = 100
    assert cloud.configuration("orders")["State"] == "Inactive"


def test_a_phase_says_how_long_it_is_unless_it_is_the_last(cloud: Cloud) -> None:
    cloud.create_function("orders")
    for phases in ((), (Phase("Pending"), Phase("Active")), (Phase("Pending", seconds=5),)):
        with pytest.raises(ValueError, match="seconds"):
            cloud.script_state("orders", *phases)
    assert cloud.configuration("orders")["State"] == "Active"


@pytest.mark.parametrize("state", ["Active", "Failed"])
def test_a_new_function_has_no_update_status_before_it_is_active(
    cloud: Cloud, clock: StoppedClock, client: Clients, state: str
) -> None:
    """Lambda API Reference, FunctionConfiguration: first set to Successful after function creation completes."""
    cloud.create_takes = 20
    create(cloud, client(), "orders")
    cloud.set_state("orders", "Pending", seconds=20, then=state)
    assert "LastUpdateStatus" not in client().get_function_configuration(FunctionName="orders")
    clock.seconds = 20
    answer = client().get_function_configuration(FunctionName="orders")
    assert (answer["State"], answer.get("LastUpdateStatus")) == (state, "Successful" if state == "Active" else None)


def test_what_moves_a_revision_and_what_moves_last_modified(cloud: Cloud, clock: StoppedClock, client: Clients) -> None:
    """A revision is of everything that is shown; LastModified is of the last update that was accepted.

    Lambda API Reference, FunctionConfiguration.
    """
    arn = cloud.create_function("orders")
    lambda_ = client()
    cloud.update_takes = 10

    def moved(seconds: float) -> tuple[bool, bool]:
        clock.seconds = seconds
        before, kept = cloud.configuration("orders"), dict(last)
        last.update(before)
        return before["RevisionId"] != kept["RevisionId"], before["LastModified"] != kept["LastModified"]

    last = cloud.configuration("orders")
    lambda_.get_function(FunctionName="orders")
    lambda_.list_functions()
    assert moved(1) == (False, False)
    lambda_.tag_resource(Resource=arn, Tags={"team": "a"})
    lambda_.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    assert moved(2) == (False, False)
    error_of(lambda_.update_function_configuration, FunctionName="orders", Role=f"{cloud.role_arn}-not")
    assert moved(3) == (False, False)
    lambda_.update_function_configuration(FunctionName="orders", Timeout=9)
    assert moved(4) == (True, True)
    error_of(lambda_.update_function_configuration, FunctionName="orders", Timeout=10)
    assert moved(5) == (False, False)
    assert moved(13) == (True, False)
    cloud.set_state("orders", "Inactive", reason_code="Idle")
    assert moved(14) == (True, False)
    code = {"S3Bucket": cloud.code["s3Bucket"], "S3Key": cloud.code["s3Key"]}
    lambda_.update_function_code(FunctionName="orders", **code)
    assert moved(15) == (True, True)
