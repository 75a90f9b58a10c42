"""What was applied and only ACK can have taken back: by managedFields, read where they matter and nowhere else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.kubernetes.resources import decode
from remediator.model.applied import OwnedFields, changed_at, lost, overwritten, with_owners
from remediator.model.live import LiveState
from remediator.model.resource import LAST_APPLIED, Resource
from tests.builders import GONE, NOW, Json, active, at, decoded, function


def wrote(manager: str, *paths: str, subresource: str = "", applied: bool = False) -> Json:
    """Write an entry of managedFields: these fields of the spec are a manager's."""
    fields: Json = {}
    for path in paths:
        at = fields.setdefault("f:spec", {})
        for part in path.split("/"):
            at = at.setdefault(f"f:{part}", {})
    if applied:
        fields["f:metadata"] = {"f:annotations": {f"f:{LAST_APPLIED}": {}}}
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, "subresource": subresource}


ACK = wrote("controller", "memorySize", "environment/variables/TABLE")
KUBECTL = wrote("kubectl-client-side-apply", "handler", applied=True)


def applied(spec: Any, *managers: Json, now: Json | None = None) -> bytes:
    """Write an object to which a spec was applied, and which has become another."""
    metadata: Json = {"annotations": {LAST_APPLIED: json.dumps({"spec": spec})}, "managedFields": list(managers)}
    return json.dumps(function(metadata=metadata, spec=now)).encode()


def read(content: bytes) -> Resource:
    found = decode(content)
    assert isinstance(found, Resource)
    return found


def variables(**values: str | None) -> Json:
    return {"environment": {"variables": values}}


def test_a_field_that_is_acks_now_was_overwritten() -> None:
    resource = read(applied({"memorySize": 512, "handler": "app.other"}, KUBECTL, ACK))
    assert overwritten(resource) == ("memorySize",)


@pytest.mark.parametrize(
    "empty", [{"snapStart": {}}, {"loggingConfig": {}}, {"vpcConfig": {"subnetIDs": []}}, {"layers": []}]
)
def test_what_was_applied_empty_cannot_be_lost(empty: Json) -> None:
    """ACK fills it with what AWS has, or leaves it out: nothing of what was wanted is gone."""
    resource = read(applied(empty, KUBECTL, ACK))
    assert overwritten(resource) == ()
    assert lost(resource, active()) == ()


def test_variables_are_told_by_name() -> None:
    content = applied(variables(TABLE="new", LEVEL="info"), KUBECTL, ACK, now=variables(TABLE="old", LEVEL="info"))
    assert overwritten(read(content)) == ("environment.variables.TABLE",)


def test_a_variable_that_came_back_was_overwritten() -> None:
    content = applied(variables(LEVEL="info"), KUBECTL, ACK, now=variables(TABLE="old", LEVEL="info"))
    assert overwritten(read(content)) == ("environment.variables.TABLE",)


def test_variables_of_whoever_applied_none_are_not_looked_at() -> None:
    assert overwritten(read(applied({"memorySize": 256}, KUBECTL, ACK, now=variables(TABLE="old")))) == ()


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([], ("environment.variables.NEW",)),
        ([wrote("ack-remediator", "publish")], ("environment.variables.NEW",)),
        ([wrote("kubectl-label", subresource="")], ("environment.variables.NEW",)),
        ([wrote("somebody", "memorySize", subresource="status")], ("environment.variables.NEW",)),
        ([wrote("kubectl-edit", "timeout")], ()),
    ],
    ids=["nobody else", "us", "who wrote to metadata alone", "who wrote to status alone", "a person"],
)
def test_what_is_gone_was_taken_by_ack_where_nobody_else_wrote(others: list[Json], told: tuple[str, ...]) -> None:
    content = applied(variables(NEW="1", TABLE="t"), KUBECTL, ACK, *others, now=variables(TABLE="t"))
    assert overwritten(read(content)) == told


def test_an_environment_that_is_gone_altogether_counts_variable_by_variable() -> None:
    found = overwritten(read(applied(variables(B="1", A="2"), KUBECTL, ACK)))
    assert found == ("environment.variables.A", "environment.variables.B")


def test_where_ack_wrote_nothing_it_overwrote_nothing() -> None:
    assert overwritten(read(applied({"memorySize": 512}, KUBECTL))) == ()
    assert (
        overwritten(read(applied({"memorySize": 512}, wrote("controller", "memorySize", subresource="status")))) == ()
    )


def test_fields_are_read_where_something_differs_and_nowhere_else() -> None:
    same, other = read(applied({"memorySize": 256}, KUBECTL, ACK)), read(applied({"memorySize": 512}, KUBECTL, ACK))
    assert [type(each).__name__ for each in same.metadata.managed_fields or ()] == ["ManagedFields"] * 2
    assert [type(each).__name__ for each in other.metadata.managed_fields or ()] == ["OwnedFields"] * 2
    assert [each.manager for each in other.metadata.managed_fields or ()] == ["kubectl-client-side-apply", "controller"]


def test_without_that_reading_nobody_is_accused() -> None:
    assert overwritten(decoded(json.loads(applied({"memorySize": 512}, KUBECTL, ACK)))) == ()


@pytest.mark.parametrize(
    "fields", ["no mapping", [], {"f:spec": "no mapping"}, {"f:spec": []}, {"f:spec": {"f:memorySize": None}}]
)
def test_fields_in_a_strange_form_accuse_nobody_and_cost_nothing(fields: object) -> None:
    resource = read(applied({"memorySize": 512}, KUBECTL, ACK | {"fieldsV1": fields}))
    assert overwritten(resource) == ()
    assert resource.metadata.name == "checkout"


def test_an_object_that_cannot_be_read_a_second_time_stays_as_it_is() -> None:
    resource = read(applied({"memorySize": 512}, KUBECTL, ACK))
    assert with_owners(resource, b"{") is resource


def test_who_wrote_what_is_read_of_one_object_whatever_it_has_lost() -> None:
    raw = function(metadata={"managedFields": [ACK]})
    content = json.dumps(raw).encode()
    for always in (True, False):
        found = with_owners(decoded(raw), content, always=always).metadata.managed_fields
        assert found is not None
        assert [isinstance(each, OwnedFields) for each in found] == [always]


def test_an_object_without_managed_fields_has_no_owners() -> None:
    content = json.loads(applied({"memorySize": 512}))
    del content["metadata"]["managedFields"]
    resource = read(json.dumps(content).encode())
    assert overwritten(resource) == ()


@pytest.mark.parametrize(
    "remembered", ["", "{", "[]", "{}", '{"spec": null}', '{"spec": {"memorySize": "much"}}', '"\\ud800', "\ud800"]
)
def test_what_was_applied_in_a_strange_form_was_not_overwritten(remembered: str) -> None:
    metadata = {"annotations": {LAST_APPLIED: remembered}, "managedFields": [ACK]}
    resource = decoded(function(metadata=metadata))
    assert with_owners(resource, b"") is resource
    assert overwritten(resource) == ()


def test_an_object_without_a_spec_lost_nothing() -> None:
    resource = msgspec.structs.replace(read(applied({"memorySize": 512}, KUBECTL, ACK)), spec=None)
    assert overwritten(resource) == ()
    assert lost(resource, active()) == ()


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (active(configuration=(("memorySize", "256"),)), ("memorySize",)),
        (active(configuration=(("memorySize", "512"),)), ()),
        (active(configuration=()), ()),
        (GONE, ()),
    ],
    ids=["as the spec", "as applied", "not told", "gone"],
)
def test_what_aws_has_as_well_is_lost(live: LiveState, told: tuple[str, ...]) -> None:
    assert lost(read(applied({"memorySize": 512}, KUBECTL, ACK)), live) == told


@pytest.mark.parametrize(("there", "told"), [({"TABLE": "old"}, 1), ({"TABLE": "new"}, 0), ({}, 0)])
def test_a_variable_that_aws_has_as_well_is_lost(there: dict[str, str], told: int) -> None:
    content = applied(variables(TABLE="new"), KUBECTL, ACK, now=variables(TABLE="old"))
    assert len(lost(read(content), active(environment=there))) == told


def test_a_description_that_neither_has_is_lost() -> None:
    content = applied({"description": "second edition"}, KUBECTL, ACK)
    assert lost(read(content), active(configuration=(("description", ""),))) == ("description",)
    assert lost(read(content), active(configuration=())) == ("description",)


def test_a_manager_has_what_it_wrote() -> None:
    entry = msgspec.convert(ACK, OwnedFields)
    assert entry.has("spec", "environment", "variables", "TABLE")
    assert entry.has("spec")
    assert not entry.has("spec", "environment", "variables", "OTHER")
    assert not entry.has("status")
    assert not OwnedFields().has("spec")


# ---- when it was last changed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        ({"managedFields": [ACK | {"time": at(seconds=5)}, wrote("helm", "memorySize") | {"time": at(hours=1)}]}, 1),
        ({"managedFields": [{"manager": "helm", "time": at(hours=2)}, {"manager": "helm", "time": "soon"}]}, 2),
        ({"managedFields": None, "creationTimestamp": at(hours=9)}, 9),
        ({"managedFields": [wrote("helm") | {"time": at(hours=1)}], "deletionTimestamp": at(hours=3)}, 3),
    ],
    ids=["not by ACK", "by whom it may have been", "by its birth", "by its deletion"],
)
def test_the_last_change_is_the_last_write_to_the_spec_by_somebody_else(more: Json, changed: int) -> None:
    assert changed_at(decoded(function(metadata=more))) == NOW - timedelta(hours=changed)
