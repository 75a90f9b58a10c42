"""AWS, for a process that may have nothing to ask of it: its libraries take a tenth of a second to load."""

from __future__ import annotations

import threading
from collections.abc import Callable

from remediator.model.live import LiveState
from remediator.model.placement import Placement
from remediator.model.resource import Resource
from remediator.ports import Cloud


class CloudAtFirstUse:
    """The Cloud port, made by whoever asks first. What is wrong with our own login is raised then."""

    def __init__(self, make: Callable[[], Cloud]) -> None:
        self._make = make
        self._made: Cloud | None = None
        self._making = threading.Lock()  # suspects are asked about side by side

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        with self._making:
            if self._made is None:
                self._made = self._make()
        return self._made.probe(resource, placement)
