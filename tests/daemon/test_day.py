"""A simulated day: resources get stuck and recover, and no deadline is missed, and nothing is done twice."""

from __future__ import annotations

import gc
import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from remediator.model.finding import State
from remediator.model.plan import Result
from remediator.model.scan import Scan
from tests.builders import BUSY, NOW, function
from tests.daemon.simulated import Simulation

_DAY = 86400.0
_POLICY = "mode: auto\nsightings: 1\nbudgets: {perDay: 1000}\n"


class Day:
    """Resources that fail one after the other, every other of which helps itself; what was seen when."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, count: int) -> None:
        self.names = [f"function-{number}" for number in range(count)]
        self.town = Simulation(folder, patch, *(function(name) for name in self.names), policy=_POLICY)
        self.decided: dict[tuple[str, datetime], datetime] = {}
        self.town.told.scans.append(self._note)

    def begins(self, day: int, seed: int = 0) -> list[str]:
        """Let each fail once on a day, spread over it, and return which of them do not help themselves."""
        chance = random.Random(seed + day)
        apart = (_DAY - 3600) / len(self.names)
        helpless = []
        for number, name in enumerate(self.names):
            begin = day * _DAY + number * apart + chance.uniform(0, apart / 4)
            self.town.time.at(begin, lambda name=name: self.town.town.says(name, False, BUSY))  # type: ignore[misc]
            if number % 2:
                self.town.time.at(begin + 600, lambda name=name: self.town.town.heals(name))  # type: ignore[misc]
            else:
                helpless.append(name)
        return helpless

    def passes(self) -> None:
        self.town.passes(days=1)

    def _note(self, scan: Scan) -> None:
        """Note when each that is stuck was first decided on."""
        for each in scan.results:
            if each.finding and each.finding.state is State.STUCK and each.finding.stuck_at:
                key = each.seen.resource.metadata.name, each.finding.stuck_at
                self.decided.setdefault(key, self.town.time.now())


def _expect_a_good_day(day: Day, helpless: list[str], since: float = 0.0) -> None:
    resynced = [name for at, name in day.town.town.resynced if at >= since]
    assert sorted(resynced) == sorted(helpless), "each of them once"
    late = {key: (at - key[1]) for key, at in day.decided.items() if at - key[1] > timedelta(seconds=2)}
    assert not late, "looked at the moment its deadline passed"
    assert {name for name, _ in day.decided} == set(helpless)
    assert {each.result for each in day.town.told.outcomes} == {Result.RESOLVED}
    assert day.town.told.failures == 0
    assert day.town.told.led == [True]


def test_in_a_day_no_deadline_is_missed_and_nothing_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(tmp_path, monkeypatch, 40)
    helpless = day.begins(0)
    day.passes()
    _expect_a_good_day(day, helpless)
    looked = day.town.town.looked
    assert 280 < len(looked) < 280 + 40 * 3, "by the interval, and for deadlines; not more"
    pauses = [after - before for before, after in pairwise(looked)]
    assert min(pauses) >= 1.0, "no pass right after another"
    assert max(pauses) <= 300 + 15 + 130, "not longer than an interval, its jitter and an action"


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_a_thousand_resources_get_stuck_and_recover_in_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(tmp_path, monkeypatch, 1000)
    helpless = day.begins(0)
    kept = []
    for _ in range(24):
        day.town.passes(hours=1)
        gc.collect()
        kept.append(len(gc.get_objects()))
    _expect_a_good_day(day, helpless)
    # Attempts count for a day, and the test takes notes: so much for each that failed. A pass sees a thousand.
    assert kept[-1] - kept[5] < 8 * 750, kept


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_day_after_day_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(tmp_path, monkeypatch, 50)
    objects = []
    for number in range(3):
        day.decided.clear()
        day.town.told.outcomes.clear()
        day.town.town.looked.clear()
        helpless = day.begins(number)
        day.passes()
        _expect_a_good_day(day, helpless, number * _DAY)
        day.town.town.resynced.clear()
        gc.collect()
        objects.append(len(gc.get_objects()))
    assert objects[2] < objects[1] * 1.01, objects
    assert day.town.time.now() == NOW + timedelta(days=3)
