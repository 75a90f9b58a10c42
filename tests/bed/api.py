"""Speak JSON to the API server, plainly.

The tests hold the product against the cluster, so what they see of the cluster must not pass through the
product's own transport.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import urllib3

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Refused(Exception):
    """Raised when the API server answers anything but success."""

    def __init__(self, request: str, status: int, message: str) -> None:
        super().__init__(f"{request}: {status} {message}")
        self.status = status
        self.message = message


class Api:
    """One caller of one API server."""

    def __init__(self, url: str, certificate: Path, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(
            ca_certs=str(certificate), timeout=urllib3.Timeout(connect=5, read=30), retries=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read one object or list."""
        return self._call("GET", path, query)

    def text(self, path: str) -> str:
        """Read what is no JSON, such as /metrics."""
        answer = self._pool.request("GET", f"{self._url}{path}", headers=self._headers)
        if answer.status != HTTPStatus.OK:
            raise Refused(f"GET {path}", answer.status, answer.data.decode(errors="replace"))
        return answer.data.decode()

    def table(self, path: str) -> dict[str, Any]:
        """Read one object or list as the table that kubectl prints."""
        return self._call("GET", path, {}, accept=_TABLE)

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Create an object."""
        return self._call("POST", path, query, body)

    def put(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Replace an object."""
        return self._call("PUT", path, query, body)

    def delete(self, path: str, **query: str) -> dict[str, Any]:
        """Delete an object, or mark it deleted where finalizers hold it."""
        return self._call("DELETE", path, query)

    def merge(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Apply a JSON merge patch."""
        return self._call("PATCH", path, query, body, MERGE_PATCH)

    def patch(self, path: str, *operations: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Apply a JSON patch."""
        return self._call("PATCH", path, query, operations, JSON_PATCH)

    def apply(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Apply on the server's side; needs a `fieldManager`."""
        return self._call("PATCH", path, query, body, APPLY_PATCH)

    def ready(self) -> bool:
        """Tell whether the server says that it is ready."""
        try:
            answer = self._pool.request("GET", f"{self._url}/readyz", headers=self._headers)
        except (urllib3.exceptions.HTTPError, OSError):
            # Not listening yet, or its certificate is not written yet.
            return False
        return answer.status == HTTPStatus.OK

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        answer = self._pool.request(
            method,
            f"{self._url}{path}" + (f"?{urlencode(query)}" if query else ""),
            headers=self._headers | {"Content-Type": content, "Accept": accept},
            body=None if body is None else json.dumps(body).encode(),
        )
        told: dict[str, Any] = json.loads(answer.data)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"{method} {path}", answer.status, told.get("message", ""))
        return told


def found(api: Api, path: str) -> dict[str, Any] | None:
    """Read an object that may not be there."""
    try:
        return api.get(path)
    except Refused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise
