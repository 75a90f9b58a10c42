"""Gate: is this a cluster where only people act?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def guard(proposal: Proposal, at: Situation) -> Verdict:
    """Hold in a guarded cluster, such as production, until a person approved this very action.

    A policy file is copied from cluster to cluster sooner or later: an `auto` that was meant for a test cluster must
    not reach production with it.
    """
    if not at.guarded_by:
        return Verdict(GateName.GUARD, Ruling.ALLOWED, "the cluster is not guarded")
    who = at.approved_by(proposal.plan.digest)
    if who:
        return Verdict(GateName.GUARD, Ruling.ALLOWED, f"{at.guarded_by}; approved by {who}")
    reason = f"{at.guarded_by}; a person approves each action here, unless the policy's guard.allow names it"
    return Verdict(GateName.GUARD, Ruling.HELD, reason, asks=True)
