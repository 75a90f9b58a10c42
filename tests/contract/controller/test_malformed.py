"""Objects that the API server takes and nobody can want: they hurt themselves only."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import condition, error_text, is_ready
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")


def test_one_that_breaks_its_passes_stops_nobody(settled: Create, cloud: Cloud) -> None:
    broken = settled()
    index = len(cloud.calls)
    broken.edit(functionEventInvokeConfig={"maximumRetryAttempts": 1})
    broken.gets_asked(lambda calls: calls.count("GetFunctionEventInvokeConfig") > 3, "it breaks", index)
    assert is_ready(settled().read())


def test_a_status_that_was_wiped_is_written_anew(settled: Create, control_plane: Plane) -> None:
    function = settled()
    before = function.read()["status"]
    control_plane.admin.merge(f"{function.path}/status", {"status": dict.fromkeys(before)})
    assert function.read().get("status") in (None, {})
    seen = function.resync()
    assert is_ready(seen)
    assert seen["status"]["ackResourceMetadata"] == before["ackResourceMetadata"]
    assert error_text(seen) == ""
    assert condition(seen, "ACK.Terminal") == {}


def test_ten_thousand_characters_of_trouble_are_kept_whole(settled: Create) -> None:
    function = settled()
    function.refuse("UpdateFunctionConfiguration", "InvalidParameterValueException", "<b>é</b> " * 1200)
    function.edit(timeout=9)
    seen = function.becomes(error_text, "says why")
    assert error_text(seen) == "InvalidParameterValueException: " + "<b>é</b> " * 1200
