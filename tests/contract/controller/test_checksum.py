"""`spec.code.sha256`: a string that is compared with Lambda's, which is base64; any other eats other changes."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import heartbeat, is_ready
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HELLO = {"variables": {"GREETING": "hello"}}


def test_a_hex_checksum_eats_a_change_of_the_environment(settled: Create, cloud: Cloud) -> None:
    function = settled(code={**cloud.code, "sha256": HEX})
    index, before = len(cloud.calls), function.read()
    function.edit(environment=HELLO)
    after = function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and "environment" not in seen["spec"],
        "the change is gone",
    )
    assert is_ready(after)
    operations = function.asked(index)
    assert "UpdateFunctionCode" in operations
    assert "UpdateFunctionConfiguration" not in operations
    assert "Environment" not in (function.live() or {})
    assert after["spec"]["code"]["sha256"] == HEX


def test_a_checksum_that_never_matches_updates_the_code_at_every_look(settled: Create, cloud: Cloud) -> None:
    function = settled(code={**cloud.code, "sha256": "whatever"})
    for _ in range(2):
        index = len(cloud.calls)
        seen = function.resync()
        assert "UpdateFunctionCode" in function.asked(index)
        assert is_ready(seen)
        assert seen["status"]["codeSHA256"] == cloud.code_sha256


def test_the_right_checksum_lets_the_environment_through(settled: Create, cloud: Cloud) -> None:
    function = settled(code={**cloud.code, "sha256": cloud.code_sha256})
    function.edit(environment=HELLO)
    function.becomes_live(lambda it: it and it.get("Environment") == {"Variables": HELLO["variables"]}, "it is applied")
    function.falls_silent()
    assert function.read()["spec"]["environment"] == HELLO
    assert "UpdateFunctionCode" not in function.asked()


def test_without_a_package_type_no_checksum_is_compared(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index = len(cloud.calls)
    function.edit(packageType=None, code={"sha256": HEX})
    # The pass that puts the package type back is blind to the checksum; the one after it is not.
    function.gets_asked(lambda calls: "UpdateFunctionCode" in calls, "the code is updated", index)
    updates = [operation for operation in function.asked(index) if operation.startswith("Update")]
    assert updates[:2] == ["UpdateFunctionConfiguration", "UpdateFunctionCode"]
    assert function.read()["spec"]["packageType"] == "Zip"
