"""Gate: is this an hour at which something may be begun?"""

from __future__ import annotations

from datetime import timedelta

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def window(proposal: Proposal, at: Situation) -> Verdict:
    """Hold what the policy's windows do not let begin now, by the API server's clock as far as that is known.

    It is asked again right before each action, so that a run that began in time begins nothing after it. What is begun
    is finished: half an action is worse than one that ends late.
    """
    if not at.windows:
        return Verdict(GateName.WINDOW, Ruling.ALLOWED, "the policy names no windows")
    now = at.now - timedelta(seconds=at.skew or 0.0)
    closed, change = at.windows.closed(now), at.windows.next_change(now)
    if not closed:
        until = f"until {at.windows.local(change)}" if change else "and nothing closes it"
        return Verdict(GateName.WINDOW, Ruling.ALLOWED, f"open {until}")
    opens = f"opens {at.windows.local(change)}" if change else "and nothing opens it"
    return Verdict(GateName.WINDOW, Ruling.HELD, f"{closed}; {opens}")
