"""What a kubelet is told of a daemon."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from remediator.daemon.health import Health
from tests.fakes import FakeClock

INTERVAL = timedelta(minutes=5)


class Patient:
    """A daemon that does what a test says."""

    def __init__(self, interval: timedelta = INTERVAL) -> None:
        self.clock = FakeClock()
        self.interval = interval
        self.health = Health(self.clock.now, due=self._due)

    def _due(self, moment: datetime, passes: int) -> datetime:
        return moment + self.interval * passes

    def waits(self, **span: float) -> None:
        """Let time pass in which leadership is looked after, and nothing else is done."""
        self.clock.slept += timedelta(**span).total_seconds()
        self.health.campaigned()


@pytest.fixture
def patient() -> Patient:
    return Patient()


def test_who_moves_is_alive(patient: Patient) -> None:
    for _ in range(10):
        patient.waits(minutes=14)
        assert patient.health.alive(leads=True) == ""
        patient.health.moved()


def test_three_missing_passes_are_told(patient: Patient) -> None:
    patient.waits(minutes=15)
    assert patient.health.alive(leads=True) == ""
    patient.waits(seconds=1)
    assert patient.health.alive(leads=True) == "no pass has moved since 2026-11-21T12:00:00Z (15m)"


def test_a_short_interval_does_not_take_a_long_request_for_a_hang() -> None:
    patient = Patient(timedelta(seconds=5))
    patient.waits(minutes=2)
    assert patient.health.alive(leads=True) == ""
    patient.waits(seconds=1)
    assert patient.health.alive(leads=True)


def test_who_stands_by_makes_no_passes_and_is_well(patient: Patient) -> None:
    patient.waits(hours=9)
    assert patient.health.alive(leads=False) == ""


@pytest.mark.parametrize("leads", [False, True])
def test_a_scheduler_that_stands_still_is_told_whoever_leads(patient: Patient, leads: bool) -> None:
    patient.clock.slept += 121
    assert patient.health.alive(leads=leads) == "the scheduler stands still since 2026-11-21T12:00:00Z (2m01s)"


def test_nobody_is_ready_before_it_is_known_who_leads(patient: Patient) -> None:
    assert patient.health.ready(leads=False, undecided="no answer") == "it is not decided who leads: no answer"
    assert patient.health.ready(leads=False, undecided="") == "", "who stands by is"


def test_who_leads_is_ready_after_the_first_pass(patient: Patient) -> None:
    assert patient.health.ready(leads=True, undecided="") == "the first pass is not over"
    patient.health.passed("no credentials")
    assert patient.health.ready(leads=True, undecided="") == "the first pass has not succeeded: no credentials"
    patient.health.passed()
    assert patient.health.ready(leads=True, undecided="") == ""
    patient.health.passed("the API server is down")
    assert patient.health.ready(leads=True, undecided="") == "", "a bad day later on is told by metrics"
