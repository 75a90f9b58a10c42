"""Gate: are we the only one who acts?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def action_lock(proposal: Proposal, at: Situation) -> Verdict:
    """Hold unless the action lock is ours: two that act side by side count the same budget twice.

    It is taken around the last look and the writes alone, so that a person and a daemon need not wait for each other.
    """
    if at.evidence is None:
        return Verdict(GateName.ACTION_LOCK, Ruling.LATER, "is taken right before the act")
    if at.locked:
        return Verdict(GateName.ACTION_LOCK, Ruling.ALLOWED, at.locked_why or "it is ours")
    return Verdict(GateName.ACTION_LOCK, Ruling.HELD, at.locked_why or "it is not ours")
