"""Pauses as Leases: they end by the API server's clock, there is room for nine, and what makes no sense holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError, Forbidden
from remediator.kubernetes.lease import ACTION_LEASE, LEADER_LEASE
from remediator.kubernetes.pauses import NAMESPACE, PAUSE_LEASES, REASON, KubernetesPauses
from remediator.kubernetes.transport import Transport
from remediator.model.pause import Pause, Pauses
from remediator.model.times import format_time, parse_time
from remediator.sandbox.apiserver import ApiServer
from tests import yaml_files
from tests.builders import NOW
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOUR = timedelta(hours=1)


@pytest.fixture
def pauses(transport: Transport) -> KubernetesPauses:
    return KubernetesPauses(transport, "default")


def lease(name: str = PAUSE_LEASES[0], spec: Any = None, **metadata: Any) -> dict[str, Any]:
    known = {"name": name, "uid": "u", "resourceVersion": "7", "creationTimestamp": format_time(NOW)}
    return {"metadata": known | metadata, "spec": {"leaseDurationSeconds": 3600} if spec is None else spec}


def read(connect: Connect, *items: dict[str, Any]) -> Pauses:
    with Wire(answer(200, {"items": list(items)})) as wire:
        return KubernetesPauses(connect(wire.url), "ops").read()


def test_its_rounds(pauses: KubernetesPauses, api: ApiServer) -> None:
    assert pauses.read() == Pauses()
    now = datetime.now(UTC)
    made = pauses.create("alice", HOUR, "EKS upgrade", "", now)
    other = pauses.create("bob", 2 * HOUR, "load test", "shop", now)
    assert [each.pause.name for each in (made, other)] == list(PAUSE_LEASES[:2])
    assert pauses.read() == Pauses((made.pause, other.pause))
    stored = api.stored("coordination.k8s.io/v1", "Lease", "default", made.pause.name)
    created = parse_time(stored["metadata"]["creationTimestamp"])
    assert created is not None
    assert made.pause == Pause(made.pause.name, "alice", created + HOUR, created, "EKS upgrade")
    assert (other.pause.holder, other.pause.namespace) == ("bob", "shop")
    pauses.delete(made)
    pauses.delete(made)  # it has ended, whoever ended it
    assert pauses.read() == Pauses((other.pause,))


def test_the_end_is_told_by_the_server_whatever_the_writer_thinks_of_the_time(
    pauses: KubernetesPauses, api: ApiServer
) -> None:
    made = pauses.create("alice", HOUR, "drill", "", datetime.now(UTC) + 24 * HOUR).pause
    assert made.until is not None
    assert made.until < datetime.now(UTC) + HOUR + timedelta(seconds=2)


def test_one_that_was_made_anew_is_not_ended_by_who_read_the_other(pauses: KubernetesPauses, api: ApiServer) -> None:
    first = pauses.create("alice", HOUR, "drill", "", datetime.now(UTC))
    pauses.delete(first)
    again = pauses.create("bob", HOUR, "drill", "", datetime.now(UTC))
    with pytest.raises(Changed):
        pauses.delete(first)
    assert pauses.read() == Pauses((again.pause,))


def test_there_is_room_for_nine_and_what_has_ended_makes_some(pauses: KubernetesPauses, api: ApiServer) -> None:
    now = datetime.now(UTC)
    for number in range(9):
        pauses.create(f"joe-{number}", HOUR if number == 4 else 3 * HOUR, "drill", "", now)
    with pytest.raises(ClusterError, match="9 pauses stand in namespace default already"):
        pauses.create("alice", HOUR, "drill", "", now)
    made = pauses.create("alice", HOUR, "drill", "", now + 2 * HOUR)
    assert made.pause.name == PAUSE_LEASES[4]
    assert {each.holder for each in pauses.read().found} >= {"alice", "joe-0"}
    assert len(pauses.read().found) == 9


def test_who_is_slower_takes_the_next_name(pauses: KubernetesPauses, api: ApiServer) -> None:
    there = pauses.stored()
    quicker = KubernetesPauses(pauses._transport, "default").create("bob", HOUR, "drill", "", datetime.now(UTC))
    pauses.stored = lambda: there  # type: ignore[method-assign]
    assert pauses.create("alice", HOUR, "drill", "", datetime.now(UTC)).pause.name != quicker.pause.name


def test_other_leases_are_no_pauses(connect: Connect) -> None:
    assert read(connect, lease(ACTION_LEASE), lease(LEADER_LEASE), lease("ack-remediator-pause-10")) == Pauses()


@pytest.mark.parametrize(
    ("broken", "until", "namespace"),
    [
        (lease(), NOW + HOUR, ""),
        (lease(spec={}), None, ""),
        (lease(spec={"leaseDurationSeconds": 0}), None, ""),
        (lease(spec={"leaseDurationSeconds": "long"}), None, ""),
        (lease(creationTimestamp=None), None, ""),
        (lease(creationTimestamp="now"), None, ""),
        (lease(annotations={NAMESPACE: "shop"}), NOW + HOUR, "shop"),
        (lease(annotations={NAMESPACE: "no/where"}), NOW + HOUR, ""),
    ],
)
def test_what_makes_no_sense_pauses_more_and_not_less(
    connect: Connect, broken: dict[str, Any], until: Any, namespace: str
) -> None:
    (found,) = read(connect, broken).found
    assert (found.until, found.namespace) == (until, namespace)


def test_a_reason_without_end_is_cut(connect: Connect) -> None:
    (found,) = read(connect, lease(annotations={REASON: "x" * 5000})).found
    assert len(found.reason) == 200


@pytest.mark.parametrize("code", [403, 404, 500])
def test_what_cannot_be_read_is_unknown_and_never_nothing(api: ApiServer, pauses: KubernetesPauses, code: int) -> None:
    api.refuse("list", "leases", code=code, reason="Trouble", message="leases cannot be had")
    found = pauses.read()
    assert found.found == ()
    assert found.unknown.startswith("pauses in namespace default cannot be read: ")
    with pytest.raises(ClusterError):
        pauses.stored()


def test_an_answer_that_is_no_list_is_unknown(connect: Connect) -> None:
    assert read(connect, {"metadata": {}}).unknown.startswith("pauses in namespace ops cannot be read")


@pytest.mark.parametrize(("verb", "said"), [("create", "we may not pause"), ("delete", "we may not end pauses")])
def test_who_may_not_is_told_which_role_has_it(api: ApiServer, pauses: KubernetesPauses, verb: str, said: str) -> None:
    made = pauses.create("alice", HOUR, "drill", "", datetime.now(UTC))
    api.refuse(verb, "leases", code=403, reason="Forbidden", message="leases is forbidden")
    with pytest.raises(Forbidden, match=said) as refused:
        if verb == "delete":
            pauses.delete(made)
        else:
            pauses.create("alice", HOUR, "drill", "", datetime.now(UTC))
    assert "ack-remediator-pauses" in refused.value.hint


def test_without_the_namespace_there_is_no_place_for_one(transport: Transport, api: ApiServer) -> None:
    nowhere = KubernetesPauses(transport, "nowhere")
    assert nowhere.read() == Pauses()
    with pytest.raises(ClusterError, match="there is no namespace nowhere to keep a pause in"):
        nowhere.create("alice", HOUR, "drill", "", datetime.now(UTC))


def test_an_answer_with_another_pause_than_was_written_is_no_acknowledgement(connect: Connect) -> None:
    said = iter([answer(200, {"items": []}), answer(201, lease(annotations={REASON: "other"}))])
    with (
        Wire(lambda _: next(said)) as wire,
        pytest.raises(ClusterError, match="answered as another than the one that we wrote"),
    ):
        KubernetesPauses(connect(wire.url), "ops").create("alice", HOUR, "drill", "", NOW)


def test_the_role_that_we_ship_names_the_leases_that_we_use_and_no_lock() -> None:
    role = yaml_files.read(BASE / "role-pauses.yaml")
    named, unnamed = role["rules"]
    assert (tuple(named["resourceNames"]), named["verbs"]) == (PAUSE_LEASES, ["get", "delete"])
    assert unnamed["verbs"] == ["list", "create"]
    assert not {ACTION_LEASE, LEADER_LEASE} & set(named["resourceNames"])
