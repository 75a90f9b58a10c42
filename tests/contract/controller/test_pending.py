"""A function that AWS has not finished with: ACK waits, and says so only where it has a change to make."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import condition, error_text, heartbeat, is_ready, synced
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

PENDING = "function in 'Pending' state, cannot be modified or deleted"


def test_pending_with_a_change_waiting_is_unknown_until_active(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Creating", reason="The function is being created.")
    index = len(cloud.calls)
    function.edit(memorySize=256)
    stuck = function.becomes(lambda seen: error_text(seen) == PENDING, "says that it is Pending")
    assert synced(stuck) == "Unknown"
    assert condition(stuck, "ACK.ResourceSynced")["reason"] == PENDING
    assert condition(stuck, "Ready")["status"] == "False"
    assert condition(stuck, "Ready")["reason"] == "ACK.Recoverable"
    assert condition(stuck, "Ready")["message"] == PENDING
    assert stuck["status"]["state"] == "Pending"
    assert stuck["spec"]["memorySize"] == 256
    function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(stuck) and error_text(seen) == PENDING,
        "is tried again, in vain",
        10,
    )
    assert all(operation.startswith("Get") for operation in function.asked(index))
    cloud.set_state(function.name, "Active")
    healed = function.becomes(is_ready, "heals", 10)
    assert error_text(healed) == ""
    function.becomes_live(lambda it: it and it["MemorySize"] == 256, "the change reaches it")


def test_pending_without_a_change_is_not_synced_and_says_no_more(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Restoring", reason="Waking up.")
    stuck = function.resync()
    assert synced(stuck) == "False"
    assert condition(stuck, "ACK.ResourceSynced")["message"] == "Resource not synced"
    assert error_text(stuck) == ""
    assert stuck["status"]["state"] == "Pending"
    assert stuck["status"]["stateReasonCode"] == "Restoring"
    cloud.set_state(function.name, "Active")
    assert is_ready(function.resync())


def test_a_change_while_it_is_created_waits_too(create: Create, cloud: Cloud) -> None:
    cloud.create_takes = 1000
    function = create()
    function.becomes(lambda seen: synced(seen) == "False" and seen["metadata"]["generation"] == 2, "is being created")
    function.edit(timeout=9)
    function.becomes(lambda seen: error_text(seen) == PENDING, "says that it is Pending")
    cloud.set_state(function.name, "Active")
    function.becomes_live(lambda it: it and it["Timeout"] == 9, "the change reaches it")
    function.becomes(is_ready, "heals")
