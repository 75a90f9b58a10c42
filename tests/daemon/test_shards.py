"""Daemons that share a cluster, while it is decided anew how many they are: each resource is one's, and never two's.

The time is simulated, and while one of them sleeps in a pass the others go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from remediator.kubernetes.action_lock import KubernetesActionLock
from remediator.kubernetes.lease import Lock
from remediator.model.plan import Result
from remediator.model.scan import Scan
from remediator.model.shard import Shard
from tests.builders import BUSY, function
from tests.daemon.simulated import Kept, Simulation, Time, Town
from tests.kubernetes.contenders import MemoryLease
from tests.kubernetes.shards import Namespace

_POLICY = "mode: auto\nsightings: 1\nbudgets: {perDay: 1000}\nschedule: {interval: 1m, jitter: 5s}\n"
_HOUR = 3600.0


class Crew:
    """Daemons over one town: who of them is there, who works, and who looked after what."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, names: list[str]) -> None:
        self.time, self.leases = Time(), Namespace()
        self.objects = [function(name) for name in names]
        self.town = Town(self.time, *self.objects)
        self.action, self.episodes = MemoryLease(), Kept()
        self.there: dict[str, Simulation] = {}
        self.all: list[Simulation] = []
        self.counts: list[int] = []
        self.looked: dict[str, list[tuple[float, Scan]]] = {}
        self._folder, self._patch = folder, patch
        self._busy: set[str] = set()
        self.time.follow(self._go_on)

    def come(self, count: int, name: str) -> None:
        """Start as many daemons as there are to be shards."""
        for index in range(count):
            self._start(f"{name}-{index}", Shard(index, count))

    def _start(self, name: str, shard: Shard) -> None:
        one = Simulation(
            self._folder,
            self._patch,
            *self.objects,
            policy=_POLICY,
            time=self.time,
            town=self.town,
            lock=KubernetesActionLock(Lock(self.action, self.time, name)),
            episodes=self.episodes,
            name=name,
            shard=shard,
            leases=self.leases,
        )
        one.told.scans.append(lambda scan: self.looked.setdefault(name, []).append((self.time.elapsed, scan)))
        self.there[name] = one
        self.all.append(one)

    def go(self, name: str, *, killed: bool = False) -> None:
        """Let one end, between two passes; who is killed lets go of nothing."""
        gone = self.there.pop(name)
        self.time.leave(gone.scheduler.step)
        if not killed:
            gone.daemon._leadership.resign()

    def passes(self, seconds: float) -> None:
        until = self.time.elapsed + seconds
        while self.time.elapsed < until:
            self.time.step(until)

    def _go_on(self) -> float:
        """Let each work off what it was asked for; look that none of another number works."""
        counts = {each.shard.count for each in self.there.values() if each.lease.valid()}
        assert len(counts) < 2, f"{counts} at {self.time.elapsed}"
        self.counts += [each for each in counts if self.counts[-1:] != [each]]
        for name, each in list(self.there.items()):
            with self._alone(name) as free:
                if free:
                    each.daemon.work_off()
        return _HOUR

    @contextmanager
    def _alone(self, name: str) -> Iterator[bool]:
        free = name not in self._busy
        self._busy.add(name)
        yield free
        if free:
            self._busy.remove(name)


def test_while_they_become_more_and_fewer_each_resource_is_looked_after_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"function-{number}" for number in range(24)]
    crew = Crew(tmp_path, monkeypatch, names)
    for number, name in enumerate(names):
        crew.time.at(number * 300.0 + 60, lambda name=name: crew.town.says(name, False, BUSY))  # type: ignore[misc]
    with capture_logs() as logs:
        crew.come(2, "old")
        crew.passes(1800)
        crew.come(4, "new")  # a rollout: the new ones first,
        crew.passes(300)
        assert crew.counts == [2], "who is at work goes on"
        crew.go("old-1")
        crew.passes(300)
        assert crew.counts == [2], "as long as one of them is there"
        crew.go("old-0")
        crew.passes(1800)
        assert crew.counts == [2, 4]
        for index in range(4):
            crew.go(f"new-{index}", killed=index == 2)
        crew.come(1, "single")
        crew.passes(25)
        assert crew.counts == [2, 4], "who was killed may still be at it, as far as anybody knows"
        crew.passes(2 * _HOUR)
    assert crew.counts == [2, 4, 1]
    odd = [each for each in logs if each["event"] == "a pass failed, and should not have"]
    assert not odd, odd
    resynced = [name for _, name in crew.town.resynced]
    assert sorted(resynced) == sorted(names), "all is done in the end, and nothing twice"
    outcomes = [each for one in crew.all for each in one.told.outcomes]
    assert Counter(each.target.name for each in outcomes if each.result is Result.RESOLVED) == Counter(names)
    for name, looks in crew.looked.items():
        shard = next(each.shard for each in crew.all if each.file.stem == name)
        seen = {judged.seen.resource.metadata.uid for _, scan in looks for judged in scan.results}
        assert all(shard.owns(uid) for uid in seen)
