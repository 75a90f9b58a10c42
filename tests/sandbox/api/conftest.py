"""One API server for all tests here, and a namespace of its own for each.

With KUBE_APISERVER_URL and KUBE_APISERVER_TOKEN set, the same tests run against a real API server that has
`remediator/sandbox/crds/functions.yaml` applied: whatever fails there is a lie of the sandbox.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
FUNCTIONS = "/apis/lambda.services.k8s.aws/v1alpha1"


@dataclass(frozen=True)
class Reply:
    """What came back: `body` is parsed JSON, or text."""

    code: int
    body: Any
    headers: dict[str, str]

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def fields(self) -> set[tuple[str, str]]:
        """The field errors of a 422: reason and path."""
        return {(cause["reason"], cause["field"]) for cause in self.body["details"]["causes"]}


@dataclass
class Http:
    """A plain HTTP client with a bearer token, one connection, no opinions."""

    url: str
    token: str | None
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl._create_unverified_context()
            self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
        else:
            self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)

    def close(self) -> None:
        self.connection.close()

    def __call__(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json", **query: str
    ) -> Reply:
        headers = {"Accept": "application/json", "Content-Type": kind}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        self.connection.request(method, target, data, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        answer: Any = text
        if response.headers.get_content_type() == "application/json":
            is_stream = "watch" in query
            answer = [json.loads(line) for line in text.splitlines()] if is_stream else json.loads(text)
        return Reply(response.status, answer, dict(response.headers))


@pytest.fixture(scope="session")
def http_client() -> Iterator[Http]:
    url = os.environ.get("KUBE_APISERVER_URL")
    if url:
        client = Http(url, os.environ["KUBE_APISERVER_TOKEN"])
        yield client
        client.close()
        return
    with ApiServer(SandboxClock()) as server:
        client = Http(server.url, server.token)
        yield client
        client.close()


@dataclass(frozen=True)
class Functions:
    """The Functions of one namespace."""

    http: Http
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

    def get(self, name: str) -> Reply:
        return self.http("GET", f"{self.path}/{name}")

    def merge(self, name: str, patch: Any, **query: str) -> Reply:
        return self.http("PATCH", f"{self.path}/{name}", patch, kind=MERGE_PATCH, **query)

    def patch(self, name: str, *operations: Any, **query: str) -> Reply:
        return self.http("PATCH", f"{self.path}/{name}", list(operations), kind=JSON_PATCH, **query)

    def delete(self, name: str, body: Any = None, **query: str) -> Reply:
        return self.http("DELETE", f"{self.path}/{name}", body, **query)


@pytest.fixture
def functions(http_client: Http) -> Functions:
    name = f"t-{uuid.uuid4().hex[:10]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert http_client("POST", "/api/v1/namespaces", body).code == 201
    return Functions(http_client, name)
