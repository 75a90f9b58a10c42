"""The lock of who leads: a Lease for each shard, and never shards of two numbers at work side by side.

Who works has written its Lease, has read the others' after that, found none of another number alive among them, and was
never without its Lease since (`Lock.since`). So of two numbers one would have written later, read after that, and seen
the other. Who comes looks before it takes anything, and disturbs nobody at work. Of those that took at the same moment,
and see each other, each that sees a greater number lets go at once; the greatest looks again. Who is not at work does
not renew: it lets go when its time is over, so that none waits for ever for who works already, and keeps others away.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from msgspec import Struct

from remediator.kubernetes.lease import LEADER_LEASE, Lock
from remediator.kubernetes.lease_object import Leases
from remediator.model.lease import Found, Instant, Sighting, Terms
from remediator.model.shard import MOST, Shard, signature
from remediator.ports import Clock

_log = structlog.get_logger(__name__)

# Of who does not say how many they are: more than anybody.
_UNTOLD = MOST + 1
_USUAL_TERMS = Terms()


def leader_lease(shard: Shard) -> str:
    """Name the Lease of a shard; that of all there is has the name that it had before there were shards."""
    return LEADER_LEASE if shard.whole else f"{LEADER_LEASE}-{shard.index}"


LEADER_LEASES = (LEADER_LEASE, *(f"{LEADER_LEASE}-{index}" for index in range(MOST)))


class _Other(Struct, frozen=True):
    """A live Lease of shards of another number."""

    count: int
    said: str


class LeaderLock:
    """The Lease of one shard, as a Lock that is valid only while no shards of another number can be at work.

    To be used as a Lock is: `campaign` every few seconds, by one thread at a time; `valid` before each piece of work,
    by any; `release` last.
    """

    def __init__(self, lock: Lock, leases: Leases, shard: Shard, clock: Clock, terms: Terms = _USUAL_TERMS) -> None:
        """Make it. `lock` is on the shard's own Lease, `leases` reads all of them; nothing is asked yet."""
        self._lock = lock
        self._leases = leases
        self._shard = shard
        self._clock = clock
        self._terms = terms
        self._seen: Mapping[str, Sighting] = {}
        self._clear: Instant | None = None  # the stretch of holding in which nobody of another number was seen
        self._others: tuple[_Other, ...] = ()

    @property
    def others(self) -> str:
        """Say who of another number was alive at the last look; empty where nobody was."""
        return "; ".join(each.said for each in self._others)

    def valid(self) -> bool:
        """Tell whether we may work. Asks our own clocks, and nobody else."""
        clear = self._clear
        return clear is not None and self._lock.valid() and self._lock.since == clear

    def campaign(self) -> bool:
        """Take it if nobody is in the way, keep it if it is ours; whether it is valid then.

        Raises ClusterError where it can neither be read nor taken.
        """
        if self.valid():
            self._lock.keep()
        else:
            self._enter()
        return self.valid()

    def release(self) -> None:
        """Let go of it, if it is still ours."""
        self._clear = None
        self._lock.release()

    def _enter(self) -> None:
        if not self._lock.valid():
            self.release()
            if self._look() or not self._lock.campaign():
                return
        since = self._lock.since
        others = self._look()
        if not others:
            self._clear = since
        elif max(each.count for each in others) > self._shard.count:
            self.release()

    def _look(self) -> tuple[_Other, ...]:
        """Read all Leases; name those of another number that are alive, as far as we know by our own clock."""
        found = self._leases.read()
        now = self._clock.monotonic()
        before = self._seen
        self._lock.watch(found.get(leader_lease(self._shard)), now)  # or it would begin to count when others are gone
        self._seen = {
            name: before[name].again(each, now) if name in before else Sighting(each, now)
            for name, each in found.items()
        }
        alive = (self._other(name, each.found) for name, each in self._seen.items() if each.free_in(now, self._terms))
        others = tuple(each for each in alive if each.count != self._shard.count)
        if bool(others) != bool(self._others):
            if others:
                _log.info(
                    "standing by: shards of another number are at work", shard=str(self._shard), who=others[0].said
                )
            else:
                _log.info("no shards of another number are at work any more", shard=str(self._shard))
        self._others = others
        return others

    def _other(self, name: str, found: Found) -> _Other:
        holder = found.record.holder_identity or ""
        signed = signature(holder)
        if signed is not None:
            return _Other(signed.count, f"{holder} holds {name}")
        return _Other(1 if name == LEADER_LEASE else _UNTOLD, f"{holder} holds {name}")
