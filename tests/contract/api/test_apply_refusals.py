"""Server-side apply: what is refused, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import APPLY
from tests.contract.api.ownership import entries

if TYPE_CHECKING:
    from tests.bed.http import Reply
    from tests.contract.api.conftest import Accounts, Functions

VERSION = "lambda.services.k8s.aws/v1alpha1"
UNTYPED = f"failed to create typed patch object (/a; {VERSION}, Kind=Function): "


@pytest.fixture(params=["new", "there"])
def target(request: pytest.FixtureRequest, functions: Functions) -> Functions:
    """Functions of which `a` is there, or not."""
    if request.param == "there":
        assert functions.apply("a", functions.manifest("a"), by="m").code == 201
    return functions


# ---- parameters ------------------------------------------------------------------------------------------------------


def test_a_manager_has_to_be_named(target: Functions) -> None:
    for reply in (
        target.http("PATCH", f"{target.path}/a", target.manifest("a"), kind=APPLY),
        target.apply("a", target.manifest("a"), by=""),
    ):
        assert (reply.code, reply.fields) == (422, {("FieldValueRequired", "fieldManager")})
        assert reply.message == (
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    assert target.apply("a", target.manifest("a"), by="x" * 129).fields == {("FieldValueTooLong", "fieldManager")}


@pytest.mark.parametrize("force", ["true", "false"])
def test_force_is_for_applying_only(functions: Functions, force: str) -> None:
    functions.create("a")
    for reply in (functions.merge("a", {}, force=force), functions.patch("a", force=force)):
        assert (reply.code, reply.fields) == (422, {("FieldValueForbidden", "force")})
        assert reply.message.endswith("force: Forbidden: may not be specified for non-apply patch")


@pytest.mark.parametrize("parameter", ["dryRun", "fieldValidation"])
def test_parameters_with_other_values(target: Functions, parameter: str) -> None:
    reply = target.apply("a", target.manifest("a"), by="m", **{parameter: "x"})
    assert (reply.code, reply.fields) == (422, {("FieldValueNotSupported", parameter)})


def test_a_dry_run_shows_and_stores_nothing(functions: Functions) -> None:
    body = functions.manifest("a", spec={"timeout": 3})
    made = functions.apply("a", body, by="m", dryRun="All")
    assert (made.code, made.body["spec"]["timeout"], list(entries(made.body))) == (201, 3, ["m Apply"])
    assert functions.get("a").code == 404
    stored = functions.apply("a", body, by="m").body
    dry = functions.apply("a", functions.manifest("a", labels={"a": "b"}), by="m", dryRun="All").body
    assert ("timeout" in dry["spec"], dry["metadata"]["labels"], dry["metadata"]["generation"]) == (
        False,
        {"a": "b"},
        2,
    )
    assert functions.get("a").body == stored


# ---- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "invalid object type: /, Kind="),
        (b"null", "invalid object type: /, Kind="),
        (b"{}", "invalid object type: /, Kind="),
        (b"{", "error decoding YAML: error converting YAML to JSON: "),
        (b"\xff\xfe\x00", "error decoding YAML: error converting YAML to JSON: "),
        (
            b"[1]",
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into ",
        ),
        (
            b'"a"',
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into ",
        ),
    ],
)
def test_bodies_that_are_no_object(target: Functions, body: bytes, said: str) -> None:
    reply = target.apply("a", body, by="m")
    assert (reply.code, reply.body["reason"]) == (400, "BadRequest")
    assert reply.message.startswith(said)
    assert reply.message == said or said.endswith(" ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": None}, f"{VERSION}, Kind="),
        ({"kind": "Alias"}, f"{VERSION}, Kind=Alias"),
        ({"apiVersion": None}, "/, Kind=Function"),
        ({"apiVersion": "v1"}, "/v1, Kind=Function"),
        ({"apiVersion": "lambda.services.k8s.aws/v1"}, "lambda.services.k8s.aws/v1, Kind=Function"),
    ],
)
def test_bodies_of_another_kind(target: Functions, change: dict[str, Any], said: str) -> None:
    body = {key: value for key, value in {**target.manifest("a"), **change}.items() if value is not None}
    reply = target.apply("a", body, by="m")
    assert (reply.code, reply.message) == (400, f"invalid object type: {said}")


@pytest.mark.parametrize("managed", [[], [{}], [{"manager": "x"}]])
def test_managed_fields_are_the_servers(target: Functions, managed: list[Any]) -> None:
    reply = target.apply("a", target.manifest("a", managedFields=managed), by="m")
    assert (reply.code, reply.message) == (400, "metadata.managedFields must be nil")
    assert target.apply("a", target.manifest("a", managedFields=None), by="m").code in (200, 201)


def test_names_and_namespaces_are_those_of_the_path(target: Functions) -> None:
    reply = target.apply("a", {**target.manifest("a"), "metadata": {"name": "b"}}, by="m")
    said = "the name of the object (b) does not match the name on the URL (a)"
    assert (reply.code, reply.message) == (400, said)
    reply = target.apply("a", target.manifest("a", namespace="other"), by="m")
    said = "the namespace of the provided object does not match the namespace sent on the request"
    assert (reply.code, reply.message) == (400, said)
    assert target.apply("a", target.manifest("a", namespace=target.namespace), by="m").code in (200, 201)


@pytest.mark.parametrize("metadata", [None, {}, {"generateName": "a-"}])
def test_only_what_is_there_needs_no_name(functions: Functions, metadata: Any) -> None:
    body = {key: value for key, value in functions.manifest("a").items() if key != "metadata"}
    body |= {} if metadata is None else {"metadata": metadata}
    reply = functions.apply("a", body, by="m")
    said = "the name of the object (a based on URL) was undeterminable: name must be provided"
    assert (reply.code, reply.message) == (400, said)
    functions.apply("a", functions.manifest("a"), by="m")
    assert functions.apply("a", body, by="m").code == 200


@pytest.mark.parametrize("choice", ["Ignore", "Warn", "Strict"])
def test_unknown_fields_are_refused_whatever_is_asked_for(target: Functions, choice: str) -> None:
    body = target.manifest("a", spec={"bogus": 1})
    reply = target.apply("a", body, by="m", fieldValidation=choice)
    assert (reply.code, reply.message) == (500, f"{UNTYPED}.spec.bogus: field not declared in schema")
    assert "reason" not in reply.body


def test_unknown_fields_of_each_map_are_named(target: Functions) -> None:
    spec = {"code": {"nope": 1}, "fileSystemConfigs": [{"bogus": 1}]}
    metadata = {"namespace": target.namespace, "bogus": 1}
    body = {**target.manifest("a", spec=spec, **metadata), "status": {"bogus": 1}}
    reply = target.apply("a", body, by="m")
    about = UNTYPED.replace("(/a", f"({target.namespace}/a")
    assert (reply.code, reply.message.splitlines()[0]) == (500, f"{about}errors:")
    fields = [line.removesuffix(": field not declared in schema") for line in reply.message.splitlines()[1:]]
    named = (".metadata.bogus", ".spec.code.nope", ".spec.fileSystemConfigs[0].bogus", ".status.bogus")
    assert sorted(fields) == [f"  {field}" for field in named]


def test_of_a_map_one_unknown_field_is_named(target: Functions) -> None:
    body = target.manifest("a", spec={"code": {"bogus": 1, "nope": 1}})
    reply = target.apply("a", body, by="m")
    said = {f"{UNTYPED}.spec.code.{name}: field not declared in schema" for name in ("bogus", "nope")}
    assert (reply.code, reply.message in said) == (500, True)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"handler": 3}, ".spec.handler: expected string, got "),
        ({"publish": "x"}, ".spec.publish: expected boolean, got "),
        ({"timeout": "x"}, ".spec.timeout: expected numeric (int or float), got "),
        ({"timeout": True}, ".spec.timeout: expected numeric (int or float), got "),
        ({"tags": "x"}, ".spec.tags: expected map, got "),
        ({"tags": {"a": 1}}, ".spec.tags.a: expected string, got "),
        ({"layers": "x"}, ".spec.layers: expected list, got "),
        ({"layers": ["x", 1]}, ".spec.layers[1]: expected string, got "),
    ],
)
def test_fields_of_another_type(target: Functions, spec: dict[str, Any], said: str) -> None:
    reply = target.apply("a", target.manifest("a", spec=spec), by="m")
    assert (reply.code, reply.message[: len(UNTYPED + said)]) == (500, UNTYPED + said)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"labels": "x"}, ".metadata.labels: expected map, got "),
        ({"labels": {"a": 1}}, ".metadata.labels.a: expected string, got "),
        ({"finalizers": "x"}, ".metadata.finalizers: expected list, got "),
        ({"finalizers": ["a/b", "a/b"]}, '.metadata.finalizers: duplicate entries for key [="a/b"]'),
    ],
)
def test_metadata_of_another_type(target: Functions, metadata: dict[str, Any], said: str) -> None:
    reply = target.apply("a", target.manifest("a", **metadata), by="m")
    assert (reply.code, reply.message[: len(UNTYPED + said)]) == (500, UNTYPED + said)


def test_what_the_schema_forbids_is_invalid(target: Functions) -> None:
    body = target.manifest("a")
    del body["spec"]["code"]
    reply = target.apply("a", body, by="m")
    assert (reply.code, ("FieldValueRequired", "spec.code") in reply.fields) == (422, True)
    reply = target.apply("a", target.manifest("a", spec={"timeout": 3.5}), by="m")
    assert (reply.code, ("FieldValueTypeInvalid", "spec.timeout") in reply.fields) == (422, True)
    first, second = ({"tenancyConfig": {"tenantIsolationMode": mode}} for mode in "AB")
    assert target.apply("a", target.manifest("a", spec=first), by="m").code in (200, 201)
    reply = target.apply("a", target.manifest("a", spec=second), by="m")
    assert (reply.code, reply.fields) == (422, {("FieldValueInvalid", "spec.tenancyConfig")})


def test_a_namespace_has_to_be_there(functions: Functions) -> None:
    path = functions.path.replace(functions.namespace, "nowhere")
    reply = functions.http("PATCH", f"{path}/a", functions.manifest("a"), kind=APPLY, fieldManager="m")
    assert (reply.code, reply.message) == (404, 'namespaces "nowhere" not found')


# ---- preconditions ---------------------------------------------------------------------------------------------------


def modified(functions: Functions, reply: Reply) -> bool:
    """Tell whether a write was refused for its version, and not for its owners."""
    said = "the object has been modified; please apply your changes to the latest version and try again"
    return reply.code == 409 and reply.message == (
        f'Operation cannot be fulfilled on functions.lambda.services.k8s.aws "a": {said}'
    )


def test_a_version_is_a_precondition(functions: Functions) -> None:
    first = functions.apply("a", functions.manifest("a"), by="m").body["metadata"]["resourceVersion"]
    second = functions.apply("a", functions.manifest("a", spec={"timeout": 3}, resourceVersion=first), by="m")
    assert second.code == 200
    for spec in ({"timeout": 4}, {"timeout": 3}):
        body = functions.manifest("a", spec=spec, resourceVersion=first)
        assert modified(functions, functions.apply("a", body, by="m", force="true"))
    assert functions.get("a").body == second.body
    refused = functions.apply("a", functions.manifest("a", spec={"timeout": 4}, resourceVersion=first), by="n")
    assert refused.message == 'Apply failed with 1 conflict: conflict with "m": .spec.timeout'
    empty = functions.apply("a", functions.manifest("a", resourceVersion=""), by="m")
    assert (empty.code, empty.fields) == (422, {("FieldValueInvalid", "metadata.resourceVersion")})


def test_no_version_keeps_an_object_from_being_created(functions: Functions) -> None:
    assert functions.apply("a", functions.manifest("a", resourceVersion="5"), by="m").code == 201


def test_a_version_is_a_number(target: Functions) -> None:
    reply = target.apply("a", target.manifest("a", resourceVersion="x"), by="m")
    assert (reply.code, reply.message) == (500, 'strconv.ParseUint: parsing "x": invalid syntax')


def test_a_uid_is_a_precondition(functions: Functions) -> None:
    reply = functions.apply("a", functions.manifest("a", uid="5"), by="m")
    said = "uid mismatch: the provided object specified uid 5, and no existing object was found"
    assert (reply.code, reply.body["reason"]) == (409, "Conflict")
    assert reply.message == f'Operation cannot be fulfilled on functions.lambda.services.k8s.aws "a": {said}'
    assert reply.body["details"] == {"name": "a", "group": "lambda.services.k8s.aws", "kind": "functions"}
    assert functions.get("a").code == 404
    made = functions.apply("a", functions.manifest("a"), by="m").body
    assert functions.apply("a", functions.manifest("a", uid=made["metadata"]["uid"]), by="m").body == made
    reply = functions.apply("a", functions.manifest("a", uid="5"), by="m")
    assert (reply.code, reply.fields) == (422, {("FieldValueInvalid", "metadata.uid")})


# ---- deletion --------------------------------------------------------------------------------------------------------


def test_what_is_being_deleted_is_applied_to(functions: Functions) -> None:
    functions.create("a", finalizers=["f.example/a"])
    functions.delete("a")
    seen = functions.apply("a", functions.manifest("a", spec={"timeout": 7}), by="m")
    assert (seen.code, seen.body["spec"]["timeout"], seen.body["metadata"]["generation"]) == (200, 7, 3)
    reply = functions.apply("a", functions.manifest("a", finalizers=["f.example/b"]), by="m")
    assert (reply.code, reply.fields) == (422, {("FieldValueForbidden", "metadata.finalizers")})


def test_leaving_out_the_last_finalizer_frees_it(functions: Functions) -> None:
    functions.apply("a", functions.manifest("a", finalizers=["f.example/a"]), by="m")
    functions.delete("a")
    assert functions.apply("a", functions.manifest("a"), by="m").code == 200
    assert functions.get("a").code == 404


# ---- rights ----------------------------------------------------------------------------------------------------------


def rule(*verbs: str) -> dict[str, list[str]]:
    return {"apiGroups": ["lambda.services.k8s.aws"], "resources": ["functions"], "verbs": list(verbs)}


def test_creating_by_an_apply_needs_both_rights(functions: Functions, accounts: Accounts) -> None:
    patcher, creator = accounts.make("patcher", rule("get", "patch")), accounts.make("creator", rule("get", "create"))
    path = f"{functions.path}/a"

    def apply(client: Any) -> Reply:
        reply: Reply = client("PATCH", path, functions.manifest("a"), kind=APPLY, fieldManager="m")
        return reply

    def refused(verb: str, account: str) -> str:
        return (
            f'functions.lambda.services.k8s.aws "a" is forbidden: User "{accounts.user(account)}" cannot {verb} '
            f'resource "functions" in API group "lambda.services.k8s.aws" in the namespace "{functions.namespace}"'
        )

    accounts.until(lambda: patcher("GET", path).code == 404 and creator("GET", path).code == 404)
    reply = apply(creator)
    assert (reply.code, reply.message) == (403, refused("patch", "creator"))
    reply = apply(patcher)
    assert (reply.code, reply.message) == (403, refused("create", "patcher"))
    assert reply.body["details"] == {"name": "a", "group": "lambda.services.k8s.aws", "kind": "functions"}
    functions.create("a")
    assert apply(patcher).code == 200
