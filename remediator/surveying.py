"""Look at the cluster as a whole, and say what is wrong with it: once for all resources. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from remediator.diagnosis.cluster import diagnose_cluster
from remediator.gates import incident
from remediator.model.cluster import ClusterFinding
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.decision import Population
from remediator.model.limits import Mode
from remediator.model.namespace import Namespace
from remediator.policy import Policy
from remediator.ports import Means


class Surveyor:
    """Puts together what is known of the cluster at one moment."""

    def __init__(self, means: Means, policy: Policy) -> None:
        self._means = means
        self._policy = policy

    def survey(
        self, facts: ClusterFacts, known: Mapping[str, Namespace], population: Population | None
    ) -> tuple[tuple[ClusterFinding, ...], tuple[str, ...]]:
        """Name what is wrong with the cluster, and say in sentences what could not be looked at for that.

        `facts` is all but what is asked here; `known` are the namespaces that could be read. `population` None: one
        resource alone was looked at.
        """
        guarded, why = self._approvals() if population else (True, "")
        facts = replace(
            facts,
            namespaces={name: each for name, each in known.items() if name in facts.spaces},
            incident=incident(population, self._policy.limits) if population else "",
            unguarded=why if guarded is False else "",
        )
        controller = facts.controller
        flags = f"the controller's flags: {controller.unsure}" if controller.unsure else ""
        doubts = (flags, facts.definitions.unknown, _hidden(facts), why if guarded is None else "")
        return diagnose_cluster(facts), tuple(filter(None, doubts))

    def _approvals(self) -> tuple[bool | None, str]:
        """Ask whether approvals are held to their rules, where the policy lets anybody's approval count."""
        if self._policy.mode is Mode.DRY_RUN:
            return True, ""
        return self._means.episodes.approvals_guarded()


def _hidden(facts: ClusterFacts) -> str:
    """Say of which namespaces with something in deletion nothing is known."""
    deleting = {each.seen.resource.metadata.namespace for each in facts.results if each.seen.resource.deleting}
    hidden = ", ".join(sorted(deleting - facts.namespaces.keys()))
    return f"whether these namespaces are being deleted cannot be read: {hidden}" if hidden else ""
