"""Gate: is this one stuck resource, or an incident?"""

from __future__ import annotations

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict


def breaker(proposal: Proposal, at: Situation) -> Verdict:
    """Hold when so many are unwell at once that the cause lies elsewhere: credentials, a region, a CRD, a controller.

    Percentages are compared exactly, without rounding, and only from a population on where they mean something.
    """
    if at.population is None:
        return Verdict(GateName.BREAKER, Ruling.LATER, "is counted in a scan; this is one resource alone")
    total, unwell = at.population.total, at.population.unwell
    said = f"{unwell} of {total} resources are stuck or unreadable"
    if unwell > at.breaker_objects:
        return Verdict(GateName.BREAKER, Ruling.HELD, f"{said}; more than {at.breaker_objects} is an incident")
    if total >= at.breaker_min_population and unwell * 100 > at.breaker_percent * total:
        return Verdict(GateName.BREAKER, Ruling.HELD, f"{said}; more than {at.breaker_percent} % is an incident")
    return Verdict(GateName.BREAKER, Ruling.ALLOWED, said)
