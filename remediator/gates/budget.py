"""Gate: has enough been done in this run?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def budget(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when the run has used up its actions."""
    spent = f"{at.acted} of {at.actions_per_run} actions of this run are used"
    return Verdict(GateName.BUDGET, Ruling.ALLOWED if at.acted < at.actions_per_run else Ruling.HELD, spent)
