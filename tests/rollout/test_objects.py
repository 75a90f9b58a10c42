"""Whose fields an apply takes, and whose it leaves alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from remediator.errors import Changed, Conflicts, RemediatorError
from remediator.rollout.objects import Applier, Objects

Object = dict[str, Any]

BODY: Object = {"metadata": {"namespace": "shop", "name": "checkout"}, "spec": {"memorySize": 256}}
ACKS = (("ack-lambda-controller", ".spec.memorySize"),)
ARGOS = (("argocd-controller", ".spec.memorySize"), ("argocd-controller", ".spec.timeout"))


class Fake(Objects):
    """One object, and who owns what an apply wants to change; `meanwhile` happens right before a forced apply."""

    def __init__(self, fields: tuple[tuple[str, str], ...] = (), *, there: bool = True) -> None:
        self.fields = fields
        self.version = 7
        self.there = there
        self.meanwhile: list[Callable[[], object]] = []
        self.applied: list[tuple[Object, bool, bool]] = []

    def find(self, namespace: str, name: str) -> Object | None:
        version = {"uid": "u", "resourceVersion": str(self.version)}
        return {"metadata": {"namespace": namespace, "name": name} | version} if self.there else None

    def apply(self, body: Object, *, manager: str, force: bool = False, dry_run: bool = False) -> Object:
        assert manager == "kubectl"
        if self.fields and not force:
            raise Conflicts("Apply failed", fields=self.fields)
        if force and self.meanwhile:
            self.meanwhile.pop(0)()
        if body["metadata"].get("resourceVersion") not in (None, str(self.version)):
            raise Changed("the object has been modified")
        self.applied.append((copy.deepcopy(body), force, dry_run))
        return body

    def written(self) -> None:
        self.version += 1


def test_where_nobody_is_in_the_way_it_is_applied_as_it_is() -> None:
    objects = Fake()
    Applier(objects, "kubectl").apply(BODY)
    assert objects.applied == [(BODY, False, False)]


def test_fields_of_ack_are_taken_from_the_object_whose_owners_were_looked_at() -> None:
    objects = Fake(ACKS)
    Applier(objects, "kubectl").apply(BODY)
    ((body, force, dry_run),) = objects.applied
    assert (force, dry_run) == (True, False)
    assert body["metadata"] == BODY["metadata"] | {"uid": "u", "resourceVersion": "7"}
    assert "resourceVersion" not in BODY["metadata"]


def test_what_was_written_to_meanwhile_is_looked_at_again() -> None:
    objects = Fake(ACKS)
    objects.meanwhile = [objects.written, objects.written]
    Applier(objects, "kubectl").apply(BODY)
    assert [body["metadata"]["resourceVersion"] for body, _, _ in objects.applied] == ["9"]


def test_a_manager_that_comes_in_between_is_not_robbed() -> None:
    objects = Fake(ACKS)

    def argo_takes_it() -> None:
        objects.written()
        objects.fields = ARGOS

    objects.meanwhile = [argo_takes_it]
    with pytest.raises(RemediatorError, match="argocd-controller owns"):
        Applier(objects, "kubectl").apply(BODY)
    assert objects.applied == []


@pytest.mark.parametrize("fields", [ARGOS, ACKS + ARGOS])
def test_fields_of_others_are_left_and_named(fields: tuple[tuple[str, str], ...]) -> None:
    objects = Fake(fields)
    for act in (Applier(objects, "kubectl").apply, Applier(objects, "kubectl").rehearse):
        with pytest.raises(RemediatorError) as refused:
            act(BODY)
        assert refused.value.message == (
            "Function shop/checkout was left as it is: argocd-controller owns spec.memorySize, spec.timeout"
        )
        assert refused.value.hint
    assert objects.applied == []


def test_a_conflict_that_names_nobody_is_no_leave_to_force() -> None:
    objects = Fake()
    objects.fields = (("", ""),)
    with pytest.raises(RemediatorError):
        Applier(objects, "kubectl").apply(BODY)
    assert objects.applied == []


def test_a_rehearsal_stores_nothing() -> None:
    objects = Fake(ACKS)
    Applier(objects, "kubectl").rehearse(BODY)
    assert [(force, dry_run) for _, force, dry_run in objects.applied] == [(True, True)]


@pytest.mark.parametrize("fields", [(), ACKS])
def test_what_is_for_one_state_of_an_object_is_applied_to_no_later_one(fields: tuple[tuple[str, str], ...]) -> None:
    objects = Fake(fields)
    body = BODY | {"metadata": BODY["metadata"] | {"uid": "u", "resourceVersion": "7"}}
    objects.written()
    with pytest.raises(Changed, match="has been modified"):
        Applier(objects, "kubectl").apply(body)
    assert objects.applied == []


def test_an_object_that_is_written_to_all_the_time_is_given_up() -> None:
    objects = Fake(ACKS)
    objects.meanwhile = [objects.written] * 20
    with pytest.raises(Changed, match="written to all the time"):
        Applier(objects, "kubectl").apply(BODY)
