"""The table of rights, and the roles that are shipped: one says what the other grants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.model.kind import KINDS
from remediator.model.rights import RIGHTS, Access, Use, Where, granted
from tests import yaml_files

BASE = Path(__file__).parents[2] / "manifests" / "base"
ROLES = sorted({right.role for right in RIGHTS})


def roles() -> Iterator[dict[str, Any]]:
    """Yield every role of the base."""
    for path in sorted(BASE.glob("*role-*.yaml")):
        yield from (each for each in yaml_files.read_all(path) if each["kind"] in ("Role", "ClusterRole"))


def shipped() -> set[tuple[str, Access]]:
    """Collect what the roles grant, one by one."""
    return {
        (role["metadata"]["name"], Access(group, resource, verb, name))
        for role in roles()
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def test_the_roles_grant_what_is_used_and_nothing_else() -> None:
    ours = {(role, each) for role, each in shipped() if role in ROLES}
    assert ours == granted(RIGHTS)


def test_each_role_is_known_or_is_for_people() -> None:
    assert {role["metadata"]["name"] for role in roles()} - set(ROLES) == {
        "ack-remediator-approver",
        "ack-remediator-pauses",
        "ack-remediator-viewer",
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_one_namespace_is_used_there(role: str) -> None:
    [made] = [each for each in roles() if each["metadata"]["name"] == role]
    assert {right.where is Where.HOME for right in RIGHTS if right.role == role} == {made["kind"] == "Role"}


def test_every_kind_that_is_followed_can_be_read() -> None:
    readable = {(each.group, each.resource) for right in RIGHTS for each in right.each if each.verb == "get"}
    assert {(kind.group, kind.plural) for kind in KINDS.values()} <= readable


def test_only_what_acts_or_keeps_its_own_writes() -> None:
    writing = {right.use for right in RIGHTS for each in right.each if each.verb not in ("get", "list")}
    assert writing == {Use.ACTING, Use.LOCKING, Use.REMEMBERING, Use.SAVING, Use.SHARING, Use.TELLING}


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (Access("", "pods", "list"), "list pods"),
        (Access("", "pods/log", "get"), "get pods/log"),
        (Access("apps", "deployments", "list"), "list deployments.apps"),
        (Access("a.b", "things/status", "patch", "one"), "patch things.a.b/status one"),
    ],
)
def test_an_access_is_told_as_kubectl_would(access: Access, said: str) -> None:
    assert str(access) == said
