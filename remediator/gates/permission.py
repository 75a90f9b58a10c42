"""Gate: may we write to it?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def permission(proposal: Proposal, at: Situation) -> Verdict:
    """Hold where RBAC does not let us patch the object: better known before the first step than at the second.

    A read-only CronJob may still propose: somebody else, with the right to it, can act.
    """
    if at.permitted is None:
        return Verdict(GateName.PERMISSION, Ruling.LATER, at.permitted_why or "is asked right before the act")
    if at.permitted:
        return Verdict(GateName.PERMISSION, Ruling.ALLOWED, at.permitted_why or "we may patch it")
    return Verdict(GateName.PERMISSION, Ruling.HELD, at.permitted_why or "we may not patch it", asks=True)
