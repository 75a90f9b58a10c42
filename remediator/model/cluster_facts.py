"""What is known of the cluster as a whole, for the findings that concern more than one resource."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.definition import Definitions
from remediator.model.namespace import Namespace
from remediator.model.scan import Judged


class Approvals(Struct, frozen=True):
    """Whether the API server holds people's approvals to their rules; None where that is not known. `why` says more."""

    guarded: bool | None
    why: str


class ClusterFacts(Struct, frozen=True, kw_only=True):
    """What one pass knows of the cluster: the controller, what is being deleted, and what was found in it.

    `namespaces` are those that are known, by name. `incident` says why so many are unwell that it is one, by the
    breaker's measure; empty where they are not. `approvals` is None where nobody's approval counts here anyway.
    """

    controller: ControllerFacts
    results: tuple[Judged, ...] = ()
    definitions: Definitions = Definitions()
    namespaces: Mapping[str, Namespace] = {}
    incident: str = ""
    approvals: Approvals | None = None
