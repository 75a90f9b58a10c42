"""Gate: is this one stuck resource, or an incident?"""

from __future__ import annotations

from remediator.model.decision import GateName, Population, Proposal, Ruling, Situation, Verdict
from remediator.model.limits import Limits
from remediator.model.plan import ActionName
from remediator.model.times import format_time


def breaker(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when so many are unwell at once that the cause lies elsewhere: credentials, a region, a CRD, a controller.

    It stays open for a while after the last time: while an incident ends, numbers go up and down. A controller that
    hangs makes everything unwell at once, and is what RestartController is for: that is one act for all of them, and
    its own needs ask whether most of what is unwell has that cause.
    """
    if proposal.plan.action is ActionName.RESTART_CONTROLLER:
        return Verdict(GateName.BREAKER, Ruling.ALLOWED, "holds what is done one by one; this is one act for all")
    if at.population is None:
        return Verdict(GateName.BREAKER, Ruling.LATER, "is counted in a scan; this is one resource alone")
    said = f"{at.population.unwell} of {at.population.total} resources are stuck or unreadable"
    why = incident(at.population, at.limits)
    if why:
        return Verdict(GateName.BREAKER, Ruling.HELD, f"{said}; {why}")
    if at.breaker_opened_at is not None and at.now < at.breaker_opened_at + at.limits.breaker_cool_down:
        closes = format_time(at.breaker_opened_at + at.limits.breaker_cool_down)
        reason = f"{said}; it was an incident at {format_time(at.breaker_opened_at)}, so nothing is done until {closes}"
        return Verdict(GateName.BREAKER, Ruling.HELD, reason)
    return Verdict(GateName.BREAKER, Ruling.ALLOWED, said)


def incident(population: Population, limits: Limits) -> str:
    """Say why so many are an incident; empty where they are not.

    Percentages are compared exactly, without rounding, and only from a population on where they mean something.
    """
    total, unwell = population.total, population.unwell
    if unwell > limits.breaker_objects:
        return f"more than {limits.breaker_objects} is an incident"
    if total >= limits.breaker_min_population and unwell * 100 > limits.breaker_percent * total:
        return f"more than {limits.breaker_percent} % is an incident"
    return ""
