"""`remediator doctor` on the real API server: of a whole install, and with each right gone in turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from remediator.clock import SystemClock
from remediator.doctor import Check, Level, Patient, rights
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.kubernetes.words import whoami
from remediator.model.rights import RIGHTS, Access, Use, Where
from remediator.policy import Policy
from tests.bed.plane import RBAC, Plane
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.records import Json, Person, Records
from tests.cluster.runner import Runner

pytestmark = pytest.mark.timeout(300)

EACH = sorted({each for right in RIGHTS for each in right.each})
APPROVING = Policy.model_validate({"mode": "approve"})


def rules(*where: Where, without: Access | None) -> list[dict[str, list[str]]]:
    """Grant all that is used there, one by one, but for what is taken away."""
    granted = sorted({each for right in RIGHTS if right.where in where for each in right.each} - {without})
    return [
        {
            "apiGroups": [each.group],
            "resources": [each.resource],
            "verbs": [each.verb],
            **({"resourceNames": [each.name]} if each.name else {}),
        }
        for each in granted
    ]


class Accounts:
    """ServiceAccounts in one home, each with all rights but one."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self.home = plane.namespace()

    def make(self, name: str, *, without: Access | None = None) -> Patient:
        """Make one, and be it."""
        elsewhere = rules(*set(Where) - {Where.HOME}, without=without)
        path = self._plane.service_account(self.home, name, elsewhere)
        role, where = {"metadata": {"name": name}}, f"{RBAC}/namespaces/{self.home}"
        self._plane.admin.post(f"{where}/roles", role | {"rules": rules(Where.HOME, without=without)})
        subject = {"kind": "ServiceAccount", "namespace": self.home, "name": name}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        self._plane.admin.post(f"{where}/rolebindings", role | {"subjects": [subject], "roleRef": reference})
        connection = Connection(path, None)
        transport = Transport(connection)
        return Patient(
            connection=connection,
            transport=transport,
            cluster=KubernetesCluster(transport),
            cloud=None,
            no_cloud="it is not asked",
            policy=APPROVING,
            policy_file=None,
            home=self.home,
            namespace=None,
            clock=SystemClock(),
        )

    def told(self, patient: Patient, lacking: int) -> list[Check]:
        """Ask for all rights, until the API server has learnt of the roles: it does so by a watch of its own."""
        return eventually(
            lambda: unwell(rights.look(patient, whoami(patient.transport), "ack-system")),
            lambda checks: len(checks) == lacking,
            f"{lacking} rights are missing",
            self._plane.clock,
        )


def unwell(checks: Iterator[Check]) -> list[Check]:
    return [each for each in checks if each.level is not Level.OK]


@pytest.fixture(scope="module")
def accounts(api_server: Plane) -> Accounts:
    return Accounts(api_server)


def test_nothing_is_missing_where_every_right_is_there(accounts: Accounts) -> None:
    assert accounts.told(accounts.make("whole"), 0) == []


@pytest.mark.parametrize("lost", EACH, ids=str)
def test_each_right_that_is_gone_is_told_with_what_is_lost_and_which_role_has_it(
    accounts: Accounts, lost: Access
) -> None:
    lacking = [right for right in RIGHTS if lost in right.each]
    told = accounts.told(accounts.make(f"lacks-{EACH.index(lost)}", without=lost), len(lacking))
    for right, check in zip(lacking, told, strict=True):
        assert check.said.startswith(f"may not {lost} in ") or right.where is Where.CLUSTER
        assert check.said.startswith(f"may not {lost}")
        assert check.said.endswith(right.lost)
        assert right.role in check.fix
        assert (check.level is Level.NOTE) == (right.use in (Use.READING_LOGS, Use.SHARING))


def test_who_may_approve_what_it_proposes_is_told_of(accounts: Accounts, api_server: Plane) -> None:
    patient = accounts.make("both")
    role = {"metadata": {"name": "approving"}}
    more = {"apiGroups": ["ack-remediator.dev"], "resources": ["remediations"], "verbs": ["patch"]}
    where = f"{RBAC}/namespaces/{accounts.home}"
    api_server.admin.post(f"{where}/roles", role | {"rules": [more]})
    subject = {"kind": "ServiceAccount", "namespace": accounts.home, "name": "both"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "approving"}
    api_server.admin.post(f"{where}/rolebindings", role | {"subjects": [subject], "roleRef": reference})
    [check] = accounts.told(patient, 1)
    assert check.level is Level.FAILURE
    assert f"system:serviceaccount:{accounts.home}:both may patch remediations.ack-remediator.dev" in check.said


# ---- a whole install, beside a controller ----------------------------------------------------------------------------


def doctor(*words: str | Path) -> Json:
    """Run the command in a process of its own; return its document, with its exit code in it."""
    command = [
        sys.executable,
        "-c",
        "from remediator.cli import main; main()",
        "doctor",
        "-o",
        "json",
        *map(str, words),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    document: Json = json.loads(ended.stdout)
    return document | {"code": ended.returncode}


def levels(document: Json, area: str) -> list[str]:
    return [each["level"] for each in document["checks"] if each["area"] == area]


@pytest.mark.usefixtures("controller", "identity")
def test_a_whole_install_has_nothing_to_mend(settled: Create, runner: Runner, home: Records) -> None:
    settled()
    seen = partial(doctor, "--home-namespace", home.home, "-n", runner.namespace, "--policy", runner.policy())
    document = seen("--kubeconfig", home.kubeconfig)
    assert [each for each in document["checks"] if each["level"] in ("warning", "failure")] == []
    assert document["code"] == 0
    assert {each["area"] for each in document["checks"]} == {
        *("API server", "policy", "definitions", "resources", "controller", "rights", "approvals", "writes"),
        *("daemon", "pauses", "AWS", "metrics"),
    }
    assert levels(document, "approvals") == levels(document, "writes") == ["ok"]


@pytest.mark.usefixtures("controller", "identity")
def test_an_admin_sees_an_install_by_its_own_eyes(
    runner: Runner, home: Records, control_plane: Plane, alice: Person
) -> None:
    seen = partial(doctor, "--home-namespace", home.home, "-n", runner.namespace, "--policy", runner.policy())
    admin = ("--kubeconfig", control_plane.kubeconfig())
    account = f"system:serviceaccount:{home.home}:ack-remediator"
    document = seen(*admin, "--as", account)
    assert document["checks"][0]["said"].startswith(f"we are {account} at ")
    assert (document["code"], set(levels(document, "rights"))) == (0, {"ok", "note"})
    other = seen(*admin, "--as", alice.name)
    assert (other["code"], "failure" in levels(other, "rights")) == (1, True)


@pytest.mark.usefixtures("controller", "identity")
def test_without_the_admission_policy_approvals_are_a_failure(runner: Runner, home: Records) -> None:
    seen = partial(doctor, "--home-namespace", home.home, "-n", runner.namespace, "--policy", runner.policy())
    with home.without_policy():
        document = seen("--kubeconfig", home.kubeconfig)
    [check] = [each for each in document["checks"] if each["area"] == "approvals"]
    assert (document["code"], check["level"]) == (1, "failure")
    assert "takes a forged one" in check["said"]
    assert "approvals" in check["fix"]
    assert home.admin.get(f"/apis/ack-remediator.dev/v1alpha1/namespaces/{home.home}/remediations")["items"] == []
