"""What is known of the cluster as a whole, for the findings that concern more than one resource."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.definition import Definitions
from remediator.model.heartbeat import Heartbeats
from remediator.model.namespace import Namespace
from remediator.model.scan import Elsewhere, Judged, Well


class ClusterFacts(Struct, frozen=True, kw_only=True):
    """What one pass knows of the cluster: the controller, what is being deleted, and what was found in it.

    `results`, `well` and `elsewhere` are a scan's, and `heartbeats` those of all of them. `namespaces` are those
    that are known, by name. `incident` says why so many are unwell that it is one, by the breaker's measure; empty
    where they are not. `unguarded` says that the API server takes forged approvals, where anybody's are read; empty
    where it does not, or that is not known.
    """

    controller: ControllerFacts
    results: tuple[Judged, ...] = ()
    well: Mapping[Well, int] = {}
    elsewhere: Elsewhere = Elsewhere()
    heartbeats: Heartbeats = Heartbeats()
    definitions: Definitions = Definitions()
    namespaces: Mapping[str, Namespace] = {}
    incident: str = ""
    unguarded: str = ""

    @property
    def total(self) -> int:
        """Count all resources that were seen."""
        return len(self.results) + sum(self.well.values())

    @property
    def spaces(self) -> frozenset[str]:
        """Name the namespaces that have any."""
        return frozenset(
            {each.seen.resource.metadata.namespace for each in self.results} | {each.namespace for each in self.well}
        )
