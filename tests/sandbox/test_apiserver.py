"""The sandbox's API server through the official client, and what only a sandbox can do."""

from __future__ import annotations

import copy
import json
import ssl
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from remediator.sandbox.apiserver import ApiServer, function_definition
from remediator.sandbox.clock import SandboxClock

GROUP, VERSION, PLURAL = "lambda.services.k8s.aws", "v1alpha1", "functions"
START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(SandboxClock(start=START)) as running:
        yield running


@pytest.fixture
def api(server: ApiServer, tmp_path: Path) -> Iterator[client.ApiClient]:
    path = server.kubeconfig(tmp_path / "kubeconfig")
    made = config.new_client_from_config(config_file=str(path))
    yield made
    made.rest_client.pool_manager.clear()


@pytest.fixture
def custom(api: client.ApiClient) -> Any:  # typed as loosely as its users use it
    return client.CustomObjectsApi(api)


def function(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Function",
        "metadata": {"name": name, **metadata},
        "spec": {"name": name, "code": {"s3Bucket": "b"}},
    }


def test_the_official_client_does_its_rounds(custom: Any) -> None:
    where = (GROUP, VERSION, "default", PLURAL)
    made = custom.create_namespaced_custom_object(*where, function("a", finalizers=["f.example/x"]))
    assert made["metadata"]["generation"] == 1
    patch = [{"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}]
    patch.append({"op": "add", "path": "/spec/publish", "value": False})
    patched = custom.patch_namespaced_custom_object(*where, "a", patch, _content_type="application/json-patch+json")
    assert patched["metadata"]["generation"] == 2
    status = custom.patch_namespaced_custom_object_status(
        *where, "a", {"status": {"state": "Active"}}, _content_type="application/merge-patch+json"
    )
    assert status["status"]["state"] == "Active"
    assert custom.list_cluster_custom_object(GROUP, VERSION, PLURAL)["items"] == [status]
    custom.delete_namespaced_custom_object(*where, "a", body=client.V1DeleteOptions())
    left = custom.get_namespaced_custom_object(*where, "a")
    assert (
        left["metadata"]["deletionTimestamp"]
        == left["metadata"]["creationTimestamp"][:-3] + (left["metadata"]["deletionTimestamp"][-3:])
    )
    custom.patch_namespaced_custom_object(
        *where, "a", {"metadata": {"finalizers": None}}, _content_type="application/merge-patch+json"
    )
    with pytest.raises(ApiException) as refusal:
        custom.get_namespaced_custom_object(*where, "a")
    assert (refusal.value.status, json.loads(refusal.value.body or "")["reason"]) == (404, "NotFound")


def test_typed_apis_decode_what_it_answers(api: client.ApiClient) -> None:
    core: Any = client.CoreV1Api(api)
    apps: Any = client.AppsV1Api(api)
    assert client.VersionApi(api).get_code().git_version.startswith("v1.36.")
    assert {item.metadata.name for item in core.list_namespace().items} == {
        *("default", "kube-node-lease", "kube-public", "kube-system")
    }
    assert core.list_namespaced_pod("kube-system").items == []
    assert core.read_namespace("default").status.phase == "Active"
    container = client.V1Container(name="controller", image="example/lambda-controller:1.14.1")
    labels = {"app": "c"}
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=template)
    body = client.V1Deployment(metadata=client.V1ObjectMeta(name="controller"), spec=spec)
    assert apps.create_namespaced_deployment("kube-system", body).metadata.generation == 1
    restart = {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}}
    assert apps.patch_namespaced_deployment("controller", "kube-system", restart).metadata.generation == 2
    (found,) = apps.list_deployment_for_all_namespaces(label_selector="").items
    assert found.spec.template.spec.containers[0].image == container.image


def test_a_lease_can_be_fought_over(api: client.ApiClient) -> None:
    leases: Any = client.CoordinationV1Api(api)
    # Not a whole second: the client would leave the fraction out, which the real server refuses too.
    moment = datetime(2030, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    spec = client.V1LeaseSpec(holder_identity="a", lease_duration_seconds=15, renew_time=moment)
    body = client.V1Lease(metadata=client.V1ObjectMeta(name="l"), spec=spec)
    made = leases.create_namespaced_lease("default", body)
    assert made.spec.renew_time == moment
    rival = copy.deepcopy(made)
    made.spec.holder_identity, rival.spec.holder_identity = "b", "c"
    leases.replace_namespaced_lease("l", "default", made)
    with pytest.raises(ApiException) as lost:
        leases.replace_namespaced_lease("l", "default", rival)
    assert lost.value.status == 409


def test_access_reviews_follow_the_script(server: ApiServer, api: client.ApiClient) -> None:
    authorization: Any = client.AuthorizationV1Api(api)

    def may(verb: str, resource: str, subresource: str | None = None) -> bool:
        attributes = client.V1ResourceAttributes(verb=verb, group=GROUP, resource=resource, subresource=subresource)
        review = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        )
        return bool(authorization.create_self_subject_access_review(review).status.allowed)

    assert may("patch", "functions")
    server.refuse("patch", "functions", code=403, reason="Forbidden", message="no", times=1)
    server.refuse("list", "functions", code=503, reason="ServiceUnavailable", message="later")
    assert not may("patch", "functions")
    assert may("list", "functions") and may("patch", "functions", "status")
    server.allow()
    assert may("patch", "functions")


def test_refusals_are_statuses_and_count_down(server: ApiServer, custom: Any) -> None:
    message = 'functions.lambda.services.k8s.aws is forbidden: User "system:serviceaccount:x:y" cannot list'
    server.refuse("list", "functions", code=403, reason="Forbidden", message=message, times=2)
    for _ in range(2):
        with pytest.raises(ApiException) as refusal:
            custom.list_cluster_custom_object(GROUP, VERSION, PLURAL)
        body = json.loads(refusal.value.body or "")
        assert (refusal.value.status, body["kind"], body["status"]) == (403, "Status", "Failure")
        assert (body["reason"], body["code"], body["message"]) == ("Forbidden", 403, message)
        assert body["details"] == {"group": GROUP, "kind": PLURAL}
    assert custom.list_cluster_custom_object(GROUP, VERSION, PLURAL)["items"] == []


def test_a_busy_server_says_when_to_come_back(server: ApiServer) -> None:
    server.refuse("*", "*", code=429, reason="TooManyRequests", message="storage is (re)initializing", times=1)
    reply = get(server, "/api/v1/namespaces")
    assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
    assert reply.json()["details"]["retryAfterSeconds"] == 1
    assert get(server, "/api/v1/namespaces").status == 200


def test_the_status_subresource_is_refused_by_its_own_name(server: ApiServer, custom: Any) -> None:
    server.seed(function("a"))
    server.refuse("patch", "functions/status", code=403, reason="Forbidden", message="no")
    where = (GROUP, VERSION, "default", PLURAL, "a")
    kind = {"_content_type": "application/merge-patch+json"}
    custom.patch_namespaced_custom_object(*where, {"spec": {"timeout": 1}}, **kind)
    with pytest.raises(ApiException):
        custom.patch_namespaced_custom_object_status(*where, {"status": {"state": "Active"}}, **kind)


def pool_of(server: ApiServer) -> urllib3.PoolManager:
    trusted = ssl.create_default_context(cadata=server.certificate.decode())
    return urllib3.PoolManager(retries=False, ssl_context=trusted)


def get(server: ApiServer, path: str, token: str | None = None) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {token or server.token}"}
    with pool_of(server) as pool:
        return pool.request("GET", server.url + path, headers=headers)


def test_nobody_else_trusts_its_certificate(server: ApiServer) -> None:
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.SSLError):
        pool.request("GET", f"{server.url}/version")
    with ApiServer(SandboxClock()) as other, pytest.raises(urllib3.exceptions.SSLError):
        pool_of(other).request("GET", f"{server.url}/version")


def test_every_answer_tells_the_sandbox_time(server: ApiServer) -> None:
    for path in ("/version", "/nope", "/api/v1/namespaces"):
        date = parsedate_to_datetime(get(server, path).headers["Date"])
        assert timedelta(0) <= date - START < timedelta(minutes=1)
    assert get(server, "/api/v1/namespaces/default").json()["metadata"]["creationTimestamp"].startswith("2030")


def test_seeding_stores_what_no_rule_allows(server: ApiServer) -> None:
    given = function(
        "odd",
        namespace="team",
        creationTimestamp="2020-01-01T00:00:00Z",
        deletionTimestamp="2020-01-02T00:00:00Z",
        finalizers=["finalizers.lambda.services.k8s.aws/Function"],
        managedFields=[{"manager": "kubectl"}],
    )
    given["status"] = {"conditions": None, "state": 7}
    stored = server.seed(given)
    assert "uid" not in given["metadata"]
    meta = stored["metadata"]
    assert (meta["generation"], bool(meta["uid"]), meta["resourceVersion"].isdigit()) == (1, True, True)
    path = f"/apis/{GROUP}/{VERSION}/namespaces/team/functions/odd"
    assert get(server, path).json() == stored
    assert stored["status"] == given["status"] and meta["managedFields"] == given["metadata"]["managedFields"]
    stored["status"]["state"] = "changed"
    assert get(server, path).json()["status"]["state"] == 7
    again = server.seed({**given, "status": {}})
    assert again["metadata"]["uid"] == meta["uid"]
    assert again["metadata"]["resourceVersion"] != meta["resourceVersion"]
    assert get(server, "/api/v1/namespaces/team").status == 200


def test_a_seeded_oddity_can_still_be_patched_elsewhere(server: ApiServer, custom: Any) -> None:
    server.seed({**function("odd", finalizers=["a/b"]), "status": {"conditions": [{"type": 1}], "state": 7}})
    patched = custom.patch_namespaced_custom_object(
        *(GROUP, VERSION, "default", PLURAL, "odd"),
        {"metadata": {"finalizers": None}},
        _content_type="application/merge-patch+json",
    )
    assert "finalizers" not in patched["metadata"]


def test_unknown_kinds_cannot_be_seeded(server: ApiServer) -> None:
    with pytest.raises(ValueError, match="serves no kind 'Bucket'"):
        server.seed({"apiVersion": "s3.services.k8s.aws/v1alpha1", "kind": "Bucket", "metadata": {"name": "b"}})


def test_continue_tokens_and_watches_expire(server: ApiServer) -> None:
    for number in range(3):
        server.seed(function(f"f{number}"))
    path = f"/apis/{GROUP}/{VERSION}/functions"
    first = get(server, f"{path}?limit=1").json()["metadata"]
    server.seed(function("f9"))
    server.compact()
    late = get(server, f"{path}?limit=1&continue={first['continue']}")
    assert (late.status, late.json()["reason"]) == (410, "Expired")
    rest = get(server, f"{path}?continue={late.json()['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest.json()["items"]] == ["f1", "f2", "f9"]
    watch = get(server, f"{path}?watch=1&resourceVersion=1").json()
    assert (watch["type"], watch["object"]["code"]) == ("ERROR", 410)


def test_history_expires_by_the_sandbox_clock() -> None:
    with ApiServer(SandboxClock(speed=100_000)) as server:
        server.seed(function("a"))
        server.seed(function("b"))
        path = f"/apis/{GROUP}/{VERSION}/functions"
        token = get(server, f"{path}?limit=1").json()["metadata"]["continue"]
        threading.Event().wait(0.05)
        server.seed(function("c"))
        threading.Event().wait(0.05)
        server.seed(function("d"))
        assert get(server, f"{path}?limit=1&continue={token}").status == 410


def test_a_token_expires_by_the_sandbox_clock() -> None:
    with ApiServer(SandboxClock(speed=10_000)) as server, pool_of(server) as pool:
        server.seed({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "team"}})
        path = f"{server.url}/api/v1/namespaces/team/serviceaccounts/a/token"
        headers = {"Authorization": f"Bearer {server.token}"}
        given = pool.request("POST", path, headers=headers, json={"spec": {"expirationSeconds": 3600}}).json()
        token = given["status"]["token"]
        assert get(server, "/version", token).status == 200
        threading.Event().wait(0.4)
        assert get(server, "/version", token).status == 401
        assert get(server, "/version").status == 200


def test_a_user_can_be_left_without_a_seat(server: ApiServer) -> None:
    server.overload("somebody-else")
    assert get(server, "/version").status == 200
    server.overload("sandbox-admin")
    assert (get(server, "/version").status, get(server, "/version").headers["Retry-After"]) == (429, "1")
    server.allow()
    assert get(server, "/version").status == 200


def test_the_kubeconfig_is_private_and_names_the_context(server: ApiServer, tmp_path: Path) -> None:
    path = server.kubeconfig(tmp_path / "kc", context="prod", namespace="team")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    contexts, active = config.list_kube_config_contexts(config_file=str(path))
    assert [context["name"] for context in contexts] == ["prod"]
    assert active["context"]["namespace"] == "team"


def test_a_stopped_server_hangs_up_and_comes_back_with_everything() -> None:
    server = ApiServer(SandboxClock())
    with pytest.raises(RuntimeError, match="no address"):
        _ = server.url
    server.start()
    server.seed(function("a"))
    headers = {"Authorization": f"Bearer {server.token}"}
    path = f"{server.url}/apis/{GROUP}/{VERSION}/functions"
    with pool_of(server) as pool:
        assert pool.request("GET", path, headers=headers).status == 200
        with pytest.raises(RuntimeError, match="already running"):
            server.start()
        server.stop()
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", path, headers=headers)
        server.start()
        assert [item["metadata"]["name"] for item in pool.request("GET", path, headers=headers).json()["items"]] == [
            "a"
        ]
    server.stop()
    server.stop()


def test_a_watch_ends_when_the_server_stops() -> None:
    with ApiServer(SandboxClock()) as server:
        lines: list[bytes] = []
        headers = {"Authorization": f"Bearer {server.token}"}
        with pool_of(server) as pool:
            path = f"{server.url}/apis/{GROUP}/{VERSION}/functions?watch=1"
            reply = pool.request("GET", path, headers=headers, preload_content=False)
            reader = threading.Thread(target=lambda: lines.extend(drained(reply)))
            reader.start()
            server.seed(function("a"))
            while not lines:
                reader.join(0.01)
            server.stop()
            reader.join(5)
            assert not reader.is_alive()
    assert json.loads(lines[0])["type"] == "ADDED"


def drained(reply: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from reply.stream()
    except urllib3.exceptions.HTTPError:
        return


def test_many_writers_lose_nothing(server: ApiServer) -> None:
    server.seed(function("a"))
    path = f"{server.url}/apis/{GROUP}/{VERSION}/namespaces/default/functions/a"
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/merge-patch+json"}
    codes: list[int] = []

    def write(writer: int) -> None:
        with pool_of(server) as pool:
            for turn in range(10):
                body = json.dumps({"metadata": {"labels": {f"w{writer}-{turn}": "1"}}, "spec": {"timeout": turn}})
                codes.append(pool.request("PATCH", path, headers=headers, body=body).status)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 80
    found = get(server, path.removeprefix(server.url)).json()
    assert len(found["metadata"]["labels"]) == 80


def test_thousands_are_listed_by_pages(server: ApiServer, api: client.ApiClient) -> None:
    for number in range(2000):
        server.seed(function(f"f{number:04}", namespace=f"n{number % 7}"))
    custom: Any = client.CustomObjectsApi(api)
    names: list[str] = []
    token: str | None = None
    while token != "":
        page = custom.list_cluster_custom_object(
            *(GROUP, VERSION, PLURAL), limit=500, _continue=token, _preload_content=False
        )
        found = json.loads(page.data)
        names += [item["metadata"]["name"] for item in found["items"]]
        token = found["metadata"]["continue"]
    assert len(names) == len(set(names)) == 2000


def test_another_kind_can_be_defined_and_goes_with_its_definition(server: ApiServer, api: client.ApiClient) -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                    "count": {"type": "integer", "minimum": 2, "maximum": 5},
                    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.x.example"},
        "spec": {
            "group": "x.example",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
        },
    }
    server.seed(function("untouched"))
    definitions: Any = client.ApiextensionsV1Api(api)
    definitions.create_custom_resource_definition(body)
    custom: Any = client.CustomObjectsApi(api)
    where = ("x.example", "v1", "default", "things")
    thing = {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t", "finalizers": ["a/b"]}}
    made = custom.create_namespaced_custom_object(*where, {**thing, "spec": {"any": {"q": [1]}, "z": 1}})
    assert made["spec"] == {"any": {"q": [1]}, "mode": "a"}
    with pytest.raises(ApiException) as wrong:
        custom.create_namespaced_custom_object(*where, {**thing, "spec": {"mode": "z", "count": 9}})
    causes = {cause["reason"] for cause in json.loads(wrong.value.body or "")["details"]["causes"]}
    assert causes == {"FieldValueNotSupported", "FieldValueInvalid"}
    definitions.delete_custom_resource_definition("things.x.example")
    left = custom.get_namespaced_custom_object(*where, "t")
    assert "deletionTimestamp" in left["metadata"]
    with pytest.raises(ApiException, match="custom resource definition is terminating"):
        custom.create_namespaced_custom_object(*where, {**thing, "metadata": {"name": "t2"}, "spec": {}})
    kind = {"_content_type": "application/merge-patch+json"}
    custom.patch_namespaced_custom_object(*where, "t", {"metadata": {"finalizers": None}}, **kind)
    with pytest.raises(ApiException) as gone:
        custom.list_cluster_custom_object("x.example", "v1", "things")
    assert (gone.value.status, gone.value.body) == (404, "404 page not found\n")
    assert len(custom.list_cluster_custom_object(GROUP, VERSION, PLURAL)["items"]) == 1


def test_the_definition_names_what_ack_has() -> None:
    schema = function_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    assert spec["required"] == ["code", "name"]
    assert spec["properties"]["publish"]["type"] == "boolean"
    wanted = {"ackResourceMetadata", "codeSHA256", "conditions", "lastUpdateStatus", "revisionID", "state"}
    assert wanted <= status["properties"].keys()
