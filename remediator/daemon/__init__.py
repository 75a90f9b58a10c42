"""A process that makes one pass after the other, as long as it leads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct, structs

from remediator.daemon.ending import Ended, Ending, EndingClock, EndingLock
from remediator.daemon.health import Health
from remediator.daemon.leading import Leadership, Lease
from remediator.daemon.passing import Telling, Work, make_pass
from remediator.daemon.policy_file import PolicyFile
from remediator.daemon.timetable import Timetable
from remediator.errors import RemediatorError
from remediator.model.shard import WHOLE, Shard
from remediator.policy import Policy
from remediator.ports import Clock, Means
from remediator.scan import Pass

__all__ = ["Daemon", "Ground", "PolicyFile", "Telling"]

_log = structlog.get_logger(__name__)

# What could not be looked at is looked at again after this, and not only at the next interval.
_RETRY = timedelta(seconds=30)


class Ground(Struct, frozen=True):
    """What passes are made on: the ports, and what `Pass` is told of the cluster."""

    means: Means
    places: tuple[str, ...] = ()
    namespace: str | None = None
    shard: Shard = WHOLE


# Puts the adapters behind the ports under a policy, with the clock that passes are to go by.
Build = Callable[[Policy, Clock], Ground]


class Daemon:
    """The passes, the timetable that asks for them, and the leadership that they depend on.

    All passes are made by one thread, the one that calls `serve`: there is never a second one beside it. Whoever asks
    for a pass while one is under way gets another after it, for that one may have looked too early.
    """

    def __init__(
        self, file: PolicyFile, build: Build, lease: Lease, telling: Telling, clock: Clock, grace: float, **more: Any
    ) -> None:
        """Put it together; nothing runs yet. Raises RemediatorError where `build` does.

        `grace` is how many seconds what is begun may take after `end`; `more` is for the Timetable.
        """
        self._file = file
        self._build = build
        self._telling = telling
        self._clock = clock
        self._wake = threading.Event()
        self._wanted = False
        self._ending = Ending(clock, grace)
        self._leadership = Leadership(lease, self._led)
        self._timetable = Timetable(
            file.policy.schedule,
            now=clock.now,
            ask=self.ask,
            campaign=self._campaign,
            reload=self._wake.set,
            **more,
        )
        self._health = Health(clock.now, due=self._timetable.after)
        self._pass_clock = EndingClock(clock, self._ending, self._health.moved)
        self._work = self._made(file.policy)

    def serve(self) -> bool:
        """Make passes until `end`; whether something that was begun is left for the next process to conclude."""
        self._timetable.start()
        left = False
        try:
            while not self._ending.asked:
                self._wake.wait()
                self._wake.clear()
                left = self.work_off()
        finally:
            self._timetable.stop()
            self._leadership.resign()
        return left

    def end(self) -> None:
        """Let `serve` return at the next safe point. For any thread, but not for a signal handler: it takes locks."""
        self._ending.ask()
        self._wake.set()

    def ask(self) -> None:
        """Ask for a pass."""
        self._wanted = True
        self._wake.set()

    def alive(self) -> str:
        """Say why this process should be started anew; empty where it is well."""
        return self._health.alive(leads=self._leadership.leads)

    def ready(self) -> str:
        """Say why nobody should rely on this process yet; empty where they may."""
        return self._health.ready(leads=self._leadership.leads, undecided=self._leadership.undecided)

    @property
    def trouble(self) -> str:
        """What kept the last pass from doing its work; empty where nothing did."""
        return self._health.trouble

    def due(self, after: datetime, passes: int) -> datetime:
        """Tell when so many passes should have been made after a moment."""
        return self._timetable.after(after, passes)

    def work_off(self) -> bool:
        """Take in a changed policy, and make the pass that was asked for, if we lead.

        Returns whether it was broken off with something begun.
        """
        self._file.changed(self._take)
        if not self._wanted or not self._may_begin():
            return False  # who stands by, or was cut off for a while, does not forget that one was asked for
        self._wanted = False
        trouble = ""
        try:
            passed = make_pass(self._work, may_begin=self._may_begin, ending=self._ending, telling=self._telling)
        except Ended as end:
            _log.info("a pass was broken off", left_to_the_next=end.left)
            return end.left
        except RemediatorError as error:
            trouble = error.message
            _log.error("a pass failed", why=trouble, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - the next pass may do better, and nobody would make it
            trouble = f"{type(error).__name__}, see the log"
            _log.exception("a pass failed, and should not have")
        else:
            trouble = passed.refused
            self._timetable.look_at(passed.next_deadline())
            self._health.passed(trouble)
            return False
        self._telling.failed()
        self._health.passed(trouble)
        self._timetable.look_at(self._clock.now() + _RETRY)
        return False

    def _may_begin(self) -> bool:
        return self._leadership.leads and not self._ending.asked and not self._file.moved()

    def _campaign(self) -> None:
        self._leadership.campaign()
        self._health.campaigned()

    def _led(self, leads: bool) -> None:
        self._telling.leading(leads)
        if leads:
            self._health.moved()
            self.ask()

    def _take(self, policy: Policy) -> None:
        """Go by another policy from now on, or raise RemediatorError and stay with the last."""
        self._work = self._made(policy)
        self._timetable.follow(policy.schedule)
        self.ask()

    def _made(self, policy: Policy) -> Work:
        ground = self._build(policy, self._pass_clock)
        means = structs.replace(ground.means, lock=EndingLock(ground.means.lock, self._ending, self._may_begin))
        return Work(
            Pass(means, policy, places=ground.places, namespace=ground.namespace, shard=ground.shard), means, policy
        )
