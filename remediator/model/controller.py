"""What is known of ACK's lambda-controller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct


class Health(StrEnum):
    """Whether the controller works, as far as anyone can tell from outside."""

    ALIVE = "alive"
    DOWN = "down"
    UNKNOWN = "unknown"


class ControllerFacts(Struct, frozen=True):
    """What is known of the controller. An EKS-managed ACK has no Deployment to look at: `deployment` is None then.

    `restarting`: its pods are being replaced right now, so that it will look at everything anew in a moment.
    The rest is how it was started (flags of the Deployment, with the controller's own defaults where it has none):
    `watch_selector` is a label selector; `concurrency` how many Functions it works on at a time; `resync` how long it
    leaves a synced resource alone; `deletion_policy`, `region`, `carm` what it does where nothing else says so.
    `system_namespace` is where it reads role maps.
    """

    health: Health = Health.UNKNOWN
    why: str = "no Deployment of the lambda-controller can be seen"
    version: str | None = None
    watched_namespaces: tuple[str, ...] = ()
    restarting: bool = False
    deployment: str | None = None
    watch_selector: str = ""
    concurrency: int = 1
    resync: timedelta = timedelta(hours=10)
    feature_gates: Mapping[str, bool] = {}
    deletion_policy: str = "delete"
    region: str | None = None
    carm: bool = True
    system_namespace: str = "ack-system"

    def watches(self, namespace: str) -> bool:
        """Whether it looks at a namespace at all; no list means every namespace."""
        return not self.watched_namespaces or namespace in self.watched_namespaces
