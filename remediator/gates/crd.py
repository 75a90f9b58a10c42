"""Gate: is the kind itself about to go?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def crd(proposal: Proposal, at: Situation) -> Verdict:
    """Hold everything while a definition of ACK's kinds is being deleted: every object is being deleted with it.

    Whatever lets one of them go then, lets the definition go, and helps to lose the others. Who may not read
    definitions is not held up: what is not known is said. Where a fault keeps them from us, a Resync may go on, since
    it lets nothing go; what cannot be undone may not.
    """
    going = at.definitions.deleting
    if going:
        named = ", ".join(each.name for each in going)
        return Verdict(GateName.CRD, Ruling.HELD, f"{named} is being deleted, and with it every object of its kind")
    if at.definitions.unknown:
        reason = f"whether a definition is being deleted is not known: {at.definitions.unknown}"
        if not (at.definitions.faulty and proposal.plan.action.destructive):
            return Verdict(GateName.CRD, Ruling.ALLOWED, reason)
        if at.evidence is None:
            return Verdict(GateName.CRD, Ruling.LATER, f"{reason}; they are read again right before the act")
        return Verdict(GateName.CRD, Ruling.HELD, reason)
    return Verdict(GateName.CRD, Ruling.ALLOWED, "no definition of ACK's kinds is being deleted")
