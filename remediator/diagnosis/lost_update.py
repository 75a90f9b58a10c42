"""Changes that were applied, and that ACK took back."""

from __future__ import annotations

from remediator.diagnosis.build import advisory
from remediator.model.applied import lost, overwritten
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation
from remediator.model.owners import owners


def lost_update(seen: Observation) -> Finding | None:
    """Hold when fields were applied that ACK overwrote with what AWS has.

    Code and configuration changed together: ACK updates the code alone, then writes what it reads back into the spec,
    and shows Synced=True (community#1968). Names only: values can be secrets.
    """
    if not overwritten(seen.resource):
        return None
    fields = ", ".join(lost(seen.resource, seen.live))
    if not fields:
        return None
    owning = owners(seen.resource)
    applies = "apply them again by themselves" if len(owning) > 1 else "applies them again by itself"
    return advisory(
        seen,
        FindingName.LOST_UPDATE,
        f"ACK took back what was applied: {fields}. They are as AWS has them, though the object may be green; "
        f"{' and '.join(owning) or 'nobody'} {applies}. Apply them once more, without a change of the code.",
        {"lostFields": fields, "owners": ", ".join(owning)},
    )
