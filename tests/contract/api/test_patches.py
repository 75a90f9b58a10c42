"""JSON Patch and merge patch, as Resync and ClearFinalizer will use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"


def test_a_resync_leaves_spec_as_it_was(functions: Functions) -> None:
    made = functions.create("a", annotations={"keep": "1"})
    meta = made["metadata"]
    first = functions.patch(
        "a",
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
        {"op": "add", "path": "/metadata/annotations/ack-remediator.dev~1resync", "value": "id"},
        {"op": "add", "path": "/spec/publish", "value": False},
    )
    assert first.code == 200
    assert first.body["metadata"]["generation"] == 2
    assert first.body["spec"]["publish"] is False
    functions.merge("a/status", {"status": {"state": "Active"}})
    second = functions.patch(
        "a",
        {"op": "test", "path": "/spec/publish", "value": False},
        {"op": "test", "path": "/metadata/annotations/ack-remediator.dev~1resync", "value": "id"},
        {"op": "remove", "path": "/metadata/annotations/ack-remediator.dev~1resync"},
        {"op": "remove", "path": "/spec/publish"},
    )
    assert second.code == 200
    assert (second.body["spec"], second.body["metadata"]["generation"]) == (made["spec"], 3)
    assert second.body["metadata"]["annotations"] == {"keep": "1"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/metadata/uid", "value": "nope"},
        {"op": "test", "path": "/metadata/generation", "value": True},
        {"op": "test", "path": "/spec/timeout", "value": 3.0},
        {"op": "test", "path": "/spec/publish", "value": False},
        {"op": "test", "path": "/spec/nope/deeper", "value": None},
        {"op": "test", "path": "/metadata/finalizers/5", "value": None},
        {"op": "remove", "path": "/spec/publish"},
        {"op": "remove", "path": "/metadata/finalizers/1"},
        {"op": "replace", "path": "/spec/environment/variables", "value": {}},
        {"op": "replace", "path": "/metadata/finalizers/5", "value": "a/b"},
        {"op": "add", "path": "/metadata/annotations/x", "value": "1"},
        {"op": "add", "path": "/metadata/finalizers/9", "value": "a/b"},
        {"op": "add", "value": 1},
        {"op": "frob", "path": "/spec"},
    ],
)
def test_an_operation_that_does_not_apply_changes_nothing(functions: Functions, operation: dict[str, Any]) -> None:
    made = functions.create("a", spec={"timeout": 3}, finalizers=[FINALIZER])
    reply = functions.patch("a", {"op": "add", "path": "/spec/handler", "value": "h"}, operation)
    assert (reply.code, reply.body["reason"], reply.body["details"]) == (422, "Invalid", {})
    assert reply.message == "the server rejected our request due to an error in our request"
    assert functions.get("a").body == made


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/publish", "value": None},
        {"op": "test", "path": "/spec/publish"},
        {"op": "test", "path": "/metadata/finalizers/-1", "value": FINALIZER},
        {"op": "add", "path": "/spec/publish", "value": None},
        {"op": "add", "path": "/spec/publish"},
        {"op": "add", "path": "/spec/bogus", "value": 1},
        {"op": "add", "path": "/metadata/managedFields", "value": []},
    ],
)
def test_an_operation_that_applies_and_changes_nothing(functions: Functions, operation: dict[str, Any]) -> None:
    made = functions.create("a", finalizers=[FINALIZER])
    reply = functions.patch("a", operation)
    assert reply.code == 200
    assert (reply.body["spec"], reply.body["metadata"]["generation"]) == (made["spec"], 1)


def test_the_other_operations(functions: Functions) -> None:
    functions.create("a", finalizers=["b/b"])
    reply = functions.patch(
        "a",
        {"op": "copy", "from": "/spec/name", "path": "/spec/description"},
        {"op": "move", "from": "/spec/description", "path": "/spec/handler"},
        {"op": "replace", "path": "/spec/runtime", "value": "python3.13"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "c/c"},
        {"op": "add", "path": "/metadata/finalizers/0", "value": "a/a"},
    )
    assert reply.code == 200
    assert reply.body["metadata"]["finalizers"] == ["a/a", "b/b", "c/c"]
    assert reply.body["spec"]["handler"] == "a" and reply.body["spec"]["runtime"] == "python3.13"
    assert "description" not in reply.body["spec"]


@pytest.mark.parametrize("body", [{"op": "test"}, [1], b"["])
def test_what_is_no_json_patch(functions: Functions, body: Any) -> None:
    functions.create("a")
    kind = "application/json-patch+json"
    reply = functions.http("PATCH", f"{functions.path}/a", body, kind=kind)
    assert (reply.code, reply.body["reason"]) == (400, "BadRequest")
    assert reply.message.startswith("error decoding patch: ")


@pytest.mark.parametrize("kind", ["application/strategic-merge-patch+json", "application/json"])
def test_custom_resources_know_no_other_patch(functions: Functions, kind: str) -> None:
    functions.create("a")
    reply = functions.http("PATCH", f"{functions.path}/a", {"spec": {"timeout": 5}}, kind=kind)
    assert (reply.code, reply.body["reason"]) == (415, "UnsupportedMediaType")


def test_merge_patch(functions: Functions) -> None:
    functions.create("a", spec={"handler": "h", "tags": {"a": "1", "b": "2"}}, labels={"x": "y"})
    spec = {"handler": None, "tags": {"a": None}, "timeout": 5}
    reply = functions.merge("a", {"metadata": {"labels": {"x": None}}, "spec": spec})
    assert reply.code == 200
    assert reply.body["spec"]["tags"] == {"b": "2"} and reply.body["spec"]["timeout"] == 5
    assert "handler" not in reply.body["spec"] and "labels" not in reply.body["metadata"]


def test_merge_patch_guards_by_version_and_uid(functions: Functions) -> None:
    functions.create("a")
    stale = functions.merge("a", {"metadata": {"resourceVersion": "1"}, "spec": {"timeout": 5}})
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    other = functions.merge("a", {"metadata": {"uid": "1"}, "spec": {"timeout": 5}})
    assert (other.code, other.fields) == (422, {("FieldValueInvalid", "metadata.uid")})


def test_a_patch_cannot_make_it_invalid(functions: Functions) -> None:
    functions.create("a")
    wrong_type = functions.patch("a", {"op": "add", "path": "/spec/publish", "value": "x"})
    assert wrong_type.fields == {("FieldValueTypeInvalid", "spec.publish"), ("FieldValueInvalid", "<nil>")}
    wrong_labels = functions.merge("a", {"metadata": {"labels": "x"}})
    assert (wrong_labels.code, wrong_labels.fields) == (422, {("FieldValueInvalid", "patch")})
    renamed = functions.patch("a", {"op": "replace", "path": "/metadata/name", "value": "x"})
    assert renamed.code == 400


def test_what_is_immutable_can_be_set_and_removed_but_not_changed(functions: Functions) -> None:
    functions.create("a")
    assert functions.merge("a", {"spec": {"tenancyConfig": {"tenantIsolationMode": "A"}}}).code == 200
    changed = functions.merge("a", {"spec": {"tenancyConfig": {"tenantIsolationMode": "B"}}})
    assert (changed.code, changed.fields) == (422, {("FieldValueInvalid", "spec.tenancyConfig")})
    assert changed.message.endswith("spec.tenancyConfig: Invalid value: Value is immutable once set")
    assert functions.merge("a", {"spec": {"tenancyConfig": None}}).code == 200


def test_patching_nothing_is_not_found(functions: Functions) -> None:
    assert functions.merge("zz", {}).code == 404
    assert functions.patch("zz").code == 404
