"""The sandbox's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from remediator.sandbox.clock import SandboxClock


def test_it_starts_where_it_is_told_in_utc() -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    now = SandboxClock(start=start).now()
    assert now.tzinfo is UTC
    assert timedelta(0) <= now - start < timedelta(seconds=5)


def test_it_starts_now_by_default() -> None:
    assert abs(datetime.now(UTC) - SandboxClock().now()) < timedelta(seconds=5)


def test_it_runs_at_its_speed() -> None:
    clock = SandboxClock(speed=1000)
    before, wall = clock.monotonic(), clock.now()
    real = time.monotonic()
    clock.sleep(50)
    assert time.monotonic() - real < 5
    assert clock.monotonic() - before >= 49.9
    assert clock.now() - wall >= timedelta(seconds=49.9)


def test_a_negative_sleep_returns_at_once() -> None:
    SandboxClock().sleep(-1)


@pytest.mark.parametrize("speed", [0, -1])
def test_it_cannot_stand_still_or_run_backwards(speed: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        SandboxClock(speed=speed)


def test_it_wants_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SandboxClock(start=datetime(2026, 1, 1))
