"""Read the Deployment that a controller runs in, and what its pods tell of its last start."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from remediator.errors import ClusterError
from remediator.kubernetes.controller_pods import pods_of, trouble_in
from remediator.kubernetes.deployment import Deployment
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.resource import Metadata, Resource
from remediator.model.times import parse_time
from remediator.model.workload import DEPLOYMENT, RESTARTED_AT, Workload

APPS = "apps"


class _Object(Struct, frozen=True):
    metadata: Metadata


def path_of(namespace: str, name: str) -> str:
    """Write the path of one Deployment."""
    return f"/apis/{APPS}/v1/namespaces/{quote(namespace, safe='')}/deployments/{quote(name, safe='')}"


def read_workload(transport: Transport, namespace: str, name: str) -> Workload:
    """Read one; raise ClusterError where it cannot be read, NotFound where it is gone."""
    content = transport.get(path_of(namespace, name))
    deployment, resource = decoded(content, Deployment), resource_of(content)
    status, spec = deployment.status, deployment.spec
    try:
        pods, unknown = pods_of(transport, deployment), ""
    except ClusterError as error:
        pods, unknown = [], f"its pods could not be listed: {error.message}"
    started = [moment for each in pods if (moment := parse_time(each.metadata.creation_timestamp))]
    return Workload(
        resource=resource,
        desired=spec.replicas,
        current=status.replicas,
        updated=status.updated_replicas,
        available=status.available_replicas,
        paused=spec.paused,
        rolling=deployment.restarting,
        annotated=spec.template.metadata.annotations is not None,
        restarted_at=(spec.template.metadata.annotations or {}).get(RESTARTED_AT),
        rolled_out=deployment.rolled_out,
        started=max(started, default=None),
        unknown=unknown,
        trouble=trouble_in(pods),
    )


def resource_of(content: bytes) -> Resource:
    """Read a Deployment's metadata, and nothing of its spec: its environment is nobody's business."""
    return Resource(metadata=decoded(content, _Object).metadata, api_version=f"{APPS}/v1", kind=DEPLOYMENT)
