"""Gate: was it tried often enough to know that it does not help?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def quarantine(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when the attempts of a day are used up: what did not help three times does not help the fourth.

    No override lifts it: a person has to find out why. It ends by itself, a day after the
    attempts, or when a person who has releases it.
    """
    action, limit = proposal.plan.action, at.limits.attempts
    made = len(at.history.attempts.get(action, ()))
    said = f"{made} of {limit} attempts of {action} in 24 h did not help"
    if made >= limit:
        reason = f"{said}: a person has to find out why, then `remediator quarantine release`"
        return Verdict(GateName.QUARANTINE, Ruling.HELD, reason)
    return Verdict(GateName.QUARANTINE, Ruling.ALLOWED, said)
