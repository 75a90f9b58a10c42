"""How the sandbox's controller lets a Function go, or fails to, told by what a user can see on both sides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sandbox.controller.conftest import World


DELETING = "function in 'Deleting' state, cannot be modified or deleted"
FINALIZER = "finalizers.lambda.services.k8s.aws/Function"


def test_a_deletion_takes_two_looks(world: World) -> None:
    world.synced("orders")
    before = world.heartbeat("orders")
    world.delete("orders")
    world.until(lambda: world.recoverable("orders") == DELETING)
    assert world.heartbeat("orders") == before
    assert world.condition("orders", "ACK.ResourceSynced")["status"] == "True"
    world.until(lambda: not world.exists("orders"))
    assert world.asked(reads=False)[-1:] == ["DeleteFunction"]


def test_aws_may_take_its_time(world: World) -> None:
    world.synced("orders")
    world.cloud.delete_takes = 12
    world.delete("orders")
    world.until(lambda: world.function("orders")["status"]["state"] == "Deleting")
    world.until(lambda: not world.exists("orders"))
    assert world.asked(reads=False).count("DeleteFunction") == 1


def test_retain_keeps_the_function_and_asks_nobody(world: World) -> None:
    world.synced("orders")
    world.annotate("orders", deletion_policy="retain")
    mark = world.mark()
    world.delete("orders")
    world.until(lambda: not world.exists("orders"))
    assert world.asked(mark) == []
    assert world.cloud.configuration("orders")["State"] == "Active"


def test_a_refused_delete_shows_in_recoverable_alone(world: World) -> None:
    world.synced("orders")
    before = world.function("orders")["status"]
    world.cloud.refuse("DeleteFunction", "AccessDeniedException", "not you")
    world.delete("orders")
    world.until(lambda: world.recoverable("orders") == "api error AccessDeniedException: not you")
    after = world.function("orders")["status"]
    added = [one for one in after["conditions"] if one not in before["conditions"]]
    assert [one["type"] for one in added] == ["ACK.Recoverable"]
    assert {**after, "conditions": before["conditions"]} == before


def test_a_pass_forced_on_a_terminating_function_tries_again(world: World) -> None:
    world.synced("orders")
    world.cloud.refuse("DeleteFunction", "AccessDeniedException", "not you")
    world.delete("orders")
    world.until(lambda: world.asked(reads=False).count("DeleteFunction") >= 8)
    world.cloud.allow()
    mark = world.mark()
    world.resync("orders")
    world.until(lambda: "DeleteFunction" in world.asked(mark), seconds=1)
    world.until(lambda: not world.exists("orders"))


def test_a_busy_function_is_not_deleted(world: World) -> None:
    world.synced("orders")
    world.cloud.set_update("orders", "InProgress", seconds=15)
    world.delete("orders")
    world.until(lambda: world.recoverable("orders").startswith("ResourceConflictException: "))
    world.until(lambda: not world.exists("orders"))


def test_a_read_that_is_denied_leaves_no_trace(world: World) -> None:
    world.synced("orders")
    world.cloud.refuse("GetFunction", "AccessDeniedException", "not you")
    mark = world.mark()
    world.delete("orders")
    terminating = world.function("orders")
    world.until(lambda: len(world.asked(mark)) >= 3)
    assert world.function("orders") == terminating
    assert world.condition("orders", "Ready")["status"] == "True"


def test_without_a_controller_a_deletion_hangs_and_looks_well(world: World) -> None:
    world.synced("orders")
    world.controller.stop()
    world.delete("orders")
    world.cloud.remove("orders")
    time.sleep(0.3)
    hanging = world.function("orders")
    assert hanging["metadata"]["finalizers"] == [FINALIZER]
    assert world.condition("orders", "ACK.ResourceSynced")["status"] == "True"
    mark = world.mark()
    world.controller.start()
    world.until(lambda: not world.exists("orders"))
    assert world.asked(mark) == ["GetCallerIdentity", "GetFunction"]


def test_a_new_name_orphans_the_function(world: World) -> None:
    world.synced("orders")
    world.cloud.refuse("DeleteFunction", "AccessDeniedException", "not you")
    world.delete("orders")
    world.until(lambda: world.recoverable("orders"))
    world.patch("orders", {"spec": {"name": "orders-2"}})
    world.until(lambda: not world.exists("orders"))
    assert world.cloud.configuration("orders")["State"] == "Active"


def test_a_changed_region_hangs_for_ever_retain_or_not(world: World) -> None:
    world.synced("orders")
    world.annotate("orders", region="eu-west-1")
    mark = world.mark()
    world.delete("orders")
    terminating = world.function("orders")
    time.sleep(0.3)
    assert world.function("orders") == terminating
    world.annotate("orders", deletion_policy="retain")
    world.resync("orders")
    time.sleep(0.3)
    assert world.function("orders")["metadata"]["finalizers"] == [FINALIZER]
    assert world.asked(mark) == []


def test_retain_on_a_terminating_function_waits_for_the_next_pass(world: World) -> None:
    world.synced("orders")
    world.controller.stop()
    world.cloud.refuse("GetFunction", "AccessDeniedException", "not you")
    world.delete("orders")
    mark = world.mark()
    world.controller.start()
    # By then the back-off is long enough to tell its pass from one that the annotation might have caused.
    world.until(lambda: world.asked(mark).count("GetFunction") == 13)
    world.annotate("orders", deletion_policy="retain")
    time.sleep(0.3)
    assert world.exists("orders")
    world.resync("orders")
    world.until(lambda: not world.exists("orders"), seconds=1)
    assert world.cloud.configuration("orders")["State"] == "Active"


def test_finalizers_of_others_stay(world: World) -> None:
    world.synced("orders")
    world.patch("orders", {"metadata": {"finalizers": ["example.com/other", FINALIZER]}})
    world.delete("orders")
    world.until(lambda: world.function("orders")["metadata"]["finalizers"] == ["example.com/other"])
    mark = world.mark()
    world.edit("orders", timeout=9)
    time.sleep(0.3)
    assert world.asked(mark) == []
