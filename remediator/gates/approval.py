"""Gate: did a person approve just this?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def approval(proposal: Proposal, at: Situation) -> Verdict:
    """Hold until a person approved the proposal's digest; an approval of anything else does not count."""
    if proposal.plan.digest in at.approved:
        return Verdict(GateName.APPROVAL, Ruling.ALLOWED, f"{proposal.plan.proposal_id} is approved")
    return Verdict(GateName.APPROVAL, Ruling.HELD, f"waits for a person to approve {proposal.plan.proposal_id}")
