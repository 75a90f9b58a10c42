"""Gate: is everything still as it was when it was approved?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def unchanged(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when what is found right before the act has another digest than what was approved."""
    if at.evidence is None:
        return Verdict(GateName.UNCHANGED, Ruling.LATER, "is looked at right before the act")
    if at.evidence.approved_digest != proposal.plan.digest:
        return Verdict(GateName.UNCHANGED, Ruling.HELD, "the situation changed since it was proposed; look again")
    return Verdict(GateName.UNCHANGED, Ruling.ALLOWED, "the situation is as it was proposed")
