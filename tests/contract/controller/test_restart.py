"""A restart: a full pass over everything there is, whatever was known before."""

from collections.abc import Callable

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import Object, heartbeat, is_ready
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")


def has_moved_from(before: str | None) -> Callable[[Object], bool]:
    return lambda seen: heartbeat(seen) != before


def test_a_restart_looks_at_everything(settled: Create, controller: Handle, cloud: Cloud) -> None:
    functions = [settled() for _ in range(3)]
    before = [function.read() for function in functions]
    controller.stop()
    index = len(cloud.calls)
    controller.start()
    for function, seen in zip(functions, before, strict=True):
        after = function.becomes(has_moved_from(heartbeat(seen)), "its heartbeat moves")
        assert is_ready(after)
        assert after["metadata"]["generation"] == seen["metadata"]["generation"]
    assert {call.function for call in cloud.calls_since(index)} >= {function.name for function in functions}
    assert "GetCallerIdentity" in [call.operation for call in cloud.calls_since(index)]


def test_edits_made_meanwhile_are_applied(settled: Create, controller: Handle, cloud: Cloud) -> None:
    function = settled()
    controller.stop()
    index = len(cloud.calls)
    function.edit(timeout=9)
    function.stays(is_ready, "nothing shows", 2)
    assert function.asked(index) == []
    controller.start()
    function.becomes_live(lambda it: it and it["Timeout"] == 9, "the change reaches it")


def test_a_restart_is_past_every_back_off(settled: Create, controller: Handle, cloud: Cloud) -> None:
    function = settled()
    function.refuse("GetFunction")
    index = len(cloud.calls)
    function.edit(timeout=9)
    function.gets_asked(lambda calls: len(calls) > 10, "it is tried again and again", index)
    controller.stop()
    restarted = len(cloud.calls)
    controller.start()
    # Its failures were known to it alone: the tries are close together again. Else the next four took a minute.
    function.gets_asked(lambda calls: len(calls) > 4, "it is tried again soon", restarted)
    at = [call.at for call in function.looks(restarted)]
    assert (at[4] - at[0]).total_seconds() < 30
