"""What is known of the cluster as a whole, for the findings that concern more than one resource."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.definition import Definitions
from remediator.model.namespace import Namespace
from remediator.model.scan import Judged


class ClusterFacts(Struct, frozen=True, kw_only=True):
    """What one pass knows of the cluster: the controller, what is being deleted, and what was found in it.

    `namespaces` are those that are known, by name. `incident` says why so many are unwell that it is one, by the
    breaker's measure; empty where they are not. `unguarded` says that the API server takes forged approvals, where
    anybody's are read; empty where it does not, or that is not known.
    """

    controller: ControllerFacts
    results: tuple[Judged, ...] = ()
    definitions: Definitions = Definitions()
    namespaces: Mapping[str, Namespace] = {}
    incident: str = ""
    unguarded: str = ""
