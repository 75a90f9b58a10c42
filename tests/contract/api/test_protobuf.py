"""Built-in kinds in protobuf, as Go's typed clients send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bed.http import Reply
    from tests.contract.api.conftest import Functions

KIND = "application/vnd.kubernetes.protobuf"


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    low = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return low + varint(value >> 7) if value > 0x7F else low


def post(functions: Functions, path: str, api_version: str, kind: str, raw: bytes) -> Reply:
    about = field(1, api_version) + field(2, kind)
    return functions.http("POST", path, b"k8s\0" + field(1, about) + field(2, raw), kind=KIND)


def test_a_review(functions: Functions) -> None:
    attributes = field(1, functions.namespace) + field(2, "get") + field(5, "pods") + field(3, "")
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    raw = field(2, field(1, attributes))
    reply = post(functions, path, "authorization.k8s.io/v1", "SelfSubjectAccessReview", raw)
    assert (reply.code, reply.body["status"]) == (201, {"allowed": True})
    assert reply.body["spec"]["resourceAttributes"] == {
        "namespace": functions.namespace,
        "verb": "get",
        "resource": "pods",
    }


def test_an_account_and_its_token(functions: Functions) -> None:
    path = f"/api/v1/namespaces/{functions.namespace}/serviceaccounts"
    made = post(functions, path, "v1", "ServiceAccount", field(1, field(1, "bob")))
    assert (made.code, made.body["metadata"]["name"]) == (201, "bob")
    raw = field(1, b"") + field(2, field(4, 1200))
    given = post(functions, f"{path}/bob/token", "authentication.k8s.io/v1", "TokenRequest", raw)
    assert (given.code, given.body["spec"]["expirationSeconds"]) == (201, 1200)


def test_maps_and_lists(functions: Functions) -> None:
    labels = field(11, field(1, "a") + field(2, "b")) + field(14, "f.example/x") + field(14, "g.example/y")
    meta = field(1, field(1, "s") + labels)
    raw = meta + field(2, field(1, "k") + field(2, b"\xff")) + field(3, "Opaque") + field(5, 1)
    made = post(functions, f"/api/v1/namespaces/{functions.namespace}/secrets", "v1", "Secret", raw).body
    assert (made["data"], made["type"], made["immutable"]) == ({"k": "/w=="}, "Opaque", True)
    assert made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["finalizers"] == ["f.example/x", "g.example/y"]
    rule = field(1, "get") + field(2, "") + field(3, "pods") + field(3, "secrets")
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{functions.namespace}/roles"
    role = post(functions, path, "rbac.authorization.k8s.io/v1", "Role", field(1, field(1, "r")) + field(2, rule))
    assert role.body["rules"] == [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "secrets"]}]
