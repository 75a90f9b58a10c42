"""Leases as a lock: of two who write, one is told that it was not first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bed.http import Http, Reply

NOON = "2026-11-21T12:00:00.000000Z"
LATER = "2026-11-21T12:00:06.000000Z"


@dataclass(frozen=True)
class Leases:
    """The Leases of one namespace."""

    http: Http
    path: str

    def create(self, name: str, **spec: Any) -> Reply:
        return self.http("POST", self.path, {"metadata": {"name": name}, "spec": spec})

    def put(self, found: Any, **spec: Any) -> Reply:
        body = {**found, "spec": {**found["spec"], **spec}}
        return self.http("PUT", f"{self.path}/{found['metadata']['name']}", body)


@pytest.fixture
def leases(http_client: Http) -> Leases:
    namespace = f"t-{uuid.uuid4().hex[:10]}"
    assert http_client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).code == 201
    return Leases(http_client, f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")


def test_of_two_who_create_it_one_is_told(leases: Leases) -> None:
    assert leases.create("a", holderIdentity="one", renewTime=NOON).code == 201
    second = leases.create("a", holderIdentity="two", renewTime=NOON)
    assert (second.code, second.body["reason"]) == (409, "AlreadyExists")


def test_a_renewal_shows_only_if_it_changes_something(leases: Leases) -> None:
    found = leases.create("a", holderIdentity="one", renewTime=NOON).body
    assert leases.put(found, renewTime=NOON).body == found
    renewed = leases.put(found, renewTime=LATER).body
    assert renewed["spec"]["renewTime"] == LATER
    assert renewed["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]


def test_a_holder_can_be_taken_out(leases: Leases) -> None:
    found = leases.create("a", holderIdentity="one", renewTime=NOON, leaseTransitions=1).body
    assert leases.put(found, holderIdentity=None).body["spec"] == {"renewTime": NOON, "leaseTransitions": 1}


def test_one_that_is_gone_is_not_written_back(leases: Leases) -> None:
    found = leases.create("a", holderIdentity="one", renewTime=NOON).body
    assert leases.http("DELETE", f"{leases.path}/a").code == 200
    reply = leases.put(found, renewTime=LATER)
    assert (reply.code, reply.body["reason"]) == (409, "Conflict")
    assert leases.http("GET", f"{leases.path}/a").code == 404


def test_without_the_uid_it_would_be(leases: Leases) -> None:
    found = leases.create("a", holderIdentity="one", renewTime=NOON).body
    assert leases.http("DELETE", f"{leases.path}/a").code == 200
    del found["metadata"]["uid"]
    assert leases.put(found, renewTime=LATER).code == 201
