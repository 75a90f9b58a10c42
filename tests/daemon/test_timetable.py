"""The jobs of a daemon: which there are, how they are set up, and when they are due."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor

from remediator.daemon.timetable import LEADERSHIP, NEXT_DEADLINE, PASS, POLICY, Timetable
from remediator.policy import Schedule
from tests.builders import NOW
from tests.daemon.simulated import Stepped, Time, go_by

MINUTE = timedelta(minutes=1)


def schedule(**keys: Any) -> Schedule:
    return Schedule.model_validate(keys)


class Board:
    """A timetable in time that jumps, and when each of its jobs was done."""

    def __init__(self, patch: pytest.MonkeyPatch, by: Schedule) -> None:
        self.time = Time()
        go_by(self.time, patch)
        self.asked: list[datetime] = []
        self.campaigned: list[datetime] = []
        self.reloaded: list[datetime] = []
        self.timetable = Timetable(
            by,
            now=self.time.now,
            ask=lambda: self.asked.append(self.time.now()),
            campaign=lambda: self.campaigned.append(self.time.now()),
            reload=lambda: self.reloaded.append(self.time.now()),
            scheduler=self._make,
            executor=DebugExecutor(),
        )
        self.timetable.start()
        self.time.follow(self.scheduler.step)

    def _make(self, **more: Any) -> Stepped:
        self.scheduler = Stepped(**more)
        return self.scheduler

    def only_passes(self) -> None:
        """Leave out what is done every few seconds, where days are to go by."""
        for job in (LEADERSHIP, POLICY):
            self.scheduler.remove_job(job)

    def due(self, job: str) -> datetime | None:
        found = self.scheduler.get_job(job)
        at: datetime | None = found.next_run_time if found else None
        return at


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    return Board(monkeypatch, schedule(jitter="0s"))


def _near(found: list[datetime], *expected: float) -> bool:
    """Whether things were done so many seconds after NOW; a float's breadth later counts."""
    return len(found) == len(expected) and all(
        timedelta(0) <= at - (NOW + timedelta(seconds=each)) < timedelta(milliseconds=1)
        for at, each in zip(found, expected, strict=True)
    )


def test_a_late_job_is_done_all_the_same_once_and_never_beside_itself(board: Board) -> None:
    board.timetable.look_at(NOW + MINUTE)
    jobs = {each.id: each for each in board.scheduler.get_jobs()}
    assert set(jobs) == {PASS, NEXT_DEADLINE, LEADERSHIP, POLICY}
    for each in jobs.values():
        assert (each.max_instances, each.coalesce, each.misfire_grace_time) == (1, True, None)
        assert each.next_run_time.tzinfo is UTC


def test_a_pass_is_asked_for_at_each_interval(board: Board) -> None:
    board.time.sleep(16 * 60)
    assert _near(board.asked, 300, 600, 900)


def test_leadership_is_looked_after_at_once_and_every_few_seconds(board: Board) -> None:
    board.time.sleep(10)
    assert _near(board.campaigned, 0, 3, 6, 9)
    assert _near(board.reloaded, 10)


def test_after_a_long_sleep_of_the_machine_a_pass_is_asked_for_once(board: Board) -> None:
    board.time.elapsed += 3600
    board.time.sleep(1)
    assert len(board.asked) == 1
    assert len(board.campaigned) == 1


def test_jitter_makes_it_later_and_never_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(monkeypatch, schedule(interval="1m", jitter="20s"))
    board.time.sleep(3600)
    pauses = [after - before for before, after in pairwise(board.asked)]
    assert min(pauses) >= MINUTE
    assert max(pauses) <= MINUTE * 1.34
    assert len(set(pauses)) > 10


def test_a_cron_expression_takes_the_place_of_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """NOW is a Saturday, 12:00."""
    board = Board(monkeypatch, schedule(cron="30 6,18 * * sat,mon", jitter="0s"))
    board.only_passes()
    board.time.sleep(3 * 86400)
    assert [each.strftime("%a %H:%M") for each in board.asked] == ["Sat 18:30", "Mon 06:30", "Mon 18:30"]


def test_jitter_adds_to_a_cron_expression_too_and_makes_no_moment_two(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(monkeypatch, schedule(cron="0 * * * *", jitter="10m"))
    board.only_passes()
    board.time.sleep(24 * 3600 - 1)
    assert [each.hour for each in board.asked] == [*range(12, 24), *range(12)]
    assert max(each.minute for each in board.asked) > 0


def test_a_deadline_is_looked_at_the_moment_it_passes(board: Board) -> None:
    board.timetable.look_at(NOW + timedelta(seconds=100.25))
    board.time.sleep(200)
    assert _near(board.asked, 100.25)
    assert board.due(NEXT_DEADLINE) is None


def test_only_the_next_deadline_is_waited_for(board: Board) -> None:
    board.timetable.look_at(NOW + MINUTE)
    board.timetable.look_at(NOW + MINUTE * 2)
    board.time.sleep(200)
    assert _near(board.asked, 120)


def test_what_has_no_deadline_any_more_is_not_waited_for(board: Board) -> None:
    board.timetable.look_at(NOW + MINUTE)
    board.timetable.look_at(None)
    board.timetable.look_at(None)
    board.time.sleep(200)
    assert board.asked == []


def test_a_deadline_that_is_over_gives_everybody_a_moment_to_breathe(board: Board) -> None:
    board.timetable.look_at(NOW - MINUTE)
    assert board.due(NEXT_DEADLINE) == NOW + timedelta(seconds=1)


def test_another_schedule_counts_from_when_it_is_read(board: Board) -> None:
    board.time.sleep(200)
    board.timetable.follow(schedule(jitter="0s"))
    assert board.due(PASS) == NOW + MINUTE * 5, "the same one changes nothing"
    board.timetable.follow(schedule(interval="1m", jitter="0s"))
    board.time.sleep(100)
    assert _near(board.asked, 260)


def test_it_knows_when_passes_should_have_been_made(board: Board) -> None:
    assert board.timetable.after(NOW, 3) == NOW + MINUTE * 15
    board.timetable.follow(schedule(interval="1m", jitter="10s"))
    assert board.timetable.after(NOW, 3) == NOW + timedelta(seconds=210)
    board.timetable.follow(schedule(cron="0 3 * * *", jitter="0s"))
    assert board.timetable.after(NOW, 2) == datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_it_runs_on_threads_of_its_own_and_stops() -> None:
    campaigned, before = threading.Event(), threading.active_count()
    timetable = Timetable(
        Schedule(), now=lambda: datetime.now(UTC), ask=lambda: None, campaign=campaigned.set, reload=lambda: None
    )
    timetable.start()
    assert campaigned.wait(10)
    timetable.stop()
    deadline = threading.Event()
    for _ in range(100):
        if threading.active_count() <= before:
            break
        deadline.wait(0.05)
    assert threading.active_count() <= before
