"""Counters for who has nobody to tell."""

from __future__ import annotations

from remediator.model.decision import Standing
from remediator.model.episode import Episode
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import Outcome
from remediator.model.scan import Scan
from remediator.policy import Policy


class Uncounted:
    """The Counters port, for nobody."""

    def kubernetes(self, verb: str, code: str) -> None: ...

    def aws(self, operation: str, code: str) -> None: ...

    def scanned(self, scan: Scan, standing: Standing, policy: Policy, *, seconds: float) -> None: ...

    def failed(self) -> None: ...

    def acted(self, outcome: Outcome, mode: Mode) -> None: ...

    def resolved(self, episode: Episode) -> None: ...

    def told(self, came_of_it: Delivery) -> None: ...
