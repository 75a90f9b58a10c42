"""Resources that the controller does not look at."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.model.controller import Health
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.observation import Observation
from remediator.model.times import format_duration, format_time


def never_reconciled(seen: Observation) -> Finding | None:
    """Hold when an object that is old enough has no conditions at all."""
    created = seen.resource.created_at
    if seen.resource.conditions or not is_overdue(seen):
        return None
    unwatched = why_unwatched(seen)
    attended = not unwatched and seen.controller.health is Health.ALIVE
    return timed(
        seen,
        FindingName.NEVER_RECONCILED,
        f"No controller has ever looked at this object ({unwatched or seen.controller.why}).",
        timeout=seen.timeouts.never_reconciled,
        started=created,
        remedy=Remedy.RESYNC if attended else Remedy.REPORT,
    )


def why_unwatched(seen: Observation) -> str:
    """Say what keeps the controller from looking at the object at all; empty where nothing does."""
    return seen.controller.why_unwatched(seen.resource.metadata.namespace, seen.resource.labels)


def is_overdue(seen: Observation) -> bool:
    """Whether the controller has had its time to pick the object up; unknown age counts as overdue."""
    created = seen.resource.created_at
    return created is None or seen.now - created > seen.timeouts.never_reconciled


def controller_silent(seen: Observation) -> Finding | None:
    """Hold when an unsynced object is not retried any more: the controller is down, hung, or has lost it.

    No back-off is longer than 1000 s, so a heartbeat older than that is silence, not patience.
    """
    heartbeat = seen.resource.heartbeat
    if heartbeat is None or not seen.silent:
        return None
    unwatched, facts = why_unwatched(seen), seen.controller
    return timed(
        seen,
        FindingName.CONTROLLER_SILENT,
        f"The controller has not finished a pass since {format_time(heartbeat)} "
        f"({format_duration(seen.now - heartbeat)}), though it retries within 17 minutes; {unwatched or facts.why}.",
        timeout=AT_ONCE,
        remedy=Remedy.REPORT if unwatched or facts.health is Health.DOWN else Remedy.RESYNC,
    )
