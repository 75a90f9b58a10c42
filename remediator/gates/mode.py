"""Gate: is acting allowed at all?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def mode(proposal: Proposal, at: Situation) -> Verdict:
    """Hold in dry-run, which is the default."""
    if at.may_act:
        return Verdict(GateName.MODE, Ruling.ALLOWED, "acting is allowed")
    return Verdict(GateName.MODE, Ruling.HELD, "dry-run: nothing is changed without --approve")
