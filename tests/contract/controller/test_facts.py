"""What ACK's lambda-controller does, as far as the product rests on it.

Nothing of the product runs here. These hold for the real controller; the sandbox's own has to pass them too.
"""

import pytest
from ruamel.yaml import YAML

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import (
    FINALIZER,
    Function,
    Object,
    condition,
    error_text,
    heartbeat,
    is_ready,
    synced,
)
from tests.bed.plane import CRDS, Plane
from tests.bed.plugin import Create
from tests.bed.toolchain import SANDBOX_CRDS

pytestmark = pytest.mark.usefixtures("controller")

NESTED = {"properties", "items", "additionalProperties"}


def test_creating_syncs_and_writes_defaults_back(create: Create, controller: Handle, cloud: Cloud) -> None:
    function = create()
    seen = function.becomes(lambda seen: is_ready(seen) and seen["metadata"]["generation"] == 2, "is synced")
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    # Its name is that of the binary in ACK's image, `./bin/controller`.
    assert "controller" in {entry["manager"] for entry in seen["metadata"]["managedFields"]}
    assert seen["spec"]["packageType"] == "Zip"
    assert seen["spec"]["architectures"] == ["x86_64"]
    assert seen["spec"]["tracingConfig"] == {"mode": "PassThrough"}
    assert seen["status"]["state"] == "Active"
    assert seen["status"]["ackResourceMetadata"]["arn"].endswith(f":function:{function.name}")
    assert condition(seen, "ACK.ResourceSynced")["message"] == "Resource synced successfully"
    assert function.live() is not None
    assert {call.access_key for call in cloud.calls if call.function == function.name} == {controller.access_key}


def test_neither_annotation_nor_label_makes_it_look(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.annotate({"services.k8s.aws/force-reconcile": "now"})
    function.label({"touched": "yes"})
    function.stays(lambda seen: heartbeat(seen) == heartbeat(before), "its heartbeat does not move", 5)
    assert function.asked(index) == []
    function.edit(description="a change of the spec does")
    function.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")


def test_toggling_publish_makes_it_look_and_changes_nothing(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before, index = function.read(), len(cloud.calls)
    function.toggle()
    after = function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and "publish" not in seen["spec"],
        "its heartbeat moves",
        5,
    )
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2
    assert is_ready(after)
    operations = function.asked(index)
    assert operations
    assert all(operation.startswith("Get") for operation in operations)


def test_pending_with_a_change_waiting_is_unknown_until_active(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Creating", reason="The function is being created.")
    function.edit(memorySize=256)
    pending = "function in 'Pending' state, cannot be modified or deleted"
    stuck = function.becomes(lambda seen: error_text(seen) == pending, "says that it is Pending")
    assert synced(stuck) == "Unknown"
    assert condition(stuck, "ACK.ResourceSynced")["reason"] == pending
    assert condition(stuck, "Ready")["status"] == "False"
    assert condition(stuck, "Ready")["reason"] == "ACK.Recoverable"
    function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(stuck) and error_text(seen) == pending,
        "is tried again, in vain",
        10,
    )
    cloud.set_state(function.name, "Active")
    healed = function.becomes(is_ready, "heals", 10)
    assert error_text(healed) == ""
    function.becomes_live(lambda it: it and it["MemorySize"] == 256, "the change reaches it")


def test_pending_without_a_change_is_not_synced_and_says_no_more(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Restoring", reason="Waking up.")
    function.toggle()
    stuck = function.becomes(lambda seen: synced(seen) == "False", "is not synced")
    assert condition(stuck, "ACK.ResourceSynced")["message"] == "Resource not synced"
    assert error_text(stuck) == ""
    assert stuck["status"]["state"] == "Pending"
    cloud.set_state(function.name, "Active")
    function.toggle()
    function.becomes(is_ready, "heals")


def test_a_change_during_an_update_is_refused_and_tried_again(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    function.edit(memorySize=512)
    refused = function.becomes(error_text, "says why")
    assert error_text(refused).startswith(
        "ResourceConflictException: The operation cannot be performed at this time. An update is in progress"
    )
    assert synced(refused) == "Unknown"
    assert "StatusCode: 409" in condition(refused, "ACK.ResourceSynced")["reason"]
    cloud.set_update(function.name, "Successful")
    function.becomes(lambda seen: is_ready(seen) and not error_text(seen), "heals", 30)
    assert (function.live() or {})["MemorySize"] == 512


def test_a_hex_checksum_eats_a_change_of_the_environment(settled: Create, cloud: Cloud) -> None:
    function = settled(
        code={**cloud.code, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    )
    index, before = len(cloud.calls), function.read()
    function.edit(environment={"variables": {"GREETING": "hello"}})
    after = function.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and "environment" not in seen["spec"],
        "the change is gone",
    )
    assert is_ready(after)
    operations = function.asked(index)
    assert "UpdateFunctionCode" in operations
    assert "UpdateFunctionConfiguration" not in operations
    assert "Environment" not in (function.live() or {})


def test_a_failed_update_shows_as_synced(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "Failed", reason_code="EniLimitExceeded", reason="No more network interfaces.")
    before = function.read()
    function.toggle()
    after = function.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")
    assert is_ready(after)
    assert after["status"]["lastUpdateStatus"] == "Failed"
    assert after["status"]["lastUpdateStatusReasonCode"] == "EniLimitExceeded"


def test_a_failed_function_is_not_synced_without_a_word(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Failed", reason_code="InternalError", reason="Broken.")
    function.toggle()
    failed = function.becomes(lambda seen: synced(seen) == "False", "is not synced")
    assert failed["status"]["state"] == "Failed"
    assert error_text(failed) == ""


def test_an_existing_function_is_terminal(create: Create, cloud: Cloud, namespace: str) -> None:
    name = f"taken-{namespace}"
    cloud.create_function(name)
    seen = create(name).becomes(lambda seen: condition(seen, "ACK.Terminal").get("status") == "True", "is terminal")
    assert condition(seen, "ACK.Terminal")["message"] == "Resource already exists"
    assert synced(seen) == "False"
    assert "finalizers" not in seen["metadata"]


def test_a_function_deleted_behind_it_is_created_again_at_the_next_look(settled: Create, cloud: Cloud) -> None:
    function = settled()
    cloud.remove(function.name)
    function.stays(is_ready, "nothing shows", 2)
    function.toggle()
    function.becomes_live(lambda it: it is not None, "it is there again")


def test_deleting_takes_finalizer_and_function_away(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.delete()
    function.disappears()
    assert function.live() is None


def test_while_it_is_stopped_a_deleted_object_stays_green(settled: Create, controller: Handle, cloud: Cloud) -> None:
    function = settled()
    controller.stop()
    function.delete()
    seen = function.stays(is_ready, "looks healthy", 3)
    assert seen["metadata"]["deletionTimestamp"]
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    assert function.live() is not None
    controller.start()
    function.disappears()
    assert function.live() is None


def refuse(cloud: Cloud, operation: str, function: Function) -> None:
    """Deny an operation on this function, in IAM's words."""
    message = f"not authorized to perform: lambda:{operation}"
    cloud.refuse(operation, "AccessDeniedException", message, status=403, name=function.name)


def refuse_deletion(cloud: Cloud, function: Function) -> None:
    """Make AWS refuse to delete this function."""
    refuse(cloud, "DeleteFunction", function)


def test_a_refused_deletion_says_so_under_conditions_of_before(settled: Create, cloud: Cloud) -> None:
    function = settled()
    before = function.read()
    refuse_deletion(cloud, function)
    function.delete()
    stuck = function.becomes(error_text, "says why it is not deleted")
    assert "not authorized to perform: lambda:DeleteFunction" in error_text(stuck)
    assert is_ready(stuck)
    assert heartbeat(stuck) == heartbeat(before)
    function.backs_off()
    cloud.allow()
    index = len(cloud.calls)
    function.toggle()
    function.gets_asked(lambda calls: "DeleteFunction" in calls, "it tries again", index, 2)
    function.disappears()


def test_a_deletion_that_may_not_read_writes_nothing(settled: Create, cloud: Cloud) -> None:
    function = settled()
    refuse(cloud, "GetFunction", function)
    index = len(cloud.calls)
    function.delete()
    deleted = function.read()
    function.gets_asked(lambda calls: calls.count("GetFunction") > 2, "it tries to read", index)
    seen = function.stays(is_ready, "looks healthy", 2)
    assert seen == deleted
    assert set(function.asked(index)) == {"GetFunction"}
    cloud.allow()
    function.disappears()


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
    assert "DeleteFunction" not in function.asked(index)


def test_a_new_name_while_deleting_orphans_the_function(settled: Create, cloud: Cloud) -> None:
    function = settled()
    refuse_deletion(cloud, function)
    function.delete()
    function.becomes(error_text, "is held by the refusal")
    function.edit(name=f"{function.name}-other")
    function.disappears()
    assert function.live() is not None


def test_another_region_while_deleting_is_not_even_looked_at(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.annotate({"services.k8s.aws/region": "eu-west-1"})
    index = len(cloud.calls)
    function.delete()
    function.toggle()
    function.stays(is_ready, "looks healthy", 3)
    assert function.asked(index) == []
    assert function.live() is not None


def test_retain_takes_effect_at_the_next_look_and_leaves_the_function(settled: Create, cloud: Cloud) -> None:
    function = settled()
    refuse_deletion(cloud, function)
    function.delete()
    function.becomes(error_text, "is held by the refusal")
    function.backs_off()
    index = len(cloud.calls)
    function.annotate({"services.k8s.aws/deletion-policy": "retain"})
    function.stays(lambda seen: seen["metadata"]["finalizers"], "the annotation alone does nothing", 1)
    function.toggle()
    function.disappears(2)
    assert function.live() is not None
    assert "DeleteFunction" not in function.asked(index)


def test_the_crd_of_the_sandbox_is_the_one_of_the_release(control_plane: Plane) -> None:
    installed = control_plane.admin.get(f"{CRDS}/functions.lambda.services.k8s.aws")
    sandbox = YAML(typ="safe").load((SANDBOX_CRDS / "functions.yaml").read_text(encoding="utf-8"))
    assert fields(sandbox) == fields(installed)


def fields(crd: Object) -> dict[str, object]:
    """Map the path of each field to what the API server checks of it; descriptions are left out."""
    found: dict[str, object] = {}

    def walk(path: str, schema: Object) -> None:
        found[path] = {key: value for key, value in schema.items() if key not in NESTED | {"description"}}
        for name, field in schema.get("properties", {}).items():
            walk(f"{path}.{name}", field)
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(f"{path}.{key}", schema[key])

    (version,) = crd["spec"]["versions"]
    walk("", version["schema"]["openAPIV3Schema"])
    return found
