"""Which of those that are listed deserve a closer look: told while they are listed, since the others are not kept."""

from __future__ import annotations

from collections.abc import Container

from msgspec.structs import replace

from remediator.actions.leftover import undo_leftover
from remediator.diagnosis import is_suspect
from remediator.model.controller import ControllerFacts
from remediator.model.identities import Identities
from remediator.model.placement import place
from remediator.model.resource import Resource
from remediator.policy import Policy
from remediator.ports import Means


class Triage:
    """The choice for one list. `namespace` is the only one that is listed; None: all are.

    `wanted` are those that a person asked about, by namespace and name. `known` is what says where ACK looks for
    objects; of namespaces that we may not list each is read when it is met.
    """

    def __init__(
        self,
        means: Means,
        policy: Policy,
        namespace: str | None,
        controller: ControllerFacts,
        wanted: Container[tuple[str, str]],
    ) -> None:
        self._cluster = means.cluster
        self._controller = controller
        self._wanted = wanted
        self._now, self._timeouts = means.clock.now(), policy.timeouts
        self._unwell = {each.uid for each in means.episodes.unresolved()}
        self._met: set[str] = set()
        self.known: Identities = means.cluster.identities([namespace] if namespace else None, controller)

    def deserves(self, resource: Resource) -> bool:
        """Tell of what looks unwell, or was so before; of what is being deleted, or bears our mark; and of what ACK
        looks for in another place than where it made it, which shows on nothing that it writes.
        """
        around = self._around(resource)  # of each: who is to be observed has to be placed, too
        return (
            is_suspect(resource, self._now, self._timeouts)
            or resource.deleting
            or resource.metadata.uid in self._unwell
            or bool(undo_leftover(resource))
            or (resource.metadata.namespace, resource.metadata.name) in self._wanted
            or bool(place(resource, around, self._controller).drift)
        )

    def _around(self, resource: Resource) -> Identities:
        name = resource.metadata.namespace
        if self.known.namespaces_unlisted and name not in self._met:
            self._met.add(name)
            found = self._cluster.namespace(name)
            if isinstance(found, str):
                self.known = replace(self.known, namespaces_unread=self.known.namespaces_unread or found)
            else:
                self.known = replace(self.known, namespaces={**self.known.namespaces, name: found})
        return self.known
