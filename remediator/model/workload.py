"""The Deployment that a controller runs in: what a restart of it is decided on."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from remediator.model.resource import Ref, Resource

DEPLOYMENT = "Deployment"
# What `kubectl rollout restart` writes on the pods' template, and so do we: another value makes other pods.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


class Workload(Struct, frozen=True, kw_only=True):
    """A Deployment as it was read.

    `resource` is its metadata, and nothing of its spec. `desired` is how many pods it is to have; `current` how many it
    has, of any template, `updated` how many of the newest, `available` how many of them work. `rolling`: its pods are
    being replaced, or its controller has not looked at it yet. `annotated`: its template has annotations.
    `restarted_at` is what RESTARTED_AT says, as it is written. `rolled_out` is when its last rollout got on, `started`
    when the youngest of its pods was made. `unknown` says why the last of these is not known; `trouble` what keeps
    its pods from running.
    """

    resource: Resource
    desired: int = 1
    current: int = 0
    updated: int = 0
    available: int = 0
    paused: bool = False
    rolling: bool = False
    annotated: bool = False
    restarted_at: str | None = None
    rolled_out: datetime | None = None
    started: datetime | None = None
    unknown: str = ""
    trouble: str = ""

    @property
    def ref(self) -> Ref:
        return self.resource.ref

    @property
    def name(self) -> str:
        return f"{self.ref.namespace}/{self.ref.name}"

    @property
    def rolled(self) -> bool:
        """Whether all its pods are of the newest template, and work."""
        return not self.rolling and self.current == self.updated == self.desired == self.available
