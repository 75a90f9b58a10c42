"""Gate: is what we know still of now?"""

from __future__ import annotations

from datetime import timedelta

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.times import format_duration


def evidence_age(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when the oldest of the evidence is too old: a laptop can sleep between two lines of this program.

    Evidence of the future is as bad: then the clock jumped, and no age means anything.
    """
    if at.evidence is None:
        return Verdict(GateName.EVIDENCE_AGE, Ruling.LATER, "is taken anew right before the act")
    if at.evidence.taken is None:
        return Verdict(GateName.EVIDENCE_AGE, Ruling.HELD, "when the evidence was taken is not known")
    age, oldest = at.now - at.evidence.taken, at.limits.evidence_max_age
    if age < -at.limits.clock_skew:
        reason = f"the clock went back by {format_duration(-age)} since the evidence was taken"
        return Verdict(GateName.EVIDENCE_AGE, Ruling.HELD, reason)
    said = f"the evidence is {format_duration(max(age, timedelta(0)))} old"
    if age > oldest:
        return Verdict(GateName.EVIDENCE_AGE, Ruling.HELD, f"{said}; more than {format_duration(oldest)} is too old")
    return Verdict(GateName.EVIDENCE_AGE, Ruling.ALLOWED, said)
