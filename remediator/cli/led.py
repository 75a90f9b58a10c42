"""One run as one of several shards: it leads its own for as long as it lasts, as a daemon does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from remediator.errors import Busy, ClusterError
from remediator.kubernetes.leading import LeaderLock
from remediator.model.lease import Terms
from remediator.model.shard import Shard
from remediator.ports import ActionLock, Clock, Hold

_log = structlog.get_logger(__name__)

_POLL = 1.0  # seconds between two looks while others are at work
_KEEP = 3.0  # seconds between two looks at what we hold: a Lease lasts 30, and is renewed after 6
# It outlasts a dead one, as who takes the action lock does.
_PATIENCE = 2.0 * Terms().duration


class LedLock:
    """The ActionLock port of who has to lead: under it nothing is begun by who does not any more."""

    def __init__(self, lock: ActionLock, leads: Callable[[], bool]) -> None:
        self._lock = lock
        self._leads = leads

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Hold]:
        """Hold it around a block; raise Busy where we do not lead by then."""
        with self._lock.held(say) as hold:
            if not self._leads():
                raise Busy("this run leads its shard no more", hint="The next run does what is left.")
            yield hold


@contextmanager
def led(lock: LeaderLock, shard: Shard, clock: Clock, say: Callable[[str], None]) -> Iterator[None]:
    """Lead a shard around a block; raise Busy where others stay at work, or whatever kept us from asking.

    `say` is told, in a sentence, whom we wait for.
    """
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(lock, over), daemon=True)
    try:
        _wait(lock, shard, clock, say)
        keeper.start()
        yield
    finally:
        over.set()
        if keeper.is_alive():
            keeper.join()
        lock.release()


def _wait(lock: LeaderLock, shard: Shard, clock: Clock, say: Callable[[str], None]) -> None:
    deadline, said = clock.monotonic() + _PATIENCE, ""
    while not lock.campaign():
        why = lock.others or "another is at work as this shard"
        if clock.monotonic() >= deadline:
            raise Busy(
                f"shard {shard} was not looked after: {why}",
                hint="Shards of two numbers never are at work at once: end those of the other one, and run it again.",
            )
        if why != said:
            said = why
            say(f"waiting: {why}.")
        clock.sleep(_POLL)


def _keep(lock: LeaderLock, over: threading.Event) -> None:
    while not over.wait(_KEEP):
        try:
            lock.campaign()
        except ClusterError as error:
            _log.warning("the Lease of the shard could not be asked for", why=error.message)
