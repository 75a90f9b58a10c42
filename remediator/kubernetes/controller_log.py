"""The controller's last words about one object, from the logs of its pods.

Drift, panics and what happens to an adopted function that is gone are told there and nowhere else: no condition has
them, and ACK writes no Events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from remediator.errors import ClusterError, Forbidden
from remediator.kubernetes.ack_lease import ack_leases
from remediator.kubernetes.controller_pods import pods_of
from remediator.kubernetes.controllers import controllers
from remediator.kubernetes.deployment import Deployment
from remediator.kubernetes.log_entries import about
from remediator.kubernetes.transport import Transport
from remediator.model.log import ControllerLog
from remediator.model.resource import Ref

_ROLE = "ClusterRole ack-remediator-logs of manifests/base has the rights; it is bound to nobody"
_SHOWN = 10  # entries
_PODS = 3
_LINES = 2000
# The kubelet begins with the oldest of the lines that were asked for, and stops here: the newest would be missing.
_BYTES = 4 * 1024 * 1024
_FEWER = 10  # times fewer lines where that happened


def log_lines(transport: Transport, ref: Ref) -> ControllerLog:
    """Read the last entries about an object; where that is not possible, say so in a sentence. Raises nothing."""
    try:
        working = [each.deployment for each in controllers(transport, ref.kind).found]
    except ClusterError as error:
        return ControllerLog(why=f"The controller's Deployment could not be looked for: {error.message}.")
    found = [each for each in working if each.selector]
    if not found:
        return ControllerLog(
            why="No Deployment of the controller is seen here: its log is elsewhere, as with EKS's own."
        )
    told = _read(transport, found)
    lines = about(ref, told.lines)
    if lines:
        return ControllerLog(lines[-_SHOWN:])
    if told.error is not None and not told.lines:
        return ControllerLog(why=_why(told.error))
    if not told.pods:
        return ControllerLog(why="The controller's Deployment has no pods now, so that there is no log.")
    return ControllerLog(why=f"The last {len(told.lines)} lines of the controller's log do not name it.")


class _Read(NamedTuple):
    """What the logs of so many pods say, and the first error on the way."""

    lines: list[str]
    pods: int
    error: ClusterError | None


def _read(transport: Transport, found: Sequence[Deployment]) -> _Read:
    """Read all that can be read: a pod that has not started, or a namespace that is not ours, hides no other's log."""
    lines: list[str] = []
    pods: list[tuple[Deployment, str]] = []
    errors: list[ClusterError] = []
    for each in found:
        try:
            pods += [(each, pod) for pod in _pods(transport, each)]
        except ClusterError as error:
            errors.append(error)
    for each, pod in pods:
        try:
            lines += _tail(transport, each, pod)
        except ClusterError as error:
            errors.append(error)
    return _Read(lines, len(pods), errors[0] if errors else None)


def _why(error: ClusterError) -> str:
    if isinstance(error, Forbidden):
        return f"The controller's log may not be read ({_ROLE})."
    return f"The controller's log could not be read: {error.message}."


def _pods(transport: Transport, deployment: Deployment) -> list[str]:
    """Name the pods whose logs matter: the one that leads, then the newest."""
    pods = pods_of(transport, deployment)
    leader = _leader(transport, deployment.metadata.namespace)
    newest = sorted(pods, key=lambda each: each.metadata.creation_timestamp or "", reverse=True)
    leading = sorted(newest, key=lambda each: not leader.startswith(f"{each.metadata.name}_"))
    return [each.metadata.name for each in leading[:_PODS]]


def _tail(transport: Transport, deployment: Deployment, pod: str) -> list[str]:
    """Read the end of a pod's log; less of it where so many lines are too much."""
    path = f"/api/v1/namespaces/{quote(deployment.metadata.namespace, safe='')}/pods/{quote(pod, safe='')}/log"
    container = deployment.controller[0].name if deployment.controller else ""
    query: dict[str, str | int] = {"container": container, "tailLines": _LINES, "limitBytes": _BYTES}
    content = transport.get(path, query)
    if len(content) >= _BYTES:
        content = transport.get(path, query | {"tailLines": _LINES // _FEWER})
    return content.decode(errors="replace").splitlines()


def _leader(transport: Transport, namespace: str) -> str:
    """Tell who holds the controller's Lease, as `<pod>_<id>`; empty where none is elected, or nobody may know."""
    try:
        leases = ack_leases(transport, namespace)
    except ClusterError:
        return ""
    return next((each.holder_identity for each in leases), "")
