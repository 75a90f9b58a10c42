"""Gate: was it seen often enough to be more than a moment?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def sightings(proposal: Proposal, at: Situation) -> Verdict:
    """Hold until it was found unwell so many times in a row; a person who approves at the terminal has looked.

    A stored approval does not count for that: it says what may be done, not that somebody looked again.
    """
    seen, needed = at.history.sightings, at.limits.sightings
    if proposal.plan.digest in at.approved:
        return Verdict(GateName.SIGHTINGS, Ruling.ALLOWED, "a person at the terminal has looked at it")
    said = f"seen {seen} {'time' if seen == 1 else 'times'} in a row, {needed} needed"
    if seen < needed:
        return Verdict(GateName.SIGHTINGS, Ruling.HELD, f"{said}, or a person at the terminal", asks=True)
    return Verdict(GateName.SIGHTINGS, Ruling.ALLOWED, said)
