"""Look at the cluster as a whole, and say what is wrong with it: once for all resources. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from remediator.diagnosis.cluster import diagnose_cluster
from remediator.gates import incident
from remediator.model.cluster import ClusterFinding
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Population
from remediator.model.definition import Definitions
from remediator.model.limits import Mode
from remediator.model.namespace import Namespace
from remediator.model.scan import Judged
from remediator.policy import Policy
from remediator.ports import Means


class Surveyor:
    """Puts together what is known of the cluster at one moment."""

    def __init__(self, means: Means, policy: Policy) -> None:
        self._means = means
        self._policy = policy

    def survey(
        self,
        results: Sequence[Judged],
        controller: ControllerFacts,
        definitions: Definitions,
        population: Population | None,
    ) -> tuple[tuple[ClusterFinding, ...], tuple[str, ...]]:
        """Name what is wrong with the cluster, and say in sentences what could not be looked at for that.

        `population` None: one resource alone was looked at.
        """
        namespaces, unknown = _namespaces(results)
        guarded, why = self._approvals() if population else (True, "")
        facts = ClusterFacts(
            controller=controller,
            results=tuple(results),
            definitions=definitions,
            namespaces=namespaces,
            incident=incident(population, self._policy.limits) if population else "",
            unguarded=why if guarded is False else "",
        )
        flags = f"the controller's flags: {controller.unsure}" if controller.unsure else ""
        doubts = (flags, definitions.unknown, unknown, why if guarded is None else "")
        return diagnose_cluster(facts), tuple(filter(None, doubts))

    def _approvals(self) -> tuple[bool | None, str]:
        """Ask whether approvals are held to their rules, where the policy lets anybody's approval count."""
        if self._policy.mode is Mode.DRY_RUN:
            return True, ""
        return self._means.episodes.approvals_guarded()


def _namespaces(results: Iterable[Judged]) -> tuple[Mapping[str, Namespace], str]:
    """Gather what is known of the namespaces; say of which with something in deletion nothing is."""
    known = {each.seen.namespace.name: each.seen.namespace for each in results if each.seen.namespace is not None}
    deleting = {each.seen.resource.metadata.namespace for each in results if each.seen.resource.deleting}
    hidden = ", ".join(sorted(deleting - known.keys()))
    return known, f"whether these namespaces are being deleted cannot be read: {hidden}" if hidden else ""
