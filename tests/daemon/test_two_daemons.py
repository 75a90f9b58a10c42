"""Two daemons over one cluster whose API server one or the other does not reach now and then: never two at work.

The time is simulated, and while one of them sleeps in a pass the other goes on: each does so in the middle of the
other's waiting.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from remediator.errors import Unreachable
from remediator.kubernetes.action_lock import KubernetesActionLock
from remediator.kubernetes.lease import Lock
from remediator.model.lease import Found, Record
from remediator.model.plan import Result
from remediator.model.resource import Ref, Resource
from remediator.ports import Cluster, Hold
from tests.builders import BUSY, Json, function
from tests.daemon.simulated import Kept, Simulation, Time, Town
from tests.kubernetes.contenders import MemoryLease

pytestmark = pytest.mark.deep

_HOUR = 3600.0
_WRITE_TAKES = 4.0  # seconds; less than a request may
_POLICY = "mode: auto\nsightings: 1\nbudgets: {perDay: 1000}\nschedule: {interval: 1m, jitter: 5s}\n"


class Link:
    """One daemon's way to the API server."""

    def __init__(self) -> None:
        self.cut = False
        self.refused = 0

    def reach(self) -> None:
        if self.cut:
            self.refused += 1
            raise Unreachable("no answer")


class _Lease:
    """A Lease at the other end of a link."""

    def __init__(self, link: Link, lease: MemoryLease) -> None:
        self._link, self._lease = link, lease

    def __str__(self) -> str:
        return str(self._lease)

    def read(self) -> Found | None:
        self._link.reach()
        return self._lease.read()

    def create(self, record: Record) -> Found:
        self._link.reach()
        return self._lease.create(record)

    def replace(self, found: Found, record: Record) -> Found:
        self._link.reach()
        return self._lease.replace(found, record)


class _Cluster:
    """A town at the other end of a link, on which a write is under way for a while, and the world goes on."""

    def __init__(self, pair: Pair, name: str) -> None:
        self._pair, self._name = pair, name

    def patch(self, ref: Ref, patch: Any) -> Resource:
        self._pair.links[self._name].reach()
        self._pair.time.sleep(_WRITE_TAKES)
        if any(each["op"] == "add" and each["path"] == "/spec/publish" for each in patch):
            self._pair.nobody_beside(self._name)  # what takes our own mark back may come at any time
        return self._pair.town.patch(ref, patch)

    def __getattr__(self, name: str) -> Any:
        self._pair.links[self._name].reach()
        return getattr(self._pair.town, name)


class Pair:
    """Two daemons, and who of them led and held the action lock when."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, *objects: Json) -> None:
        self.time = Time()
        self.town = Town(self.time, *objects)
        self.links = {name: Link() for name in ("one", "two")}
        self.acted: set[str] = set()
        leader, action, episodes = MemoryLease(), MemoryLease(), Kept()
        self.locks = {name: Lock(_Lease(link, action), self.time, name) for name, link in self.links.items()}
        self.daemons = {
            name: Simulation(
                folder,
                patch,
                *objects,
                policy=_POLICY,
                lease=_Lease(link, leader),
                time=self.time,
                town=self.town,
                cluster=cast("Cluster", _Cluster(self, name)),
                lock=_Watched(self, name),
                episodes=episodes,
                name=name,
            )
            for name, link in self.links.items()
        }
        self._busy: set[str] = set()
        self.led: set[str] = set()
        self.time.follow(self._go_on)

    def passes(self, seconds: float) -> None:
        until = self.time.elapsed + seconds
        while self.time.elapsed < until:
            self.time.step(until)

    def nobody_beside(self, name: str) -> None:
        """Fail where anybody but this one may act now."""
        others = [each for each, lock in self.locks.items() if each != name and lock.valid()]
        assert not others, f"{others} beside {name} at {self.time.elapsed}"

    def _go_on(self) -> float:
        """Let each work off what it was asked for, unless it is at that already; look who leads."""
        leading = [name for name, each in self.daemons.items() if each.lease.valid()]
        assert len(leading) < 2, f"two lead at {self.time.elapsed}"
        self.led.update(leading)
        for name, each in self.daemons.items():
            if name not in self._busy:
                self._busy.add(name)
                each.daemon.work_off()
                self._busy.remove(name)
        return _HOUR


class _Watched:
    """An action lock, and whether two may act at once."""

    def __init__(self, pair: Pair, name: str) -> None:
        self._pair, self._name = pair, name
        self._lock = KubernetesActionLock(pair.locks[name])

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Hold]:
        with self._lock.held(say) as hold:
            self._pair.nobody_beside(self._name)
            self._pair.acted.add(self._name)
            yield hold


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_cut_off_when_never_two_are_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"function-{number}" for number in range(24)]
    pair = Pair(tmp_path, monkeypatch, *(function(name) for name in names))
    for number, name in enumerate(names):
        pair.time.at(number * 600.0 + 60, lambda name=name: pair.town.says(name, False, BUSY))  # type: ignore[misc]
    moment = 0.0
    while moment < 5 * _HOUR:
        moment += chance.uniform(20, 400)
        link = pair.links[chance.choice(("one", "two"))]
        pair.time.at(moment, lambda link=link: setattr(link, "cut", True))  # type: ignore[misc]
        pair.time.at(moment + chance.uniform(1, 90), lambda link=link: setattr(link, "cut", False))  # type: ignore[misc]
    with capture_logs() as logs:
        pair.passes(6 * _HOUR)
    # A daemon survives whatever is raised in a pass of it, what is asserted there included.
    odd = [each for each in logs if each["event"] == "a pass failed, and should not have"]
    assert not odd, odd
    assert (pair.led, pair.acted) == ({"one", "two"}, {"one", "two"}), "both had their turn"
    assert all(link.refused for link in pair.links.values())
    resynced = [name for _, name in pair.town.resynced]
    assert sorted(set(resynced)) == sorted(names), "everything is done in the end"
    told = [each for daemon in pair.daemons.values() for each in daemon.told.outcomes]
    done = [each.target.name for each in told if each.result is Result.RESOLVED]
    assert len(done) >= len(names) - 4, "some of it unseen"
    assert len(resynced) == len(names), "and nothing twice"
