"""What is known of ACK's lambda-controller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from remediator.model.labels import parse_labels

_RELEASE = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})")
_NONE: Mapping[str, str] = {}


class Health(StrEnum):
    """Whether the controller works, as far as anyone can tell from outside."""

    ALIVE = "alive"
    DOWN = "down"
    UNKNOWN = "unknown"


class Install(Struct, frozen=True):
    """One Deployment of the controller: several can share the namespaces between them, such as one per team.

    `deployment` is its namespace/name; `since` is since when it is as it is, None where that is not told.
    """

    deployment: str
    health: Health
    why: str
    since: datetime | None = None
    version: str | None = None
    watched_namespaces: tuple[str, ...] = ()
    watch_selector: str = ""

    def watches(self, namespace: str) -> bool:
        """Whether it looks at a namespace at all; no list means every namespace."""
        return not self.watched_namespaces or namespace in self.watched_namespaces


class ControllerFacts(Struct, frozen=True):
    """What is known of the controller. An EKS-managed ACK has no Deployment to look at: `deployment` is None then.

    `restarting`: its pods are being replaced right now, so that it will look at everything anew in a moment.
    The rest is how it was started (flags of the Deployment, with the controller's own defaults where it has none):
    `watch_selector` is a label selector; `concurrency` how many Functions it works on at a time; `resync` how long it
    leaves a synced resource alone; `feature_gates` only those that were set; `deletion_policy`, `region`, `carm` what
    it does where nothing else says so. `system_namespace` is where it reads role maps. `unsure` says what of all this
    could not be read, or differs from Deployment to Deployment; `installs` are those.
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
    unsure: str = ""
    installs: tuple[Install, ...] = ()
    unwitnessed: str = ""
    unheard: bool = False

    def watches(self, namespace: str, labels: Mapping[str, str] = _NONE) -> bool:
        """Whether it looks at an object with these labels in this namespace at all."""
        return not self.why_unwatched(namespace, labels)

    def why_unwatched(self, namespace: str, labels: Mapping[str, str]) -> str:
        """Say which of its flags keeps an object from it; empty where none does.

        No list means every namespace. A selector that we cannot read keeps nothing from it: better to wait for a
        controller that looks away than to say so of one that does not.
        """
        if self.watched_namespaces and namespace not in self.watched_namespaces:
            return "the controller does not watch this namespace"
        try:
            asked = parse_labels(self.watch_selector)
        except ValueError:
            return ""
        if all(each.met_by(labels) for each in asked):
            return ""
        return f"the controller watches only what matches {self.watch_selector!r}, and the labels do not"

    def older_than(self, release: str) -> bool | None:
        """Whether it is from before a release, such as `1.7.4`; None where its version is not known."""
        found, other = _RELEASE.match(self.version or ""), _RELEASE.match(release)
        if found is None or other is None:
            return None
        return [int(each) for each in found.groups()] < [int(each) for each in other.groups()]
