"""Gate: has enough been done?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def budget(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when the run or the day has used up its actions, or one is under way in the namespace.

    A mistake of ours, or of who wrote the policy, then costs a few resources and not the fleet.
    """
    limits, namespace = at.limits, proposal.plan.target.namespace
    spent = (
        (at.acted_in_run, limits.per_run, "actions of this run are used"),
        (at.acted_today, limits.per_day, "actions of 24 h are used"),
        (at.under_way_in_namespace, limits.per_namespace, f"at a time are under way in {namespace}"),
    )
    used_up = [f"{used} of {limit} {what}" for used, limit, what in spent if used >= limit]
    if used_up:
        return Verdict(GateName.BUDGET, Ruling.HELD, ", ".join(used_up))
    return Verdict(
        GateName.BUDGET, Ruling.ALLOWED, ", ".join(f"{used} of {limit} {what}" for used, limit, what in spent)
    )
