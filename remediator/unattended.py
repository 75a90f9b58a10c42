"""What holds for every pass that asks nobody, whether a CronJob makes it or a daemon."""

from __future__ import annotations

from remediator.policy import Mode, Policy
from remediator.ports import Episodes


def acts(policy: Policy) -> bool:
    """Whether a pass may act at all: on what a person approved before, or what the policy lets go by itself."""
    return policy.mode is not Mode.DRY_RUN


def refusal(policy: Policy, episodes: Episodes) -> str:
    """Say why nothing may be done unasked where nobody will remember it; empty where nothing is in the way.

    The next pass, or the next process, would do it again, and count from zero.
    """
    why = episodes.fleeting
    return f"mode: auto is refused: {why}" if why and policy.acts_alone else ""
