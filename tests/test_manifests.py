"""What is shipped for the cluster: all of it is applied, and nobody gets more rights than their part needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

BASE = Path(__file__).parents[1] / "manifests" / "base"
RECORDS = "ack-remediator.dev"

Json = dict[str, Any]


def objects(name: str) -> list[Json]:
    return list(YAML(typ="safe").load_all((BASE / name).read_text(encoding="utf-8")))


def granted(name: str, resource: str) -> set[str]:
    """Collect the verbs that a role gives on a resource of ours."""
    rules = [rule for each in objects(name) for rule in each.get("rules", ())]
    return {
        verb
        for rule in rules
        if {RECORDS, "*"} & set(rule["apiGroups"]) and {resource, "*"} & set(rule["resources"])
        for verb in rule["verbs"]
    }


def test_every_manifest_is_applied() -> None:
    [kustomization] = objects("kustomization.yaml")
    generated = {file for each in kustomization["configMapGenerator"] for file in each["files"]}
    there = {each.name for each in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) | generated == there


def test_the_remediator_cannot_write_where_people_approve() -> None:
    assert granted("role-records.yaml", "remediations") == {"get", "list", "create", "delete"}
    assert granted("role-records.yaml", "remediations/status") == {"patch"}


def test_who_approves_cannot_write_what_is_proposed() -> None:
    assert granted("clusterrole-approver.yaml", "remediations") == {"get", "list", "watch", "patch", "approve"}
    assert granted("clusterrole-approver.yaml", "remediations/status") == set()


def test_the_remediator_creates_secrets_and_reads_none() -> None:
    """In its own namespace alone, so that whoever takes it over gains no Secret by it."""
    role, binding = objects("role-backups.yaml")
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "ack-remediator")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == ["ack-remediator"]
    others = {each.name for each in BASE.glob("*role*.yaml")} - {"role-backups.yaml"}
    for each in others:
        assert all("secrets" not in rule["resources"] for made in objects(each) for rule in made.get("rules", ()))


@pytest.mark.parametrize("role", ["clusterrole-viewer.yaml", "clusterrole-read.yaml"])
def test_who_looks_writes_nothing(role: str) -> None:
    assert granted(role, "remediations") <= {"get", "list", "watch"}
    assert granted(role, "remediations/status") == set()


@pytest.mark.parametrize("name", sorted(each.name for each in BASE.glob("*role*.yaml")))
def test_no_role_grants_everything(name: str) -> None:
    for each in objects(name):
        for rule in each.get("rules", ()):
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
