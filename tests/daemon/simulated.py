"""A daemon in time that jumps: APScheduler itself, with a clock of the test's, and a cluster that changes by it.

Nothing runs side by side here: whoever sleeps lets the timetable's jobs be done meanwhile.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler

from remediator.daemon import Daemon, Ground, PolicyFile
from remediator.daemon.leading import Lease
from remediator.episodes import MemoryEpisodes
from remediator.kubernetes.leading import LeaderLock, leader_lease
from remediator.kubernetes.lease import Lock
from remediator.kubernetes.lease_object import LeaseObject
from remediator.model.decision import Standing
from remediator.model.plan import Outcome
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Scan
from remediator.model.shard import WHOLE, Shard
from remediator.news import NoNews
from remediator.policy import Mode, Policy
from remediator.ports import ActionLock, Clock, Cluster, Means
from remediator.telemetry.uncounted import Uncounted
from tests.builders import NOW, active, decoded
from tests.fakes import FakeBackups, FakeCloud, FakeCluster, FakeLock, FakePauses
from tests.kubernetes.contenders import MemoryLease
from tests.kubernetes.shards import Namespace

_HEAD = "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"


class Stepped(BaseScheduler):  # type: ignore[misc]  # it has no types
    """A scheduler without a thread: `step` does what is due, and says how many seconds nothing will be."""

    def wakeup(self) -> None:
        """Do nothing: whoever steps looks at all jobs."""

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)

    def step(self) -> float:
        waits: float | None = self._process_jobs()
        assert waits is not None, "the timetable has no jobs"
        return waits


class Time:
    """The Clock port, and everything that happens by it: what is due is done while somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._steps: list[Callable[[], float]] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def sleep(self, seconds: float, /) -> None:
        until = self.elapsed + seconds
        while self.elapsed < until:
            self.step(until)

    def step(self, until: float) -> None:
        """Let time pass to the next moment at which something is due, and let that happen."""
        self.elapsed = min([until, *self._next()])
        self._happen()

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen so many seconds after NOW."""
        heapq.heappush(self._events, (seconds, next(self._numbers), event))

    def follow(self, step: Callable[[], float]) -> None:
        self._steps.append(step)

    def leave(self, step: Callable[[], float]) -> None:
        self._steps.remove(step)

    def _next(self) -> Iterator[float]:
        """Name the moments at which something is next."""
        yield from (each[0] for each in self._events[:1])
        for step in self._steps:
            # A timer of the operating system is never early, and a float can be.
            yield self.elapsed + max(step(), 1e-6)

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.elapsed:
            heapq.heappop(self._events)[2]()
        for step in self._steps:
            step()


class Kept(MemoryEpisodes):
    """Episodes that outlive the process, as far as anybody is told; `forgets` says why not."""

    forgets = ""
    begun_anew = 0

    def anew(self) -> None:
        self.begun_anew += 1

    @property
    def fleeting(self) -> str:
        return self.forgets


class Town(FakeCluster):
    """Many objects, each decoded once per version, with a controller that looks two seconds after a Resync."""

    def __init__(self, time: Time, *objects: dict[str, Any]) -> None:
        super().__init__(*objects)
        self._time = time
        self._decoded: dict[str, tuple[str, Resource]] = {}
        self.looked: list[float] = []
        self.resynced: list[tuple[float, str]] = []
        self.answers: Callable[[], None] = lambda: None

    def resources(self) -> Iterator[Resource | str]:
        self.looked.append(self._time.elapsed)
        self.answers()
        for raw in self.objects.values():
            name, version = raw["metadata"]["name"], raw["metadata"]["resourceVersion"]
            if self._decoded.get(name, ("",))[0] != version:
                self._decoded[name] = version, decoded(raw)
            yield self._decoded[name][1]

    def the(self, name: str = "checkout") -> dict[str, Any]:
        return self.objects["shop", name]

    def patch(self, ref: Ref, patch: Any) -> Resource:
        changed = super().patch(ref, patch)
        self.patches.clear()
        if any(each["op"] == "add" and each["path"] == "/spec/publish" for each in patch):
            self.resynced.append((self._time.elapsed, ref.name))
            self._time.at(self._time.elapsed + 2, lambda: self.heals(ref.name))
        return changed

    def rehearse(self, before: Resource, patch: Any) -> Any:
        rehearsed = super().rehearse(before, patch)
        self.rehearsed.clear()
        return rehearsed

    def heals(self, name: str) -> None:
        self.says(name, True)

    def says(self, name: str, well: bool, text: str = "") -> None:
        """Let the controller have looked just now."""
        moment = self._time.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        synced: dict[str, Any] = {"type": "ACK.ResourceSynced", "status": "True", "lastTransitionTime": moment}
        if not well:
            synced |= {"status": "Unknown", "reason": text}
        conditions = [synced, *([] if well else [{"type": "ACK.Recoverable", "status": "True", "message": text}])]
        self.write(lambda found: found["status"].__setitem__("conditions", conditions), name)


class Told(Uncounted):
    """What a daemon told its metrics."""

    def __init__(self) -> None:
        self.scans: list[Callable[[Scan], None]] = []
        self.seconds: list[float] = []
        self.failures = 0
        self.outcomes: list[Outcome] = []
        self.led: list[bool] = []
        self.reloads: list[tuple[bool, str]] = []

    def scanned(self, scan: Scan, standing: Standing, policy: Policy, *, seconds: float) -> None:
        assert seconds >= 0
        assert standing.acted_today >= 0
        self.seconds.append(seconds)
        for each in self.scans:
            each(scan)

    @property
    def scanned_times(self) -> int:
        return len(self.seconds)

    def failed(self) -> None:
        self.failures += 1

    def acted(self, outcome: Outcome, mode: Mode) -> None:
        assert mode is not Mode.DRY_RUN
        self.outcomes.append(outcome)

    def leading(self, leads: bool) -> None:
        self.led.append(leads)

    def reloaded(self, ok: bool, digest: str) -> None:
        self.reloads.append((ok, digest))


class Simulation:
    """One daemon over a town. `day` lets time pass."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        *objects: dict[str, Any],
        policy: str = "mode: auto\nsightings: 1\n",
        lease: LeaseObject | None = None,
        time: Time | None = None,
        town: Town | None = None,
        cluster: Cluster | None = None,
        lock: ActionLock | None = None,
        episodes: Kept | None = None,
        name: str = "daemon",
        shard: Shard = WHOLE,
        leases: Namespace | None = None,
    ) -> None:
        """Keywords are what it shares with others, or sees through something of the test's."""
        self.time = time or Time()
        go_by(self.time, patch)
        self.town = town or Town(self.time, *objects)
        self.cloud = FakeCloud(**{each["spec"]["name"]: active() for each in objects})
        self.cloud.clock = None
        self.file = folder / f"{name}.yaml"
        self.write(policy)
        self.told = Told()
        self.episodes = episodes or Kept()
        self.built: list[Policy] = []
        self.lock = lock or FakeLock()
        self.pauses = FakePauses()
        self.cluster = cluster or self.town
        self.shard = shard
        self.lease: Lease = Lock(lease or MemoryLease(), self.time, name)
        if leases is not None:
            own = Lock(leases.leases[leader_lease(shard)], self.time, shard.signed(name))
            self.lease = LeaderLock(own, leases, shard, self.time)
        self._made: list[Stepped] = []
        self.daemon = Daemon(
            PolicyFile(self.file, self.told.reloaded),
            self._build,
            self.lease,
            self.told,
            self.time,
            20.0,
            scheduler=self._scheduler,
            executor=DebugExecutor(),
        )
        self.scheduler.start()
        self.time.follow(self.scheduler.step)

    @property
    def scheduler(self) -> Stepped:
        return self._made[0]

    def write(self, policy: str) -> None:
        self.file.write_text(_HEAD + policy, encoding="utf-8")

    def passes(self, **span: float) -> None:
        """Let time pass, with the daemon at work in it."""
        until = self.time.elapsed + timedelta(**span).total_seconds()
        while self.time.elapsed < until:
            self.scheduler.step()
            self.daemon.work_off()
            self.cloud.asked.clear()
            self.time.step(until)

    def _scheduler(self, **more: Any) -> Stepped:
        self._made.append(Stepped(**more))
        return self._made[0]

    def _build(self, policy: Policy, clock: Clock) -> Ground:
        self.built.append(policy)
        means = Means(self.cluster, self.cloud, self.episodes, FakeBackups(), clock, self.lock, NoNews(), self.pauses)
        return Ground(means, shard=self.shard)


def go_by(time: Time, patch: pytest.MonkeyPatch) -> None:
    """Let APScheduler know no other time."""

    class Simulated(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return time.now().astimezone(tz)

    patch.setattr("apscheduler.schedulers.base.datetime", Simulated)
