"""How often AWS is asked: by place, over all threads, and less where it throttles."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from remediator.aws.pace import Pace, Place
from tests.aws.conftest import FakeClock

HERE = Place("123456789012", "us-east-1")
ELSEWHERE = [Place("123456789012", "eu-west-1"), Place("444455556666", "us-east-1")]


@pytest.fixture
def pace(clock: FakeClock) -> Pace:
    return Pace(1.0, clock)


def test_calls_of_one_place_are_a_second_apart(pace: Pace, clock: FakeClock) -> None:
    assert all(pace.wait(HERE) for _ in range(4))
    assert clock.slept == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("other", ELSEWHERE)
def test_each_account_and_region_has_a_pace_of_its_own(pace: Pace, clock: FakeClock, other: Place) -> None:
    for each in (HERE, other):
        assert pace.wait(each)
    assert clock.slept == []


def test_a_throttled_place_doubles_its_distance_and_no_other_does(pace: Pace, clock: FakeClock) -> None:
    for _ in range(5):
        assert pace.wait(HERE)
        pace.slow_down(HERE)
    assert clock.slept == [2.0, 4.0, 8.0, 16.0]
    assert pace.wait(ELSEWHERE[0])
    assert clock.slept == [2.0, 4.0, 8.0, 16.0]


def test_a_throttled_place_stays_slow_when_it_answers_again(pace: Pace, clock: FakeClock) -> None:
    pace.wait(HERE)
    pace.slow_down(HERE)
    assert pace.wait(HERE)
    assert pace.wait(HERE)
    assert clock.slept == [2.0, 2.0]


def test_one_that_is_throttled_at_its_slowest_is_left_alone_for_a_minute(pace: Pace, clock: FakeClock) -> None:
    for _ in range(5):
        pace.wait(HERE)
        pace.slow_down(HERE)
    before = len(clock.slept)
    assert not pace.wait(HERE), "its turn came 16 s later, and it was throttled once more"
    assert len(clock.slept) == before, "nobody waits for nothing"
    assert pace.wait(ELSEWHERE[1])
    clock.sleep(60)
    assert pace.wait(HERE)
    pace.slow_down(HERE)
    assert not pace.wait(HERE), "it is as slow as before"


def test_it_is_forgiven_after_five_minutes(pace: Pace, clock: FakeClock) -> None:
    pace.wait(HERE)
    pace.slow_down(HERE)
    clock.sleep(301)
    assert pace.wait(HERE)
    assert pace.wait(HERE)
    assert clock.slept[-1] == 1.0


def test_who_waited_when_it_was_throttled_waits_anew(clock: FakeClock) -> None:
    """Their turn was given out at the old distance."""
    pace = Pace(1.0, clock)
    woken: list[float] = []

    class Meanwhile(FakeClock):
        def sleep(self, seconds: float, /) -> None:
            super().sleep(seconds)
            woken.append(self.monotonic())
            if len(woken) == 1:
                pace.slow_down(HERE)

    pace._clock = Meanwhile()
    assert pace.wait(HERE)
    assert pace.wait(HERE)
    assert woken == [1.0, 3.0]


def test_threads_take_turns() -> None:
    turns: list[float] = []
    lock = threading.Lock()

    class Noting(FakeClock):
        """Time stands still: each thread's turn is by how long it was told to wait."""

        def sleep(self, seconds: float, /) -> None:
            with lock:
                turns.append(seconds)

    pace = Pace(1.0, Noting())
    with ThreadPoolExecutor(max_workers=6) as pool:
        assert all(pool.map(lambda _: pace.wait(HERE), range(12)))
    assert [later - earlier for earlier, later in pairwise(sorted(turns))] == [1.0] * 10
