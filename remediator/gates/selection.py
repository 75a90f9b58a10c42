"""Gate: does the policy leave this resource to us?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.plan import ActionName


def selection(proposal: Proposal, at: Situation) -> Verdict:
    """Hold for what the policy excludes, or does not include: the cluster's owner decides where we may act.

    The controller is no resource of ACK's, and lives where nothing else may be touched; its own key selects it.
    """
    if proposal.plan.action is ActionName.RESTART_CONTROLLER:
        return Verdict(GateName.SELECTION, Ruling.ALLOWED, "it selects resources; the controller is none")
    reason = at.selection.why_not(proposal.plan.resource)
    if reason:
        return Verdict(GateName.SELECTION, Ruling.HELD, reason)
    return Verdict(GateName.SELECTION, Ruling.ALLOWED, "the policy selects it")
