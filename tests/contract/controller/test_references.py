"""References to other objects: until they resolve, nothing else is done or said."""

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import Object, condition
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

ROLE = {"from": {"name": "lambda"}}
NO_SUCH_KIND = 'no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"'


def kinds(seen: Object) -> list[str]:
    return [one["type"] for one in seen.get("status", {}).get("conditions") or []]


def test_an_unresolved_reference_is_all_that_shows(create: Create) -> None:
    function = create(role=None, roleRef=ROLE)
    seen = function.becomes(kinds, "says why")
    assert kinds(seen) == ["ACK.ReferencesResolved"]
    said = condition(seen, "ACK.ReferencesResolved")
    assert (said["status"], said["message"], said["reason"]) == (
        "Unknown",
        "Reference resolution failed",
        NO_SUCH_KIND,
    )
    assert "finalizers" not in seen["metadata"]
    assert function.asked() == []


def test_it_is_tried_again_and_each_try_moves_its_time(create: Create) -> None:
    function = create(role=None, roleRef=ROLE)
    first = condition(function.becomes(kinds, "says why"), "ACK.ReferencesResolved")["lastTransitionTime"]
    again = function.becomes(
        lambda seen: condition(seen, "ACK.ReferencesResolved")["lastTransitionTime"] != first, "is tried again"
    )
    assert kinds(again) == ["ACK.ReferencesResolved"]
    assert function.asked() == []


def test_an_object_with_an_unresolved_reference_deletes_at_once(create: Create) -> None:
    function = create(role=None, roleRef=ROLE)
    function.becomes(kinds, "says why")
    function.delete()
    assert function.find() is None
    assert function.asked() == []


def test_a_reference_that_comes_later_hides_all_that_was_said(settled: Create, cloud: Cloud) -> None:
    function = settled()
    index = len(cloud.calls)
    function.edit(role=None, roleRef=ROLE)
    seen = function.becomes(lambda seen: "ACK.ReferencesResolved" in kinds(seen), "says why")
    assert kinds(seen) == ["ACK.ReferencesResolved"]
    assert function.asked(index) == []
    # A deletion does not care.
    function.delete()
    function.becomes_live(lambda it: it is None, "it is deleted")


def test_a_function_without_a_role_is_as_good_as_an_unresolved_one(create: Create) -> None:
    function = create(role=None)
    seen = function.becomes(kinds, "says why")
    assert kinds(seen) == ["ACK.ReferencesResolved"]
    assert condition(seen, "ACK.ReferencesResolved")["reason"] == (
        "resource reference wrapper or ID required: Role,RoleRef"
    )
    assert function.asked() == []
