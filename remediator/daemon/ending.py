"""How a daemon ends: nothing new is begun, and what is begun is seen through, as far as time allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from remediator.errors import Busy
from remediator.ports import ActionLock, Clock, Hold

_SLICE = 0.5  # seconds after which a wait notices that it is to end


class Ended(SystemExit):
    """A pass is broken off at a safe point.

    A SystemExit, since that is what the executor gives one last try to between two writes that belong together. `left`
    is whether something was begun, and is left for the next process to conclude.
    """

    def __init__(self, *, left: bool) -> None:
        super().__init__("ended")
        self.left = left


class Ending:
    """Whether the end was asked for, and what that means for a pass under way. Shared by threads.

    Before something is begun, a pass ends wherever it waits. What is begun, and be it only the last look under the
    action lock, has `grace` seconds to come to its own end; what is then still without a result is in the records, and
    the next process tells what came of it.
    """

    def __init__(self, clock: Clock, grace: float) -> None:
        self._clock = clock
        self._grace = grace
        self._asked = threading.Event()
        self._deadline = 0.0
        self._begun = False

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """End as soon as may be; asking again changes nothing."""
        if not self.asked:
            self._deadline = self._clock.monotonic() + self._grace
            self._asked.set()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Let something be begun in this block: whatever is, is over after it."""
        try:
            yield
        finally:
            self._begun = False

    def begins(self) -> None:
        """Note that something is begun, or raise Ended where nothing may be any more."""
        self.check()
        self._begun = True

    def check(self) -> None:
        """Raise Ended where a pass has to break off now."""
        if self.asked and not (self._begun and self._clock.monotonic() < self._deadline):
            raise Ended(left=self._begun)


class EndingClock:
    """The Clock port of a pass: whoever waits by it notices the end. `moved` is told that the pass is alive."""

    def __init__(self, clock: Clock, ending: Ending, moved: Callable[[], None]) -> None:
        self._clock = clock
        self._ending = ending
        self._moved = moved

    def now(self) -> datetime:
        self._moved()
        return self._clock.now()

    def monotonic(self) -> float:
        self._moved()
        return self._clock.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Sleep, but not beyond the end; raises Ended there."""
        until = self._clock.monotonic() + seconds
        self._ending.check()
        while (left := until - self._clock.monotonic()) > 0:
            self._moved()
            self._clock.sleep(min(_SLICE, left))
            self._ending.check()


class EndingLock:
    """The ActionLock port of a pass: what is done under it counts as begun, and is not begun any more at the end.

    `may_begin` is asked once we have it: proofs and the wait for it take minutes, in which another may come to lead.
    """

    def __init__(self, lock: ActionLock, ending: Ending, may_begin: Callable[[], bool]) -> None:
        self._lock = lock
        self._ending = ending
        self._may_begin = may_begin

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Hold]:
        """Hold it around a block; raise Ended at the end, and Busy where we may not begin anything any more."""
        self._ending.check()
        with self._lock.held(say) as hold:
            self._ending.check()
            if not self._may_begin():
                raise Busy("this daemon leads no more, or its policy file changed meanwhile")
            self._ending.begins()
            yield hold
