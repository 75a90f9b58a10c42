"""Resync: make the controller run a pass, and leave the spec byte for byte as it was."""

from __future__ import annotations

from datetime import timedelta

from remediator.actions import toggle
from remediator.model.finding import FindingName
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Need, Operation, Plan, Step, Verification, digest
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.times import format_duration

_RESTED = timedelta(seconds=60)


def resync(seen: Observation, finding: FindingName) -> Plan:
    """Plan a Resync of a resource as it was observed."""
    resource = seen.resource
    fingerprint = digest(resource, finding, ActionName.RESYNC, seen.live_state)
    mark = toggle.mark_of(fingerprint)
    return Plan(
        action=ActionName.RESYNC,
        resource=resource,
        finding=finding,
        digest=fingerprint,
        summary="make the controller look again, by setting spec.publish to false and removing it",
        needs=_needs(seen),
        steps=(
            Step(
                "set spec.publish to false, under our annotation", toggle.publish(resource, {RESYNC_ANNOTATION: mark})
            ),
            Step("remove both again", _unset(resource.metadata.uid, mark)),
        ),
        verification=Verification.DELETION_PROGRESS if resource.deleting else Verification.HEARTBEAT,
        notes=_at_stake(seen),
    )


def _unset(uid: str, mark: str) -> tuple[Operation, ...]:
    unmark: Operation = {"op": "remove", "path": toggle.annotation(RESYNC_ANNOTATION)}
    return (*toggle.under(uid, mark), unmark, *toggle.UNPUBLISH)


def _needs(seen: Observation) -> tuple[Need, ...]:
    resource, live = seen.resource, seen.live_state
    settled = live.gone or (live.present and not live.busy)
    heartbeat = resource.heartbeat
    rested = heartbeat is None or resource.deleting or seen.now - heartbeat > _RESTED
    age = "none yet" if heartbeat is None else f"{format_duration(seen.now - heartbeat)} ago"
    return (
        *toggle.needs(seen),
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
