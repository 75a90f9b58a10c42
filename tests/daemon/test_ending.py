"""How a pass ends when it is told to: at once before anything is begun, in time after that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from remediator.daemon.ending import Ended, Ending, EndingClock, EndingLock
from remediator.errors import Busy
from tests.fakes import FakeClock, FakeLock


class Bench:
    """A pass's clock and lock, of which the end is asked for while it sleeps."""

    def __init__(self) -> None:
        self.real = FakeClock()
        self.ending = Ending(self.real, 20.0)
        self.moves = 0
        self.may_begin = True
        self.clock = EndingClock(self.real, self.ending, self._moved)
        self.inner = FakeLock()
        self.lock = EndingLock(self.inner, self.ending, lambda: self.may_begin)

    def _moved(self) -> None:
        self.moves += 1

    def asked_while_asleep(self, naps: int = 1) -> None:
        nothing: list[Callable[[], None]] = [lambda: None] * (naps - 1)
        self.real.on_sleep = [*nothing, self.ending.ask]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_who_is_not_told_to_end_sleeps_as_long_as_they_want(bench: Bench) -> None:
    bench.clock.sleep(61.2)
    assert bench.real.slept == pytest.approx(61.2)
    assert bench.moves > 100, "and is seen to be alive all the while"
    assert bench.clock.monotonic() == bench.real.monotonic()
    assert bench.clock.now() == bench.real.now()


def test_before_anything_is_begun_a_wait_is_over_at_once(bench: Bench) -> None:
    bench.asked_while_asleep(naps=3)
    with pytest.raises(Ended) as ended:
        bench.clock.sleep(61.0)
    assert bench.real.slept == 1.5
    assert not ended.value.left


def test_at_the_end_nothing_is_begun(bench: Bench) -> None:
    bench.ending.ask()
    with pytest.raises(Ended), bench.lock.held(lambda _: None):
        pytest.fail("it was begun")
    assert not bench.inner.taken


def test_who_is_told_while_they_wait_for_the_lock_does_not_take_it(bench: Bench) -> None:
    class Slow(FakeLock):
        def held(self, say: Callable[[str], None]) -> object:  # type: ignore[override]
            bench.ending.ask()
            return super().held(say)

    slow = Slow()
    lock = EndingLock(slow, bench.ending, lambda: not bench.ending.asked)  # type: ignore[arg-type]
    with pytest.raises(Ended), lock.held(lambda _: None):
        pytest.fail("it was begun")
    assert not slow.taken, "it is given back"


def test_who_may_begin_nothing_once_they_have_the_lock_lets_go_of_it(bench: Bench) -> None:
    bench.may_begin = False
    with bench.ending.attempt():
        with pytest.raises(Busy, match="leads no more, or its policy file changed"), bench.lock.held(lambda _: None):
            pytest.fail("it was begun")
        bench.ending.ask()
        with pytest.raises(Ended) as ended:
            bench.ending.check()
    assert not ended.value.left, "nothing was begun"


def test_what_is_begun_is_seen_through_within_the_grace_period(bench: Bench) -> None:
    with bench.ending.attempt():
        with bench.lock.held(lambda _: None):
            bench.asked_while_asleep()
            bench.clock.sleep(2.0)
        bench.clock.sleep(10.0)  # watching for the effect
    assert bench.real.slept == pytest.approx(12.0)


def test_what_takes_longer_is_left(bench: Bench) -> None:
    with pytest.raises(Ended) as ended, bench.ending.attempt():
        with bench.lock.held(lambda _: None):
            bench.asked_while_asleep()
        bench.clock.sleep(60.0)
    assert bench.real.slept == pytest.approx(20.5)
    assert ended.value.left


def test_after_what_is_begun_nothing_else_is(bench: Bench) -> None:
    with bench.ending.attempt(), bench.lock.held(lambda _: None):
        bench.ending.ask()
    with pytest.raises(Ended) as ended:
        bench.clock.sleep(0.1)
    assert not ended.value.left


def test_to_be_asked_again_gives_no_more_time(bench: Bench) -> None:
    bench.ending.ask()
    bench.real.sleep(19.0)
    bench.ending.ask()
    bench.real.sleep(2.0)
    with pytest.raises(Ended):
        bench.ending.check()


def test_a_lock_that_another_has_is_busy_and_nothing_is_begun(bench: Bench) -> None:
    bench.inner.busy = Busy("held by another")
    with pytest.raises(Busy), bench.lock.held(lambda _: None):
        pytest.fail("it was begun")
    bench.ending.ask()
    with pytest.raises(Ended) as ended:
        bench.ending.check()
    assert not ended.value.left
