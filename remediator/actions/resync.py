"""Resync: make the controller run a pass, and leave the spec byte for byte as it was.

ACK reconciles on a change of generation, a timer or a restart; annotations, labels and status edits do nothing
(runtime, GenerationChangedPredicate). `spec.publish` is used by ACK at create alone, so setting it to false and
removing it again makes two generations and no difference in AWS.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import UNSET

from remediator.model.finding import FindingName
from remediator.model.observation import Health, Observation
from remediator.model.plan import ActionName, Need, Operation, Plan, Step, Verification, digest
from remediator.model.resource import RESYNC_ANNOTATION, Resource
from remediator.model.times import format_duration

_RESTED = timedelta(seconds=60)
_ANNOTATION_PATH = "/metadata/annotations/" + RESYNC_ANNOTATION.replace("/", "~1")


def resync(seen: Observation, finding: FindingName) -> Plan:
    """Plan a Resync of a resource as it was observed."""
    resource = seen.resource
    fingerprint = digest(resource, finding, ActionName.RESYNC, seen.live_state)
    mark = fingerprint[:16]
    return Plan(
        action=ActionName.RESYNC,
        resource=resource,
        finding=finding,
        digest=fingerprint,
        summary="make the controller look again, by setting spec.publish to false and removing it",
        needs=_needs(seen),
        steps=(
            Step("set spec.publish to false, under our annotation", _set(resource, mark)),
            Step("remove both again", _unset(resource.metadata.uid, mark, publish=True)),
        ),
        verification=Verification.DELETION_PROGRESS if resource.deleting else Verification.HEARTBEAT,
        notes=_at_stake(seen),
    )


def undo_leftover(resource: Resource) -> tuple[Operation, ...]:
    """Say how to remove what an interrupted Resync left behind; empty where there is nothing.

    `publish` goes only if it is still our false: another value is somebody else's.
    """
    mark = resource.annotations.get(RESYNC_ANNOTATION)
    if mark is None:
        return ()
    ours = resource.spec is not None and resource.spec.publish is False
    return _unset(resource.metadata.uid, mark, publish=ours)


def _set(resource: Resource, mark: str) -> tuple[Operation, ...]:
    annotate: tuple[Operation, ...] = ({"op": "add", "path": _ANNOTATION_PATH, "value": mark},)
    if resource.metadata.annotations is None:
        annotate = ({"op": "add", "path": "/metadata/annotations", "value": {RESYNC_ANNOTATION: mark}},)
    return (
        {"op": "test", "path": "/metadata/uid", "value": resource.metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resource.metadata.resource_version},
        *annotate,
        {"op": "add", "path": "/spec/publish", "value": False},
    )


def _unset(uid: str, mark: str, *, publish: bool) -> tuple[Operation, ...]:
    """No resourceVersion here: ACK writes status in between, and the guard would fail more often than not."""
    operations: tuple[Operation, ...] = (
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": _ANNOTATION_PATH, "value": mark},
        {"op": "remove", "path": _ANNOTATION_PATH},
    )
    if publish:
        operations += (
            {"op": "test", "path": "/spec/publish", "value": False},
            {"op": "remove", "path": "/spec/publish"},
        )
    return operations


def _needs(seen: Observation) -> tuple[Need, ...]:
    resource, live = seen.resource, seen.live_state
    absent = resource.spec is not None and resource.spec.publish is UNSET
    working = seen.controller.health is not Health.DOWN
    watched = seen.controller.watches(resource.metadata.namespace)
    settled = live.gone or (live.present and not live.busy)
    heartbeat = resource.heartbeat
    rested = heartbeat is None or resource.deleting or seen.now - heartbeat > _RESTED
    age = "none yet" if heartbeat is None else f"{format_duration(seen.now - heartbeat)} ago"
    return (
        Need("spec.publish is free", absent, "absent" if absent else "the spec sets it; it is not ours to touch"),
        Need("controller works", working, seen.controller.why),
        Need(
            "controller watches it", watched, "it does" if watched else "this namespace is not among those it watches"
        ),
        Need(
            "not Terminal",
            not resource.terminal,
            "ACK never retries a Terminal resource" if resource.terminal else "so",
        ),
        Need("AWS has settled", settled, f"AWS says {live.kind_of_state}"),
        Need("controller not at it right now", rested, f"last pass {age}; it must be over 60 s ago"),
    )


def _at_stake(seen: Observation) -> tuple[str, ...]:
    """Name what the pass may undo or repeat, so that an approver knows: the trigger is free, the pass is not."""
    resource, live = seen.resource, seen.live_state
    if resource.deleting:
        return ("ACK will try DeleteFunction again.",) if live.present else ()
    status = resource.status
    recorded = status.revision_id if status else None
    if not live.present or live.revision_id is None or live.revision_id == recorded or resource.spec is None:
        return ()
    there = dict(live.configuration)
    notes = [
        f"{field} is {there[field]} in AWS and {value} in the spec: the controller will set {value}."
        for field, value in resource.spec.settings.items()
        if value is not None and field in there and there[field] != str(value)
    ]
    variables = resource.spec.environment.variables if resource.spec.environment else None
    if variables is not None:
        differing = sorted(
            key for key in variables.keys() | live.environment.keys() if variables.get(key) != live.environment.get(key)
        )
        if differing:
            notes.append(f"environment differs in {', '.join(differing)}: the controller will set the spec's values.")
    return tuple(notes)
