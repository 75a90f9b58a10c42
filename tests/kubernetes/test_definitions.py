"""Whether the definitions of ACK's kinds are being deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from remediator.kubernetes.definitions import read_definitions
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.definition import Definition, Definitions
from remediator.model.kind import KINDS, LAMBDA_KINDS, OTHER_KINDS
from remediator.model.resource import FUNCTION_GROUP
from remediator.sandbox.apiserver import ApiServer
from tests import yaml_files
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

READ = Path(__file__).parents[2] / "manifests" / "base" / "clusterrole-read.yaml"


def definition(plural: str, kind: str, **metadata: Any) -> bytes:
    terminating = {"type": "Terminating", "status": "True", "message": "CustomResource deletion is in progress"}
    spec = {"group": FUNCTION_GROUP, "names": {"plural": plural, "kind": kind}}
    conditions = [{"type": "Established", "status": "True", "message": "all right"}, terminating]
    name = f"{plural}.{FUNCTION_GROUP}"
    return answer(
        200,
        {
            "metadata": {"name": name, **metadata},
            "spec": spec,
            "status": {"conditions": conditions if metadata else []},
        },
    )


MISSING = status(404, "not found")


def test_on_an_ordinary_day_none_is(api: ApiServer, transport: Transport) -> None:
    """The sandbox knows one kind; those that are not installed are none of ours."""
    assert read_definitions(transport) == KubernetesCluster(transport).definitions() == Definitions()


def test_those_that_are_being_deleted_are_found(connect: Connect) -> None:
    going = definition("functions", "Function", deletionTimestamp="2026-11-21T12:00:00Z")
    with Wire(going, definition("codesigningconfigs", "CodeSigningConfig"), *[MISSING] * 5) as wire:
        found = read_definitions(connect(wire.url))
    assert found == Definitions(
        (
            Definition(
                f"functions.{FUNCTION_GROUP}",
                "Function",
                datetime(2026, 11, 21, 12, tzinfo=UTC),
                "CustomResource deletion is in progress",
            ),
        )
    )
    assert [each.path.rpartition("/")[2] for each in wire.heard] == [
        each.collection for each in (KINDS["Function"], *OTHER_KINDS)
    ]


@pytest.mark.parametrize(
    ("trouble", "faulty"),
    [
        (status(403, "not yours"), False),
        (status(401, "who?"), True),
        (status(500, "no leader"), True),
        (answer(200, "<html>"), True),
    ],
)
def test_what_cannot_be_read_is_said_and_whether_for_want_of_a_right(
    connect: Connect, trouble: bytes, *, faulty: bool
) -> None:
    going = definition("functions", "Function", deletionTimestamp="2026-11-21T12:00:00Z")
    with Wire(going, trouble) as wire:
        found = read_definitions(connect(wire.url))
    assert [each.kind for each in found.deleting] == ["Function"]
    assert found.unknown.startswith(f"codesigningconfigs.{FUNCTION_GROUP} cannot be read: ")
    assert found.faulty is faulty


def test_the_shipped_role_lets_just_these_be_read() -> None:
    rules = yaml_files.read(READ)["rules"]
    [rule] = [each for each in rules if "customresourcedefinitions" in each["resources"]]
    assert (rule["apiGroups"], rule["verbs"]) == (["apiextensions.k8s.io"], ["get"])
    assert sorted(rule["resourceNames"]) == sorted(each.collection for each in LAMBDA_KINDS)
