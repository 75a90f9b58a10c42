"""How edits reach AWS, which of them are lost on the way, and what is said of those that AWS refuses."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import READS, condition, error_text, heartbeat, is_ready, synced
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")


def test_an_edit_is_sent_once_and_read_back(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index = len(cloud.calls)
    function.edit(timeout=9, environment={"variables": {"GREETING": "hello"}})
    function.becomes_live(lambda it: it and it["Timeout"] == 9, "the change reaches it")
    function.falls_silent()
    assert function.asked(index) == [*READS, "UpdateFunctionConfiguration", *READS * 2]
    assert (function.live() or {})["Environment"] == {"Variables": {"GREETING": "hello"}}
    assert is_ready(function.read())


def test_a_setting_that_is_taken_away_is_emptied(settled: Create) -> None:
    function = settled(environment={"variables": {"GREETING": "hello"}})
    assert (function.live() or {})["Environment"] == {"Variables": {"GREETING": "hello"}}
    function.edit(environment=None)
    function.becomes_live(lambda it: it and not it.get("Environment", {}).get("Variables"), "it is empty")
    function.falls_silent()
    assert is_ready(function.read())


def test_reserved_concurrency_has_calls_of_its_own(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index = len(cloud.calls)
    function.edit(reservedConcurrentExecutions=5)
    function.gets_asked(lambda calls: "PutFunctionConcurrency" in calls, "it is reserved", index)
    function.falls_silent()
    function.edit(reservedConcurrentExecutions=None)
    function.gets_asked(lambda calls: "DeleteFunctionConcurrency" in calls, "it is freed", index)
    function.falls_silent()
    assert is_ready(function.read())
    assert "UpdateFunctionConfiguration" not in function.asked(index)


def test_an_accepted_update_goes_on_looking_unfinished(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.update_takes = 1000
    function.edit(timeout=9)
    seen = function.becomes(lambda seen: seen["status"]["lastUpdateStatus"] == "InProgress", "is being updated")
    assert is_ready(seen)
    function.falls_silent()
    cloud.set_update(function.name, "Successful")
    function.stays(
        lambda seen: is_ready(seen) and seen["status"]["lastUpdateStatus"] == "InProgress", "is not looked at", 3
    )
    assert function.resync()["status"]["lastUpdateStatus"] == "Successful"


def test_a_change_during_an_update_is_refused_and_tried_again(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    index = len(cloud.calls)
    function.edit(memorySize=512)
    refused = function.becomes(error_text, "says why")
    arn = refused["status"]["ackResourceMetadata"]["arn"]
    assert error_text(refused) == (
        "ResourceConflictException: The operation cannot be performed at this time. "
        f"An update is in progress for resource: {arn}"
    )
    assert synced(refused) == "Unknown"
    reason = condition(refused, "ACK.ResourceSynced")["reason"]
    assert reason.startswith(
        "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 409"
    )
    assert reason.endswith(error_text(refused))
    assert refused["status"]["lastUpdateStatus"] == "InProgress"
    function.gets_asked(lambda calls: calls.count("UpdateFunctionConfiguration") > 3, "it is tried again", index)
    cloud.set_update(function.name, "Successful")
    function.becomes(lambda seen: is_ready(seen) and not error_text(seen), "heals", 30)
    assert (function.live() or {})["MemorySize"] == 512


def test_nothing_to_change_is_no_conflict(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    seen = function.resync()
    assert is_ready(seen)
    assert seen["status"]["lastUpdateStatus"] == "InProgress"


def test_of_code_and_configuration_in_one_edit_only_the_code_is_applied(settled: Create, cloud: Cloud) -> None:
    function = settled(timeout=5)
    before, index = function.read(), len(cloud.calls)
    function.edit(architectures=["arm64"], timeout=9)
    after = function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and seen["spec"]["timeout"] == 5, "the other change is gone"
    )
    assert is_ready(after)
    function.falls_silent()
    operations = function.asked(index)
    assert operations.count("UpdateFunctionCode") == 1
    assert "UpdateFunctionConfiguration" not in operations
    live = function.live() or {}
    assert (live["Architectures"], live["Timeout"]) == (["arm64"], 5)
    assert function.read()["spec"]["architectures"] == ["arm64"]


def test_a_new_place_of_the_code_alone_is_not_noticed(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.edit(code={"s3Key": "newer.zip"})
    function.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")
    function.falls_silent()
    assert function.asked(index) == READS * 2
    assert is_ready(function.read())
    assert function.read()["spec"]["code"]["s3Key"] == "newer.zip"


def test_a_role_that_cannot_be_assumed_is_recoverable_in_an_update_too(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.edit(role=f"{cloud.role_arn}-not")
    seen = function.becomes(error_text, "says why")
    assert error_text(seen).startswith("InvalidParameterValueException: ")
    assert condition(seen, "ACK.Terminal") == {}
    function.edit(role=cloud.role_arn)
    function.becomes(lambda seen: is_ready(seen) and not error_text(seen), "heals")


def test_drift_is_unseen_and_reverted_at_the_next_look(settled: Create, cloud: Cloud) -> None:
    function = settled(timeout=9)
    cloud.remove(function.name)
    cloud.create_function(function.name, Timeout=60)
    index = len(cloud.calls)
    function.stays(is_ready, "nothing shows", 2)
    assert function.asked(index) == []
    function.resync()
    assert (function.live() or {})["Timeout"] == 9
    assert function.read()["spec"]["timeout"] == 9


def test_a_function_deleted_behind_it_is_created_again_at_the_next_look(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.remove(function.name)
    index = len(cloud.calls)
    function.stays(is_ready, "nothing shows", 2)
    assert function.asked(index) == []
    function.toggle()
    function.becomes_live(lambda it: it is not None, "it is there again")
    assert "CreateFunction" in function.asked(index)
