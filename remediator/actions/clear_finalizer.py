"""ClearFinalizer: remove ACK's one entry from an object whose function is proven gone.

The last resort. A working controller does this by itself, so it is for where there is none, where a Resync had no
effect, or where ACK looks for the function in another place. Two proofs, a backup, a person's approval.
"""

from __future__ import annotations

from remediator.model.controller import Health
from remediator.model.finding import FindingName
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Need, Plan, Step, Verification, digest
from remediator.model.resource import FUNCTION_FINALIZER
from remediator.model.times import format_duration

PROOFS = 2


def clear_finalizer(seen: Observation, finding: FindingName) -> Plan:
    """Plan the removal of ACK's finalizer from a resource as it was observed."""
    resource = seen.resource
    return Plan(
        action=ActionName.CLEAR_FINALIZER,
        resource=resource,
        finding=finding,
        digest=digest(resource, finding, ActionName.CLEAR_FINALIZER, seen.live_state),
        summary="remove ACK's finalizer, so that the object of a function that is gone can go too",
        needs=_needs(seen),
        steps=(Step("remove ACK's entry, and no other", _remove(seen)),) if resource.managed else (),
        verification=Verification.OBJECT_GONE,
        proofs=PROOFS,
        backup=True,
        notes=("This cannot be undone. The whole object is saved first.",),
    )


def _remove(seen: Observation) -> tuple[dict[str, object], ...]:
    metadata = seen.resource.metadata
    path = f"/metadata/finalizers/{seen.resource.finalizers.index(FUNCTION_FINALIZER)}"
    return (
        {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
        {"op": "test", "path": path, "value": FUNCTION_FINALIZER},
        {"op": "remove", "path": path},
    )


def _needs(seen: Observation) -> tuple[Need, ...]:
    resource, timeout = seen.resource, seen.timeouts.deletion
    age = seen.now - resource.deleted_at if resource.deleted_at else None
    overdue = age is not None and age >= timeout
    told = f"being deleted for {format_duration(age)}" if age is not None else "not being deleted"
    down = seen.controller.health is Health.DOWN
    tried = seen.history.resync_without_effect
    # Where ACK looks elsewhere than where it made the function, it never gets to the deletion (runtime, reconciler.go).
    elsewhere = seen.placement.drift if seen.placement else ""
    why = (
        seen.controller.why
        if down
        else "a Resync had no effect"
        if tried
        else elsewhere or "let the controller do it: Resync first"
    )
    return (
        Need("ACK's finalizer is there", resource.managed, ", ".join(resource.finalizers) or "no finalizers"),
        Need("deletion is overdue", overdue, f"{told}, the timeout is {format_duration(timeout)}"),
        Need("nobody else will do it", down or tried or bool(elsewhere), why),
    )
