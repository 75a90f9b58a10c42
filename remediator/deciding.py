"""Ask what gates look at of policy, cluster and records, and let them decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from remediator.errors import Changed, NotFound
from remediator.gates import decide
from remediator.model.decision import Decision, Population, Rehearsal, Rehearsed, Situation, Standing
from remediator.model.finding import Finding
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import Plan
from remediator.policy import Policy
from remediator.ports import Means
from remediator.situation import about, situation


class Decider:
    """Puts situations together, and decides in them."""

    def __init__(self, means: Means, policy: Policy, places: Sequence[str] = ()) -> None:
        self._means = means
        self._policy = policy
        self._places = tuple(places)

    def situation(self, population: Population | None, **more: Any) -> Situation:
        """Say what holds for all resources alike."""
        return situation(self._policy, self._means.clock.now(), population, places=self._places, **more)

    def about(
        self, at: Situation, seen: Observation, standing: Standing, annotations: Mapping[str, str] | None
    ) -> Situation:
        """Add what holds for one; `annotations` are its namespace's, None where they cannot be read."""
        skew = self._means.cluster.skew()
        return msgspec.structs.replace(about(at, seen, standing), namespace_annotations=annotations, skew=skew)

    def propose(self, finding: Finding, plan: Plan | None, at: Situation, *, rehearse: bool) -> Decision:
        """Decide; where nothing but a person is missing, and it is wanted, with a dry run of the first write."""
        decision = decide(finding, plan, at)
        if plan is None or not rehearse or not decision.awaits_person:
            return decision
        at = self._permitted(plan, at)
        try:
            return decide(finding, plan, self._rehearsed(plan, at))
        except (Changed, NotFound) as error:
            said = mask(error.message, plan.secrets)
            tried = Rehearsal(Rehearsed.NOT_VERIFIED, f"the object moved while we looked: {said}")
            return decide(finding, plan, msgspec.structs.replace(at, rehearsal=tried))

    def decide(self, finding: Finding, plan: Plan, at: Situation) -> tuple[Decision, Situation]:
        """Decide right before the act, and where nothing else holds it back, with a dry run of the first write.

        Raises Changed or NotFound where the object moved.
        """
        at = msgspec.structs.replace(at, now=self._means.clock.now())
        decision = decide(finding, plan, at)
        if decision.held:
            return decision, at
        at = msgspec.structs.replace(self._rehearsed(plan, self._permitted(plan, at)), now=self._means.clock.now())
        return decide(finding, plan, at), at

    def _permitted(self, plan: Plan, at: Situation) -> Situation:
        permitted, why = self._means.cluster.permitted(plan.target)
        return msgspec.structs.replace(at, permitted=permitted, permitted_why=why)

    def _rehearsed(self, plan: Plan, at: Situation) -> Situation:
        """Where we may, ask whether the first write would be taken. What cannot be tried is told, no error."""
        if at.permitted is False:
            tried = Rehearsal(Rehearsed.NOT_VERIFIED, at.permitted_why)
        else:
            tried = self._means.cluster.rehearse(plan.resource, plan.steps[0].patch)
        return msgspec.structs.replace(at, rehearsal=tried)
