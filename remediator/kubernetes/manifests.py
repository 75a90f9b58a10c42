"""Whole Functions: read as they are, and applied on the server's side."""

from __future__ import annotations

from typing import Any

from remediator.errors import NotFound
from remediator.kubernetes.resources import path_of
from remediator.kubernetes.transport import Transport, decoded


class KubernetesObjects:
    """The Objects port of a rollout."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(self, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            return decoded(self._transport.get(path_of(namespace, name)), dict[str, Any])
        except NotFound:
            return None

    def apply(
        self, body: dict[str, Any], *, manager: str, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        metadata = body["metadata"]
        path = path_of(metadata["namespace"], metadata["name"])
        answer = self._transport.apply(path, body, manager=manager, force=force, dry_run=dry_run)
        return decoded(answer, dict[str, Any])
