"""Gate: are we the only ones who act right now?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def lock(proposal: Proposal, at: Situation) -> Verdict:
    """Hold while another process has the action lock: two that decide at once would both find the budget unspent."""
    if at.lock is None:
        return Verdict(GateName.LOCK, Ruling.LATER, "is taken right before the act")
    if at.lock:
        return Verdict(GateName.LOCK, Ruling.ALLOWED, "nobody else acts while we do")
    return Verdict(GateName.LOCK, Ruling.HELD, "another process is acting; the lock is not ours")
