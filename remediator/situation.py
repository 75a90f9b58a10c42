"""What gates look at beside a proposal, put together from the policy, the history and the run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from remediator.model.decision import Overrides, Population, Situation, Standing
from remediator.model.definition import Definitions
from remediator.model.observation import Observation
from remediator.model.pause import Pauses
from remediator.policy import Policy

_NONE = Overrides()
_NOT_ASKED = Definitions(unknown="nobody asked")
_UNREAD = Pauses(unknown="nobody asked")


def situation(
    policy: Policy,
    now: datetime,
    population: Population | None,
    *,
    acted: int = 0,
    approved: frozenset[str] = frozenset(),
    overrides: Overrides = _NONE,
    places: Sequence[str] = (),
    definitions: Definitions = _NOT_ASKED,
    pauses: Pauses = _UNREAD,
) -> Situation:
    """Say to the gates what the policy allows, what this run did, and what a person approved."""
    return Situation(
        now=now,
        population=population,
        ceilings=policy.ceilings,
        limits=policy.limits,
        selection=policy.selection,
        windows=policy.windows,
        guarded_by=policy.guards(places),
        acted_in_run=acted,
        approved=approved,
        overrides=overrides,
        definitions=definitions,
        pauses=pauses,
    )


def about(at: Situation, seen: Observation, standing: Standing) -> Situation:
    """Add what is known of one resource, and of what was done to all."""
    return msgspec.structs.replace(
        at,
        history=seen.history,
        controller=seen.controller,
        placement=seen.placement,
        acted_today=standing.acted_today,
        under_way_in_namespace=standing.under_way.get(seen.resource.metadata.namespace, 0),
        breaker_opened_at=standing.breaker_opened_at,
    )
