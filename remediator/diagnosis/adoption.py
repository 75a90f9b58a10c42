"""Functions that an object took over, rather than made."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation


def adopted_gone(seen: Observation) -> Finding | None:
    """Hold when AWS has no function any more that the object adopted.

    ACK makes such a one not again, and says nothing: conditions stay as they were (runtime, reconciler.go).
    """
    if not seen.resource.adopted or not seen.live.gone:
        return None
    return timed(
        seen,
        FindingName.ADOPTED_GONE,
        "The function that this object adopted is gone from AWS, and ACK does not make it again. If it was deleted on "
        "purpose, delete the object; else restore the function.",
        timeout=AT_ONCE,
        evidence={"gone": seen.live.vouched.value},
    )
