"""What makes ACK look at an object, and what does not. The timers are in `test_waits.py`."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import FINALIZER, READS, heartbeat, is_ready
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")


def test_neither_annotation_nor_label_makes_it_look(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.annotate({"services.k8s.aws/force-reconcile": "now"})
    function.label({"touched": "yes"})
    function.stays(lambda seen: heartbeat(seen) == heartbeat(before), "its heartbeat does not move", 3)
    assert function.asked(index) == []
    function.edit(description="a change of the spec does")
    function.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")


def test_neither_finalizer_nor_owner_nor_status_makes_it_look(
    settled: Create, cloud: Cloud, control_plane: Plane
) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "app", "uid": before["metadata"]["uid"]}
    metadata = {"finalizers": [FINALIZER, "example.com/other"], "ownerReferences": [owner]}
    control_plane.admin.merge(function.path, {"metadata": metadata})
    control_plane.admin.merge(f"{function.path}/status", {"status": {"stateReason": "edited", "conditions": []}})
    function.stays(lambda seen: heartbeat(seen) is None, "the conditions are not written anew", 2)
    assert function.asked(index) == []
    assert is_ready(function.resync())
    control_plane.admin.merge(function.path, {"metadata": {"finalizers": [FINALIZER]}})


def test_toggling_publish_makes_it_look_and_changes_nothing(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.toggle()
    after = function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and "publish" not in seen["spec"], "its heartbeat moves", 5
    )
    assert is_ready(after)
    function.falls_silent()
    assert function.read()["spec"] == before["spec"]
    assert function.read()["metadata"]["generation"] == before["metadata"]["generation"] + 2
    # One pass or two, each of which reads twice: an edit that comes while the first is still waiting is seen with it.
    # What is late from before may add to them.
    looked = function.asked(index)
    assert set(looked) == set(READS)
    assert looked[: 2 * len(READS)] == READS * 2


def test_what_was_toggled_by_another_hand_stays(settled: Create) -> None:
    function = settled()
    function.annotate({"example.com/mine": "yes"})
    function.edit(publish=False)
    function.falls_silent()
    seen = function.read()
    assert seen["spec"]["publish"] is False
    assert seen["metadata"]["annotations"] == {"example.com/mine": "yes"}


def test_every_pass_moves_every_heartbeat(settled: Create) -> None:
    function = settled()
    before, after = function.read()["status"], function.resync()["status"]
    times = [{one["type"]: one["lastTransitionTime"] for one in status["conditions"]} for status in (before, after)]
    assert times[0].keys() == times[1].keys() == {"ACK.LateInitialized", "ACK.ResourceSynced", "Ready"}
    assert all(times[0][kind] < times[1][kind] for kind in times[0])
    still = [[{**one, "lastTransitionTime": ""} for one in status["conditions"]] for status in (before, after)]
    assert still[0] == still[1]


def test_a_healthy_object_is_left_alone(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.stays(lambda seen: seen == before, "nothing is written", 4)
    assert function.asked(index) == []


def test_an_edit_during_a_pass_is_not_lost(settled: Create, cloud: Cloud) -> None:
    function = settled()
    # The SDK waits between its tries, and so does the pass.
    function.refuse("GetFunction", "TooManyRequestsException", "Rate exceeded", times=2)
    index = len(cloud.calls)
    function.edit(timeout=9)
    function.gets_asked(lambda calls: calls, "a pass is under way", index)
    function.edit(timeout=10)
    function.becomes_live(lambda it: it and it["Timeout"] == 10, "the later edit reaches it")


def test_an_object_made_anew_under_its_old_name_is_looked_at(create: Create, cloud: Cloud, namespace: str) -> None:
    name = f"anew-{namespace}"
    cloud.create_function(name)
    # Nothing holds it, so it goes at once, and its generation is 1 again.
    read_only = {"annotations": {"services.k8s.aws/read-only": "true"}}
    function = create(name, read_only)
    uid = function.becomes(is_ready, "is synced")["metadata"]["uid"]
    function.delete()
    anew = create(name, read_only).becomes(is_ready, "is synced too")
    assert anew["metadata"]["uid"] != uid
