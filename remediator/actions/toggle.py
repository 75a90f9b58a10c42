"""How the controller is made to run a pass: a change of the spec that means nothing, under a mark of ours.

ACK reconciles on a change of generation, a timer or a restart; annotations, labels and status edits do nothing
(runtime, GenerationChangedPredicate). `spec.publish` is used by ACK at create alone, so setting it to false and
removing it again makes two generations and no difference in AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from remediator.model.controller import Health
from remediator.model.observation import Observation
from remediator.model.plan import Need, Operation
from remediator.model.resource import RESYNC_ANNOTATION, Resource

# Takes `spec.publish` away again, if it is still ours.
UNPUBLISH: tuple[Operation, ...] = (
    {"op": "test", "path": "/spec/publish", "value": False},
    {"op": "remove", "path": "/spec/publish"},
)


def mark_of(digest: str) -> str:
    """Derive the mark of an action: what was written under it is known as ours, by every process."""
    return digest[:16]


def annotation(key: str) -> str:
    """Write the JSON Pointer (RFC 6901) of an annotation."""
    return "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")


def publish(resource: Resource, annotations: Mapping[str, str]) -> tuple[Operation, ...]:
    """Set `spec.publish` to false together with annotations, on just the object that was observed."""
    annotate: tuple[Operation, ...] = tuple(
        {"op": "add", "path": annotation(key), "value": value} for key, value in annotations.items()
    )
    if resource.metadata.annotations is None:
        annotate = ({"op": "add", "path": "/metadata/annotations", "value": dict(annotations)},)
    return (
        {"op": "test", "path": "/metadata/uid", "value": resource.metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resource.metadata.resource_version},
        *annotate,
        {"op": "add", "path": "/spec/publish", "value": False},
    )


def under(uid: str, mark: str) -> tuple[Operation, ...]:
    """Guard what comes after the first step.

    No resourceVersion here: ACK writes status in between, and the guard would fail more often than not.
    """
    return (
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": annotation(RESYNC_ANNOTATION), "value": mark},
    )


def needs(seen: Observation) -> tuple[Need, ...]:
    """Ask for what a pass takes: `spec.publish` is free, and a controller that may work watches the object.

    One of which nothing is known, as an EKS-managed one, may work.
    """
    resource = seen.resource
    absent = resource.spec is not None and resource.spec.publish is UNSET
    working = seen.controller.health is not Health.DOWN
    unwatched = seen.controller.why_unwatched(resource.metadata.namespace, resource.labels)
    return (
        Need("spec.publish is free", absent, "absent" if absent else "the spec sets it; it is not ours to touch"),
        Need("controller works", working, seen.controller.why),
        Need("controller watches it", not unwatched, unwatched or "it does"),
    )
