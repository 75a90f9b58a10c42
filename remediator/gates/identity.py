"""Gate: is it certain which function we speak of?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.placement import place
from remediator.model.plan import ActionName


def identity(proposal: Proposal, at: Situation) -> Verdict:
    """Hold where the object and the function in AWS may not be the same thing.

    The recorded ARN and spec.name must agree. For what cannot be undone there must be an ARN: without one nobody can
    say what it was that is gone, or is left behind. For a Release the place must be the recorded one, too: elsewhere
    ACK looks at nothing, and lets nothing go. There even what looks like another place is enough.
    """
    resource, action = proposal.plan.resource, proposal.plan.action
    if not resource.metadata.uid:
        return Verdict(GateName.IDENTITY, Ruling.HELD, "the object has no uid")
    if action is ActionName.RESTART_CONTROLLER:
        return Verdict(GateName.IDENTITY, Ruling.ALLOWED, "the Deployment is told by its uid; it has no function")
    arn = resource.arn
    if arn is None:
        if action.destructive:
            reason = f"status records no ARN: what a {action} is about cannot be told"
            return Verdict(GateName.IDENTITY, Ruling.HELD, reason)
        return Verdict(GateName.IDENTITY, Ruling.ALLOWED, "no ARN is recorded yet; the action does not touch AWS")
    if arn.name != resource.function_name:
        reason = f"the ARN says {arn.name!r}, spec.name says {resource.function_name!r}"
        return Verdict(GateName.IDENTITY, Ruling.HELD, reason)
    elsewhere = (at.placement or place(resource)).obstacle if action is ActionName.RELEASE else ""
    if elsewhere:
        return Verdict(GateName.IDENTITY, Ruling.HELD, elsewhere)
    return Verdict(GateName.IDENTITY, Ruling.ALLOWED, f"{resource.arn_text} is spec.name's function")
