"""Pause and resume as people type them, by the roles that are shipped, on the real API server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remediator.errors import Forbidden
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.lease import ACTION_LEASE
from remediator.kubernetes.pauses import PAUSE_LEASES, KubernetesPauses
from remediator.kubernetes.transport import Transport
from remediator.model.pause import Pauses
from tests.bed.plane import Plane
from tests.cli.shop import Result as Told
from tests.cli.shop import type_command
from tests.cluster.records import Person, Records

HOUR = timedelta(hours=1)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


@pytest.fixture(scope="module")
def home(api_server: Plane, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A home whose ServiceAccount may do nothing in the whole cluster, so that its own Role has to be enough."""
    return Records(api_server, tmp_path_factory.mktemp("pauses"), roles=("role-locks",), everywhere=())


@pytest.fixture(scope="module")
def alice(home: Records) -> Person:
    return home.person("alice", roles=("role-pauses",))


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch, home: Records, api_server: Plane) -> Callable[..., Told]:
    def run(person: Person, *args: str) -> Told:
        kubeconfig = api_server.kubeconfig("somebody", person.token, home.home)
        return type_command(
            monkeypatch, *args, "--kubeconfig", str(kubeconfig), "--home-namespace", home.home, columns=300
        )

    return run


def test_a_pause_is_made_read_and_ended_by_the_roles_that_are_shipped(
    home: Records, alice: Person, types: Callable[..., Told]
) -> None:
    ours = KubernetesPauses(home.transport, home.home)
    assert ours.read() == Pauses()
    before = datetime.now(UTC).replace(microsecond=0)
    made = types(alice, "pause", "--for", "2h", "--reason", "EKS upgrade")
    assert made.code == 0, made.err
    assert made.out.startswith(f"Paused everywhere as {alice.name} until ")
    (seen,) = ours.read().found
    assert (seen.name, seen.holder, seen.reason) == (PAUSE_LEASES[0], alice.name, "EKS upgrade")
    assert seen.until is not None
    assert before + 2 * HOUR <= seen.until <= datetime.now(UTC) + 2 * HOUR + timedelta(seconds=2)
    assert "EKS upgrade" in types(alice, "pause").out
    ended = types(alice, "resume")
    assert (ended.code, ended.err) == (0, "")
    assert ours.read() == Pauses()


def test_the_remediator_ends_nobodys_pause_and_who_pauses_takes_no_lock_away(
    home: Records, alice: Person, types: Callable[..., Told]
) -> None:
    assert types(alice, "pause", "--for", "1h", "--reason", "drill").code == 0
    ours = KubernetesPauses(home.transport, home.home)
    (stored,) = ours.stored()
    with pytest.raises(Forbidden, match="we may not end pauses"):
        ours.delete(stored)
    home.admin.post(LEASES.format(home.home), {"metadata": {"name": ACTION_LEASE}, "spec": {}})
    theirs = home.transport_of(alice)
    lock = home.admin.get(f"{LEASES.format(home.home)}/{ACTION_LEASE}")["metadata"]
    with pytest.raises(Forbidden):
        theirs.delete(
            f"{LEASES.format(home.home)}/{ACTION_LEASE}", uid=lock["uid"], resource_version=lock["resourceVersion"]
        )
    assert types(alice, "resume", "--all").code == 0


def test_who_has_no_such_role_can_neither_pause_nor_see_who_did(home: Records, types: Callable[..., Told]) -> None:
    nobody = home.person("nobody")
    for words in (("pause",), ("pause", "--for", "1h", "--reason", "drill"), ("resume",)):
        told = types(nobody, *words)
        assert told.code == 1
        assert "Role ack-remediator-pauses has it" in told.err
    assert KubernetesPauses(home.transport_of(nobody), home.home).read().unknown


def test_where_there_is_no_home_there_is_no_pause_and_no_place_for_one(api_server: Plane, tmp_path: Path) -> None:
    nowhere = KubernetesPauses(Transport(Connection(api_server.kubeconfig(), None)), "nowhere")
    assert nowhere.read() == Pauses()
