"""Keep up with the Functions of a cluster: list them, then watch what happens, as client-go's informers do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Protocol

from remediator.sandbox.ack.cluster import CLUSTER_ERRORS, Cluster
from remediator.sandbox.ack.resource import Resource

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.1  # real ones, whatever the clock's speed: a server that is away comes back in its own time


class Listener(Protocol):
    """Who wants to know."""

    def listed(self, resources: Iterable[Resource]) -> None: ...
    def changed(self, resource: Resource) -> None: ...
    def deleted(self, resource: Resource) -> None: ...


class Informer:
    """Tell a listener of every Function and of whatever happens to it."""

    def __init__(self, cluster: Cluster, listener: Listener, halted: threading.Event) -> None:
        self._cluster = cluster
        self._listener = listener
        self._halted = halted

    def run(self) -> None:
        """Follow until halted. A server that was away, or has forgotten our place (410), is listed anew."""
        while not self._halted.is_set():
            try:
                self._follow()
            except CLUSTER_ERRORS as error:
                _log.debug("following Functions failed: %s", error)
                self._halted.wait(_PAUSE_SECONDS)

    def _follow(self) -> None:
        resources, version = self._cluster.functions()
        self._listener.listed(resources)
        while True:
            # The server ends a watch after a while; the next one goes on from where it was.
            for kind, resource in self._cluster.watch(version):
                version = resource["metadata"]["resourceVersion"]
                if kind == "DELETED":
                    self._listener.deleted(resource)
                elif kind != "BOOKMARK":
                    self._listener.changed(resource)
