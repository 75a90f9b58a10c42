"""Gate: is somebody else at work on the object?"""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.owners import NOT_OTHERS, owners
from remediator.model.resource import Resource
from remediator.model.times import format_duration, parse_time

# Long enough for whoever wrote to finish what they began, and for ACK to see it.
SETTLES = timedelta(seconds=60)


def owner(proposal: Proposal, at: Situation) -> Verdict:
    """Hold for a minute after anyone but ACK and us wrote to the object, and name who owns it otherwise.

    A rollout or a person may be in the middle of something. An owner alone holds nothing back: a Resync leaves the
    spec as it was, and the others are for objects that are on their way out; but who approves has to know.
    """
    resource = proposal.plan.resource
    wrote = _last_write(resource)
    if wrote is not None and at.now - wrote[1] < SETTLES:
        manager, moment = wrote
        ago, rest = format_duration(at.now - moment), format_duration(SETTLES)
        reason = f"{manager} wrote to it {ago} ago; first it has to rest for {rest}"
        return Verdict(GateName.OWNER, Ruling.HELD, reason)
    found = owners(resource)
    said = f"owned by {', '.join(found)}, at rest" if found else "nobody else is at work on it"
    return Verdict(GateName.OWNER, Ruling.ALLOWED, said)


def _last_write(resource: Resource) -> tuple[str, datetime] | None:
    """Find who else wrote last, the status aside. A write without a time is an old server's, and says nothing."""
    writes = [
        (each.manager or "somebody", moment)
        for each in resource.metadata.managed_fields or ()
        if each.manager not in NOT_OTHERS and not each.subresource and (moment := parse_time(each.time))
    ]
    return max(writes, key=lambda each: each[1], default=None)
