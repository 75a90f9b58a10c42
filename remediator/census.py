"""Take a list in, object by object: count what is plainly well, and keep only what deserves a closer look.

A cluster has a hundred healthy objects for each that is not. What is asked of them all at the end are sums: how many
there are, when the controller looked at any, which function each is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable

from remediator.model.claims import Claims
from remediator.model.decision import Population
from remediator.model.finding import State
from remediator.model.heartbeat import Heartbeats, Pulse
from remediator.model.record import Record
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Elsewhere, Well
from remediator.model.shard import WHOLE, Shard

# Whether an object deserves a closer look.
Worth = Callable[[Resource], bool]


class Census:
    """What a list comes to for one shard. `partial` says in sentences what could not be seen.

    `unwell` are the uids of what other shards noted to be so. What is theirs counts where all resources together tell
    something, and nowhere else: it is not kept, and so neither probed nor recorded nor acted on.
    """

    def __init__(self, shard: Shard = WHOLE, unwell: Container[str] = ()) -> None:
        self.kept: list[Resource] = []
        self.partial: list[str] = []
        self._well: Counter[Well] = Counter()
        self._pulse = Pulse()
        self._claims = Claims()
        self._shard = shard
        self._unwell = unwell
        self._theirs = self._their_functions = self._their_unwell = 0

    def take(self, listed: Iterable[Resource | str], worth: Worth) -> None:
        """Take in a list; raises what reading it raises."""
        for each in listed:
            if isinstance(each, str):
                self.partial.append(each)
                continue
            self._pulse.take(each)
            self._claims.take(each)
            if not self._shard.owns(each.metadata.uid):
                self._leave(each)
            elif worth(each):
                self.kept.append(each)
            else:
                self._well[Well(each.kind, each.metadata.namespace)] += 1

    def _leave(self, theirs: Resource) -> None:
        self._theirs += 1
        if theirs.is_function:
            self._their_functions += 1
            self._their_unwell += theirs.metadata.uid in self._unwell

    @property
    def elsewhere(self) -> Elsewhere:
        """Count what is another shard's."""
        return Elsewhere(self._theirs, Population(self._their_functions, self._their_unwell))

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


def noted_by_others(shard: Shard, records: Iterable[Record]) -> tuple[Record, ...]:
    """Choose what other shards noted to be unwell at their last look."""
    if shard.whole:
        return ()
    return tuple(each for each in records if _is_unwell(each) and not shard.owns(each.ref.uid))


def _is_unwell(record: Record) -> bool:
    episode = record.episode
    return episode is not None and episode.resolved_at is None and not episode.clean and episode.finding is not None


def stuck(records: Iterable[Record]) -> frozenset[str]:
    """Name the uids of those that the breaker counts."""
    found = ((each.ref.uid, each.episode.finding) for each in records if each.episode is not None)
    return frozenset(uid for uid, finding in found if finding and finding.state in (State.STUCK, State.UNKNOWN))
