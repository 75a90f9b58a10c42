"""Where only another spec helps, ACK says so once and never looks again."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import FINALIZER, Object, condition, error_text, is_ready, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

IN_TERMINAL = "resource is in terminal condition"
FIXED_TENANCY = "tenancy config cannot be modified after function creation"


def is_terminal(seen: Object) -> bool:
    return condition(seen, "ACK.Terminal").get("status") == "True"


def test_an_existing_function_is_terminal(create: Create, cloud: Cloud, namespace: str) -> None:
    name = f"taken-{namespace}"
    cloud.create_function(name)
    function = create(name)
    seen = function.becomes(is_terminal, "is terminal")
    terminal = condition(seen, "ACK.Terminal")
    assert terminal["message"] == "Resource already exists"
    assert terminal["reason"].startswith("This resource already exists but is not managed by ACK. ")
    assert terminal["lastTransitionTime"]
    said = condition(seen, "ACK.ResourceSynced")
    assert (said["status"], said["message"], said["reason"]) == ("False", "Resource not synced", IN_TERMINAL)
    ready = condition(seen, "Ready")
    assert (ready["status"], ready["message"], ready["reason"]) == ("False", terminal["message"], "ACK.Terminal")
    assert "finalizers" not in seen["metadata"]
    assert error_text(seen) == ""
    assert all(operation.startswith("Get") for operation in function.asked())
    # Nothing holds it: whose function it is, AWS keeps.
    function.delete()
    assert function.find() is None
    assert function.live() is not None


def test_terminal_is_never_looked_at_again_until_the_spec_changes(create: Create, cloud: Cloud, namespace: str) -> None:
    name = f"left-alone-{namespace}"
    cloud.create_function(name)
    function = create(name)
    seen = function.becomes(is_terminal, "is terminal")
    cloud.remove(name)
    index = len(cloud.calls)
    # By then ten tries would have been made of whatever is only recoverable.
    function.stays(lambda now: now == seen, "nothing is written", 6)
    assert function.asked(index) == []
    function.edit(timeout=9)
    healed = function.becomes(is_ready, "is created")
    assert condition(healed, "ACK.Terminal") == {}
    assert function.live() is not None


def test_a_restart_looks_at_terminal_too(create: Create, controller: Handle, cloud: Cloud, namespace: str) -> None:
    name = f"again-{namespace}"
    cloud.create_function(name)
    function = create(name)
    function.becomes(is_terminal, "is terminal")
    controller.stop()
    cloud.remove(name)
    controller.start()
    function.becomes(is_ready, "is created")


def test_taking_the_finalizer_off_a_live_object_makes_it_terminal(settled: Create, control_plane: Plane) -> None:
    function = settled()
    control_plane.admin.merge(function.path, {"metadata": {"finalizers": None}})
    function.stays(is_ready, "nothing shows", 1)
    function.toggle()
    seen = function.becomes(is_terminal, "is terminal")
    assert condition(seen, "ACK.Terminal")["message"] == "Resource already exists"
    assert synced(seen) == "False"
    control_plane.admin.merge(function.path, {"metadata": {"finalizers": [FINALIZER]}})
    function.toggle()
    function.becomes(is_ready, "is managed again")


def test_a_change_that_the_controller_refuses_is_terminal_without_time_or_reason(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.edit(tenancyConfig={"tenantIsolationMode": "PER_TENANT"})
    seen = function.becomes(is_terminal, "is terminal")
    assert condition(seen, "ACK.Terminal") == {"type": "ACK.Terminal", "status": "True", "message": FIXED_TENANCY}
    said = condition(seen, "ACK.ResourceSynced")
    assert (said["status"], said["message"], said["reason"]) == ("False", "Resource not synced", IN_TERMINAL)
    index = len(cloud.calls)
    function.stays(lambda now: now == seen, "nothing is written", 2)
    assert function.asked(index) == []
