"""An API server without a controller, and a namespace of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bed.http import APPLY, JSON_PATCH, MERGE_PATCH, Http, Reply
from tests.bed.plane import Plane
from tests.bed.waiting import eventually

FUNCTIONS = "/apis/lambda.services.k8s.aws/v1alpha1"


@pytest.fixture
def http_client(api_server: Plane) -> Iterator[Http]:
    """Whoever may do everything."""
    client = Http(api_server.url, api_server.admin_token)
    yield client
    client.close()


@dataclass(frozen=True)
class Functions:
    """The Functions of one namespace."""

    http: Http
    plane: Plane
    namespace: str

    @property
    def path(self) -> str:
        return f"{FUNCTIONS}/namespaces/{self.namespace}/functions"

    def manifest(self, name: str, *, spec: Any = None, **metadata: Any) -> dict[str, Any]:
        return {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "metadata": {"name": name, **metadata},
            "spec": {"name": name, "code": {"s3Bucket": "b", "s3Key": "k"}, **(spec or {})},
        }

    def create(self, name: str, *, spec: Any = None, **metadata: Any) -> Any:
        reply = self.http("POST", self.path, self.manifest(name, spec=spec, **metadata))
        assert reply.code == 201, reply.body
        return reply.body

    def names(self, **query: str) -> list[str]:
        """List their names."""
        reply = self.http("GET", self.path, **query)
        assert reply.code == 200, reply.body
        return [item["metadata"]["name"] for item in reply.body["items"]]

    def watch(self, version: str, count: int | None = None, /, **query: str) -> list[tuple[str, Any]]:
        """Watch from a version on, for so many events, or for a second."""
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1" if count is None else "9", **query}
        if count is None:
            reply = self.http("GET", self.path, **query)
            assert reply.code == 200, reply.body
            events = reply.body
        else:
            events = self.http.stream(self.path, count, **query)
        return [(event["type"], event["object"]) for event in events]

    def get(self, name: str) -> Reply:
        return self.http("GET", f"{self.path}/{name}")

    def merge(self, name: str, patch: Any, **query: str) -> Reply:
        return self.http("PATCH", f"{self.path}/{name}", patch, kind=MERGE_PATCH, **query)

    def patch(self, name: str, *operations: Any, **query: str) -> Reply:
        return self.http("PATCH", f"{self.path}/{name}", list(operations), kind=JSON_PATCH, **query)

    def apply(self, name: str, body: Any, *, by: str, **query: str) -> Reply:
        """Apply on the server's side, as the manager `by`."""
        return self.http("PATCH", f"{self.path}/{name}", body, kind=APPLY, fieldManager=by, **query)

    def delete(self, name: str, body: Any = None, **query: str) -> Reply:
        return self.http("DELETE", f"{self.path}/{name}", body, **query)


@pytest.fixture
def functions(http_client: Http, api_server: Plane) -> Functions:
    name = f"t-{uuid.uuid4().hex[:10]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert http_client("POST", "/api/v1/namespaces", body).code == 201
    return Functions(http_client, api_server, name)


@dataclass
class Accounts:
    """ServiceAccounts in a namespace, and who speaks for them."""

    plane: Plane
    namespace: str
    clients: list[Http]

    def make(self, name: str, *rules: dict[str, list[str]], within: str | None = None) -> Http:
        """Create one that may do what the rules say, in the whole cluster or in `within` only."""
        return self.client(self.plane.token(self.namespace, name, rules, within=within))

    def client(self, token: str | None) -> Http:
        """Speak as the bearer of a token."""
        self.clients.append(Http(self.plane.url, token))
        return self.clients[-1]

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds: the server learns of rights by a watch of its own."""
        eventually(holds, lambda held: held, "rights have changed", self.plane.clock)

    def user(self, name: str) -> str:
        """Say how the server calls an account."""
        return f"system:serviceaccount:{self.namespace}:{name}"


@pytest.fixture
def accounts(api_server: Plane, functions: Functions) -> Iterator[Accounts]:
    made = Accounts(api_server, functions.namespace, [])
    yield made
    for client in made.clients:
        client.close()
