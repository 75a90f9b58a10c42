"""Create, update and status: who may set what, and when the generation moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bed.http import Http
    from tests.contract.api.conftest import Functions

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def test_create_fills_in_what_is_the_servers(functions: Functions) -> None:
    made = functions.create("a", uid="mine", generation=7, deletionTimestamp="2020-01-01T00:00:00Z")
    meta = made["metadata"]
    assert (meta["generation"], meta["namespace"]) == (1, functions.namespace)
    assert meta["uid"] != "mine"
    assert meta["resourceVersion"].isdigit()
    assert "deletionTimestamp" not in meta
    assert meta["creationTimestamp"].endswith("Z") and "." not in meta["creationTimestamp"]


def test_create_drops_status_and_unknown_fields_and_nulls(functions: Functions) -> None:
    body = functions.manifest("a", spec={"bogus": 1, "publish": None, "tags": {"a": None, "b": "c"}})
    reply = functions.http("POST", functions.path, {**body, "status": {"state": "Active"}})
    assert reply.code == 201
    assert "status" not in reply.body
    assert reply.body["spec"] == {"name": "a", "code": {"s3Bucket": "b", "s3Key": "k"}, "tags": {"b": "c"}}
    assert 'unknown field \\"spec.bogus\\"' in reply.headers["Warning"]


def test_create_twice_conflicts(functions: Functions) -> None:
    functions.create("a")
    reply = functions.http("POST", functions.path, functions.manifest("a"))
    assert (reply.code, reply.body["reason"]) == (409, "AlreadyExists")
    assert reply.message == 'functions.lambda.services.k8s.aws "a" already exists'
    assert reply.body["details"] == {"name": "a", "group": "lambda.services.k8s.aws", "kind": "functions"}


def test_create_needs_the_namespace(functions: Functions) -> None:
    path = functions.path.replace(functions.namespace, "nope")
    reply = functions.http("POST", path, functions.manifest("a"))
    assert (reply.code, reply.message) == (404, 'namespaces "nope" not found')


def test_generate_name(functions: Functions) -> None:
    body = functions.manifest("x")
    body["metadata"] = {"generateName": "gen-"}
    names = {functions.http("POST", functions.path, body).body["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("gen-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "Foo"}, 422),
        ({"kind": ""}, 400),
        ({"apiVersion": "v1"}, 400),
        ({"metadata": {"name": "A_b"}}, 422),
        ({"metadata": {}}, 422),
        ({"metadata": {"name": "a", "namespace": "default"}}, 400),
        ({"metadata": {"name": "a", "labels": {"a": 1}}}, 400),
        ({"metadata": {"name": "a", "labels": {"a b": "c"}}}, 422),
        ({"metadata": {"name": "a", "resourceVersion": "1"}}, 500),
        ({"spec": "x"}, 422),
    ],
)
def test_create_refuses(functions: Functions, change: dict[str, Any], code: int) -> None:
    reply = functions.http("POST", functions.path, {**functions.manifest("a"), **change})
    assert reply.code == code
    assert reply.body["kind"] == "Status" and reply.body["code"] == code
    assert functions.get("a").code == 404


@pytest.mark.parametrize("body", [b"{nope", b"[]", b""])
def test_create_refuses_what_is_no_object(functions: Functions, body: bytes) -> None:
    reply = functions.http("POST", functions.path, body)
    assert (reply.code, reply.body["reason"]) == (400, "BadRequest")


def test_validation_names_every_field(functions: Functions) -> None:
    spec = {"timeout": "x", "publish": "no", "layers": [1], "environment": {"variables": {"A": 1}}}
    body = {**functions.manifest("b"), "spec": spec}
    reply = functions.http("POST", functions.path, body)
    assert (reply.code, reply.body["reason"]) == (422, "Invalid")
    assert reply.fields == {
        ("FieldValueRequired", "spec.code"),
        ("FieldValueRequired", "spec.name"),
        ("FieldValueTypeInvalid", "spec.timeout"),
        ("FieldValueTypeInvalid", "spec.publish"),
        ("FieldValueTypeInvalid", "spec.layers[0]"),
        ("FieldValueTypeInvalid", "spec.environment.variables.A"),
        # The rules of the definition were not come to.
        ("FieldValueInvalid", "<nil>"),
    }
    assert reply.body["details"]["kind"] == "Function"
    assert reply.message.startswith('Function.lambda.services.k8s.aws "b" is invalid: [')


def test_strict_field_validation(functions: Functions) -> None:
    body = {**functions.manifest("a", spec={"nope": 1}), "extra": 1}
    reply = functions.http("POST", functions.path, body, fieldValidation="Strict")
    assert reply.code == 400
    assert reply.message.endswith('strict decoding error: unknown field "extra", unknown field "spec.nope"')
    functions.create("a")
    assert functions.merge("a", {"spec": {"nope": 1}}, fieldValidation="Strict").code == 422


def test_put_moves_generation_only_with_content(functions: Functions) -> None:
    made = functions.create("a")
    path = f"{functions.path}/a"
    changed = functions.http("PUT", path, {**made, "spec": {**made["spec"], "timeout": 3}}).body
    assert changed["metadata"]["generation"] == 2
    labelled = {**changed, "metadata": {**changed["metadata"], "labels": {"a": "b"}, "generation": 99}}
    after = functions.http("PUT", path, labelled).body
    assert after["metadata"]["generation"] == 2
    assert after["metadata"]["resourceVersion"] != changed["metadata"]["resourceVersion"]


def test_a_write_that_changes_nothing_is_not_stored(functions: Functions) -> None:
    made = functions.create("a")
    again = functions.http("PUT", f"{functions.path}/a", made)
    assert (again.code, again.body) == (200, made)


def test_put_needs_the_latest_version(functions: Functions) -> None:
    made = functions.create("a")
    functions.merge("a", {"spec": {"timeout": 3}})
    stale = functions.http("PUT", f"{functions.path}/a", made)
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    expected = f'Operation cannot be fulfilled on functions.lambda.services.k8s.aws "a": {MODIFIED}'
    assert stale.message == expected
    without = functions.http("PUT", f"{functions.path}/a", functions.manifest("a"))
    assert (without.code, without.fields) == (422, {("FieldValueInvalid", "metadata.resourceVersion")})


def test_put_of_another_uid_conflicts(functions: Functions) -> None:
    made = functions.create("a")
    other = {**made, "metadata": {**made["metadata"], "uid": "11111111-2222-3333-4444-555555555555"}}
    reply = functions.http("PUT", f"{functions.path}/a", other)
    assert reply.code == 409
    assert "Precondition failed: UID in precondition" in reply.message


def test_put_of_nothing_is_not_found(functions: Functions) -> None:
    reply = functions.http("PUT", f"{functions.path}/zz", functions.manifest("zz", resourceVersion="1"))
    assert (reply.code, reply.message) == (404, 'functions.lambda.services.k8s.aws "zz" not found')


def test_put_to_another_name(functions: Functions) -> None:
    made = functions.create("a")
    reply = functions.http("PUT", f"{functions.path}/b", made)
    assert reply.code == 400
    assert reply.message == "the name of the object (a) does not match the name on the URL (b)"


def test_the_two_endpoints_ignore_each_others_half(functions: Functions) -> None:
    functions.create("a")
    main = functions.merge("a", {"status": {"state": "Hacked"}})
    assert "status" not in main.body
    patch = {"status": {"state": "Active"}, "spec": {"timeout": 9}, "metadata": {"labels": {"q": "1"}}}
    status = functions.merge("a/status", patch)
    assert status.code == 200
    assert status.body["status"] == {"state": "Active"}
    assert "timeout" not in status.body["spec"] and "labels" not in status.body["metadata"]
    assert status.body["metadata"]["generation"] == 1
    kept = functions.merge("a", {"spec": {"timeout": 1}, "status": {"state": "Hacked"}})
    assert kept.body["status"] == {"state": "Active"}
    assert kept.body["metadata"]["generation"] == 2


def test_status_put_checks_the_version(functions: Functions) -> None:
    made = functions.create("a")
    functions.merge("a", {"spec": {"timeout": 3}})
    path = f"{functions.path}/a/status"
    assert functions.http("PUT", path, {**made, "status": {"state": "Active"}}).code == 409
    fresh = functions.get("a").body
    assert functions.http("PUT", path, {**fresh, "status": {"state": "Active"}}).code == 200


def test_status_is_validated(functions: Functions) -> None:
    functions.create("a")
    status = {
        "conditions": [{"type": "Ready"}, {"type": "B", "status": "True", "lastTransitionTime": "yesterday"}],
        "codeSize": "x",
        "ackResourceMetadata": {"region": "r"},
    }
    reply = functions.merge("a/status", {"status": status})
    assert reply.fields == {
        ("FieldValueRequired", "status.conditions[0].status"),
        ("FieldValueTypeInvalid", "status.conditions[1].lastTransitionTime"),
        ("FieldValueTypeInvalid", "status.codeSize"),
        ("FieldValueRequired", "status.ackResourceMetadata.ownerAccountID"),
        ("FieldValueInvalid", "<nil>"),
    }


def test_dry_runs_compute_and_do_not_store(functions: Functions) -> None:
    dry = functions.http("POST", functions.path, functions.manifest("a"), dryRun="All")
    assert (dry.code, dry.body["metadata"]["generation"]) == (201, 1)
    assert "resourceVersion" not in dry.body["metadata"]
    assert functions.get("a").code == 404
    made = functions.create("a", finalizers=["f.example/x"])
    patched = functions.merge("a", {"spec": {"publish": False}}, dryRun="All")
    assert (patched.code, patched.body["metadata"]["generation"]) == (200, 2)
    assert patched.body["spec"]["publish"] is False
    deleted = functions.delete("a", dryRun="All")
    assert (deleted.code, "deletionTimestamp" in deleted.body["metadata"]) == (200, True)
    assert functions.get("a").body == made
    assert functions.merge("a", {}, dryRun="Some").code == 422


def test_nothing_is_created_in_a_terminating_namespace(functions: Functions) -> None:
    functions.create("a", finalizers=["f.example/x"])
    gone = functions.http("DELETE", f"/api/v1/namespaces/{functions.namespace}")
    assert (gone.code, gone.body["status"]["phase"]) == (200, "Terminating")
    reply = functions.http("POST", functions.path, functions.manifest("b"))
    assert (reply.code, reply.body["reason"]) == (403, "Forbidden")
    why = f"unable to create new content in namespace {functions.namespace} because it is being terminated"
    assert reply.message == f'functions.lambda.services.k8s.aws "b" is forbidden: {why}'
    assert reply.fields == {("NamespaceTerminating", "metadata.namespace")}
    assert functions.merge("a", {"spec": {"timeout": 4}}).code == 200
    assert functions.http("GET", f"/api/v1/namespaces/{functions.namespace}").code == 200


def test_default_cannot_be_deleted(http_client: Http) -> None:
    reply = http_client("DELETE", "/api/v1/namespaces/default")
    assert (reply.code, reply.body["reason"]) == (403, "Forbidden")
