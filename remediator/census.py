"""Take a list in, object by object: count what is plainly well, and keep only what deserves a closer look.

A cluster has a hundred healthy objects for each that is not. What is asked of them all at the end are sums: how many
there are, when the controller looked at any, which function each is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from remediator.model.claims import Claims
from remediator.model.heartbeat import Heartbeats, Pulse
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Well

# Whether an object deserves a closer look.
Worth = Callable[[Resource], bool]


class Census:
    """What a list comes to. `partial` says in sentences what could not be seen."""

    def __init__(self) -> None:
        self.kept: list[Resource] = []
        self.partial: list[str] = []
        self._well: Counter[Well] = Counter()
        self._pulse = Pulse()
        self._claims = Claims()

    def take(self, listed: Iterable[Resource | str], worth: Worth) -> None:
        """Take in a list; raises what reading it raises."""
        for each in listed:
            if isinstance(each, str):
                self.partial.append(each)
                continue
            self._pulse.take(each)
            self._claims.take(each)
            if worth(each):
                self.kept.append(each)
            else:
                self._well[Well(each.kind, each.metadata.namespace)] += 1

    @property
    def well(self) -> dict[Well, int]:
        """Count what was not kept."""
        return dict(self._well)

    @property
    def heartbeats(self) -> Heartbeats:
        return self._pulse.felt()

    def claims(self, resources: Iterable[Resource]) -> Callable[[Resource], tuple[Ref, ...]]:
        """Make the way to find the others that are for the function of one of these."""
        return self._claims.of(resources)
