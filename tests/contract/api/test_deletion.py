"""Deleting: finalizers, preconditions, and what is left to do on a terminating object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"


def test_without_finalizers_it_is_gone_at_once(functions: Functions) -> None:
    made = functions.create("a")
    reply = functions.delete("a", propagationPolicy="Background")
    assert (reply.code, reply.body["status"]) == (200, "Success")
    assert reply.body["details"]["uid"] == made["metadata"]["uid"]
    assert functions.get("a").code == 404
    assert functions.delete("a").code == 404


def test_with_finalizers_it_is_marked(functions: Functions) -> None:
    functions.create("a", finalizers=[FINALIZER])
    first = functions.delete("a")
    meta = first.body["metadata"]
    assert (first.code, meta["generation"], meta["deletionGracePeriodSeconds"]) == (200, 2, 0)
    again = functions.delete("a")
    assert (again.code, again.body) == (200, first.body)


def test_the_last_finalizer_takes_the_object_with_it(functions: Functions) -> None:
    made = functions.create("a", finalizers=[FINALIZER])
    functions.delete("a")
    guard = (
        {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/finalizers/0", "value": FINALIZER},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    )
    dry = functions.patch("a", *guard, dryRun="All")
    assert dry.code == 200 and functions.get("a").code == 200
    real = functions.patch("a", *guard)
    assert (real.code, "finalizers" in real.body["metadata"]) == (200, False)
    assert functions.get("a").code == 404


def test_removing_the_finalizer_of_a_living_object_keeps_it(functions: Functions) -> None:
    functions.create("a", finalizers=[FINALIZER])
    assert functions.merge("a", {"metadata": {"finalizers": None}}).code == 200
    assert functions.get("a").code == 200


def test_a_terminating_object_takes_edits_but_no_finalizers(functions: Functions) -> None:
    functions.create("a", finalizers=[FINALIZER])
    functions.delete("a")
    edited = functions.merge("a", {"spec": {"timeout": 9}})
    assert (edited.code, edited.body["metadata"]["generation"]) == (200, 3)
    added = functions.patch("a", {"op": "add", "path": "/metadata/finalizers/-", "value": "g.example/y"})
    assert (added.code, added.fields) == (422, {("FieldValueForbidden", "metadata.finalizers")})
    assert "no new finalizers can be added if the object is being deleted" in added.message
    assert 'found new finalizers []string{"g.example/y"}' in added.message
    undeleted = functions.merge("a", {"metadata": {"deletionTimestamp": None}})
    assert undeleted.code == 200 and "deletionTimestamp" in undeleted.body["metadata"]


def test_preconditions(functions: Functions) -> None:
    made = functions.create("a")
    by_uid = functions.delete("a", {"preconditions": {"uid": "nope"}})
    assert (by_uid.code, by_uid.body["reason"]) == (409, "Conflict")
    assert "the UID in the precondition (nope) does not match the UID in record" in by_uid.message
    by_version = functions.delete("a", {"preconditions": {"resourceVersion": "1"}})
    assert by_version.code == 409
    right = {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}
    assert functions.delete("a", {"preconditions": right}).code == 200


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
def test_policies_that_need_a_garbage_collector_wait_for_one(functions: Functions, policy: str, finalizer: str) -> None:
    functions.create("a")
    assert functions.delete("a", {"propagationPolicy": policy}).body["metadata"]["finalizers"] == [finalizer]
    assert functions.merge("a", {"metadata": {"finalizers": []}}).code == 200
    assert functions.get("a").code == 404


def test_an_unknown_policy(functions: Functions) -> None:
    functions.create("a")
    reply = functions.delete("a", {"propagationPolicy": "Foo"})
    assert (reply.code, reply.fields) == (422, {("FieldValueNotSupported", "propagationPolicy")})


def test_a_collection(functions: Functions) -> None:
    functions.create("a", labels={"x": "1"})
    functions.create("b", labels={"x": "2"}, finalizers=[FINALIZER])
    functions.create("c")
    reply = functions.http("DELETE", functions.path, labelSelector="x")
    assert reply.code == 200
    assert functions.get("a").code == 404
    assert "deletionTimestamp" in functions.get("b").body["metadata"]
    assert "deletionTimestamp" not in functions.get("c").body["metadata"]


def test_recreated_under_the_same_name_it_is_another(functions: Functions) -> None:
    first = functions.create("a")
    functions.delete("a")
    second = functions.create("a")
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert second["metadata"]["generation"] == 1
