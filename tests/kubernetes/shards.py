"""Shards that want to lead, on clocks that disagree and ways that lose: a Lease each, and one look at all of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from remediator.errors import Unreachable
from remediator.kubernetes.leading import LEADER_LEASES, LeaderLock, leader_lease
from remediator.kubernetes.lease import Lock
from remediator.model.lease import Found
from remediator.model.shard import Shard
from tests.kubernetes.contenders import TERMS, MemoryLease, SkewedClock, Way, World


class Namespace:
    """The leader Leases of one namespace."""

    def __init__(self) -> None:
        self.leases = {name: MemoryLease() for name in LEADER_LEASES}

    def read(self) -> Mapping[str, Found]:
        return {name: each.stored for name, each in self.leases.items() if each.stored is not None}


class Workplace(World):
    """A world in which shards of one number may work side by side, and no others."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Worker] = []

    def look(self) -> None:
        """Fail where two numbers are at work, or a shard is twice."""
        working = [each for each in self.workers if each.lock.valid()]
        names = tuple(each.name for each in working)
        self.timeline.append((self.time, names))
        assert len({each.shard.count for each in working}) <= 1, f"{names} at {self.time:g}"
        assert len({each.shard for each in working}) == len(working), f"{names} at {self.time:g}"


class Road(Way):
    """A worker's way to its Lease, and to all of them."""

    def __init__(self, world: World, namespace: Namespace, shard: Shard) -> None:
        super().__init__(world, namespace.leases[leader_lease(shard)])
        self.namespace = namespace

    def all(self) -> Mapping[str, Found]:
        return self._carry(self.namespace.read)


class _All:
    def __init__(self, road: Road) -> None:
        self._road = road

    def read(self) -> Mapping[str, Found]:
        return self._road.all()


class Worker:
    """A process that wants to work as a shard."""

    def __init__(
        self, world: Workplace, name: str, namespace: Namespace, shard: Shard, clock: SkewedClock | None = None
    ) -> None:
        self.world = world
        self.name = f"{name}:{shard}"
        self.shard = shard
        self.clock = clock or SkewedClock(world)
        self.way = Road(world, namespace, shard)
        own = Lock(self.way, self.clock, shard.signed(self.name), TERMS)
        self.lock = LeaderLock(own, _All(self.way), shard, self.clock, TERMS)
        world.workers.append(self)

    def dies(self) -> None:
        self.world.workers.remove(self)

    def campaigns(self) -> bool:
        with suppress(Unreachable):
            self.lock.campaign()
        self.world.look()
        return self.lock.valid()

    def releases(self) -> None:
        self.lock.release()
        self.world.look()
