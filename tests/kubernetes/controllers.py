"""Deployments of the controller as they are found, and how it is by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from remediator.kubernetes.controller import discover
from remediator.kubernetes.transport import Transport
from remediator.model.controller import ControllerFacts
from remediator.model.heartbeat import Heartbeats, heard

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REPOSITORY = "example.invalid/aws-controllers-k8s/lambda-controller"
Deploy = Callable[..., None]


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployment(
    name: str = "ack-lambda-controller",
    namespace: str = "ack-system",
    *,
    image: str = f"{REPOSITORY}:1.14.1",
    available: int = 1,
    since: str | None = None,
    args: Sequence[str] = (),
    env: Sequence[dict[str, Any]] = (),
    containers: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    condition = {"type": "Available", "status": "True" if available else "False", "lastTransitionTime": since}
    container = {"name": "controller", "image": image, "args": list(args), "env": list(env)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [*containers, container]}}},
        "status": {"availableReplicas": available, "conditions": [{"type": "Progressing"}, condition]},
    }


def facts(transport: Transport, *heartbeats: datetime, everywhere: bool = True) -> ControllerFacts:
    beats = Heartbeats(max(heartbeats, default=None), len(heartbeats))
    return heard(discover(transport, NOW), beats, NOW, everywhere=everywhere)
