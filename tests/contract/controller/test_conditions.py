"""What ACK says of a function in its conditions, word for word: people and alerts read them."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import Object, condition, error_text, is_ready
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

UNKNOWN = "Unable to determine if desired resource state matches latest observed state"
DENIED = "api error AccessDeniedException: not authorized to perform: lambda:UpdateFunctionConfiguration"


def said(seen: Object) -> dict[str, tuple[str | None, ...]]:
    """Map the conditions to what they say: status, message and reason."""
    conditions = seen["status"]["conditions"]
    assert len({one["type"] for one in conditions}) == len(conditions)
    return {one["type"]: (one["status"], one.get("message"), one.get("reason")) for one in conditions}


def test_a_healthy_function_has_three_conditions(settled: Create) -> None:
    late = "Late initialization successful"
    assert said(settled().read()) == {
        "ACK.LateInitialized": ("True", late, late),
        "ACK.ResourceSynced": ("True", "Resource synced successfully", ""),
        "Ready": ("True", "Resource synced successfully", ""),
    }


def test_an_error_is_recoverable_and_leaves_unknown_whether_it_is_synced(settled: Create) -> None:
    function = settled()
    function.refuse("UpdateFunctionConfiguration")
    function.edit(timeout=9)
    seen = function.becomes(error_text, "says why")
    told = said(seen)
    status, message, reason = told.pop("ACK.ResourceSynced")
    assert (status, message) == ("Unknown", UNKNOWN)
    wording = "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 403, RequestID: "
    assert (reason or "").startswith(wording)
    assert (reason or "").endswith(f", {DENIED}")
    assert told == {"ACK.Recoverable": ("True", DENIED, None), "Ready": ("False", DENIED, "ACK.Recoverable")}
    # The one condition that names the trouble does not tell since when.
    assert "lastTransitionTime" not in condition(seen, "ACK.Recoverable")
    assert "lastTransitionTime" in condition(seen, "ACK.ResourceSynced")
    assert seen["spec"]["timeout"] == 9


def test_an_error_that_is_over_leaves_no_trace(settled: Create) -> None:
    function = settled()
    before = said(function.read())
    function.refuse("UpdateFunctionConfiguration", times=2)
    function.edit(timeout=9)
    function.becomes_live(lambda it: it and it["Timeout"] == 9, "the change reaches it")
    function.falls_silent()
    assert said(function.read()) == before


def test_the_reason_of_an_error_is_another_at_each_try(settled: Create) -> None:
    function = settled()
    function.refuse("UpdateFunctionConfiguration")
    function.edit(timeout=9)
    first = condition(function.becomes(error_text, "says why"), "ACK.ResourceSynced")["reason"]
    function.becomes(
        lambda seen: condition(seen, "ACK.ResourceSynced")["reason"] != first and error_text(seen) == DENIED,
        "names another request",
    )


def test_states_decide_what_is_synced_and_updates_do_not(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "Failed", reason_code="EniLimitExceeded", reason="No more network interfaces.")
    for state, expected in {"Active": "True", "Failed": "False", "Inactive": "True", "Deactivated": "False"}.items():
        cloud.set_state(function.name, state)
        seen = function.resync()
        message = "Resource synced successfully" if expected == "True" else "Resource not synced"
        told = said(seen)
        assert told["ACK.ResourceSynced"] == told["Ready"] == (expected, message, ""), state
        assert told.keys() == {"ACK.LateInitialized", "ACK.ResourceSynced", "Ready"}
        assert seen["status"]["state"] == state
        assert seen["status"]["lastUpdateStatus"] == "Failed"
        assert seen["status"]["lastUpdateStatusReasonCode"] == "EniLimitExceeded"


def test_the_state_in_the_status_is_a_snapshot(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Failed")
    function.stays(lambda seen: seen["status"]["state"] == "Active" and is_ready(seen), "shows what was", 2)
    assert function.resync()["status"]["state"] == "Failed"
