"""Gate: would the API server take the first write?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Rehearsed, Ruling, Situation, Verdict


def rehearsal(proposal: Proposal, at: Situation) -> Verdict:
    """Hold where a server-side dry run of the first write was refused, or could not show that it would do its work.

    Only the first: the later steps build on it, and it was not stored. Who cannot try it out (no right to patch, a
    webhook that knows no dry run) still may look, and is told so; but nothing is written on faith.
    """
    tried = at.rehearsal
    if tried is None:
        return Verdict(GateName.REHEARSAL, Ruling.LATER, "is tried right before the act")
    if tried.result is Rehearsed.VERIFIED:
        return Verdict(GateName.REHEARSAL, Ruling.ALLOWED, tried.why)
    if tried.result is Rehearsed.REFUSED:
        return Verdict(GateName.REHEARSAL, Ruling.HELD, f"refused: {tried.why}")
    ruling = Ruling.LATER if at.evidence is None else Ruling.HELD
    return Verdict(GateName.REHEARSAL, ruling, f"not verified: {tried.why}")
