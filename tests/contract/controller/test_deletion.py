"""How ACK lets an object go, and how it fails to while the object goes on looking well."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import FINALIZER, READS, condition, error_text, heartbeat, is_ready
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

DELETING = "function in 'Deleting' state, cannot be modified or deleted"


def test_deleting_takes_two_looks(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.delete()
    seen = function.becomes(error_text, "says that it is being deleted")
    assert error_text(seen) == DELETING
    # AWS has done it, and ACK has not looked.
    assert function.live() is None
    assert is_ready(seen)
    assert heartbeat(seen) == heartbeat(before)
    function.disappears()
    assert function.asked(index) == [*READS, "DeleteFunction", "GetFunction"]


def test_while_it_is_stopped_a_deleted_object_stays_green(settled: Create, controller: Handle, cloud: Cloud) -> None:
    function = settled()
    controller.stop()
    function.delete()
    seen = function.stays(is_ready, "looks healthy", 1)
    assert seen["metadata"]["deletionTimestamp"]
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    assert function.live() is not None
    controller.start()
    function.becomes_live(lambda it: it is None, "it is deleted")


def test_a_refused_deletion_says_so_under_conditions_of_before(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before = function.read()["status"]
    function.refuse("DeleteFunction")
    held = len(cloud.calls)
    function.delete()
    stuck = function.becomes(error_text, "says why it is not deleted")
    assert error_text(stuck) == "api error AccessDeniedException: not authorized to perform: lambda:DeleteFunction"
    added = [one for one in stuck["status"]["conditions"] if one not in before["conditions"]]
    assert added == [condition(stuck, "ACK.Recoverable")]
    assert {**stuck["status"], "conditions": before["conditions"]} == before
    function.backs_off(held)
    assert heartbeat(function.read()) == heartbeat({"status": before})
    cloud.allow()
    index = len(cloud.calls)
    function.toggle()
    function.gets_asked(lambda calls: "DeleteFunction" in calls, "it tries again", index, 2)
    function.disappears()


def test_a_deletion_that_may_not_read_writes_nothing(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.refuse("GetFunction")
    index = len(cloud.calls)
    function.delete()
    deleted = function.read()
    function.gets_asked(lambda calls: calls.count("GetFunction") > 2, "it tries to read", index)
    seen = function.stays(is_ready, "looks healthy", 1)
    assert seen == deleted
    assert set(function.asked(index)) == {"GetFunction"}
    cloud.allow()
    function.disappears()


def test_a_busy_function_is_deleted_once_it_is_done(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    index = len(cloud.calls)
    function.delete()
    busy = function.becomes(error_text, "says why")
    assert error_text(busy).startswith("ResourceConflictException: The operation cannot be performed at this time. ")
    assert is_ready(busy)
    cloud.set_update(function.name, "Successful")
    function.becomes_live(lambda it: it is None, "it is deleted")
    assert function.asked(index).count("DeleteFunction") > 1


def test_a_function_that_is_gone_lets_its_object_go_at_the_next_look(
    settled: Create, controller: Handle, cloud: Cloud
) -> None:
    function = settled()
    controller.stop()
    function.delete()
    cloud.remove(function.name)
    function.stays(is_ready, "looks healthy", 1)
    index = len(cloud.calls)
    controller.start()
    function.disappears()
    assert function.asked(index) == ["GetFunction"]


def test_a_new_name_while_deleting_orphans_the_function(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.refuse("DeleteFunction")
    function.delete()
    function.becomes(error_text, "is held by the refusal")
    function.edit(name=f"{function.name}-other")
    function.disappears()
    assert function.live() is not None


def test_finalizers_of_others_stay_and_are_none_of_its_business(
    settled: Create, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled()
    control_plane.admin.merge(function.path, {"metadata": {"finalizers": ["example.com/other", FINALIZER]}})
    function.delete()
    function.becomes(lambda seen: seen["metadata"]["finalizers"] == ["example.com/other"], "is let go")
    assert function.live() is None
    index = len(cloud.calls)
    function.edit(timeout=9)
    function.stays(lambda seen: seen["metadata"]["finalizers"], "the other one holds it", 2)
    assert function.asked(index) == []


def test_an_object_that_was_never_managed_is_none_of_its_business_either(
    create: Create, controller: Handle, cloud: Cloud, namespace: str
) -> None:
    controller.stop()
    name = f"unmanaged-{namespace}"
    cloud.create_function(name)
    function = create(name, {"finalizers": ["example.com/other"]})
    function.delete()
    controller.start()
    function.stays(lambda seen: "status" not in seen, "nothing is said", 2)
    assert function.asked() == []
