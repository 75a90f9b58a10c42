"""How ACK's lambda-controller is: by its Deployment, its Lease, or the heartbeats of what it works on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from remediator.errors import ClusterError, Forbidden
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.controller import ControllerFacts, Health
from remediator.model.observation import LONGEST_BACKOFF
from remediator.model.times import format_duration, format_time, parse_time

_IMAGE = re.compile(r"(?:^|/)lambda-controller(?::(?P<tag>[^@]+))?(?:@.*)?$")
_LEASE = "ack-lambda.services.k8s.aws"
# What a Deployment's condition Progressing says until the last pod is replaced (deployment_util.go).
_ROLLING = ("NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "DeploymentResumed")
_MARGIN = timedelta(seconds=60)
# ACK looks at every synced resource every 10 hours by default; 10 % more is silence.
_LONGEST_REST = timedelta(hours=11)


class _Env(Struct, frozen=True):
    name: str
    value: str | None = None


class _Container(Struct, frozen=True):
    image: str = ""
    args: list[str] | None = None
    env: list[_Env] | None = None


class _PodSpec(Struct, frozen=True):
    containers: list[_Container] = []


class _Template(Struct, frozen=True):
    spec: _PodSpec = _PodSpec()


class _DeploymentSpec(Struct, frozen=True):
    replicas: int = 1
    template: _Template = _Template()


class _DeploymentCondition(Struct, frozen=True, rename="camel"):
    type: str
    status: str = ""
    reason: str = ""
    last_transition_time: str | None = None


class _DeploymentStatus(Struct, frozen=True, rename="camel"):
    available_replicas: int = 0
    observed_generation: int | None = None
    conditions: list[_DeploymentCondition] | None = None


class _Metadata(Struct, frozen=True):
    name: str
    namespace: str
    generation: int = 0


class _Deployment(Struct, frozen=True):
    metadata: _Metadata
    spec: _DeploymentSpec = _DeploymentSpec()
    status: _DeploymentStatus = _DeploymentStatus()

    @property
    def container(self) -> _Container | None:
        found = (each for each in self.spec.template.spec.containers if _IMAGE.search(each.image))
        return next(found, None)

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


class _Deployments(Struct, frozen=True):
    items: list[_Deployment] = []


class _LeaseSpec(Struct, frozen=True, rename="camel"):
    renew_time: str | None = None
    lease_duration_seconds: int = 15


class _Lease(Struct, frozen=True):
    spec: _LeaseSpec = _LeaseSpec()


class _Leases(Struct, frozen=True):
    items: list[_Lease] = []


def discover(
    transport: Transport, heartbeats: Sequence[datetime], now: datetime, *, everywhere: bool
) -> ControllerFacts:
    """Tell whether the controller works. Its Deployment is the best witness, its Lease the next, heartbeats the last.

    What may not be read is not held against it: an EKS-managed ACK has no Deployment at all. Silence condemns it only
    when `heartbeats` are those of every object there is: one namespace can be quiet by chance. Nor does it where a
    better witness could not be heard: a fault of the API server is no evidence.
    """
    latest = max(heartbeats, default=None)
    heard, hidden = everywhere, ""
    try:
        listed = decoded(transport.get("/apis/apps/v1/deployments"), _Deployments).items
        deployments = [each for each in listed if each.container is not None]
        if deployments:
            return _by_deployment(deployments, latest)
    except Forbidden:
        hidden = " (Deployments may not be listed)"
    except ClusterError as error:
        heard, hidden = False, f" (Deployments could not be listed: {error.message})"
    try:
        if _lease_is_fresh(transport, now):
            return ControllerFacts(Health.ALIVE, f"its Lease {_LEASE} is fresh")
    except Forbidden:
        pass  # as with Deployments: not everybody may read them
    except ClusterError:
        heard = False
    return _by_heartbeat(latest, now, hidden, everywhere=heard)


def _by_deployment(deployments: Sequence[_Deployment], latest: datetime | None) -> ControllerFacts:
    available = [each for each in deployments if each.status.available_replicas > 0]
    chosen = (available or deployments)[0]
    container = chosen.container
    assert container is not None  # that is how it was found
    name = f"Deployment {chosen.metadata.namespace}/{chosen.metadata.name}"
    matched = _IMAGE.search(container.image)
    version = matched["tag"] if matched else None
    watched = _watched_by(available or [chosen])
    if chosen.restarting:
        health = Health.ALIVE if available else Health.DOWN
        return ControllerFacts(health, f"{name} is being rolled out", version, watched, restarting=True)
    if available:
        return ControllerFacts(Health.ALIVE, f"{name} is available", version, watched)
    since = _unavailable_since(chosen)
    if since is not None and latest is not None and latest > since + _MARGIN:
        # Somebody else reconciles: another cluster member, or the EKS capability after a migration.
        why = f"{name} is not available, but a pass was finished at {format_time(latest)}"
        return ControllerFacts(Health.ALIVE, why, version, watched)
    told = f" since {format_time(since)}" if since else ""
    return ControllerFacts(Health.DOWN, f"{name} is not available{told}", version, watched)


def _unavailable_since(deployment: _Deployment) -> datetime | None:
    conditions = deployment.status.conditions or ()
    return next((parse_time(each.last_transition_time) for each in conditions if each.type == "Available"), None)


def _watched_by(deployments: Sequence[_Deployment]) -> tuple[str, ...]:
    """Sum up what several controllers watch, one per team perhaps; one that watches everything is enough."""
    lists = [_watched_namespaces(each.container) for each in deployments if each.container]
    return () if () in lists else tuple(dict.fromkeys(name for each in lists for name in each))


def _watched_namespaces(container: _Container) -> tuple[str, ...]:
    """Read `--watch-namespace`, with Kubernetes' $(NAME) references resolved; empty means all."""
    values = {each.name: each.value or "" for each in container.env or ()}
    args = [re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], ""), each) for each in container.args or ()]
    for index, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name == "--watch-namespace":
            listed = value if equals else "".join(args[index + 1 : index + 2])
            return tuple(each.strip() for each in listed.split(",") if each.strip())
    return ()


def _lease_is_fresh(transport: Transport, now: datetime) -> bool:
    query = {"fieldSelector": f"metadata.name={_LEASE}"}
    leases = decoded(transport.get("/apis/coordination.k8s.io/v1/leases", query), _Leases).items
    return any(
        renewed is not None and now - renewed < timedelta(seconds=2 * each.spec.lease_duration_seconds)
        for each in leases
        for renewed in [parse_time(each.spec.renew_time)]
    )


def _by_heartbeat(latest: datetime | None, now: datetime, hidden: str, *, everywhere: bool) -> ControllerFacts:
    if latest is None:
        return ControllerFacts(
            Health.UNKNOWN, f"no Deployment of the lambda-controller is seen{hidden}, and no heartbeat"
        )
    age = now - latest
    if age < LONGEST_BACKOFF + _MARGIN:
        return ControllerFacts(Health.ALIVE, f"a pass was finished {format_duration(age)} ago{hidden}")
    if age > _LONGEST_REST and everywhere:
        return ControllerFacts(Health.DOWN, f"no pass was finished anywhere for {format_duration(age)}{hidden}")
    return ControllerFacts(Health.UNKNOWN, f"the last pass was finished {format_duration(age)} ago{hidden}")
