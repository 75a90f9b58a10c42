"""One Lease over HTTP: what counts as an answer, and what is said where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError, Forbidden, NotFound
from remediator.kubernetes.leading import LEADER_LEASES
from remediator.kubernetes.lease import ACTION_LEASE, LEADER_LEASE
from remediator.kubernetes.lease_object import KubernetesLease
from remediator.kubernetes.transport import Transport
from remediator.model.lease import Found, Record
from remediator.sandbox.apiserver import ApiServer
from tests import yaml_files
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

MANIFESTS = Path(__file__).parents[2] / "manifests" / "base"
NOON, LATER = "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:06.000000Z"
HELD = Record("one", 30, NOON, NOON, 1)
RENEWED = Record("one", 30, NOON, LATER, 1)
SPEC = {"holderIdentity": "one", "leaseDurationSeconds": 30, "acquireTime": NOON, "leaseTransitions": 1}


@pytest.fixture
def lease(transport: Transport) -> KubernetesLease:
    return KubernetesLease(transport, "default", "lock")


def body(spec: Any = None, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u", "resourceVersion": "7", **metadata}, "spec": spec or {}}


FOUND = Found("u", HELD, {**body({**SPEC, "renewTime": NOON}, annotations={"a": "b"})})


def test_its_rounds(lease: KubernetesLease, api: ApiServer) -> None:
    assert lease.read() is None
    created = lease.create(HELD)
    assert lease.read() == created
    replaced = lease.replace(created, RENEWED)
    assert (replaced.uid, replaced.record) == (created.uid, RENEWED)
    with pytest.raises(Changed):
        lease.create(HELD)
    with pytest.raises(Changed):
        lease.replace(created, HELD)


def test_a_replacement_keeps_what_others_wrote(connect: Connect) -> None:
    with Wire(lambda heard: answer(200, heard.body.decode())) as wire:
        found = Found("u", HELD, body({**SPEC, "renewTime": NOON, "strategy": "x"}, annotations={"a": "b"}))
        KubernetesLease(connect(wire.url), "ops", "lock").replace(found, RENEWED)
    (heard,) = wire.heard
    assert (heard.method, heard.path) == ("PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/lock")
    assert heard.query == {"fieldManager": "ack-remediator"}
    sent = json.loads(heard.body)
    assert sent["metadata"]["annotations"] == {"a": "b"}
    assert sent["metadata"]["uid"] == "u"  # without it, the API server would write back a Lease that was deleted
    assert sent["spec"] == {**SPEC, "renewTime": LATER, "strategy": "x"}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(200, "<html>Please log in</html>", kind="text/html"), id="a login page"),
        pytest.param(answer(200, {}), id="an empty object"),
        pytest.param(answer(200, {"metadata": {"name": "lock"}, "spec": {}}), id="no version"),
        pytest.param(answer(200, body({"holderIdentity": 7})), id="another type"),
        pytest.param(answer(200, "\xff"), id="no UTF-8"),
    ],
)
def test_an_answer_that_makes_no_sense_acknowledges_nothing(connect: Connect, told: bytes) -> None:
    with Wire(told) as wire:
        lease = KubernetesLease(connect(wire.url), "ops", "lock")
        with pytest.raises(ClusterError, match="about Lease ops/lock makes no sense"):
            lease.read()
        with pytest.raises(ClusterError, match="makes no sense"):
            lease.replace(FOUND, RENEWED)


def test_an_answer_with_another_record_acknowledges_nothing(connect: Connect) -> None:
    with Wire(answer(200, body({**SPEC, "renewTime": NOON}))) as wire:
        lease = KubernetesLease(connect(wire.url), "ops", "lock")
        with pytest.raises(ClusterError, match="another record"):
            lease.replace(FOUND, RENEWED)


def test_one_that_is_gone_has_changed(connect: Connect) -> None:
    with Wire(status(404, 'leases "lock" not found')) as wire, pytest.raises(Changed, match="not found"):
        KubernetesLease(connect(wire.url), "ops", "lock").replace(FOUND, RENEWED)


def test_a_spec_that_is_empty_is_nobodys(connect: Connect) -> None:
    """As `kubectl create` or a manifest without spec would make it."""
    with Wire(answer(200, {"metadata": {"uid": "u", "resourceVersion": "7"}})) as wire:
        found = KubernetesLease(connect(wire.url), "ops", "lock").read()
    assert found is not None
    assert found.record == Record()


def test_a_namespace_that_is_not_there_is_named(transport: Transport) -> None:
    with pytest.raises(NotFound, match='no place for Lease nowhere/lock: namespaces "nowhere" not found') as raised:
        KubernetesLease(transport, "nowhere", "lock").create(HELD)
    assert "--home-namespace" in raised.value.hint


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_a_right_that_is_missing_is_named_with_its_role(api: ApiServer, lease: KubernetesLease, verb: str) -> None:
    found = lease.create(HELD)
    said = 'leases.coordination.k8s.io "lock" is forbidden'
    api.refuse(verb, "leases", code=403, reason="Forbidden", message=said)
    with pytest.raises(Forbidden) as raised:
        {"get": lease.read, "create": lambda: lease.create(HELD), "update": lambda: lease.replace(found, RENEWED)}[
            verb
        ]()
    assert raised.value.message.startswith(f"cannot {verb} Lease default/lock: the API server refuses: {said}")
    assert "get, create and update on leases.coordination.k8s.io in default" in raised.value.hint
    assert "manifests/base/role-locks.yaml" in raised.value.hint


def test_names_stay_names(connect: Connect) -> None:
    with Wire(status(404, "not found")) as wire:
        assert KubernetesLease(connect(wire.url), "../secrets", "a/b").read() is None
    assert wire.heard[0].path.endswith("/namespaces/..%2Fsecrets/leases/a%2Fb")


def test_the_role_that_we_ship_names_the_leases_that_we_use() -> None:
    role, binding = yaml_files.read_all(MANIFESTS / "role-locks.yaml")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    by_name, shards, without, pauses = role["rules"]
    assert by_name["resourceNames"] == [LEADER_LEASE, ACTION_LEASE]
    assert [LEADER_LEASE, *shards["resourceNames"]] == list(LEADER_LEASES)
    assert (by_name["verbs"], shards["verbs"], without["verbs"]) == (["get", "update"], ["get", "update"], ["create"])
    assert (pauses["resources"], pauses["verbs"]) == (["leases"], ["list"])
    assert "resourceNames" not in without  # a create has no name yet when it is judged
    listed = yaml_files.read(MANIFESTS / "kustomization.yaml")["resources"]
    assert "role-locks.yaml" in listed
