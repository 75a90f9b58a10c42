"""Discovery, access reviews, and the built-in kinds that the product touches."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bed.http import Http
    from tests.contract.api.conftest import Functions

STRATEGIC = "application/strategic-merge-patch+json"


def test_versions_and_groups(http_client: Http) -> None:
    version = http_client("GET", "/version/").body
    assert (version["major"], version["minor"]) == ("1", "36")
    assert http_client("GET", "/api").body["versions"] == ["v1"]
    groups = {group["name"] for group in http_client("GET", "/apis").body["groups"]}
    assert {"apps", "lambda.services.k8s.aws", "events.k8s.io", "coordination.k8s.io"} <= groups
    group = http_client("GET", "/apis/lambda.services.k8s.aws").body
    assert group["preferredVersion"]["version"] == "v1alpha1"
    found = http_client("GET", "/apis/lambda.services.k8s.aws/v1alpha1").body["resources"]
    assert {entry["name"]: set(entry["verbs"]) for entry in found}["functions/status"] == {*("get", "patch", "update")}


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/apis/nope.example",
        "/apis/nope.example/v1/things",
        "/apis/lambda.services.k8s.aws/v1alpha1/things",
        "/apis/lambda.services.k8s.aws/v9/functions",
    ],
)
def test_unknown_paths_are_answered_in_text(http_client: Http, path: str) -> None:
    reply = http_client("GET", path)
    assert (reply.code, reply.body) == (404, "404 page not found\n")


@pytest.mark.parametrize("path", ["/api/v1/things", "/apis/apps/v9"])
def test_unknown_resources_of_built_in_groups_are_a_status(http_client: Http, path: str) -> None:
    reply = http_client("GET", path)
    assert (reply.code, reply.message) == (404, "the server could not find the requested resource")


def test_methods_that_are_not_there(functions: Functions) -> None:
    functions.create("a")
    assert functions.http("POST", f"{functions.path}/a/status", {}).code == 405
    assert functions.http("PUT", functions.path, {}).code == 400
    assert functions.http("GET", f"{functions.path}/a/scale").code == 404
    everywhere = "/apis/lambda.services.k8s.aws/v1alpha1/functions"
    assert functions.http("POST", everywhere, functions.manifest("b")).code == 404


def test_access_reviews(http_client: Http) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    attributes = {"verb": "list", "group": "lambda.services.k8s.aws", "resource": "functions"}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    reply = http_client("POST", path, body)
    assert (reply.code, reply.body["status"]) == (201, {"allowed": True})
    assert http_client("POST", path, {**body, "spec": {}}).code == 422
    assert http_client("GET", path).code == 405


def test_who_am_i(http_client: Http) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    reply = http_client("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    assert (reply.code, reply.body["status"]["userInfo"]["username"]) == (201, "sandbox-admin")


def test_the_definition_of_functions_can_be_read(http_client: Http) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    crd = http_client("GET", f"{path}/functions.lambda.services.k8s.aws").body
    assert crd["spec"]["names"]["kind"] == "Function"
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    listed = http_client("GET", path).body["items"]
    assert "functions.lambda.services.k8s.aws" in {item["metadata"]["name"] for item in listed}


def test_a_new_namespace(functions: Functions) -> None:
    path = f"/api/v1/namespaces/{functions.namespace}"
    body = functions.http("GET", path).body
    assert body["status"] == {"phase": "Active"}
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": functions.namespace}
    patched = functions.http("PATCH", path, {"metadata": {"annotations": {"a": "b"}}}, kind=STRATEGIC)
    assert patched.body["metadata"]["annotations"] == {"a": "b"}
    listed = functions.http("GET", "/api/v1/namespaces", fieldSelector=f"metadata.name={functions.namespace}")
    assert len(listed.body["items"]) == 1 and "kind" not in listed.body["items"][0]


def test_config_maps_and_secrets(functions: Functions) -> None:
    home = f"/api/v1/namespaces/{functions.namespace}"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    assert functions.http("POST", f"{home}/configmaps", config).code == 201
    replaced = functions.http("PUT", f"{home}/configmaps/c", {**config, "data": {"a": "c"}})
    assert replaced.body["data"] == {"a": "c"}
    stale = {**config, "metadata": {"name": "c", "resourceVersion": "1"}}
    assert functions.http("PUT", f"{home}/configmaps/c", stale).code == 409
    assert functions.http("POST", f"{home}/configmaps", {**config, "data": {"a": 1}}).code == 400
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    made = functions.http("POST", f"{home}/secrets", secret).body
    assert (made["type"], base64.b64decode(made["data"]["a"])) == ("Opaque", b"b")
    assert "stringData" not in made
    assert functions.http("POST", f"{home}/secrets", {**secret, "data": {"a": "%"}}).code == 400
    retyped = functions.http("PATCH", f"{home}/secrets/s", {"type": "x"}, kind=STRATEGIC)
    assert (retyped.code, retyped.fields) == (422, {("FieldValueInvalid", "type")})
    assert functions.http("DELETE", f"{home}/secrets/s").body["status"] == "Success"


def test_leases(functions: Functions) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{functions.namespace}/leases"

    def lease(version: str = "", **spec: Any) -> dict[str, Any]:
        metadata = {"name": "l"} | ({"resourceVersion": version} if version else {})
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    made = functions.http("POST", path, lease(holderIdentity="a", renewTime="2026-01-01T00:00:00.000000Z"))
    assert made.code == 201 and "generation" not in made.body["metadata"]
    version = made.body["metadata"]["resourceVersion"]
    assert functions.http("PUT", f"{path}/l", lease(holderIdentity="b")).code == 422
    assert functions.http("PUT", f"{path}/l", lease(version, holderIdentity="b")).code == 200
    lost = functions.http("PUT", f"{path}/l", lease(version, holderIdentity="c"))
    assert (lost.code, lost.body["reason"]) == (409, "Conflict")
    for spec, name in (({"leaseDurationSeconds": 0}, "Duration"), ({"leaseTransitions": -1}, "Transitions")):
        refused = functions.http("POST", path, {**lease(), "metadata": {"name": "m"}, "spec": spec})
        assert refused.code == 422 and name in refused.message
    whole_seconds = functions.http("POST", path, lease(holderIdentity="a", renewTime="2026-01-01T00:00:00Z"))
    assert whole_seconds.code == 400
    assert 'cannot parse "Z" as ".000000"' in whole_seconds.message


def test_events_in_both_shapes(functions: Functions) -> None:
    name, home = f"e-{uuid.uuid4().hex[:8]}", functions.namespace
    about = {"kind": "Function", "name": "a", "namespace": home}
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "ack-remediator.dev/r",
        "reportingInstance": "i",
        "action": "Resync",
        "reason": "R",
        "regarding": about,
        "note": "hello",
        "type": "Normal",
    }
    path = f"/apis/events.k8s.io/v1/namespaces/{home}/events"
    assert functions.http("POST", path, new).code == 201
    core = functions.http("GET", f"/api/v1/namespaces/{home}/events/{name}").body
    assert (core["apiVersion"], core["message"], core["involvedObject"]) == ("v1", "hello", about)
    assert core["reportingComponent"] == "ack-remediator.dev/r"
    selected = {"fieldSelector": "involvedObject.name=a,reason=R"}
    assert len(functions.http("GET", f"/api/v1/namespaces/{home}/events", **selected).body["items"]) == 1
    elsewhere = {"metadata": {"name": "x"}, "regarding": {**about, "namespace": "other"}}
    assert functions.http("POST", path, {**new, **elsewhere}).code == 201
    refused = functions.http(
        "POST",
        f"/api/v1/namespaces/{home}/events",
        {"metadata": {"name": "y"}, "involvedObject": {**about, "namespace": "other"}},
    )
    assert (refused.code, refused.fields) == (422, {("FieldValueInvalid", "involvedObject.namespace")})


@pytest.mark.parametrize(
    ("change", "field"),
    [({"type": "Foo"}, "type"), ({"note": "x" * 1025}, "message"), ({"action": ""}, "action")],
)
def test_new_events_are_checked(functions: Functions, change: dict[str, str], field: str) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "ack-remediator.dev/r",
        "reportingInstance": "i",
        "action": "Resync",
        "reason": "R",
        "note": "n",
        "type": "Normal",
    }
    path = f"/apis/events.k8s.io/v1/namespaces/{functions.namespace}/events"
    reply = functions.http("POST", path, {**event, **change})
    assert reply.code == 422
    assert field in {name for _, name in reply.fields}


def test_a_deployment_is_restarted_by_a_strategic_patch(functions: Functions) -> None:
    path = f"/apis/apps/v1/namespaces/{functions.namespace}/deployments"
    container = {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    assert functions.http("POST", path, {**body, "status": {"replicas": 9}}).body["status"] == {}
    restart = {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "x"}}}}}
    restarted = functions.http("PATCH", f"{path}/d", restart, kind=STRATEGIC).body
    assert restarted["metadata"]["generation"] == 2
    expected = {"labels": {"a": "b"}, "annotations": {"restartedAt": "x"}}
    assert restarted["spec"]["template"]["metadata"] == expected
    change = {"name": "c", "env": [{"name": "B", "value": "2"}]}
    more = {"spec": {"template": {"spec": {"containers": [change]}}}}
    merged = functions.http("PATCH", f"{path}/d", more, kind=STRATEGIC).body
    (only,) = merged["spec"]["template"]["spec"]["containers"]
    assert (only["image"], {entry["name"] for entry in only["env"]}) == ("i", {"A", "B"})
    status = {"status": {"availableReplicas": 1, "replicas": 1, "readyReplicas": 1}, "spec": {"replicas": 5}}
    ready = functions.http("PATCH", f"{path}/d/status", status, kind="application/merge-patch+json").body
    assert (ready["status"]["availableReplicas"], ready["spec"]["replicas"]) == (1, 1)
    assert ready["metadata"]["generation"] == 3
