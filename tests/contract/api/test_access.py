"""Who is asking, what roles let them do, and what those are told who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import MERGE_PATCH
from tests.contract.api.conftest import FUNCTIONS

if TYPE_CHECKING:
    from tests.bed.http import Http, Reply
    from tests.contract.api.conftest import Accounts, Functions

GROUP = "lambda.services.k8s.aws"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
EVERYWHERE = f"{FUNCTIONS}/functions"


def may(*verbs: str, resources: str = "functions", group: str = GROUP, **more: list[str]) -> dict[str, list[str]]:
    return {"verbs": list(verbs), "apiGroups": [group], "resources": [resources], **more}


def review(client: Http, **attributes: Any) -> dict[str, Any]:
    spec = {"nonResourceAttributes" if "path" in attributes else "resourceAttributes": attributes}
    reply = client("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})
    assert reply.code == 201, reply.body
    status: dict[str, Any] = reply.body["status"]
    return status


def refused(reply: Reply, message: str) -> None:
    assert (reply.code, reply.body["reason"], reply.message) == (403, "Forbidden", message)


def test_without_rights_nothing_is_said_of_what_is_there(accounts: Accounts, functions: Functions) -> None:
    functions.create("a")
    nobody, here = accounts.make("nobody"), functions.path
    user = f'User "{accounts.user("nobody")}" cannot'
    what = f'resource "functions" in API group "{GROUP}"'
    place = f'in the namespace "{functions.namespace}"'
    kind = f"functions.{GROUP}"
    refused(nobody("GET", EVERYWHERE), f"{kind} is forbidden: {user} list {what} at the cluster scope")
    refused(nobody("GET", here), f"{kind} is forbidden: {user} list {what} {place}")
    refused(nobody("GET", here, watch="1"), f"{kind} is forbidden: {user} watch {what} {place}")
    refused(nobody("POST", here, {}), f"{kind} is forbidden: {user} create {what} {place}")
    refused(nobody("DELETE", here), f"{kind} is forbidden: {user} deletecollection {what} {place}")
    for method, verb in (("GET", "get"), ("PUT", "update"), ("DELETE", "delete")):
        for name in ("a", "absent"):
            refused(nobody(method, f"{here}/{name}"), f'{kind} "{name}" is forbidden: {user} {verb} {what} {place}')
    status = f'{kind} "a" is forbidden: {user} patch resource "functions/status" in API group "{GROUP}" {place}'
    reply = nobody("PATCH", f"{here}/a/status", {}, kind=MERGE_PATCH)
    refused(reply, status)
    assert reply.body["details"] == {"name": "a", "group": GROUP, "kind": "functions"}


def test_what_is_not_served_is_refused_like_the_rest(accounts: Accounts) -> None:
    nobody, user = accounts.make("nobody"), f'User "{accounts.user("nobody")}" cannot'
    things = nobody("GET", "/apis/nope.example/v1/things")
    refused(
        things,
        f'things.nope.example is forbidden: {user} list resource "things" in API group "nope.example" '
        "at the cluster scope",
    )
    refused(nobody("GET", "/metrics"), f'forbidden: {user} get path "/metrics"')
    assert nobody("GET", "/metrics").body["details"] == {}
    home = f"/api/v1/namespaces/{accounts.namespace}"
    refused(
        nobody("GET", home),
        f'namespaces "{accounts.namespace}" is forbidden: {user} get resource "namespaces" in API group "" '
        f'in the namespace "{accounts.namespace}"',
    )


def test_rules_give_what_they_name_and_no_more(accounts: Accounts, functions: Functions) -> None:
    functions.create("a")
    reader = accounts.make("reader", may("get", "list", "watch"))
    assert [reader("GET", path).code for path in (EVERYWHERE, functions.path, f"{functions.path}/a")] == [200] * 3
    (event,) = reader.stream(functions.path, 1, watch="1", timeoutSeconds="9", resourceVersion="0")
    assert event["type"] == "ADDED"
    assert reader("PATCH", f"{functions.path}/a", {}, kind=MERGE_PATCH).code == 403
    assert reader("PATCH", f"{functions.path}/a", {}, kind=MERGE_PATCH, dryRun="All").code == 403
    assert reader("GET", f"{functions.path}/absent").code == 404
    assert reader("GET", f"{functions.path}/a/status").code == 403


def test_a_subresource_is_a_right_of_its_own(accounts: Accounts, functions: Functions) -> None:
    functions.create("a")
    writer = accounts.make("writer", may("patch", resources="functions/status"))
    assert writer("PATCH", f"{functions.path}/a/status", {"status": {"state": "x"}}, kind=MERGE_PATCH).code == 200
    assert writer("PATCH", f"{functions.path}/a", {}, kind=MERGE_PATCH).code == 403
    any_status = accounts.make("any-status", may("patch", resources="*/status"))
    assert any_status("PATCH", f"{functions.path}/a/status", {}, kind=MERGE_PATCH).code == 200
    assert any_status("PATCH", f"{functions.path}/a", {}, kind=MERGE_PATCH).code == 403


def test_names_narrow_a_rule(accounts: Accounts, functions: Functions) -> None:
    functions.create("a")
    functions.create("b")
    one = accounts.make("one", may("get", "list", "delete", "create", resourceNames=["a"]))
    assert [one("GET", f"{functions.path}/{name}").code for name in "ab"] == [200, 403]
    assert [one("GET", functions.path, fieldSelector=f"metadata.name={name}").code for name in "ab"] == [200, 403]
    assert one("GET", functions.path).code == 403
    assert one("POST", functions.path, functions.manifest("a")).code == 403


@pytest.mark.parametrize(
    "rule",
    [
        may("*"),
        may("get", group="*"),
        may("get", resources="*"),
        {"verbs": ["get"], "apiGroups": ["x", GROUP], "resources": ["y", "functions"]},
    ],
)
def test_stars_and_lists(accounts: Accounts, functions: Functions, rule: dict[str, list[str]]) -> None:
    functions.create("a")
    assert accounts.make("any", rule)("GET", f"{functions.path}/a").code == 200


def test_a_role_ends_at_its_namespace(accounts: Accounts, functions: Functions) -> None:
    local = accounts.make(
        "local", may("list"), may("get", resources="namespaces", group=""), within=functions.namespace
    )
    assert local("GET", functions.path).code == 200
    assert local("GET", EVERYWHERE).code == 403
    assert local("GET", f"{FUNCTIONS}/namespaces/default/functions").code == 403
    assert local("GET", f"/api/v1/namespaces/{functions.namespace}").code == 200
    assert local("GET", "/api/v1/namespaces/default").code == 403


def test_paths_are_granted_too(accounts: Accounts, http_client: Http) -> None:
    rule = {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/debug/*"]}
    watcher = accounts.make("watcher", rule, may("get"))
    assert review(watcher, verb="get", path="/metrics")["allowed"]
    assert review(watcher, verb="get", path="/debug/pprof")["allowed"]
    assert not review(watcher, verb="get", path="/metrics/more")["allowed"]
    assert not review(watcher, verb="put", path="/metrics")["allowed"]


def test_reviews_answer_as_requests_would(accounts: Accounts, http_client: Http) -> None:
    home, reader = accounts.namespace, accounts.make("reader", may("list"), within=accounts.namespace)
    by = f'RoleBinding "{home}-reader/{home}" of Role "{home}-reader" to ServiceAccount "reader/{home}"'
    asked = {"verb": "list", "group": GROUP, "resource": "functions", "namespace": home}
    assert review(reader, **asked) == {"allowed": True, "reason": f"RBAC: allowed by {by}"}
    assert review(reader, **{**asked, "namespace": ""}) == {"allowed": False}
    assert review(reader, **{**asked, "subresource": "status"}) == {"allowed": False}
    assert review(http_client, **asked) == {"allowed": True}
    told = review(accounts.make("wide", may("list")), **asked)
    by = f'ClusterRoleBinding "{home}-wide" of ClusterRole "{home}-wide" to ServiceAccount "wide/{home}"'
    assert told == {"allowed": True, "reason": f"RBAC: allowed by {by}"}


def test_rules_reviews_list_what_one_may(accounts: Accounts) -> None:
    reader = accounts.make("reader", may("list", resourceNames=["a"]), within=accounts.namespace)
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = reader("POST", path, {"spec": {"namespace": accounts.namespace}}).body["status"]
    assert may("list", resourceNames=["a"]) in status["resourceRules"]
    assert status["incomplete"] is False
    assert any("/version" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])
    elsewhere = reader("POST", path, {"spec": {"namespace": "default"}}).body["status"]
    assert may("list", resourceNames=["a"]) not in elsewhere["resourceRules"]
    nowhere = reader("POST", path, {"spec": {}})
    assert (nowhere.code, nowhere.message) == (400, "no namespace on request")


def test_who_am_i(accounts: Accounts, http_client: Http) -> None:
    path, body = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
    reply = accounts.make("me")("POST", path, {"apiVersion": "authentication.k8s.io/v1", **body})
    stored = http_client("GET", f"/api/v1/namespaces/{accounts.namespace}/serviceaccounts/me").body
    told = reply.body["status"]["userInfo"]
    assert (told["username"], told["uid"]) == (accounts.user("me"), stored["metadata"]["uid"])
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{accounts.namespace}", "system:authenticated"}
    assert set(told["groups"]) == groups
    admin = http_client("POST", path, {"apiVersion": "authentication.k8s.io/v1", **body}).body["status"]["userInfo"]
    assert admin == {
        "username": "sandbox-admin",
        "uid": "admin",
        "groups": ["system:masters", "system:authenticated"],
    }


@pytest.mark.parametrize("group", ["system:serviceaccounts", "system:authenticated"])
def test_groups_can_be_bound(accounts: Accounts, http_client: Http, functions: Functions, group: str) -> None:
    someone = accounts.make("someone")
    assert someone("GET", f"/api/v1/namespaces/{accounts.namespace}/configmaps").code == 403
    role = {"metadata": {"name": "r"}, "rules": [may("list", resources="configmaps", group="")]}
    home = f"{RBAC}/namespaces/{accounts.namespace}"
    assert http_client("POST", f"{home}/roles", role).code == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    binding = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [{"kind": "Group", "name": group}]}
    made = http_client("POST", f"{home}/rolebindings", binding)
    assert made.body["subjects"] == [{"kind": "Group", "name": group, "apiGroup": "rbac.authorization.k8s.io"}]
    accounts.until(lambda: someone("GET", f"/api/v1/namespaces/{accounts.namespace}/configmaps").code == 200)
    assert http_client("DELETE", f"{home}/rolebindings/b").code == 200
    accounts.until(lambda: someone("GET", f"/api/v1/namespaces/{accounts.namespace}/configmaps").code == 403)


def test_a_binding_to_no_role_says_so(accounts: Accounts, http_client: Http) -> None:
    someone, home = accounts.make("someone"), f"{RBAC}/namespaces/{accounts.namespace}"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "absent"}
    subject = {"kind": "ServiceAccount", "name": "someone", "namespace": accounts.namespace}
    binding = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
    assert http_client("POST", f"{home}/rolebindings", binding).code == 201
    path = f"/api/v1/namespaces/{accounts.namespace}/pods"
    why = ': RBAC: role.rbac.authorization.k8s.io "absent" not found'
    accounts.until(lambda: someone("GET", path).message.endswith(f'in the namespace "{accounts.namespace}"{why}'))


def test_roles_are_checked(accounts: Accounts, http_client: Http) -> None:
    home = f"{RBAC}/namespaces/{accounts.namespace}"
    idle = http_client("POST", f"{home}/roles", {"metadata": {"name": "r"}, "rules": [may()]})
    assert (idle.code, idle.fields) == (422, {("FieldValueRequired", "rules[0].verbs")})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    binding = {"metadata": {"name": "b"}, "roleRef": reference}
    assert http_client("POST", f"{home}/rolebindings", binding).code == 201
    other = {"roleRef": {**reference, "name": "s"}}
    moved = http_client("PATCH", f"{home}/rolebindings/b", other, kind=MERGE_PATCH)
    assert (moved.code, moved.fields) == (422, {("FieldValueInvalid", "roleRef")})
    assert http_client("GET", f"{RBAC}/clusterroles/system:discovery").code == 200
    assert http_client("GET", f"{RBAC}/clusterroles/system%3Adiscovery").code == 200


def acting(client: Http, name: str) -> Http:
    """Let a client ask as somebody else from now on."""
    client.headers["Impersonate-User"] = name
    return client


def test_who_may_impersonate_an_account_is_asked_as_that_one(accounts: Accounts, functions: Functions) -> None:
    functions.create("a")
    accounts.make("reader", may("get"))
    reader = accounts.user("reader")
    mine = may("impersonate", resources="serviceaccounts", group="", resourceNames=["reader"])
    other = acting(accounts.make("other", mine, may("list")), reader)
    path, body = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
    told = other("POST", path, {"apiVersion": "authentication.k8s.io/v1", **body}).body["status"]["userInfo"]
    assert told["username"] == reader
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{accounts.namespace}", "system:authenticated"}
    assert set(told["groups"]) == groups
    assert other("GET", f"{functions.path}/a").code == 200
    assert other("GET", functions.path).code == 403, "the rights of who asks do not count"
    allowed = {verb: review(other, verb=verb, group=GROUP, resource="functions")["allowed"] for verb in ("get", "list")}
    assert allowed == {"get": True, "list": False}
    for name, another in (("third", accounts.user("other")), ("fourth", "alice")):
        reply = acting(accounts.make(name, mine), another)("GET", "/version")
        assert (reply.code, reply.body["reason"]) == (403, "Forbidden")
        assert f'User "{accounts.user(name)}" cannot impersonate' in reply.message


def test_without_a_token_one_is_anonymous(accounts: Accounts) -> None:
    nobody = accounts.client(None)
    assert nobody("GET", "/version").body["major"] == "1"
    assert [nobody("GET", path).body for path in ("/healthz", "/livez", "/readyz")] == ["ok"] * 3
    refused(nobody("GET", "/apis"), 'forbidden: User "system:anonymous" cannot get path "/apis"')
    functions = f'functions.{GROUP} is forbidden: User "system:anonymous" cannot list resource "functions"'
    refused(nobody("GET", EVERYWHERE), f'{functions} in API group "{GROUP}" at the cluster scope')


def test_a_wrong_token_opens_nothing(accounts: Accounts) -> None:
    for path in ("/version", EVERYWHERE):
        reply = accounts.client("wrong")("GET", path)
        assert (reply.code, reply.body["reason"], reply.message) == (401, "Unauthorized", "Unauthorized")


def test_a_token_is_a_bearers_in_any_case_of_the_word_and_nobodys_else(accounts: Accounts) -> None:
    for scheme in ("bearer", "BEARER"):
        client = accounts.client(None)
        client.headers["Authorization"] = f"{scheme} {accounts.plane.admin_token}"
        assert client("GET", EVERYWHERE).code == 200
        client.headers["Authorization"] = f"{scheme} wrong"
        assert client("GET", EVERYWHERE).code == 401
    client.headers["Authorization"] = f"Basic {accounts.plane.admin_token}"
    assert 'User "system:anonymous"' in client("GET", EVERYWHERE).message


def test_a_token_is_given_for_a_time(accounts: Accounts, http_client: Http) -> None:
    path = f"/api/v1/namespaces/{accounts.namespace}/serviceaccounts"
    account = http_client("POST", path, {"metadata": {"name": "a"}}).body
    given = http_client("POST", f"{path}/a/token", {"spec": {"expirationSeconds": 900}})
    assert (given.code, given.body["kind"]) == (201, "TokenRequest")
    assert given.body["metadata"]["uid"] == account["metadata"]["uid"]
    assert given.body["spec"]["expirationSeconds"] == 900
    assert given.body["status"]["expirationTimestamp"] > given.body["metadata"]["creationTimestamp"]
    assert http_client("POST", f"{path}/a/token", {}).body["spec"]["expirationSeconds"] == 3600
    short = http_client("POST", f"{path}/a/token", {"spec": {"expirationSeconds": 599}})
    assert (short.code, short.fields) == (422, {("FieldValueInvalid", "spec.expirationSeconds")})
    assert http_client("POST", f"{path}/absent/token", {}).code == 404
    assert http_client("GET", f"{path}/a/token").code == 405


def test_a_token_dies_with_its_account(accounts: Accounts, http_client: Http) -> None:
    path = f"/api/v1/namespaces/{accounts.namespace}/serviceaccounts"
    http_client("POST", path, {"metadata": {"name": "a"}})
    token = http_client("POST", f"{path}/a/token", {}).body["status"]["token"]
    gone = http_client("DELETE", f"{path}/a")
    assert (gone.code, gone.body["kind"]) == (200, "ServiceAccount")
    http_client("POST", path, {"metadata": {"name": "a"}})
    assert accounts.client(token)("GET", "/version").code == 401
