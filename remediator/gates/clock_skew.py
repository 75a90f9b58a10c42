"""Gate: do the API server and we agree on the time?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def clock_skew(proposal: Proposal, at: Situation) -> Verdict:
    """Hold what cannot be undone when the clocks differ: an age that is wrong makes a deletion overdue that is not.

    At the act an unknown difference counts as one.
    """
    action = proposal.plan.action
    if at.skew is None:
        said = "how our clock compares with the API server's is not known"
        if not action.destructive:
            return Verdict(GateName.CLOCK_SKEW, Ruling.ALLOWED, f"{said}; {action} does not depend on it")
        return Verdict(GateName.CLOCK_SKEW, Ruling.LATER if at.evidence is None else Ruling.HELD, said)
    most = at.limits.clock_skew.total_seconds()
    said = f"our clock is {abs(at.skew):.0f} s {'ahead of' if at.skew > 0 else 'behind'} the API server's"
    if abs(at.skew) <= most:
        return Verdict(GateName.CLOCK_SKEW, Ruling.ALLOWED, f"the clocks agree within {most:.0f} s")
    if not action.destructive:
        return Verdict(GateName.CLOCK_SKEW, Ruling.ALLOWED, f"{said}; {action} does not depend on it")
    return Verdict(GateName.CLOCK_SKEW, Ruling.HELD, f"{said}; more than {most:.0f} s is too much for {action}")
