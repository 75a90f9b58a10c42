"""Gate: is it proven that the function is gone?"""

from __future__ import annotations

from itertools import pairwise

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.plan import ActionName

# AWS is eventually consistent, and a wrong route or account can answer NotFound once.
SECONDS_BETWEEN_PROOFS = 60.0


def proofs(proposal: Proposal, at: Situation) -> Verdict:
    """Hold until AWS has said *gone* often enough, by ARN and name, with the identity verified, 60 s apart.

    One answer that says anything else spoils all of them.
    """
    needed, action = proposal.plan.proofs, proposal.plan.action
    if needed == 0:
        return Verdict(GateName.PROOFS, Ruling.ALLOWED, f"none needed: {_why_none(action)}")
    if at.evidence is None:
        reason = f"{needed} are taken right before the act, {SECONDS_BETWEEN_PROOFS:.0f} s apart"
        return Verdict(GateName.PROOFS, Ruling.LATER, reason)
    taken = at.evidence.proofs
    doubtful = next((each.live for each in taken if not each.live.proven_gone), None)
    if doubtful is not None:
        reason = f"AWS does not say gone beyond doubt: {doubtful.why or doubtful.kind_of_state}"
        return Verdict(GateName.PROOFS, Ruling.HELD, reason)
    if len(taken) < needed:
        return Verdict(GateName.PROOFS, Ruling.HELD, f"{len(taken)} of {needed} proofs")
    gap = min(later.taken - earlier.taken for earlier, later in pairwise(taken))
    if gap < SECONDS_BETWEEN_PROOFS:
        return Verdict(GateName.PROOFS, Ruling.HELD, f"the proofs are only {gap:.0f} s apart")
    return Verdict(GateName.PROOFS, Ruling.ALLOWED, f"proven gone {len(taken)} times, {gap:.0f} s apart")


def _why_none(action: ActionName) -> str:
    if action is ActionName.RESTART_CONTROLLER:
        return f"{action} lets go of nothing in AWS"
    return f"{action} is for a function that is there" if action.destructive else "the action is undone within seconds"
