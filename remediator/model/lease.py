"""Who holds a lock, and until when: what can be said of a Lease without asking anybody.

No clock of another machine is ever compared with ours. The holder counts from the moment it *sent* the last renewal
that was acknowledged, everybody else from the moment they *received* the record that it wrote, each by a monotonic
clock: clocks an hour apart cannot make two holders. The times in the record are for people to read.

Why not by the API server's `Date`? The record's times are the holder's, so they would have to be Dates as well: whole
seconds, and of another clock at each replica of the API server. Two Dates differ by the replicas' skew, which nobody
bounds. The price of ours is that a newcomer cannot know how old a record is, and waits for its full duration before
it takes a dead holder's lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model.times import format_micro_time


class Terms(Struct, frozen=True):
    """How long a lock lasts without a renewal, in seconds, and how much of that its holder does without.

    The inequality that keeps two from acting at once, with everything as the holder's clock counts it:

        sent + duration - margin   the holder has stopped to begin writes
      < sent + duration - request  the last of them has arrived, or was given up
      < sent + duration            another may take over at the earliest, for it cannot have received before we sent

    So `margin` is more than `request`, the longest that one write takes from the question whether we hold the lock to
    its last moment; the rest of it is for clocks that do not run equally fast: 2 s of 30 are 7 %, a bad quartz has
    0.01 %. A write that the API server still works on after its client has hung up, and a process that is stopped
    between question and write, are beyond any lock: against those, the write itself has to carry its precondition.

    And `renew_after + request` is less than `duration - margin`: after one that hangs there is time for another.
    """

    duration: int = 30
    margin: float = 12.0
    request: float = 10.0
    renew_after: float = 6.0

    def __post_init__(self) -> None:
        if not self.margin > self.request > 0:
            raise ValueError(f"a margin of {self.margin:g} s does not outlast a request of {self.request:g} s")
        if not 0 < self.renew_after < self.duration - self.margin - self.request:
            raise ValueError(f"renewed after {self.renew_after:g} s, there is no time for a second renewal")


class Instant(Struct, frozen=True):
    """One moment, by both clocks of one machine; `monotonic` in seconds."""

    monotonic: float
    wall: datetime


class Record(Struct, frozen=True, rename="camel"):
    """The spec of a Lease. Everything is optional in the API."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None

    def taken(self, holder: str, terms: Terms, now: datetime) -> Record:
        """Write the record of a new holder. Transitions count every taking, so that no two tenures look alike."""
        at = format_micro_time(now)
        return Record(holder, terms.duration, at, at, (self.lease_transitions or 0) + 1)

    def renewed(self, terms: Terms, now: datetime) -> Record:
        """Write the next record of the same holder, never an equal one.

        The API server does not store a write that changes nothing: ours would be acknowledged, and nobody would see it.
        """
        at = format_micro_time(now)
        if at == self.renew_time:
            at = format_micro_time(now + timedelta(microseconds=1))
        return msgspec.structs.replace(self, lease_duration_seconds=terms.duration, renew_time=at)

    def released(self, terms: Terms, now: datetime) -> Record:
        """Write that nobody holds it."""
        return msgspec.structs.replace(self.renewed(terms, now), holder_identity=None)


class Found(Struct, frozen=True):
    """A Lease as the API server has it; `whole` is what a replacement goes by, foreign annotations included."""

    uid: str
    record: Record
    whole: dict[str, Any] = {}


class Sighting(Struct, frozen=True):
    """A Lease, and since when we know this record of it: `since` is monotonic, never before the record was written."""

    found: Found
    since: float

    def again(self, found: Found, received: float) -> Sighting:
        """See the Lease once more: only the very same record keeps its age."""
        same = (self.found.uid, self.found.record) == (found.uid, found.record)
        return Sighting(found, self.since if same else received)

    def free_in(self, now: float, terms: Terms) -> float:
        """Count the seconds until anybody may take it; 0 for now.

        The holder's duration counts, or ours where it wrote less than we would, or nothing.
        """
        record = self.found.record
        if not record.holder_identity:
            return 0.0
        duration = max(record.lease_duration_seconds or 0, terms.duration)
        return max(0.0, self.since + duration - now)


class Tenure(Struct, frozen=True):
    """One unbroken time of holding: the Lease as our last acknowledged write left it, and when that write set out.

    `since` is when the first write set out after which nobody can have seen the Lease free, or its holder silent for
    too long: each later one set out while the one before was valid, and so arrived in time.
    """

    found: Found
    sent: Instant
    since: Instant

    def renewed(self, found: Found, sent: Instant, terms: Terms) -> Tenure:
        """Go on with a later write."""
        return Tenure(found, sent, self.since if self.valid(sent, terms) else sent)

    def age(self, now: Instant) -> float:
        """Count the seconds since `sent`, by whichever clock says more.

        A machine that sleeps stops its monotonic clock (Linux, macOS), and others take over meanwhile: the wall clock
        tells. A wall clock that was set back is not believed.
        """
        return max(now.monotonic - self.sent.monotonic, (now.wall - self.sent.wall).total_seconds())

    def valid(self, now: Instant, terms: Terms) -> bool:
        """Tell whether a write may begin."""
        return self.age(now) < terms.duration - terms.margin

    def due(self, now: Instant, terms: Terms) -> bool:
        """Tell whether it is time to renew."""
        return self.age(now) >= terms.renew_after

    def continues(self, found: Found) -> bool:
        """Tell whether a Lease is still in this very tenure: nobody, ourselves included, has taken it since."""
        return _tenure(found) == _tenure(self.found)


def _tenure(found: Found) -> tuple[str, str | None, int | None]:
    return found.uid, found.record.holder_identity, found.record.lease_transitions


def identity(who: str, host: str, pid: int, random: str) -> str:
    """Write who holds a lock, as people read it in `kubectl get leases`; `random` tells apart what has equal names."""
    return f"{who}@{host}/{pid}/{random}"
