"""A lock on a Lease: one leader among daemons, one at a time who acts.

The official client's elector goes on working after an outage of the API server, when another has taken over. Ours
cannot: whether it holds is a question to its own clocks, and silence of the server lets the answer become no.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from remediator.errors import Busy, Changed, ClusterError, Forbidden, NotFound, Unauthorized
from remediator.kubernetes.lease_object import LeaseObject
from remediator.model.lease import Found, Instant, Record, Sighting, Tenure, Terms, identity
from remediator.ports import Clock

_log = structlog.get_logger(__name__)

LEADER_LEASE = "ack-remediator-leader"
ACTION_LEASE = "ack-remediator-action"

_POLL = 1.0  # seconds between two looks at a lock that another holds: it may be released any moment
_USUAL_TERMS = Terms()


def own_identity() -> str:
    """Make up who this process is: `<pod or user>@<host>/<pid>/<random>`, another one at each call."""
    try:
        who = os.environ.get("POD_NAME") or getpass.getuser()
    except (OSError, KeyError):  # a container's uid need not have a name; KeyError until Python 3.13
        who = f"uid-{os.getuid()}"
    return identity(who, socket.gethostname(), os.getpid(), secrets.token_hex(4))


class Lock:
    """A lock that processes on many machines share. One Lock holds once at a time; threads may share it.

    Two ways to use it. Around something short, where `valid` or `keep` is asked right before each write:

        with lock.held(say=progress):
            ...
            if lock.keep(): write()

    Or for as long as a process lives: `campaign` every few seconds, `valid` before each piece of work, `release` last.

    Nothing renews by itself: a process that hangs loses its lock, as it should. Every request of `lease` must end
    within `terms.request` seconds, and so must every write that is made because the lock is held; see Terms for why.
    Whoever deletes the Lease, or empties its holder by hand, says that nobody holds it, and answers for that.
    """

    def __init__(self, lease: LeaseObject, clock: Clock, holder: str, terms: Terms = _USUAL_TERMS) -> None:
        """Make a lock; `holder` must be nobody else's (`own_identity`). Nothing is asked of the cluster yet."""
        self._lease = lease
        self._clock = clock
        self._holder = holder
        self._terms = terms
        self._tenure: Tenure | None = None
        self._sighting: Sighting | None = None
        self._in_use = threading.Lock()
        self._writing = threading.Lock()  # valid() does without: it must not wait for a request that hangs

    def valid(self) -> bool:
        """Tell whether we hold it for long enough to begin a write now. Asks our own clocks, and nobody else."""
        tenure = self._tenure
        return tenure is not None and tenure.valid(self._now(), self._terms)

    @property
    def since(self) -> Instant | None:
        """Name the moment since when nobody can have seen it free; None where we do not hold it."""
        tenure = self._tenure
        return tenure.since if tenure else None

    def keep(self) -> bool:
        """Renew if it is time to, and tell whether it is valid. Takes as long as three requests; raises nothing.

        True after a time without validity is as good as never having been without: the renewal is refused if anybody
        has held the lock in between.
        """
        with self._writing:
            if (tenure := self._tenure) is not None and tenure.due(self._now(), self._terms):
                self._renew(tenure)
        return self.valid()

    def campaign(self) -> bool:
        """Take it if it is free, keep it if it is ours; whether it is valid then. To be called every few seconds.

        Raises ClusterError where it can neither be read nor taken.
        """
        if self._tenure is None:
            self._attempt()
        return self.keep()

    def watch(self, found: Found | None, received: float) -> None:
        """Take in what was read of the Lease, by us or by another way, and when the answer was there (monotonic)."""
        if found is None:
            self._sighting = None
        else:
            self._sighting = self._sighting.again(found, received) if self._sighting else Sighting(found, received)

    @contextmanager
    def held(self, patience: float | None = None, say: Callable[[str], None] = lambda _: None) -> Iterator[Lock]:
        """Hold it around a block. Raises Busy after `patience` seconds, or whatever kept us from asking.

        By default patience outlasts a dead holder: a process that has just started cannot know how old a record is,
        and waits for the lock's whole duration before it takes one over. `say` is told why we wait.
        """
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"{self._lease} is held by another block of this process")
        try:
            self._acquire(self._terms.duration * 2 if patience is None else patience, say)
            yield self
        finally:
            self.release()
            self._in_use.release()

    def release(self) -> None:
        """Let go of it, if it is still ours. Raises no ClusterError: what is not released ends by itself."""
        with self._writing:
            tenure, self._tenure = self._tenure, None
            if tenure is None:
                return
            try:
                self._overwrite(tenure, Record.released)
            except ClusterError as error:
                _log.info("a lock was not released, and ends by itself", lock=str(self._lease), why=error.message)

    def _acquire(self, patience: float, say: Callable[[str], None]) -> None:
        deadline = self._clock.monotonic() + patience
        said = ""
        while True:
            try:
                if self.campaign():
                    return
                trouble: ClusterError = self._busy()
            except (Forbidden, Unauthorized, NotFound):
                raise
            except ClusterError as error:
                trouble = error
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise trouble
            if trouble.message != said:
                said = trouble.message
                say(f"waiting: {trouble.message}. {trouble.hint}")
            self._clock.sleep(min(_POLL, left))

    def _attempt(self) -> None:
        """Take it if it is free."""
        with self._writing:
            if self._tenure is not None:
                return  # another thread of ours was quicker
            found = self._look()
            if found is None:
                self._take(None)
            # A record of ours is of a write whose answer was lost: it is nobody else's, and guards nothing.
            elif found.record.holder_identity == self._holder or self._free_in() == 0:
                self._take(found)

    def _look(self) -> Found | None:
        found = self._lease.read()
        self.watch(found, self._clock.monotonic())
        return found

    def _free_in(self) -> float:
        return self._sighting.free_in(self._clock.monotonic(), self._terms) if self._sighting else 0.0

    def _take(self, found: Found | None) -> None:
        sent = self._now()
        record = (found.record if found else Record()).taken(self._holder, self._terms, sent.wall)
        try:
            taken = self._lease.replace(found, record) if found else self._lease.create(record)
        except Changed:
            return  # somebody else was quicker
        self._tenure = Tenure(taken, sent, sent)

    def _renew(self, tenure: Tenure) -> None:
        try:
            self._tenure = self._overwrite(tenure, Record.renewed)
        except ClusterError as error:
            _log.warning("a lock could not be renewed", lock=str(self._lease), why=error.message)
        else:
            if self._tenure is None:
                _log.warning("a lock was lost: another has taken it", lock=str(self._lease))

    def _overwrite(self, tenure: Tenure, change: Callable[[Record, Terms, datetime], Record]) -> Tenure | None:
        """Write into a Lease of ours; None where the tenure is over.

        The Lease may be at another version than we know: for our own write whose answer was lost, or for an
        annotation. Neither ends a tenure.
        """
        sent = self._now()
        try:
            written = self._lease.replace(tenure.found, change(tenure.found.record, self._terms, sent.wall))
            return tenure.renewed(written, sent, self._terms)
        except Changed:
            found = self._lease.read()
        if found is None or not tenure.continues(found):
            return None
        sent = self._now()
        written = self._lease.replace(found, change(found.record, self._terms, sent.wall))
        return tenure.renewed(written, sent, self._terms)

    def _now(self) -> Instant:
        return Instant(self._clock.monotonic(), self._clock.now())

    def _busy(self) -> Busy:
        record = self._sighting.found.record if self._sighting else Record()
        if not record.holder_identity or record.holder_identity == self._holder:
            return Busy(f"{self._lease}: another was quicker", hint="Try again in a moment.")
        return Busy(
            f"{self._lease} is held by {record.holder_identity} since {record.acquire_time}",
            hint=f"If that remediator is dead, it takes {self._terms.duration} s of watching to be sure.",
        )
