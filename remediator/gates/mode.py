"""Gate: is acting allowed at all?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.limits import Mode


def mode(proposal: Proposal, at: Situation) -> Verdict:
    """Hold in dry-run, which is the default.

    A person who approves at the terminal lifts the policy's mode, and nothing else does. The ceiling of an action or of
    a finding stays: who wrote it meant just that.
    """
    action, finding = proposal.plan.action, proposal.plan.finding
    if at.ceilings.ceiling(action, finding) is Mode.DRY_RUN:
        reason = f"the policy allows no more than dry-run for {action} of {finding}"
        return Verdict(GateName.MODE, Ruling.HELD, reason)
    if proposal.plan.digest in at.approved:
        return Verdict(GateName.MODE, Ruling.ALLOWED, "acting is allowed: a person at the terminal said so")
    effective = at.ceilings.effective(action, finding)
    if effective is Mode.DRY_RUN:
        return Verdict(GateName.MODE, Ruling.HELD, "dry-run: nothing is changed without --approve", asks=True)
    how = "without asking" if effective is Mode.AUTO else "once approved"
    return Verdict(GateName.MODE, Ruling.ALLOWED, f"the policy allows {action} of {finding} {how}")
