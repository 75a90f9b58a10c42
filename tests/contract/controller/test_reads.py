"""Reading a function takes four calls, and any of them that fails, fails the pass."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import READS, condition, error_text, heartbeat, is_ready, synced
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")


@pytest.mark.parametrize("operation", READS)
def test_a_read_that_is_denied_fails_the_pass(settled: Create, cloud: Cloud, operation: str) -> None:
    function = settled()
    function.refuse(operation)
    index = len(cloud.calls)
    function.edit(timeout=9)
    seen = function.becomes(error_text, "says why")
    denied = f"api error AccessDeniedException: not authorized to perform: lambda:{operation}"
    assert error_text(seen) == denied
    assert synced(seen) == "Unknown"
    reason = condition(seen, "ACK.ResourceSynced")["reason"]
    assert reason.startswith(f"operation error Lambda: {operation}, https response error StatusCode: 403, RequestID: ")
    assert reason.endswith(f", {denied}")
    # Later reads are not made, and nothing is changed.
    assert set(function.asked(index)) == set(READS[: READS.index(operation) + 1])
    cloud.allow()
    function.edit(timeout=10)
    function.becomes(lambda seen: is_ready(seen) and not error_text(seen), "heals")


@pytest.mark.parametrize("operation", ["GetFunctionConcurrency", "GetFunctionEventInvokeConfig"])
def test_what_is_not_set_may_be_not_found(settled: Create, operation: str) -> None:
    function = settled()
    function.refuse(operation, "ResourceNotFoundException", "there is none")
    assert is_ready(function.resync())


def test_code_signing_must_be_found(settled: Create) -> None:
    function = settled()
    function.refuse("GetFunctionCodeSigningConfig", "ResourceNotFoundException", "there is none")
    function.toggle()
    seen = function.becomes(error_text, "says why")
    assert error_text(seen) == "ResourceNotFoundException: there is none"


def test_throttling_is_borne_three_times_in_a_pass(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.refuse("GetFunction", "TooManyRequestsException", "Rate exceeded")
    index = len(cloud.calls)
    function.edit(publish=False)
    seen = function.becomes(error_text, "says why")
    assert error_text(seen) == "TooManyRequestsException: Rate exceeded"
    reason = condition(seen, "ACK.ResourceSynced")["reason"]
    assert reason.startswith(
        "operation error Lambda: GetFunction, exceeded maximum number of attempts, 3, "
        "https response error StatusCode: 429, RequestID: "
    )
    # The pass that is told of made as many.
    assert function.asked(index)[:3] == ["GetFunction"] * 3
    cloud.allow()
    function.becomes(lambda seen: is_ready(seen) and not error_text(seen), "heals")


@pytest.mark.parametrize(("code", "message"), [("TooManyRequestsException", "slow down"), ("ServiceException", "oops")])
def test_what_passes_at_the_third_try_is_not_told(settled: Create, cloud: Cloud, code: str, message: str) -> None:
    function = settled()
    function.refuse("GetFunction", code, message, times=2)
    before, index = function.read(), len(cloud.calls)
    function.edit(publish=False)
    # The first pass to be told of is one that ended well.
    seen = function.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")
    assert is_ready(seen)
    function.falls_silent()
    assert function.asked(index) == ["GetFunction"] * 2 + READS * 2


def test_one_that_is_denied_is_not_asked_again_in_a_pass(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.refuse("GetFunction", times=1)
    before, index = function.read(), len(cloud.calls)
    function.edit(publish=False)
    function.becomes(lambda seen: heartbeat(seen) != heartbeat(before) and is_ready(seen), "heals")
    function.falls_silent()
    assert function.asked(index) == ["GetFunction", *READS * 2]


def test_a_partial_event_invoke_config_breaks_every_pass_in_silence(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index, before = len(cloud.calls), function.read()
    function.edit(functionEventInvokeConfig={"maximumRetryAttempts": 1})
    function.backs_off(index)
    seen = function.read()
    assert seen["status"] == before["status"]
    assert is_ready(seen)
    assert "GetFunctionCodeSigningConfig" not in function.asked(index)[-3:]
    # A deletion breaks as well.
    function.delete()
    function.stays(lambda seen: seen["status"] == before["status"], "nothing is said", 1)
    assert "DeleteFunction" not in function.asked(index)


def test_a_whole_event_invoke_config_is_put_and_completed(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index = len(cloud.calls)
    function.edit(functionEventInvokeConfig={"maximumRetryAttempts": 1, "maximumEventAgeInSeconds": 60})
    function.gets_asked(lambda calls: "PutFunctionEventInvokeConfig" in calls, "it is put", index)
    function.falls_silent()
    seen = function.read()
    assert is_ready(seen)
    assert seen["spec"]["functionEventInvokeConfig"] == {
        "destinationConfig": {"onFailure": {}, "onSuccess": {}},
        "maximumEventAgeInSeconds": 60,
        "maximumRetryAttempts": 1,
    }
    assert function.asked(index).count("PutFunctionEventInvokeConfig") == 1
    function.edit(functionEventInvokeConfig=None)
    function.gets_asked(lambda calls: "DeleteFunctionEventInvokeConfig" in calls, "it is taken away", index)
    function.falls_silent()
    assert is_ready(function.read())
