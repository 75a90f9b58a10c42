"""Resync: make the controller run a pass, and leave the spec byte for byte as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from remediator.actions import toggle
from remediator.model.differences import CODE, Difference, NextPass, next_pass, shown
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
    recorded = resource.status.revision_id if resource.status else None
    if not live.present or live.revision_id is None or live.revision_id == recorded:
        return ()
    coming = next_pass(seen)
    return () if coming is None else tuple(_said(coming))


def _said(coming: NextPass) -> Iterator[str]:
    for each in coming.differences:
        sides = f"{each.field} is {shown(each.live)} in AWS and {shown(each.spec)} in the spec"
        yield f"{sides}: {_will(coming, each)}."
    if coming.variables.names:
        names = ", ".join(coming.variables.names)
        will = "write AWS's values into the spec" if "environment" in coming.lost else "set the spec's values"
        yield f"environment differs in {names}: the controller will {will}."


def _will(coming: NextPass, difference: Difference) -> str:
    if difference.field in coming.lost:
        return "the controller will write AWS's value into the spec"
    if difference.field in CODE:
        return "the controller will update the code"
    if difference.note:
        return difference.note
    return (
        "the controller will unset it"
        if difference.spec is None
        else f"the controller will set {shown(difference.spec)}"
    )
