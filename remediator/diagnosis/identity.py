"""Whether the object still speaks of the function that it once made."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation


def name_changed(seen: Observation) -> Finding | None:
    """Hold when `spec.name` is not the name in the recorded ARN.

    ACK asks AWS for `spec.name` alone. On deletion it finds nothing under the new name, drops its finalizer, and the
    old function stays in AWS, orphaned.
    """
    arn = seen.resource.arn
    if arn is None or arn.name == seen.resource.function_name:
        return None
    return timed(
        seen,
        FindingName.NAME_CHANGED,
        f"spec.name says {seen.resource.function_name!r}, the function that this object made is {arn.name!r}: "
        "deleting the object now would orphan it. Set spec.name back.",
        timeout=AT_ONCE,
        evidence={"arn": seen.resource.arn_text or ""},
    )
