"""Gate: did a person approve just this?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.limits import Mode
from remediator.model.plan import Plan
from remediator.model.times import format_duration, format_time
from remediator.model.word import APPROVAL_LASTS, Approval


def approval(proposal: Proposal, at: Situation) -> Verdict:
    """Hold until a person approved the proposal's digest; an approval of anything else, or of yesterday, is none.

    Where the policy lets the action go by itself, none is needed, unless a person rejected just this.
    """
    plan = proposal.plan
    who = at.approved_by(plan.digest)
    if who:
        return Verdict(GateName.APPROVAL, Ruling.ALLOWED, f"{plan.proposal_id} is approved by {who}")
    rejected = at.history.rejection
    if rejected is not None and rejected.covers(plan.digest):
        why = f": {rejected.reason}" if rejected.reason else ""
        reason = f"{rejected.rejected_by} rejected {plan.proposal_id}{why}"
        return Verdict(GateName.APPROVAL, Ruling.HELD, reason, asks=True)
    if at.ceilings.effective(plan.action, plan.finding) is Mode.AUTO:
        return Verdict(GateName.APPROVAL, Ruling.ALLOWED, f"not needed: the policy lets {plan.action} go by itself")
    stored = at.history.approval
    why = _void(stored, plan) if stored else f"waits for a person to approve {plan.proposal_id}"
    return Verdict(GateName.APPROVAL, Ruling.HELD, why, asks=True)


def _void(stored: Approval, plan: Plan) -> str:
    """Say why an approval that is there does not count."""
    if stored.digest != plan.digest:
        return f"{stored.approved_by} approved another situation; {plan.proposal_id} waits for a person"
    if stored.at is None:
        return f"when {stored.approved_by} approved {plan.proposal_id} is not known, so it does not count"
    span = f"it counts for {format_duration(APPROVAL_LASTS)} from {format_time(stored.at)}"
    return f"the approval of {plan.proposal_id} by {stored.approved_by} does not count now: {span}"
