"""What is left when no other rule holds: said verbatim rather than guessed at."""

from __future__ import annotations

from remediator.diagnosis.build import retried, timed
from remediator.diagnosis.error_text import hint_of, may_pass
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation


def unclassified_error(seen: Observation) -> Finding | None:
    """Hold on an error that no rule knows. Recoverable does not mean transient: for Lambda no AWS error is Terminal."""
    if not seen.resource.holds("ACK.Recoverable") or seen.resource.synced:
        return None
    said = seen.resource.error_text or "no message"
    known = hint_of(said) or "we do not know it"
    return retried(
        seen,
        FindingName.UNCLASSIFIED_ERROR,
        f"The controller keeps retrying an error ({known}): {said}",
        timeout=seen.timeouts.unclassified_error,
        heals=may_pass(said),
    )


def not_synced_unexplained(seen: Observation) -> Finding | None:
    """Hold when the object is not synced and nothing says why (states newer than this tool, a failed re-read)."""
    if seen.resource.synced or not seen.resource.conditions:
        return None
    live = seen.live
    there = f"State {live.state}, LastUpdateStatus {live.last_update_status}" if live.present else "no such function"
    said = seen.resource.error_text or "no reason given"
    return timed(
        seen,
        FindingName.NOT_SYNCED_UNEXPLAINED,
        f"Not synced, and no rule says why: the controller says {said}; AWS says {there}.",
        timeout=seen.timeouts.not_synced_unexplained,
    )
