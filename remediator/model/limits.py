"""How far the remediator may go, and how often: what the policy says, as the gates read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct

from remediator.model.finding import FindingName
from remediator.model.plan import ActionName


class Mode(StrEnum):
    """How far the remediator may go: show, ask, or act by itself. In this order, the least first."""

    DRY_RUN = "dry-run"
    APPROVE = "approve"
    AUTO = "auto"


_ORDER = list(Mode)


def lowest(*modes: Mode) -> Mode:
    """Return the mode that allows the least."""
    return min(modes, key=_ORDER.index)


ACTION_CEILINGS = {
    ActionName.RESYNC: Mode.AUTO,
    ActionName.RELEASE: Mode.APPROVE,
    ActionName.CLEAR_FINALIZER: Mode.APPROVE,
    # Whoever wants it says so: it stops every work of the controller, and makes it look at everything anew.
    ActionName.RESTART_CONTROLLER: Mode.DRY_RUN,
}


class Restarts(Struct, frozen=True):
    """When a controller may be restarted: so long after its last start, whoever's doing that was, and no sooner.

    `quota_time` is how long it may keep AWS's quota of calls busy with looking at everything anew.
    """

    interval: timedelta = timedelta(minutes=30)
    quota_time: timedelta = timedelta(minutes=10)


class Ceilings(Struct, frozen=True):
    """The mode, and what may lower it for an action or a finding. None of them raises another."""

    mode: Mode = Mode.DRY_RUN
    actions: Mapping[ActionName, Mode] = msgspec.field(default_factory=lambda: dict(ACTION_CEILINGS))
    findings: Mapping[FindingName, Mode] = {}

    def ceiling(self, action: ActionName, finding: FindingName) -> Mode:
        """Return what action and finding allow, whatever the mode; what cannot be undone is never `auto`."""
        highest = Mode.APPROVE if action.destructive else Mode.AUTO
        return lowest(highest, self.actions.get(action, ACTION_CEILINGS[action]), self.findings.get(finding, Mode.AUTO))

    def effective(self, action: ActionName, finding: FindingName) -> Mode:
        """Return how far this action may go for this finding."""
        return lowest(self.mode, self.ceiling(action, finding))


class Limits(Struct, frozen=True):
    """Numbers and spans; the defaults are those of the policy.

    `cool_down` doubles with every attempt. `breaker_cool_down` is how long the breaker stays open after it was last
    found so. `clock_skew` is how far our clock may be from the API server's before nothing destructive is done.
    """

    per_run: int = 5
    per_day: int = 20
    per_namespace: int = 1
    breaker_percent: int = 20
    breaker_min_population: int = 5
    breaker_objects: int = 25
    breaker_cool_down: timedelta = timedelta(minutes=30)
    attempts: int = 3
    cool_down: timedelta = timedelta(hours=1)
    sightings: int = 3
    evidence_max_age: timedelta = timedelta(minutes=5)
    clock_skew: timedelta = timedelta(seconds=5)
