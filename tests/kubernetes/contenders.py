"""A world for locks: one true time, machines whose clocks know it badly, and a Lease that is not always reached."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from remediator.errors import Changed, Unreachable
from remediator.kubernetes.lease import Lock
from remediator.kubernetes.lease_object import LeaseObject
from remediator.model.lease import Found, Record, Terms

T = TypeVar("T")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TERMS = Terms()
STEP = 0.5
"""Seconds of true time between two looks at who thinks that they hold the lock."""


class World:
    """True time, and who thought when that they held the lock."""

    def __init__(self) -> None:
        self.time = 0.0
        self.contenders: list[Contender] = []
        self.timeline: list[tuple[float, tuple[str, ...]]] = []
        self.late: list[Callable[[], object]] = []
        self._last: dict[str, float] = {}

    def passes(self, seconds: float) -> None:
        """Let time pass, and look at everybody all the while."""
        end = self.time + seconds
        while self.time < end:
            self.time = min(end, self.time + STEP)
            self.look()

    def look(self) -> None:
        """Note who holds, and fail where the last write of another could still be under way."""
        holders = [each for each in self.contenders if each.lock.valid()]
        self.timeline.append((self.time, tuple(each.name for each in holders)))
        for holder in holders:
            self._last[holder.name] = self.time
        for holder in holders:
            for name, last in self._last.items():
                apart = self.time - last
                assert name == holder.name or apart >= TERMS.request, f"{holder.name} {apart:g} s after {name}"

    def ends(self, name: str) -> None:
        """Take somebody's word that none of their writes is under way any more: they released."""
        self._last.pop(name, None)

    def late_one_arrives(self) -> None:
        """Let a request have its effect for which nobody waits any more."""
        with suppress(Changed):  # as it should be with a write to what has changed since
            self.late.pop(0)()

    def held_by(self, name: str) -> list[float]:
        """Name the moments at which somebody thought that they held it."""
        return [at for at, names in self.timeline if name in names]


class SkewedClock:
    """One machine's clocks. `rate` is how fast both run; a machine that is suspended loses monotonic time."""

    def __init__(self, world: World, *, wall: float = 0.0, uptime: float = 0.0, rate: float = 1.0) -> None:
        self._world = world
        self._rate = rate
        self._uptime = uptime
        self.wall = wall

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.wall + self._rate * self._world.time)

    def monotonic(self) -> float:
        return self._uptime + self._rate * self._world.time

    def sleep(self, seconds: float, /) -> None:
        self._world.passes(seconds / self._rate)

    def suspend(self, seconds: float) -> None:
        self._uptime -= self._rate * seconds
        self._world.passes(seconds)


class MemoryLease:
    """A Lease with the API server's rules for uid, resourceVersion and writes that change nothing."""

    def __init__(self) -> None:
        self.stored: Found | None = None
        self._versions = itertools.count(1)

    def __str__(self) -> str:
        return "Lease ops/lock"

    def read(self) -> Found | None:
        return self.stored

    def create(self, record: Record) -> Found:
        if self.stored is not None:
            raise Changed("already exists")
        version = next(self._versions)
        return self._store(Found(f"uid-{version}", record, {"resourceVersion": version}))

    def replace(self, found: Found, record: Record) -> Found:
        if self.stored is None or (self.stored.uid, self.stored.whole) != (found.uid, found.whole):
            raise Changed("the object has been modified")
        if record == self.stored.record:
            return self.stored
        return self._store(Found(found.uid, record, {"resourceVersion": next(self._versions)}))

    def annotate(self) -> None:
        """Write what is no matter of the lock's."""
        if self.stored is not None:
            self._store(Found(self.stored.uid, self.stored.record, {"resourceVersion": next(self._versions)}))

    def _store(self, found: Found) -> Found:
        self.stored = found
        return found


@dataclass(frozen=True)
class Fate:
    """What becomes of one request: seconds of true time there and back, and whether all of it arrives.

    `lost` is the "request", the "answer", or "late" for a request that arrives when nobody waits for it any more.
    `meanwhile` happens right before it arrives.
    """

    there: float = 0.0
    back: float = 0.0
    lost: str = ""
    meanwhile: Callable[[], object] | None = None


class Way:
    """One contender's way to the Lease. `fates` are those of the requests to come; `usual` is that of all others."""

    def __init__(self, world: World, lease: LeaseObject) -> None:
        self.world = world
        self.lease = lease
        self.fates: list[Fate] = []
        self.usual = Fate()

    def __str__(self) -> str:
        return str(self.lease)

    def read(self) -> Found | None:
        return self._carry(self.lease.read)

    def create(self, record: Record) -> Found:
        return self._carry(lambda: self.lease.create(record))

    def replace(self, found: Found, record: Record) -> Found:
        return self._carry(lambda: self.lease.replace(found, record))

    def _carry(self, request: Callable[[], T]) -> T:
        fate = self.fates.pop(0) if self.fates else self.usual
        given_up = self.world.time + TERMS.request
        self.world.passes(fate.there)
        if fate.meanwhile:
            fate.meanwhile()
        if fate.lost == "late":
            self.world.late.append(request)
        if fate.lost in ("request", "late"):
            raise self._silence(given_up)
        try:
            answer = request()
        except Unreachable:
            raise self._silence(given_up) from None
        except Changed:
            if fate.lost:
                raise self._silence(given_up) from None
            raise
        if fate.lost:
            raise self._silence(given_up)
        self.world.passes(fate.back)
        return answer

    def _silence(self, given_up: float) -> Unreachable:
        self.world.passes(given_up - self.world.time)
        return Unreachable("no answer")


class Contender:
    """A process that wants the lock."""

    def __init__(self, world: World, name: str, lease: LeaseObject, clock: SkewedClock | None = None) -> None:
        self.world = world
        self.name = name
        self.clock = clock or SkewedClock(world)
        self.way = Way(world, lease)
        self.lock = Lock(self.way, self.clock, name, TERMS)
        world.contenders.append(self)

    def dies(self) -> None:
        """End without a word; what it had under way still is."""
        self.world.contenders.remove(self)

    def campaigns(self) -> bool:
        """Take or keep it, and look at everybody; whether it holds."""
        with suppress(Unreachable):
            self.lock.campaign()
        self.world.look()
        return self.lock.valid()

    def releases(self) -> None:
        """Let go of it; whoever does has nothing under way."""
        self.lock.release()
        self.world.ends(self.name)
        self.world.look()
