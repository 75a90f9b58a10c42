"""Resources that ACK has given up on: `ACK.Terminal` is never retried (runtime, reconciler.go)."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation

EXISTS = "resource already exists"
_CLAIMS_TOLD = 5


def terminal_message(seen: Observation) -> str | None:
    """Return what ACK gave up with; None where it did not."""
    found = seen.resource.condition("ACK.Terminal")
    return (found.message or "") if found is not None and found.status == "True" else None


def already_exists(seen: Observation) -> Finding | None:
    """Hold when the function was there before ACK, or another object manages it."""
    message = terminal_message(seen)
    if message is None or EXISTS not in message.lower():
        return None
    claimed = ", ".join(str(each) for each in seen.claims[:_CLAIMS_TOLD])
    whose = f"{claimed} {'name' if len(seen.claims) > 1 else 'names'} it, too" if claimed else "its tags tell"
    return timed(
        seen,
        FindingName.ALREADY_EXISTS,
        f"A function named {seen.resource.function_name!r} exists already and ACK does not manage it through this "
        f"object. Find out whose it is ({whose}) before you adopt it with services.k8s.aws/adoption-policy.",
        timeout=AT_ONCE,
        evidence={"terminal": message, "alsoNamedBy": claimed},
    )


def terminal_error(seen: Observation) -> Finding | None:
    """Hold on any other Terminal condition: only a change of the spec makes ACK try again."""
    message = terminal_message(seen)
    if message is None or EXISTS in message.lower():
        return None
    return timed(
        seen,
        FindingName.TERMINAL_ERROR,
        f"ACK has given up and never retries by itself: {message or 'no message'}",
        timeout=AT_ONCE,
        evidence={"terminal": message},
    )
