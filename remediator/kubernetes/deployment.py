"""What we read of a Deployment: its containers, and how it fares."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from remediator.model.times import parse_time

_IMAGE = re.compile(r"(?:^|/)lambda-controller(?::(?P<tag>[^@]+))?(?:@.*)?$")
# What a Deployment's condition Progressing says until the last pod is replaced (deployment_util.go).
_ROLLING = ("NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "DeploymentResumed")


class FieldRef(Struct, frozen=True, rename="camel"):
    field_path: str = ""


class Source(Struct, frozen=True, rename="camel"):
    """Where an environment variable comes from; None: from a ConfigMap, a Secret or the like."""

    field_ref: FieldRef | None = None


class Env(Struct, frozen=True, rename="camel"):
    name: str
    value: str | None = None
    value_from: Source | None = None


class Container(Struct, frozen=True):
    name: str = ""
    image: str = ""
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[Env] | None = None


class _PodSpec(Struct, frozen=True):
    containers: list[Container] = []


class _TemplateMetadata(Struct, frozen=True):
    annotations: dict[str, str] | None = None


class _Template(Struct, frozen=True):
    metadata: _TemplateMetadata = _TemplateMetadata()
    spec: _PodSpec = _PodSpec()


class _Expression(Struct, frozen=True):
    key: str
    operator: str
    values: list[str] | None = None

    def written(self) -> str:
        listed = f"({','.join(self.values or ())})"
        return {
            "In": f"{self.key} in {listed}",
            "NotIn": f"{self.key} notin {listed}",
            "DoesNotExist": f"!{self.key}",
        }.get(self.operator, self.key)


class _Selector(Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] | None = None
    match_expressions: list[_Expression] | None = None


class _Spec(Struct, frozen=True):
    replicas: int = 1
    paused: bool = False
    selector: _Selector = _Selector()
    template: _Template = _Template()


class _Condition(Struct, frozen=True, rename="camel"):
    type: str
    status: str = ""
    reason: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None


class _Status(Struct, frozen=True, rename="camel"):
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int | None = None
    conditions: list[_Condition] | None = None


class _Metadata(Struct, frozen=True):
    name: str
    namespace: str
    generation: int = 0


class Deployment(Struct, frozen=True):
    """One Deployment, as far as it matters here."""

    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()

    @property
    def name(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def containers(self) -> list[Container]:
        return self.spec.template.spec.containers

    @property
    def controller(self) -> tuple[Container, str | None] | None:
        """The container that is ACK's lambda-controller, whatever registry it is from, and its image's tag."""
        found = ((each, _IMAGE.search(each.image)) for each in self.containers)
        return next(((each, image["tag"]) for each, image in found if image), None)

    @property
    def selector(self) -> str:
        """What its pods are known by, as kubectl's -l takes it; empty where it selects nothing that is its own."""
        labels = [f"{key}={value}" for key, value in (self.spec.selector.match_labels or {}).items()]
        return ",".join([*labels, *(each.written() for each in self.spec.selector.match_expressions or ())])

    @property
    def available(self) -> bool:
        return self.status.available_replicas > 0

    @property
    def since(self) -> datetime | None:
        """Since when it is available, or is not; None where that is not told."""
        conditions = self.status.conditions or ()
        return next((parse_time(each.last_transition_time) for each in conditions if each.type == "Available"), None)

    @property
    def rolled_out(self) -> datetime | None:
        """When its last rollout got on, and so at the latest began; None where that is not told.

        Kubernetes writes this time only while pods of another template come up (deployment/progress.go).
        """
        conditions = self.status.conditions or ()
        return next((parse_time(each.last_update_time) for each in conditions if each.type == "Progressing"), None)

    @property
    def restarting(self) -> bool:
        """Whether its pods are being replaced.

        Kubernetes gives up on a rollout after ten minutes by default (ProgressDeadlineExceeded), and so do we: what
        never comes up is no restart.
        """
        if self.spec.replicas == 0:
            return False
        observed = self.status.observed_generation
        if observed is not None and observed < self.metadata.generation:
            return True
        return any(
            each.type == "Progressing" and each.status == "True" and each.reason in _ROLLING
            for each in self.status.conditions or ()
        )
