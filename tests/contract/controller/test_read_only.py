"""Objects that ACK may only read, and those it took over: neither is ever created."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import READS, is_ready
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

READ_ONLY = {"services.k8s.aws/read-only": "true"}


def test_read_only_is_read_and_never_written(create: Create, cloud: Cloud, namespace: str) -> None:
    name = f"read-only-{namespace}"
    cloud.create_function(name, Timeout=60)
    function = create(name, {"annotations": READ_ONLY}, timeout=9)
    seen = function.becomes(is_ready, "is synced")
    function.falls_silent()
    assert seen["spec"]["timeout"] == 9
    assert seen["status"]["state"] == "Active"
    assert "finalizers" not in seen["metadata"]
    assert function.read()["metadata"]["generation"] == 1
    assert function.asked() == READS
    assert (function.live() or {})["Timeout"] == 60


def test_a_function_turned_read_only_shows_its_state_and_takes_no_edits(settled: Create, cloud: Cloud) -> None:
    function = settled(timeout=5)
    function.annotate(READ_ONLY)
    cloud.set_update(function.name, "Failed")
    index = len(cloud.calls)
    function.edit(timeout=9)
    seen = function.becomes(lambda seen: seen["status"]["lastUpdateStatus"] == "Failed", "its status is refreshed")
    assert is_ready(seen)
    function.falls_silent()
    assert function.read()["spec"]["timeout"] == 9
    assert (function.live() or {})["Timeout"] == 5
    assert function.asked(index) == READS


def test_a_read_only_object_goes_and_its_function_stays(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.annotate(READ_ONLY)
    index = len(cloud.calls)
    function.delete()
    function.disappears()
    assert function.live() is not None
    assert function.asked(index) == []


@pytest.mark.parametrize("annotation", ["services.k8s.aws/read-only", "services.k8s.aws/adopted"])
def test_what_it_did_not_make_it_does_not_miss_aloud(create: Create, annotation: str) -> None:
    function = create(metadata={"annotations": {annotation: "true"}})
    function.gets_asked(lambda calls: len(calls) > 3, "it is tried again and again")
    seen = function.stays(lambda seen: "status" not in seen, "nothing is said", 1)
    assert "finalizers" not in seen["metadata"]
    assert set(function.asked()) == {"GetFunction"}
