"""The roles for people: what each is given is what `kubectl` asks for while they do what the role is for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from remediator.kubernetes.remediation_object import GROUP, collection, new_object
from remediator.model.resource import Ref
from tests import yaml_files
from tests.bed.plane import RBAC
from tests.bed.waiting import eventually
from tests.cluster.install.installation import HOME, MANIFESTS, Installation

NAME = "function-uid-1"
# Asked by the admission policy, and not by who approves: tests/cluster/test_approvals.py takes it away.
ASKED_BY_THE_POLICY = {"approve"}

Kubectl = Callable[..., str]


@pytest.fixture
def record(installation: Installation) -> str:
    """Let something be recorded."""
    installation.apply("cronjob")
    installation.wait_for_policy()
    path = collection(HOME)
    if not any(each["metadata"]["name"] == NAME for each in installation.admin.get(path)["items"]):
        installation.admin.post(path, new_object(Ref("shop", "checkout", "uid-1")))
    return NAME


def verbs(role: str) -> set[str]:
    """Read the verbs of a role for people; it has one rule, about Remediations."""
    [found] = yaml_files.read_all(MANIFESTS / "base" / f"clusterrole-{role}.yaml")
    [rule] = found["rules"]
    assert (rule["apiGroups"], rule["resources"]) == ([GROUP], ["remediations"])
    return set(rule["verbs"])


def bound(installation: Installation, role: str, folder: Path) -> tuple[str, Kubectl]:
    """Make somebody who has a role in the remediator's namespace, and kubectl as theirs."""
    people = installation.plane.namespace()
    installation.admin.post(f"/api/v1/namespaces/{people}/serviceaccounts", {"metadata": {"name": role}})
    body = {
        "metadata": {"name": f"{people}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"ack-remediator-{role}"},
        "subjects": [{"kind": "ServiceAccount", "namespace": people, "name": role}],
    }
    installation.admin.post(f"{RBAC}/namespaces/{HOME}/rolebindings", body)
    kubeconfig = installation.kubeconfig(people, role)

    def kubectl(*words: str) -> str:
        command = [str(installation.program), "--kubeconfig", str(kubeconfig), "-n", HOME, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder)
        return done.stdout + done.stderr

    eventually(lambda: kubectl("get", "rem"), lambda said: NAME in said, "the binding counts", installation.plane.clock)
    return people, kubectl


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_who_looks_sees_one_and_all_and_what_changes(
    installation: Installation, record: str, role: str, tmp_path: Path
) -> None:
    people, kubectl = bound(installation, role, tmp_path)
    since = installation.mark()
    assert "checkout" in kubectl("get", "remediation", record)
    assert record in kubectl("get", "remediations")
    assert record in kubectl("get", "remediations", "--watch", "--request-timeout=2s")
    patch = ("patch", "remediation", record, "--type=merge", "-p", '{"spec": {"approval": null}}')
    said = kubectl(*patch)
    assert ("forbidden" in said) == (role == "viewer"), said
    answered = {
        each.verb for each in installation.asked(since, people, role) if each.code != 403 and each.group == GROUP
    }
    assert verbs(role) - ASKED_BY_THE_POLICY == answered
