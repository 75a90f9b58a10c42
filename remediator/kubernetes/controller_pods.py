"""The pods of a controller's Deployment, and what Kubernetes says of them: why it is not available."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct

from remediator.errors import ClusterError, Forbidden
from remediator.kubernetes.deployment import Deployment
from remediator.kubernetes.transport import Transport, decoded

# What a container waits for in the ordinary course of starting.
_STARTING = ("ContainerCreating", "PodInitializing", "")


class _Waiting(Struct, frozen=True):
    reason: str = ""


class _Terminated(Struct, frozen=True, rename="camel"):
    reason: str = ""
    exit_code: int = 0


class _State(Struct, frozen=True):
    waiting: _Waiting | None = None
    terminated: _Terminated | None = None


class _ContainerStatus(Struct, frozen=True, rename="camel"):
    name: str = ""
    restart_count: int = 0
    state: _State = _State()
    last_state: _State = _State()


class _PodStatus(Struct, frozen=True, rename="camel"):
    container_statuses: list[_ContainerStatus] | None = None


class _Metadata(Struct, frozen=True, rename="camel"):
    name: str
    creation_timestamp: str | None = None


class Pod(Struct, frozen=True):
    metadata: _Metadata
    status: _PodStatus = _PodStatus()


class _Pods(Struct, frozen=True):
    items: list[Pod] = []


def pods_of(transport: Transport, deployment: Deployment) -> list[Pod]:
    """List what the Deployment's selector selects, nothing where it has none; raise ClusterError."""
    if not deployment.selector:
        return []
    path = f"/api/v1/namespaces/{quote(deployment.metadata.namespace, safe='')}/pods"
    return decoded(transport.get(path, {"labelSelector": deployment.selector}), _Pods).items


def trouble_of(transport: Transport, deployment: Deployment) -> str:
    """Say in half a sentence what keeps its pods from running; empty where they do not tell, or may not be listed."""
    try:
        pods = pods_of(transport, deployment)
    except Forbidden:
        return "its pods may not be listed"
    except ClusterError:
        return ""  # a fault of the API server is told where it matters: here it takes away a detail
    return trouble_in(pods)


def trouble_in(pods: Sequence[Pod]) -> str:
    """Say in half a sentence what keeps pods from running; empty where they do not tell."""
    told = [_told(each) for pod in pods for each in pod.status.container_statuses or ()]
    return next(filter(None, told), "")


def _told(container: _ContainerStatus) -> str:
    waiting, ended = container.state.waiting, container.last_state.terminated or container.state.terminated
    if waiting is None or waiting.reason in _STARTING:
        return ""
    last = f", last ended with {ended.reason or 'no reason'}, exit code {ended.exit_code}" if ended else ""
    restarts = f" after {container.restart_count} restarts" if container.restart_count else ""
    return f"its container {container.name} is in {waiting.reason}{restarts}{last}"
