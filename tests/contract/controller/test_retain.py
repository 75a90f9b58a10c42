"""The deletion policy: what is retained in AWS when its object goes."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import Function, condition, error_text
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

POLICY = "services.k8s.aws/deletion-policy"
OF_NAMESPACE = "lambda.services.k8s.aws/deletion-policy"


def set_of_namespace(plane: Plane, namespace: str, annotations: dict[str, str]) -> None:
    plane.admin.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": annotations}})


def goes_and_is_kept(function: Function, cloud: Cloud) -> None:
    index = len(cloud.calls)
    function.delete()
    function.disappears()
    assert function.asked(index) == []
    assert function.live() is not None


# Whatever is not `delete` retains, spelling mistakes too.
@pytest.mark.parametrize("policy", ["retain", "Delete"])
def test_a_retained_function_stays_and_aws_is_not_even_asked(settled: Create, cloud: Cloud, policy: str) -> None:
    function = settled()
    function.annotate({POLICY: policy})
    goes_and_is_kept(function, cloud)


def test_a_namespace_can_retain(settled: Create, cloud: Cloud, control_plane: Plane, namespace: str) -> None:
    set_of_namespace(control_plane, namespace, {OF_NAMESPACE: "retain"})
    goes_and_is_kept(settled(), cloud)


def test_the_object_overrules_its_namespace(settled: Create, control_plane: Plane, namespace: str) -> None:
    set_of_namespace(control_plane, namespace, {OF_NAMESPACE: "retain"})
    function = settled()
    function.annotate({POLICY: "delete"})
    function.delete()
    function.becomes_live(lambda it: it is None, "it is deleted")


def test_a_namespace_retains_by_the_name_of_the_service_only(
    settled: Create, control_plane: Plane, namespace: str
) -> None:
    set_of_namespace(control_plane, namespace, {POLICY: "retain"})
    function = settled()
    function.delete()
    function.becomes_live(lambda it: it is None, "it is deleted")


@pytest.mark.parametrize("operation", ["DeleteFunction", "GetFunction"])
def test_retain_takes_effect_at_the_next_look_and_leaves_the_function(
    settled: Create, cloud: Cloud, operation: str
) -> None:
    function = settled()
    function.refuse(operation)
    held = len(cloud.calls)
    function.delete()
    function.backs_off(held)
    index = len(cloud.calls)
    function.annotate({POLICY: "retain"})
    function.stays(lambda seen: seen["metadata"]["finalizers"], "the annotation alone does nothing", 1)
    assert (error_text(function.read()) != "") == (operation == "DeleteFunction")
    function.edit(publish=False)
    function.disappears(2)
    assert function.live() is not None
    assert function.asked(index) == []


def test_retain_takes_effect_on_what_is_terminal_too(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.edit(tenancyConfig={"tenantIsolationMode": "PER_TENANT"})
    function.becomes(lambda seen: condition(seen, "ACK.Terminal").get("status") == "True", "is terminal")
    function.refuse("DeleteFunction")
    held = len(cloud.calls)
    function.delete()
    function.backs_off(held)
    function.annotate({POLICY: "retain"})
    function.edit(publish=False)
    function.disappears(2)  # its deletion is refused: it can only go because it is not asked for any more
    assert function.live() is not None
