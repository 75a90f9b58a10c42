"""What a person writes by a command of their own is told by the names of its fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remediator.cli import audited
from remediator.errors import Conflicts, Unaudited
from remediator.model.resource import Ref
from remediator.trail import Trail, Who
from tests.fakes import FakeClock

Json = dict[str, Any]

BODY: Json = {
    "metadata": {"namespace": "shop", "name": "checkout"},
    "spec": {"memorySize": 256, "environment": {"variables": {"A": "s3cret"}}},
}
REF = Ref("shop", "checkout", "")


class Lines:
    def __init__(self) -> None:
        self.lines: list[Json] = []
        self.full = False

    def append(self, lines: bytes) -> None:
        if self.full:
            raise Unaudited("no space left")
        assert b"s3cret" not in lines
        self.lines += [json.loads(each) for each in lines.splitlines()]


class Server:
    """Takes what is applied, or refuses it."""

    def __init__(self) -> None:
        self.applied: list[bool] = []
        self.conflicts = False

    def find(self, namespace: str, name: str) -> Json | None:
        return BODY

    def apply(self, body: Json, *, manager: str, force: bool = False, dry_run: bool = False) -> Json:
        self.applied.append(dry_run)
        if self.conflicts:
            raise Conflicts("Apply failed", fields=())
        return body | {"metadata": body["metadata"] | {"resourceVersion": "8", "generation": 2}}


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def trail(lines: Lines) -> Trail:
    return Trail(lines, Who("me", lambda: ("", "nobody said")), FakeClock())


def test_an_apply_is_told_and_its_dry_run_is_not(lines: Lines, trail: Trail) -> None:
    server = Server()
    objects = audited.objects(server, trail)
    assert objects.find("shop", "checkout") == BODY
    objects.apply(BODY, manager="kubectl", dry_run=True)
    assert lines.lines == []
    objects.apply(BODY, manager="kubectl")
    request, answer = lines.lines
    assert (request["verb"], request["fields"]) == ("apply", ["spec.environment", "spec.memorySize"])
    assert request["userUnknown"] == "nobody said"
    assert (answer["answer"], answer["resourceVersion"], answer["generation"]) == ("taken", "8", 2)
    assert "fields" not in answer


def test_an_apply_that_is_refused_is_told_so(lines: Lines, trail: Trail) -> None:
    server = Server()
    server.conflicts = True
    with pytest.raises(Conflicts):
        audited.objects(server, trail).apply(BODY, manager="kubectl")
    assert [each.get("answer") for each in lines.lines] == [None, "changed"]


def test_nothing_is_applied_or_created_that_cannot_be_told(lines: Lines, trail: Trail) -> None:
    server = Server()
    lines.full = True
    with pytest.raises(Unaudited):
        audited.objects(server, trail).apply(BODY, manager="kubectl")
    with pytest.raises(Unaudited):
        audited.created(trail, REF, BODY, lambda: server.apply(BODY, manager="kubectl"))
    assert server.applied == []


def test_what_is_created_is_told(lines: Lines, trail: Trail) -> None:
    server = Server()
    audited.created(trail, REF, BODY, lambda: server.apply(BODY, manager="kubectl"))
    assert [(each["event"], each["verb"]) for each in lines.lines] == [("request", "create"), ("answer", "create")]


def test_without_a_trail_nothing_stands_in_between() -> None:
    server = Server()
    assert audited.objects(server, None) is server
    assert audited.created(None, REF, BODY, lambda: BODY) is BODY
