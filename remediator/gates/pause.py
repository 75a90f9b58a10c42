"""Gate: did somebody say that nothing is to be done for a while?"""

from __future__ import annotations

from datetime import timedelta

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.plan import ActionName


def pause(proposal: Proposal, at: Situation) -> Verdict:
    """Hold while a pause stands for the object's namespace, by the API server's clock as far as that is known.

    No override lifts it: somebody else relies on it, and whoever knows better resumes. At the act, pauses that cannot
    be read hold as well: the one that is not seen can be the one that counts. A controller's restart is felt in every
    namespace, so that a pause of any holds it.
    """
    now = at.now - timedelta(seconds=at.skew or 0.0)
    everywhere = proposal.plan.action is ActionName.RESTART_CONTROLLER
    standing = at.pauses.standing(now, None if everywhere else proposal.plan.target.namespace)
    if standing:
        said = "; ".join(each.said for each in standing)
        return Verdict(GateName.PAUSE, Ruling.HELD, f"{said}; `remediator resume` ends it")
    if at.pauses.unknown:
        ruling = Ruling.LATER if at.evidence is None else Ruling.HELD
        return Verdict(GateName.PAUSE, ruling, f"whether somebody paused it is not known: {at.pauses.unknown}")
    return Verdict(GateName.PAUSE, Ruling.ALLOWED, "nobody paused it")
