"""Speak HTTP to the API server and look at what comes back: code, headers, body, refusals too."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


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
    headers: dict[str, str] = field(default_factory=dict)  # sent along with every request
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=10)

    def close(self) -> None:
        self.connection.close()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        **query: str,
    ) -> Reply:
        response = self._asked(method, path, body, {"Content-Type": kind}, query)
        text = response.read().decode()
        answer: Any = text
        if response.headers.get_content_type() == "application/json":
            is_stream = "watch" in query and response.status == 200
            answer = [json.loads(line) for line in text.splitlines()] if is_stream else json.loads(text)
        return Reply(response.status, answer, dict(response.headers))

    def stream(self, path: str, count: int, **query: str) -> list[Any]:
        """Read that many lines of an endless answer, fewer where it ends before, and hang up."""
        response = self._asked("GET", path, None, {}, query)
        lines: list[Any] = []
        while len(lines) < count and (line := response.readline()):
            lines.append(json.loads(line))
        self.connection.close()
        return lines

    def _asked(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        sent = {"Accept": "application/json", **headers, **self.headers}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, f"{path}?{urlencode(query)}" if query else path, data, sent)
        return self.connection.getresponse()
