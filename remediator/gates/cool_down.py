"""Gate: has the last attempt had time to work?"""

from __future__ import annotations

from datetime import timedelta

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.times import format_time

# 2¹⁰ hours are more than attempts are remembered for, and far from what a timedelta can hold.
_LAST_DOUBLING = 10


def cool_down(proposal: Proposal, at: Situation) -> Verdict:
    """Hold for an hour after an attempt that did not help, and twice as long after each further one.

    Counted per resource and action. The count starts anew with a success (argoproj/argo-cd#21599: a counter that
    outlives it makes the next repair wait its longest).
    """
    attempts = at.history.attempts.get(proposal.plan.action, ())
    if not attempts:
        return Verdict(GateName.COOL_DOWN, Ruling.ALLOWED, f"no {proposal.plan.action} of it in 24 h")
    until = attempts[-1] + wait_after(len(attempts), at.limits.cool_down)
    said = f"attempt {len(attempts)} of {proposal.plan.action} was at {format_time(attempts[-1])}"
    if at.now < until:
        return Verdict(GateName.COOL_DOWN, Ruling.HELD, f"{said}; the next not before {format_time(until)}")
    return Verdict(GateName.COOL_DOWN, Ruling.ALLOWED, said)


def wait_after(attempts: int, first: timedelta) -> timedelta:
    """Return how long to wait after so many attempts."""
    return first * (1 << min(attempts - 1, _LAST_DOUBLING))
