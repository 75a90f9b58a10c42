"""Find the Deployments that have ACK's lambda-controller in them, whatever they are called."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from remediator.errors import ClusterError
from remediator.kubernetes.controller_flags import Flags, read_flags
from remediator.kubernetes.deployment import Deployment
from remediator.kubernetes.pages import listed
from remediator.kubernetes.transport import Transport, decoded


class Controller(Struct, frozen=True):
    """One of them, how it was started, and its image's tag."""

    deployment: Deployment
    flags: Flags
    version: str | None


class Controllers(NamedTuple):
    """Those that were found; `unread` tells of how many Deployments nobody can say whether they are one."""

    found: list[Controller]
    unread: int


def controllers(transport: Transport, kind: str) -> Controllers:
    """List those that work on a kind; raise ClusterError where Deployments cannot be listed."""
    found, unread = [], 0
    for each in listed(transport, "/apis/apps/v1/deployments"):
        try:
            deployment = decoded(bytes(each), Deployment)
        except ClusterError:  # one that makes no sense hides no other
            unread += 1
            continue
        if deployment.controller is not None:
            container, tag = deployment.controller
            flags = read_flags(container, deployment.metadata.namespace)
            if flags.reconciles(kind):
                found.append(Controller(deployment, flags, tag))
    return Controllers(found, unread)
