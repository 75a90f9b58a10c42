"""Backups as Secrets: whole, known by the answer to the create alone, and a file where there is no right to one."""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from remediator.backups import FallbackBackups, FileBackups
from remediator.errors import ClusterError, NoPlace, NotFound, RemediatorError
from remediator.kubernetes.backups import SecretBackups
from remediator.kubernetes.transport import Transport
from remediator.model.resource import Ref
from remediator.sandbox.apiserver import ApiServer
from tests.builders import function
from tests.fakes import FakeClock
from tests.kubernetes.conftest import Connect
from tests.wire import Answer, Heard, Wire, answer, status

HOME = "ack-remediator"
UID = "0A1B2C3D-aaaa-bbbb-cccc-0123456789ab"
REF = Ref("shop", "checkout", UID)
SECRET = "correct-horse-battery"
OBJECT = function(metadata={"uid": UID}, spec={"environment": {"variables": {"PASSWORD": SECRET}}})
CONTENT = json.dumps(OBJECT).encode()

Json = dict[str, Any]


@pytest.fixture
def home(api: ApiServer) -> ApiServer:
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    return api


@pytest.fixture
def backups(home: ApiServer, transport: Transport) -> SecretBackups:
    return SecretBackups(transport, HOME, FakeClock())


def stored(api: ApiServer, reference: str) -> Json:
    kind, namespace, name = reference.split("/")
    assert kind == "secret"
    return api.stored("v1", "Secret", namespace, name)


def content(secret: Json) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(secret["data"]["object.json.gz"])))


def created(heard: Heard) -> bytes:
    """Answer a create as the API server does: with the object, and what it adds."""
    body = json.loads(heard.body)
    return answer(201, body | {"metadata": body["metadata"] | {"uid": "new"}})


# ---- saving ----------------------------------------------------------------------------------------------------------


def test_the_whole_object_is_in_a_secret_that_nobody_changes(home: ApiServer, backups: SecretBackups) -> None:
    reference = backups.save(REF, CONTENT)
    assert reference.startswith(f"secret/{HOME}/backup-function-0a1b2c3d-20261121t120000z-")
    secret = stored(home, reference)
    assert (secret["type"], secret["immutable"]) == ("ack-remediator.dev/backup", True)
    assert content(secret) == OBJECT
    assert secret["metadata"]["labels"] == {
        "ack-remediator.dev/target-namespace": "shop",
        "ack-remediator.dev/target-name": "checkout",
    }
    assert secret["metadata"]["annotations"] == {
        "ack-remediator.dev/target": f"function/shop/checkout/{UID}",
        "ack-remediator.dev/saved-at": "2026-11-21T12:00:00.000000Z",
        "ack-remediator.dev/backup-format": "1",
    }


def test_names_of_any_length_fit(home: ApiServer, backups: SecretBackups) -> None:
    ref = Ref("n" * 63, "x" * 253, UID)
    secret = stored(home, backups.save(ref, CONTENT))
    assert len(secret["metadata"]["labels"]["ack-remediator.dev/target-name"]) == 63
    assert f"/{'x' * 253}/" in secret["metadata"]["annotations"]["ack-remediator.dev/target"]


def test_each_moment_and_each_content_has_a_name_of_its_own(home: ApiServer, transport: Transport) -> None:
    clock = FakeClock()
    backups = SecretBackups(transport, HOME, clock)
    first = backups.save(REF, CONTENT)
    other = backups.save(REF, CONTENT.replace(b"checkout.zip", b"basket.zip"))
    clock.slept += 0.001
    assert len({first, other, backups.save(REF, CONTENT)}) == 3


def test_what_compresses_well_may_be_large(home: ApiServer, backups: SecretBackups) -> None:
    large = function(metadata={"uid": UID}, spec={"description": "x" * 1_500_000})
    assert content(stored(home, backups.save(REF, json.dumps(large).encode()))) == large


def test_what_is_too_large_is_not_saved_and_nothing_is_asked(connect: Connect) -> None:
    noise = base64.b64encode(random.Random(1).randbytes(1_500_000)).decode()
    huge = json.dumps(function(metadata={"uid": UID}, spec={"description": noise})).encode()
    with Wire(created) as wire:
        with pytest.raises(RemediatorError) as refused:
            SecretBackups(connect(wire.url), HOME, FakeClock()).save(REF, huge)
        assert wire.heard == []
    assert "too large for a Secret, even compressed" in refused.value.message
    assert "without a backup nothing is done" in refused.value.message
    assert not isinstance(refused.value, NoPlace)


@pytest.mark.parametrize("raw", [json.dumps(function()).encode(), b"{}", b"[]", b"<html>"])
def test_another_object_than_the_one_meant_is_no_backup(backups: SecretBackups, raw: bytes) -> None:
    with pytest.raises(RemediatorError, match="without a backup nothing is done"):
        backups.save(REF, raw)


# ---- answers that are lost, or are none ------------------------------------------------------------------------------


def already(heard: Heard) -> bytes:
    return status(409, f'secrets "{json.loads(heard.body)["metadata"]["name"]}" already exists')


@pytest.mark.parametrize("lost", [b"", status(500, "etcdserver: request timed out"), status(503, "shutting down")])
@pytest.mark.parametrize("second", [created, already])
def test_a_create_without_an_answer_is_repeated_under_the_same_name(
    connect: Connect, lost: bytes, second: Answer
) -> None:
    """Whether the first one was taken or not."""
    clock = FakeClock()
    with Wire(lost, second) as wire:
        reference = SecretBackups(connect(wire.url), HOME, clock).save(REF, CONTENT)
    one, two = (json.loads(each.body) for each in wire.heard)
    assert one == two
    assert reference.endswith(one["metadata"]["name"])
    assert clock.slept == 1


def test_nothing_is_read_back(connect: Connect) -> None:
    """The right to create is all that there is."""
    with Wire(b"", already) as wire:
        SecretBackups(connect(wire.url), HOME, FakeClock()).save(REF, CONTENT)
    assert {(each.method, each.path) for each in wire.heard} == {("POST", f"/api/v1/namespaces/{HOME}/secrets")}


@pytest.mark.parametrize(
    ("told", "requests"),
    [
        ((already,), 1),  # nothing of ours was lost: whose is it?
        ((b"",), 3),
        ((status(500, "etcdserver: no leader"),), 3),
        ((status(429, "slow down", after="1"),), 1),
        ((status(401, "Unauthorized"),), 1),
        ((status(422, "Secret is invalid: data: Too long"),), 1),
        ((b"", status(422, "Secret is invalid: data: Too long")), 2),
        ((b"", status(409, 'secrets "another" already exists')), 2),
    ],
)
def test_no_backup_no_act(connect: Connect, told: tuple[Answer, ...], requests: int, tmp_path: Path) -> None:
    """And no file either: an API server that fails is no reason to leave secrets somewhere else."""
    with Wire(*told) as wire:
        first = SecretBackups(connect(wire.url), HOME, FakeClock())
        with pytest.raises(ClusterError) as refused:
            FallbackBackups(first, FileBackups(tmp_path / "saved")).save(REF, CONTENT)
        assert len(wire.heard) == requests
    assert "without a backup nothing is done" in refused.value.message
    assert not (tmp_path / "saved").exists()
    assert SECRET not in str(refused.value)


def with_other_data(heard: Heard) -> bytes:
    body = json.loads(heard.body)
    return answer(201, body | {"metadata": body["metadata"] | {"uid": "new"}, "data": {"object.json.gz": "H4sI"}})


def not_stored(heard: Heard) -> bytes:
    return answer(201, json.loads(heard.body))


@pytest.mark.parametrize("told", [with_other_data, not_stored, answer(201, "<html>log in</html>"), answer(200, {})])
def test_an_answer_that_does_not_show_what_we_wrote_is_no_backup(connect: Connect, told: Answer) -> None:
    with Wire(told) as wire, pytest.raises(ClusterError) as refused:
        SecretBackups(connect(wire.url), HOME, FakeClock()).save(REF, CONTENT)
    assert "something else than the backup" in refused.value.message
    assert SECRET not in str(refused.value)


# ---- a file instead --------------------------------------------------------------------------------------------------


def test_without_the_right_it_is_a_file_and_that_is_said(
    home: ApiServer, backups: SecretBackups, tmp_path: Path
) -> None:
    home.refuse("create", "secrets", code=403, reason="Forbidden", message="secrets is forbidden: not you")
    saving = FallbackBackups(backups, FileBackups(tmp_path))
    path = Path(saving.save(REF, CONTENT))
    assert json.loads(path.read_text("utf-8")) == OBJECT
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_namespace_is_not_taken_for_a_missing_object(transport: Transport) -> None:
    """Who saves decides anew where the object is NotFound."""
    with pytest.raises(NoPlace, match="cannot save Function shop/checkout to a Secret in ack-remediator") as refused:
        SecretBackups(transport, HOME, FakeClock()).save(REF, CONTENT)
    assert not isinstance(refused.value, NotFound)


def test_without_the_namespace_it_is_a_file(api: ApiServer, transport: Transport, tmp_path: Path) -> None:
    saving = FallbackBackups(SecretBackups(transport, HOME, FakeClock()), FileBackups(tmp_path))
    assert Path(saving.save(REF, CONTENT)).parent == tmp_path
