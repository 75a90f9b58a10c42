"""Whose fields an apply takes, and whose it leaves alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from remediator.errors import Changed, Conflicts, RemediatorError
from remediator.rollout.objects import Applier, Objects
from remediator.rollout.steps import Part, Step

Object = dict[str, Any]

BODY: Object = {"metadata": {"namespace": "shop", "name": "checkout"}, "spec": {"memorySize": 256}}
ACKS = (("ack-lambda-controller", ".spec.memorySize"),)
ARGOS = (("argocd-controller", ".spec.memorySize"), ("argocd-controller", ".spec.timeout"))


class Fake(Objects):
    """One object, and who owns what an apply wants to change."""

    def __init__(self, fields: tuple[tuple[str, str], ...] = ()) -> None:
        self.fields = fields
        self.version = 7
        self.applied: list[tuple[Object, bool, bool]] = []

    def find(self, namespace: str, name: str) -> Object | None:
        raise AssertionError("an applier asks for nothing: it is told what was looked at")

    def apply(self, body: Object, *, manager: str, force: bool = False, dry_run: bool = False) -> Object:
        assert manager == "kubectl"
        if self.fields and not force:
            raise Conflicts("Apply failed", fields=self.fields)
        if body["metadata"].get("resourceVersion") not in (None, str(self.version)):
            raise Changed("the object has been modified")
        self.applied.append((copy.deepcopy(body), force, dry_run))
        return body

    def written(self) -> None:
        self.version += 1


def step(**state: str) -> Step:
    return Step(Part.REST, BODY, state=state)


SEEN = step(uid="u", resourceVersion="7")


def test_where_nobody_is_in_the_way_it_is_applied_as_it_is() -> None:
    objects = Fake()
    Applier(objects, "kubectl").apply(SEEN)
    assert objects.applied == [(BODY, False, False)]


def test_fields_of_ack_are_taken_from_the_object_that_was_looked_at() -> None:
    objects = Fake(ACKS)
    Applier(objects, "kubectl").apply(SEEN)
    ((body, force, dry_run),) = objects.applied
    assert (force, dry_run) == (True, False)
    assert body["metadata"] == BODY["metadata"] | {"uid": "u", "resourceVersion": "7"}
    assert "resourceVersion" not in BODY["metadata"]


def test_a_later_one_is_not_robbed_its_fields_can_be_anothers() -> None:
    objects = Fake(ACKS)
    objects.written()
    with pytest.raises(Changed, match="has been modified"):
        Applier(objects, "kubectl").apply(SEEN)
    assert objects.applied == []


def test_nothing_is_taken_from_what_was_not_there() -> None:
    objects = Fake(ACKS)
    with pytest.raises(Changed, match="made by somebody else a moment ago"):
        Applier(objects, "kubectl").apply(step())
    assert objects.applied == []


@pytest.mark.parametrize("fields", [ARGOS, ACKS + ARGOS])
def test_fields_of_others_are_left_and_named(fields: tuple[tuple[str, str], ...]) -> None:
    objects = Fake(fields)
    applier = Applier(objects, "kubectl")
    for act in (lambda: applier.apply(SEEN), lambda: applier.rehearse(BODY)):
        with pytest.raises(RemediatorError) as refused:
            act()
        assert refused.value.message == (
            "Function shop/checkout was left as it is: argocd-controller owns spec.memorySize, spec.timeout"
        )
        assert refused.value.hint
    assert objects.applied == []


def test_whom_a_person_names_is_taken_from_too() -> None:
    objects = Fake(ACKS + ARGOS)
    Applier(objects, "kubectl", ("argocd-controller",)).apply(SEEN)
    assert [force for _, force, _ in objects.applied] == [True]


def test_a_conflict_that_names_nobody_is_no_leave_to_force() -> None:
    objects = Fake((("", ""),))
    with pytest.raises(RemediatorError):
        Applier(objects, "kubectl").apply(SEEN)
    assert objects.applied == []


def test_a_rehearsal_stores_nothing() -> None:
    objects = Fake(ACKS)
    Applier(objects, "kubectl").rehearse(BODY)
    assert [(force, dry_run) for _, force, dry_run in objects.applied] == [(True, True)]
