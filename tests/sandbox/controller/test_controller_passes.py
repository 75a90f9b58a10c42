"""How the sandbox's controller treats a Function that stays, told by what a user can see on both sides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.controller.conftest import World


NOT_KNOWN = "Unable to determine if desired resource state matches latest observed state"
PENDING = "function in 'Pending' state, cannot be modified or deleted"
FINALIZER = "finalizers.lambda.services.k8s.aws/Function"


def test_a_new_function_is_created_and_its_defaults_come_back(world: World) -> None:
    made = world.synced("orders", environment={"variables": {"A": "1"}})
    asked = world.asked()
    assert asked[:7] == ["GetCallerIdentity", "GetFunction", "CreateFunction", *world.reads]
    assert set(asked[7:]) == set(world.reads)
    assert made["metadata"]["finalizers"] == [FINALIZER]
    assert made["metadata"]["generation"] == 2
    defaults = {
        "architectures": ["x86_64"],
        "description": "",
        "ephemeralStorage": {"size": 512},
        "packageType": "Zip",
        "snapStart": {"applyOn": "None"},
        "tracingConfig": {"mode": "PassThrough"},
    }
    assert {key: made["spec"][key] for key in defaults} == defaults
    live = world.cloud.configuration("orders")
    status = made["status"]
    assert status["ackResourceMetadata"] == {
        "arn": live["FunctionArn"],
        "ownerAccountID": "123456789012",
        "partition": "aws",
        "region": "us-east-1",
    }
    assert (status["state"], status["lastUpdateStatus"]) == ("Active", "Successful")
    assert (status["codeSHA256"], status["revisionID"]) == (world.cloud.code_sha256, live["RevisionId"])
    assert status["lastModified"] == live["LastModified"]


def test_a_synced_function_says_so_with_a_heartbeat_in_whole_seconds(world: World) -> None:
    world.synced("orders")
    synced = world.condition("orders", "ACK.ResourceSynced")
    heartbeat = synced.pop("lastTransitionTime")
    assert time.strptime(heartbeat, "%Y-%m-%dT%H:%M:%SZ")
    assert synced == {
        "type": "ACK.ResourceSynced",
        "status": "True",
        "message": "Resource synced successfully",
        "reason": "",
    }
    assert world.condition("orders", "Ready")["status"] == "True"
    assert world.condition("orders", "ACK.Recoverable") == {}


def test_the_function_carries_the_controllers_tags_and_the_spec_does_not(world: World) -> None:
    made = world.synced("orders", tags={"team": "a"})
    assert made["spec"]["tags"] == {"team": "a"}
    world.edit("orders", tags={"team": "b"})
    world.until(lambda: "TagResource" in world.asked())
    world.quiet()
    assert world.function("orders")["spec"]["tags"] == {"team": "b"}
    assert world.condition("orders", "ACK.ResourceSynced")["status"] == "True"


def test_annotations_labels_finalizers_and_status_trigger_nothing(world: World) -> None:
    world.synced("orders")
    before, mark = world.heartbeat("orders"), world.mark()
    world.annotate("orders", anything="x")
    world.patch("orders", {"metadata": {"labels": {"a": "b"}}})
    world.patch("orders", {"metadata": {"finalizers": [FINALIZER, "example.com/other"]}})
    time.sleep(0.5)
    assert world.heartbeat("orders") == before
    assert world.asked(mark) == []


def test_toggling_publish_runs_a_pass_and_changes_nothing(world: World) -> None:
    made = world.synced("orders")
    before, mark = world.heartbeat("orders"), world.mark()
    world.resync("orders")
    world.until(lambda: world.heartbeat("orders") != before)
    world.quiet()
    assert world.function("orders")["spec"] == made["spec"]
    assert world.function("orders")["metadata"]["generation"] == made["metadata"]["generation"] + 2
    assert set(world.asked(mark)) == set(world.reads)


def test_pending_with_a_change_to_make(world: World) -> None:
    world.synced("orders")
    world.cloud.set_state("orders", "Pending", seconds=30)
    world.edit("orders", timeout=9)
    world.until(lambda: world.recoverable("orders") == PENDING)
    assert world.condition("orders", "ACK.Recoverable") == {
        "type": "ACK.Recoverable",
        "status": "True",
        "message": PENDING,
    }
    synced, ready = world.condition("orders", "ACK.ResourceSynced"), world.condition("orders", "Ready")
    assert (synced["status"], synced["message"], synced["reason"]) == ("Unknown", NOT_KNOWN, PENDING)
    assert (ready["status"], ready["message"], ready["reason"]) == ("False", PENDING, "ACK.Recoverable")
    assert world.function("orders")["status"]["state"] == "Pending"
    world.until(lambda: world.heartbeat("orders") != synced["lastTransitionTime"])
    world.until(lambda: world.condition("orders", "ACK.ResourceSynced")["status"] == "True")
    assert world.condition("orders", "ACK.Recoverable") == {}
    assert world.cloud.configuration("orders")["Timeout"] == 9


def test_pending_with_nothing_to_change(world: World) -> None:
    world.synced("orders")
    world.cloud.set_state("orders", "Pending", seconds=45)
    world.resync("orders")
    world.until(lambda: world.condition("orders", "ACK.ResourceSynced")["status"] == "False")
    synced = world.condition("orders", "ACK.ResourceSynced")
    assert (synced["message"], synced["reason"]) == ("Resource not synced", "")
    assert world.condition("orders", "ACK.Recoverable") == {}
    mark, at = world.mark(), time.monotonic()
    world.until(lambda: world.asked(mark))
    assert (time.monotonic() - at) * world.speed > 15
    world.until(lambda: world.condition("orders", "ACK.ResourceSynced")["status"] == "True")


def test_an_accepted_update_stays_in_progress_in_the_status(world: World) -> None:
    world.synced("orders")
    world.cloud.update_takes = 10
    world.edit("orders", timeout=9)
    world.until(lambda: world.function("orders")["status"]["lastUpdateStatus"] == "InProgress")
    world.quiet()
    world.until(lambda: world.cloud.configuration("orders")["LastUpdateStatus"] == "Successful")
    assert world.condition("orders", "ACK.ResourceSynced")["status"] == "True"
    assert world.function("orders")["status"]["lastUpdateStatus"] == "InProgress"


def test_an_update_while_another_runs_is_a_conflict_that_heals(world: World) -> None:
    made = world.synced("orders")
    world.cloud.set_update("orders", "InProgress", seconds=20)
    world.edit("orders", timeout=9)
    arn = made["status"]["ackResourceMetadata"]["arn"]
    message = (
        "ResourceConflictException: The operation cannot be performed at this time. "
        f"An update is in progress for resource: {arn}"
    )
    world.until(lambda: world.recoverable("orders") == message)
    synced = world.condition("orders", "ACK.ResourceSynced")
    assert synced["status"] == "Unknown"
    wording = "operation error Lambda: UpdateFunctionConfiguration, https response error StatusCode: 409, RequestID: "
    assert synced["reason"].startswith(wording)
    assert synced["reason"].endswith(f", {message}")
    world.until(lambda: world.cloud.configuration("orders")["Timeout"] == 9)
    world.until(lambda: world.condition("orders", "ACK.ResourceSynced")["status"] == "True")


def test_what_is_synced_is_decided_by_state_alone(world: World) -> None:
    world.synced("orders")
    world.cloud.set_update("orders", "Failed", reason_code="EniLimitExceeded")
    for state, synced in (("Active", "True"), ("Failed", "False"), ("Inactive", "True")):
        before = world.heartbeat("orders")
        world.cloud.set_state("orders", state)
        world.resync("orders")
        world.until(lambda before=before: world.heartbeat("orders") != before)  # type: ignore[misc]
        assert world.condition("orders", "ACK.ResourceSynced")["status"] == synced
        assert world.function("orders")["status"]["lastUpdateStatusReasonCode"] == "EniLimitExceeded"


def test_a_hex_checksum_eats_a_change_of_the_environment(world: World) -> None:
    world.synced("orders", environment={"variables": {"A": "1"}})
    mark, digest = world.mark(), "ab" * 32
    world.edit("orders", environment={"variables": {"A": "2"}}, code={"sha256": digest})
    world.until(lambda: "UpdateFunctionCode" in world.asked(mark))
    world.quiet()
    spec = world.function("orders")["spec"]
    assert spec["environment"] == {"variables": {"A": "1"}}
    assert spec["code"]["sha256"] == digest
    assert world.condition("orders", "ACK.ResourceSynced")["status"] == "True"
    assert "UpdateFunctionConfiguration" not in world.asked(mark)


def test_a_refused_create_is_recoverable_and_leaves_no_finalizer(world: World) -> None:
    world.create("orders", role=f"{world.cloud.role_arn}-not")
    summary = "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
    world.until(lambda: world.recoverable("orders") == summary)
    version = world.function("orders")["metadata"]["resourceVersion"]
    world.until(lambda: world.function("orders")["metadata"]["resourceVersion"] != version)
    assert world.condition("orders", "ACK.Terminal") == {}
    world.delete("orders")
    world.until(lambda: not world.exists("orders"))


def test_an_unresolved_reference_is_all_that_shows(world: World) -> None:
    mark = world.mark()
    world.create("orders", role=None, roleRef={"from": {"name": "lambda"}})
    world.until(lambda: world.condition("orders", "ACK.ReferencesResolved"))
    made = world.function("orders")
    (only,) = made["status"]["conditions"]
    assert only["status"] == "Unknown"
    assert only["message"] == "Reference resolution failed"
    assert only["reason"] == 'no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"'
    assert "finalizers" not in made["metadata"]
    assert world.asked(mark) == []


def test_a_function_of_someone_else_is_terminal(world: World) -> None:
    world.cloud.create_function("orders")
    world.create("orders")
    world.until(lambda: world.condition("orders", "ACK.Terminal"))
    terminal, synced = (
        world.condition("orders", "ACK.Terminal"),
        world.condition("orders", "ACK.ResourceSynced"),
    )
    assert terminal["message"] == "Resource already exists"
    assert terminal["reason"].startswith("This resource already exists but is not managed by ACK.")
    assert (synced["status"], synced["message"]) == ("False", "Resource not synced")
    assert synced["reason"] == "resource is in terminal condition"
    assert world.condition("orders", "Ready")["reason"] == "ACK.Terminal"
    mark = world.mark()
    time.sleep(0.5)
    assert world.asked(mark) == []


def test_drift_is_reverted_and_a_lost_function_made_again_at_the_next_pass(world: World) -> None:
    world.synced("orders", timeout=9)
    world.cloud.remove("orders")
    world.cloud.create_function("orders", Timeout=60)
    mark = world.mark()
    time.sleep(0.3)
    assert world.asked(mark) == []
    world.resync("orders")
    world.until(lambda: world.cloud.configuration("orders")["Timeout"] == 9)
    world.cloud.remove("orders")
    world.resync("orders")
    world.until(lambda: "CreateFunction" in world.asked(mark))


def test_a_refused_read_is_told_in_go_s_words(world: World) -> None:
    world.synced("orders")
    world.cloud.refuse("GetFunctionConcurrency", "AccessDeniedException", "not you")
    world.resync("orders")
    world.until(lambda: world.recoverable("orders") == "api error AccessDeniedException: not you")
    wording = "operation error Lambda: GetFunctionConcurrency, https response error StatusCode: 403, RequestID: "
    assert world.condition("orders", "ACK.ResourceSynced")["reason"].startswith(wording)
    world.cloud.allow()
    mark = world.mark()
    world.cloud.refuse("GetFunction", "TooManyRequestsException", "Rate exceeded", times=3)
    world.resync("orders")
    world.until(lambda: world.recoverable("orders") == "TooManyRequestsException: Rate exceeded")
    reason = world.condition("orders", "ACK.ResourceSynced")["reason"]
    assert "GetFunction, exceeded maximum number of attempts, 3, https response error StatusCode: 429" in reason
    assert world.asked(mark)[:3] == ["GetFunction"] * 3


def test_read_only_is_read_and_never_written(world: World) -> None:
    world.cloud.create_function("orders", Timeout=60)
    mark = world.mark()
    world.create("orders", annotations={"services.k8s.aws/read-only": "true"}, timeout=9)
    world.until(lambda: world.heartbeat("orders"))
    world.quiet()
    made = world.function("orders")
    assert (made["spec"]["timeout"], made["status"]["state"]) == (9, "Active")
    assert "finalizers" not in made["metadata"]
    assert world.asked(mark) == world.reads


def test_a_changed_region_is_refused_in_silence(world: World) -> None:
    world.synced("orders")
    world.annotate("orders", region="eu-west-1")
    mark, before = world.mark(), world.function("orders")["status"]
    world.edit("orders", timeout=9)
    time.sleep(0.5)
    assert world.function("orders")["status"] == before
    assert world.asked(mark) == []


def test_a_restart_looks_at_everything(world: World) -> None:
    world.synced("orders")
    world.cloud.create_function("bills")
    world.create("bills")
    world.until(lambda: world.condition("bills", "ACK.Terminal"))
    world.controller.stop()
    mark = world.mark()
    world.edit("orders", timeout=9)
    time.sleep(0.3)
    assert world.asked(mark) == []
    world.controller.start()
    world.until(lambda: {one.function for one in world.cloud.calls_since(mark)} >= {"orders", "bills"})
    world.until(lambda: world.cloud.configuration("orders")["Timeout"] == 9)


def test_it_stops_within_a_second(world: World) -> None:
    world.cloud.refuse("GetFunction", "ServiceException", "try again")
    world.create("orders")
    world.until(lambda: "GetFunction" in world.asked())
    at = time.monotonic()
    world.controller.stop()
    assert time.monotonic() - at < 1
    mark = world.mark()
    time.sleep(0.3)
    assert world.asked(mark) == []


def test_one_broken_object_stops_nobody(world: World) -> None:
    broken: dict[str, Any] = world.manifest("broken")
    del broken["spec"]
    odd = world.manifest("odd", environment="not a map", tags=["neither"])
    odd["status"] = {"conditions": None, "ackResourceMetadata": None}
    for each in (broken, odd):
        world.api.seed(each)
    assert world.synced("orders")["status"]["state"] == "Active"
