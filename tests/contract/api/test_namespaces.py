"""A namespace on its way out, and the kinds that the product writes into one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import MERGE_PATCH

if TYPE_CHECKING:
    from tests.bed.http import Http, Reply
    from tests.contract.api.conftest import Functions

LEASE = {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 15}


def created(functions: Functions, plural: str, body: dict[str, Any], group: str = "api/v1") -> Reply:
    return functions.http("POST", f"/{group}/namespaces/{functions.namespace}/{plural}", body)


def terminate(functions: Functions) -> None:
    gone = functions.http("DELETE", f"/api/v1/namespaces/{functions.namespace}")
    assert (gone.code, gone.body["status"]["phase"]) == (200, "Terminating")


@pytest.mark.parametrize(
    ("plural", "group", "body"),
    [
        ("secrets", "api/v1", {}),
        ("configmaps", "api/v1", {}),
        ("events", "api/v1", {"involvedObject": {}}),
        ("events", "apis/events.k8s.io/v1", {}),
        ("leases", "apis/coordination.k8s.io/v1", {"spec": LEASE}),
        ("functions", "apis/lambda.services.k8s.aws/v1alpha1", None),
    ],
)
def test_nothing_new_where_all_is_ending(functions: Functions, plural: str, group: str, body: Any) -> None:
    terminate(functions)
    named = functions.manifest("x") if body is None else {**body, "metadata": {"name": "x"}}
    if "involvedObject" in named:
        named["involvedObject"] = {"namespace": functions.namespace}
    reply = created(functions, plural, named, group)
    kind = plural if group == "api/v1" else f"{plural}.{group.split('/')[1]}"
    why = f"unable to create new content in namespace {functions.namespace} because it is being terminated"
    assert (reply.code, reply.body["reason"]) == (403, "Forbidden")
    assert reply.message == f'{kind} "x" is forbidden: {why}'
    assert reply.fields == {("NamespaceTerminating", "metadata.namespace")}


def test_a_dry_run_is_refused_there_too(functions: Functions) -> None:
    terminate(functions)
    assert functions.http("POST", functions.path, functions.manifest("x"), dryRun="All").code == 403


def test_what_is_there_can_be_changed_and_deleted(functions: Functions) -> None:
    created(functions, "configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    functions.create("a", finalizers=["f.example/x"])
    terminate(functions)
    path = f"/api/v1/namespaces/{functions.namespace}/configmaps/c"
    assert functions.http("PATCH", path, {"data": {"a": "2"}}, kind=MERGE_PATCH).body["data"] == {"a": "2"}
    assert functions.http("DELETE", path).code == 200
    assert functions.merge("a", {"spec": {"timeout": 4}}).body["metadata"]["generation"] == 2
    assert functions.merge("a/status", {"status": {"state": "x"}}).code == 200
    functions.delete("a")
    assert functions.merge("a", {"metadata": {"finalizers": None}}).code == 200
    assert functions.get("a").code == 404


def test_it_stays_and_says_so(functions: Functions) -> None:
    terminate(functions)
    path = f"/api/v1/namespaces/{functions.namespace}"
    first = functions.http("GET", path).body
    again = functions.http("DELETE", path)
    assert (again.code, again.body["metadata"]) == (200, first["metadata"])
    labelled = functions.http("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, kind=MERGE_PATCH)
    assert (labelled.code, labelled.body["status"]["phase"]) == (200, "Terminating")


def test_secrets_keep_what_is_sent_in_plain(functions: Functions) -> None:
    path = f"/api/v1/namespaces/{functions.namespace}/secrets/s"
    both = {"data": {"a": "b2xk", "k": "a2VwdA=="}, "stringData": {"a": "new"}}
    made = created(functions, "secrets", {"metadata": {"name": "s"}, **both}).body
    assert {key: base64.b64decode(value) for key, value in made["data"].items()} == {"a": b"new", "k": b"kept"}
    merged = functions.http("PATCH", path, {"stringData": {"z": "1"}}, kind=MERGE_PATCH).body
    assert merged["data"].keys() == {"a", "k", "z"} and "stringData" not in merged


@pytest.mark.parametrize(("plural", "kind"), [("secrets", "Secret"), ("configmaps", "ConfigMap")])
def test_immutable_is_for_good(functions: Functions, plural: str, kind: str) -> None:
    path = f"/api/v1/namespaces/{functions.namespace}/{plural}/i"
    created(functions, plural, {"metadata": {"name": "i"}, "data": {"a": "b2xk"}, "immutable": True})
    changed = functions.http("PATCH", path, {"data": {"a": "bmV3"}}, kind=MERGE_PATCH)
    assert (changed.code, changed.fields) == (422, {("FieldValueForbidden", "data")})
    loosened = functions.http("PATCH", path, {"immutable": False}, kind=MERGE_PATCH)
    assert (loosened.code, loosened.fields) == (422, {("FieldValueForbidden", "immutable")})
    labelled = functions.http("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, kind=MERGE_PATCH)
    assert (labelled.code, labelled.body["kind"]) == (200, kind)
    assert functions.http("DELETE", path).code == 200


def test_a_lease_is_won_by_one(functions: Functions) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{functions.namespace}/leases/l"
    made = created(functions, "leases", {"metadata": {"name": "l"}, "spec": LEASE}, "apis/coordination.k8s.io/v1").body
    assert created(functions, "leases", {"metadata": {"name": "l"}}, "apis/coordination.k8s.io/v1").code == 409
    mine, theirs = ({**made, "spec": {**LEASE, "holderIdentity": name}} for name in ("me", "them"))
    assert functions.http("PUT", path, mine).code == 200
    lost = functions.http("PUT", path, theirs)
    assert (lost.code, lost.body["reason"]) == (409, "Conflict")
    assert functions.http("GET", path).body["spec"]["holderIdentity"] == "me"
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"holderIdentity": "them"}}
    assert functions.http("PATCH", path, stale, kind=MERGE_PATCH).code == 409


def test_a_lease_keeps_microseconds(functions: Functions) -> None:
    given = {**LEASE, "renewTime": "2026-01-01T02:00:00.123456+02:00"}
    made = created(functions, "leases", {"metadata": {"name": "l"}, "spec": given}, "apis/coordination.k8s.io/v1").body
    assert made["spec"]["renewTime"] == "2026-01-01T00:00:00.123456Z"


def test_a_put_creates_a_lease(functions: Functions) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{functions.namespace}/leases/l"
    made = functions.http("PUT", path, {"metadata": {"name": "l"}, "spec": LEASE})
    assert (made.code, made.body["spec"]["holderIdentity"]) == (201, "a")


def test_every_answer_is_dated(http_client: Http, functions: Functions) -> None:
    made = functions.create("a")
    created_at = datetime.fromisoformat(made["metadata"]["creationTimestamp"])
    for path in ("/version", "/nope", f"{functions.path}/a", f"{functions.path}/absent"):
        told = parsedate_to_datetime(http_client("GET", path).headers["Date"])
        assert told.tzinfo is UTC or told.utcoffset() == timedelta(0)
        assert timedelta(0) <= told - created_at < timedelta(minutes=5)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_only_known_formats_are_read(functions: Functions, kind: str) -> None:
    reply = functions.http("POST", functions.path, b"a=b", kind=kind)
    assert (reply.code, reply.body["reason"]) == (415, "UnsupportedMediaType")
    assert "accepted media types include: application/json" in reply.message
    assert functions.http("POST", f"/api/v1/namespaces/{functions.namespace}/configmaps", b"a", kind=kind).code == 415


def test_strictness_is_a_choice(functions: Functions) -> None:
    functions.create("a")
    patch = {"spec": {"bogus": 1, "timeout": 3}}
    strict = functions.merge("a", patch, fieldValidation="Strict")
    assert (strict.code, strict.message.endswith('strict decoding error: unknown field "spec.bogus"')) == (422, True)
    body = functions.manifest("b", spec={"bogus": 1})
    refused = functions.http("POST", functions.path, body, fieldValidation="Strict")
    assert refused.code == 400
    assert refused.message.endswith('strict decoding error: unknown field "spec.bogus"')
    warned = functions.merge("a", patch, fieldValidation="Warn")
    assert (warned.code, warned.headers["Warning"]) == (200, '299 - "unknown field \\"spec.bogus\\""')
    ignored = functions.merge("a", {"spec": {"bogus": 1, "timeout": 4}}, fieldValidation="Ignore")
    assert (ignored.code, "Warning" in ignored.headers) == (200, False)
    odd = functions.merge("a", patch, fieldValidation="Odd")
    assert (odd.code, odd.fields) == (422, {("FieldValueNotSupported", "fieldValidation")})


def test_a_second_deletion_changes_nothing_and_edits_still_count(functions: Functions) -> None:
    functions.create("a", finalizers=["f.example/x", "g.example/y"])
    first = functions.delete("a").body
    assert functions.delete("a", {"gracePeriodSeconds": 30, "propagationPolicy": "Background"}).body == first
    wrong = functions.delete("a", {"preconditions": {"uid": "nope"}})
    assert wrong.code == 409
    both = (
        {"op": "remove", "path": "/metadata/finalizers/0"},
        {"op": "add", "path": "/spec/timeout", "value": 1},
    )
    edited = functions.patch("a", *both).body["metadata"]
    assert (edited["generation"], edited["finalizers"]) == (3, ["g.example/y"])
    assert edited["deletionTimestamp"] == first["metadata"]["deletionTimestamp"]
    moved = functions.merge("a", {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}}).body["metadata"]
    assert moved["deletionTimestamp"] == first["metadata"]["deletionTimestamp"]
