"""Creating and deleting: once, with the preconditions that were given."""

from __future__ import annotations

import json

import pytest

from remediator.errors import Changed, NotFound
from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}


def test_an_object_is_created_once(api: ApiServer, transport: Transport) -> None:
    assert json.loads(transport.create(SECRETS, SECRET))["metadata"]["name"] == "one"
    assert api.stored("v1", "Secret", "default", "one")
    with pytest.raises(Changed, match="already exists"):
        transport.create(SECRETS, SECRET)


def test_a_dry_run_creates_nothing(api: ApiServer, transport: Transport) -> None:
    transport.create(SECRETS, SECRET, dry_run=True)
    with pytest.raises(LookupError):
        api.stored("v1", "Secret", "default", "one")


def test_a_creation_says_who_it_is_from(connect: Connect) -> None:
    with Wire(answer(201, SECRET)) as wire:
        connect(wire.url).create(SECRETS, SECRET)
    [heard] = wire.heard
    assert (heard.method, heard.query) == ("POST", {"fieldManager": "ack-remediator"})
    assert json.loads(heard.body) == SECRET


@pytest.mark.parametrize("stale", ["uid", "resource_version"])
def test_another_object_is_not_deleted(api: ApiServer, transport: Transport, stale: str) -> None:
    created = json.loads(transport.create(SECRETS, SECRET))["metadata"]
    right = {"uid": created["uid"], "resource_version": created["resourceVersion"]}
    with pytest.raises(Changed):
        transport.delete(f"{SECRETS}/one", **(right | {stale: "1"}))
    assert api.stored("v1", "Secret", "default", "one")
    transport.delete(f"{SECRETS}/one", **right)
    with pytest.raises(NotFound):
        transport.get(f"{SECRETS}/one")


def test_a_creation_is_not_repeated(connect: Connect) -> None:
    with Wire(status(500, "no leader")) as wire:
        with pytest.raises(Exception, match="no leader"):
            connect(wire.url).create(SECRETS, SECRET)
        assert len(wire.heard) == 1
