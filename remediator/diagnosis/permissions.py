"""Refusals for want of a permission."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.diagnosis.error_text import is_denied, who_may_not_what
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation


def permission_denied(seen: Observation) -> Finding | None:
    """Hold when AWS refuses what the controller asks. Waiting never cures it, and Lambda's message can be empty."""
    text = seen.resource.error_text
    if not is_denied(text) or (seen.resource.synced and not seen.resource.deleting):
        return None
    # Lambda's own message can be empty; what the controller asked for stands in the other condition, then.
    synced = seen.resource.condition("ACK.ResourceSynced")
    who = who_may_not_what(text) or who_may_not_what((synced.reason if synced else None) or "")
    principal, action = who.get("principal", "the controller's role"), who.get("action", "an action that is not named")
    return timed(
        seen,
        FindingName.PERMISSION_DENIED,
        f"AWS refuses {action} to {principal}: grant it, and the controller goes on by itself within 17 minutes.",
        timeout=AT_ONCE,
        evidence=who,
    )
