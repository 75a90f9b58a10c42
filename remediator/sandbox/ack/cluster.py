"""The Kubernetes side of the controller: list, watch, get and patch Functions on any API server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from remediator.sandbox.ack.resource import ACCOUNT_MAP, GROUP, PLURAL, SYSTEM_NAMESPACE, VERSION, Resource

# The name of the binary in ACK's image, which is what client-go puts into managedFields.
FIELD_MANAGER = "controller"

_MERGE_PATCH = "application/merge-patch+json"
# Real seconds: to connect, and to wait for an answer.
_TIMEOUT = (1.0, 5.0)
# A watch is silent while nothing happens; the server ends it before our patience does.
_WATCH_SECONDS = 300
_WATCH_TIMEOUT = (1.0, _WATCH_SECONDS + 30.0)


class WatchFailed(Exception):
    """The server ended a watch with an error, such as 410 for a version that it has forgotten."""


# Whatever a call can raise when the server refuses, is away, or cuts the line.
CLUSTER_ERRORS = (ApiException, WatchFailed, urllib3.exceptions.HTTPError, OSError)


class Cluster:
    """Functions behind a kubeconfig. Raise one of CLUSTER_ERRORS; `check` is called before each request."""

    def __init__(self, kubeconfig: Path, check: Callable[[], None]) -> None:
        self._check = check
        self._client: client.ApiClient = config.new_client_from_config(
            config_file=str(kubeconfig), persist_config=False
        )
        self._objects = client.CustomObjectsApi(self._client)
        self._core = client.CoreV1Api(self._client)
        self._stream: Any = None

    def functions(self) -> tuple[list[Resource], str]:
        """List the Functions of all namespaces; return them and the version to watch from."""
        self._check()
        answer: Any = self._objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, _request_timeout=_TIMEOUT)
        return answer["items"], answer["metadata"]["resourceVersion"]

    def watch(self, version: str) -> Generator[tuple[str, Resource], None, None]:
        """Yield what happens to Functions after a version, by type of event, until the server ends the watch."""
        self._check()
        self._stream = self._objects.list_cluster_custom_object(
            GROUP,
            VERSION,
            PLURAL,
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=_WATCH_SECONDS,
            _preload_content=False,
            _request_timeout=_WATCH_TIMEOUT,
        )
        try:
            # Whoever hung up a moment ago found no stream to cut.
            self._check()
            for line in self._stream:
                event = _event(line)
                if event["type"] == "ERROR":
                    raise WatchFailed(event["object"].get("message"))
                yield event["type"], event["object"]
        finally:
            self._stream.close()

    def hang_up(self) -> None:
        """Cut a watch under way, from another thread."""
        if (stream := self._stream) is not None:
            # One that has just ended by itself cannot be cut any more.
            with contextlib.suppress(RuntimeError, ValueError, OSError):
                stream.shutdown()

    def get(self, namespace: str, name: str) -> Resource | None:
        """Return one Function as it is now, or None if it is gone."""
        self._check()
        try:
            found: Any = self._objects.get_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, name, _request_timeout=_TIMEOUT
            )
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        resource: Resource = found
        return resource

    def patch(self, resource: Resource, patch: dict[str, Any]) -> None:
        """Merge-patch metadata and spec."""
        self._check()
        self._objects.patch_namespaced_custom_object(*self._path(resource), patch, **self._options())

    def patch_status(self, resource: Resource, patch: dict[str, Any]) -> None:
        """Merge-patch the status subresource; an object that is gone needs none."""
        self._check()
        try:
            self._objects.patch_namespaced_custom_object_status(*self._path(resource), patch, **self._options())
        except ApiException as error:
            if error.status != 404:
                raise

    def namespace_annotations(self, namespace: str) -> dict[str, str]:
        """Return a namespace's annotations; none where the server does not know or show it."""
        self._check()
        try:
            found = self._core.read_namespace(namespace, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status in (403, 404):
                return {}
            raise
        return found.metadata.annotations or {} if found.metadata else {}

    def account_map(self) -> dict[str, str] | None:
        """Return which role to assume for which account; None where nobody has said so."""
        self._check()
        try:
            found = self._core.read_namespaced_config_map(ACCOUNT_MAP, SYSTEM_NAMESPACE, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status in (403, 404):
                return None
            raise
        return found.data or {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _path(self, resource: Resource) -> tuple[str, str, str, str, str]:
        metadata = resource["metadata"]
        return GROUP, VERSION, metadata["namespace"], PLURAL, metadata["name"]

    def _options(self) -> dict[str, Any]:
        return {"field_manager": FIELD_MANAGER, "_content_type": _MERGE_PATCH, "_request_timeout": _TIMEOUT}


def _event(line: bytes) -> dict[str, Any]:
    """Read one line of a watch. Raise WatchFailed for one that was cut off in its middle."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise WatchFailed(f"the stream broke off: {error}") from error
    return event
