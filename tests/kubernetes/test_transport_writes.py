"""Creating, applying and deleting: once, with the preconditions that were given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remediator.errors import Changed, Conflicts, NotFound
from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer, function_definition
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}


def test_an_object_is_created_once(api: ApiServer, transport: Transport) -> None:
    assert json.loads(transport.create(SECRETS, SECRET))["metadata"]["name"] == "one"
    assert api.stored("v1", "Secret", "default", "one")
    with pytest.raises(Changed, match="already exists"):
        transport.create(SECRETS, SECRET)


def test_a_dry_run_creates_nothing(api: ApiServer, transport: Transport) -> None:
    transport.create(SECRETS, SECRET, dry_run=True)
    with pytest.raises(LookupError):
        api.stored("v1", "Secret", "default", "one")


def test_a_creation_says_who_it_is_from(connect: Connect) -> None:
    with Wire(answer(201, SECRET)) as wire:
        connect(wire.url).create(SECRETS, SECRET)
    [heard] = wire.heard
    assert (heard.method, heard.query) == ("POST", {"fieldManager": "ack-remediator"})
    assert json.loads(heard.body) == SECRET


@pytest.mark.parametrize("stale", ["uid", "resource_version"])
def test_another_object_is_not_deleted(api: ApiServer, transport: Transport, stale: str) -> None:
    created = json.loads(transport.create(SECRETS, SECRET))["metadata"]
    right = {"uid": created["uid"], "resource_version": created["resourceVersion"]}
    with pytest.raises(Changed):
        transport.delete(f"{SECRETS}/one", **(right | {stale: "1"}))
    assert api.stored("v1", "Secret", "default", "one")
    transport.delete(f"{SECRETS}/one", **right)
    with pytest.raises(NotFound):
        transport.get(f"{SECRETS}/one")


def test_a_creation_is_not_repeated(connect: Connect) -> None:
    with Wire(status(500, "no leader")) as wire:
        with pytest.raises(Exception, match="no leader"):
            connect(wire.url).create(SECRETS, SECRET)
        assert len(wire.heard) == 1


# ---- server-side apply -----------------------------------------------------------------------------------------------

FUNCTIONS = "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/default/functions"


@pytest.fixture
def functions(api: ApiServer) -> ApiServer:
    """An API server that knows Functions."""
    api.seed(function_definition())
    return api


def function(**spec: Any) -> dict[str, Any]:
    body = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "Function", "metadata": {"name": "one"}}
    return body | {"spec": {"name": "one", "code": {"s3Bucket": "b"}, **spec}}


def test_what_is_applied_is_owned_by_who_applies(functions: ApiServer, transport: Transport) -> None:
    made = json.loads(transport.apply(f"{FUNCTIONS}/one", function(timeout=3), manager="pipeline"))
    assert [(each["manager"], each["operation"]) for each in made["metadata"]["managedFields"]] == [
        ("pipeline", "Apply")
    ]
    again = json.loads(transport.apply(f"{FUNCTIONS}/one", function(), manager="pipeline"))
    assert "timeout" not in again["spec"]
    stored = functions.stored("lambda.services.k8s.aws/v1alpha1", "Function", "default", "one")
    assert stored["spec"] == again["spec"]


def test_a_dry_run_applies_nothing(functions: ApiServer, transport: Transport) -> None:
    transport.apply(f"{FUNCTIONS}/one", function(), manager="pipeline", dry_run=True)
    with pytest.raises(LookupError):
        functions.stored("lambda.services.k8s.aws/v1alpha1", "Function", "default", "one")


def test_conflicts_name_owners_and_fields(functions: ApiServer, transport: Transport) -> None:
    transport.create(FUNCTIONS, function(timeout=3))
    transport.apply(f"{FUNCTIONS}/one", function(handler="h"), manager="argo")
    with pytest.raises(Conflicts) as refused:
        transport.apply(f"{FUNCTIONS}/one", function(timeout=5, handler="i"), manager="pipeline")
    assert refused.value.fields == (("ack-remediator", ".spec.timeout"), ("argo", ".spec.handler"))
    assert refused.value.message.startswith("Apply failed with 2 conflicts: ")
    assert refused.value.exit_code == 1
    forced = json.loads(
        transport.apply(f"{FUNCTIONS}/one", function(timeout=5, handler="i"), manager="pipeline", force=True)
    )
    assert (forced["spec"]["timeout"], forced["spec"]["handler"]) == (5, "i")


def test_a_version_that_is_gone_is_no_conflict_of_owners(functions: ApiServer, transport: Transport) -> None:
    transport.create(FUNCTIONS, function())
    body = function() | {"metadata": {"name": "one", "resourceVersion": "1"}}
    with pytest.raises(Changed) as refused:
        transport.apply(f"{FUNCTIONS}/one", body, manager="pipeline")
    assert not isinstance(refused.value, Conflicts)


def test_an_apply_is_sent_once_and_as_it_is(connect: Connect) -> None:
    with Wire(status(503, "patience", after="0")) as wire, pytest.raises(Exception, match="patience"):
        connect(wire.url).apply("/x", {"spec": {"timeout": None, "text": "ü"}}, manager="a b", force=True, dry_run=True)
    [heard] = wire.heard
    assert (heard.method, heard.headers["content-type"]) == ("PATCH", "application/apply-patch+yaml")
    assert heard.query == {"fieldManager": "a b", "force": "true", "dryRun": "All"}
    assert json.loads(heard.body) == {"spec": {"timeout": None, "text": "ü"}}


@pytest.mark.parametrize(
    ("message", "owner"),
    [
        ('conflict with "ctl" with subresource "status" using v1', "ctl"),
        ('conflict with "a \\"b\\"" using v1', 'a "b"'),
        ('conflict with "a\\x07b"', 'conflict with "a\\x07b"'),
        ("something else", "something else"),
    ],
)
def test_an_owner_is_found_in_what_is_said(connect: Connect, message: str, owner: str) -> None:
    cause = {"reason": "FieldManagerConflict", "message": message, "field": ".spec.timeout"}
    told = {"message": "no", "details": {"causes": [cause, {"reason": "Other"}]}}
    with Wire(answer(409, told)) as wire, pytest.raises(Conflicts) as refused:
        connect(wire.url).apply("/x", {}, manager="m")
    assert refused.value.fields == ((owner, ".spec.timeout"),)


@pytest.mark.parametrize("details", [None, {}, {"causes": None}, {"causes": [{"reason": "Other"}]}, "text"])
def test_a_refusal_without_owners_is_a_change(connect: Connect, details: Any) -> None:
    with Wire(answer(409, {"message": "no", "details": details})) as wire, pytest.raises(Changed) as refused:
        connect(wire.url).apply("/x", {}, manager="m")
    assert not isinstance(refused.value, Conflicts)
    assert refused.value.message == "no"
