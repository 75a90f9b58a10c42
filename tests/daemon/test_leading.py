"""Who leads, and when that is known."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from remediator.daemon.leading import Leadership
from remediator.errors import Forbidden
from remediator.kubernetes.lease import Lock
from tests.kubernetes.contenders import TERMS, Fate, MemoryLease, SkewedClock, Way, World


class Candidate:
    """A daemon that wants to lead, and what it was told."""

    def __init__(self, world: World, lease: MemoryLease, name: str) -> None:
        self.way = Way(world, lease)
        self.lock = Lock(self.way, SkewedClock(world), name, TERMS)
        self.told: list[bool] = []
        self.leadership = Leadership(self.lock, self.told.append)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def candidates(world: World) -> tuple[Candidate, Candidate]:
    lease = MemoryLease()
    return Candidate(world, lease, "one"), Candidate(world, lease, "two")


def test_before_anybody_was_asked_nothing_is_decided(candidates: tuple[Candidate, Candidate]) -> None:
    one, _ = candidates
    assert one.leadership.undecided == "nobody was asked yet"
    assert not one.leadership.leads


def test_one_leads_and_the_other_stands_by_and_both_know(candidates: tuple[Candidate, Candidate]) -> None:
    one, two = candidates
    for each in candidates * 3:
        each.leadership.campaign()
    assert (one.told, two.told) == ([True], [False])
    assert [each.leadership.leads for each in candidates] == [True, False]
    assert [each.leadership.undecided for each in candidates] == ["", ""]


def test_who_resigns_makes_way_at_once_and_for_good(candidates: tuple[Candidate, Candidate]) -> None:
    one, two = candidates
    one.leadership.campaign()
    two.leadership.campaign()
    one.leadership.resign()
    one.leadership.campaign()
    two.leadership.campaign()
    assert (one.told, two.told) == ([True, False], [False, True])


def test_silence_of_the_api_server_ends_it(world: World, candidates: tuple[Candidate, Candidate]) -> None:
    one, _ = candidates
    one.leadership.campaign()
    one.way.usual = Fate(lost="request")
    with capture_logs():
        world.passes(TERMS.duration - TERMS.margin - 0.5)
        assert one.leadership.leads
        world.passes(0.5)
        assert not one.leadership.leads, "by its own clock, before anybody told it"
        one.leadership.campaign()
    assert one.told == [True, False]
    assert one.leadership.undecided == "", "it was known before"


def test_where_the_lease_cannot_be_asked_for_that_is_said_once() -> None:
    class Refusing:
        def valid(self) -> bool:
            return False

        def campaign(self) -> bool:
            raise Forbidden("cannot get Lease ops/leader", hint="role-locks.yaml has the rights.")

        def release(self) -> None:
            raise AssertionError

    told: list[bool] = []
    leadership = Leadership(Refusing(), told.append)
    with capture_logs() as logs:
        leadership.campaign()
        leadership.campaign()
    assert [each["why"] for each in logs] == ["cannot get Lease ops/leader"]
    assert told == []
    assert leadership.undecided == "cannot get Lease ops/leader"


def test_what_is_logged_of_it_holds_already() -> None:
    class Free:
        def valid(self) -> bool:
            return False

        def campaign(self) -> bool:
            return False

        def release(self) -> None:
            raise AssertionError

    with capture_logs() as logs:
        Leadership(Free(), lambda _: logs.append({"event": "told"})).campaign()
    assert [each["event"] for each in logs] == ["told", "standing by: another daemon leads"]


def test_who_lost_it_for_a_while_and_has_it_back_is_told_both(
    world: World, candidates: tuple[Candidate, Candidate]
) -> None:
    one, _ = candidates
    one.leadership.campaign()
    world.passes(TERMS.duration)
    assert not one.leadership.leads
    one.leadership.campaign()
    assert one.leadership.leads
    assert one.told == [True], "nobody else had it, and nothing was missed in between"


def test_a_campaign_that_is_under_way_does_not_take_again_what_was_let_go_of() -> None:
    begun, go_on = threading.Event(), threading.Event()
    held: list[bool] = []

    class Slow:
        def valid(self) -> bool:
            return bool(held and held[-1])

        def campaign(self) -> bool:
            begun.set()
            assert go_on.wait(10)
            held.append(True)
            return True

        def release(self) -> None:
            held.append(False)

    leadership = Leadership(Slow(), lambda leads: None)
    campaigning = threading.Thread(target=leadership.campaign)
    campaigning.start()
    assert begun.wait(10)
    resigning = threading.Thread(target=leadership.resign)
    resigning.start()
    go_on.set()
    for each in (campaigning, resigning):
        each.join(10)
    leadership.campaign()
    assert held == [True, False]


def test_an_outage_at_the_very_beginning_decides_nothing(world: World) -> None:
    candidate = Candidate(world, MemoryLease(), "one")
    candidate.way.usual = Fate(lost="request")
    with capture_logs():
        candidate.leadership.campaign()
    assert candidate.told == []
    assert candidate.leadership.undecided == "no answer"
    candidate.way.usual = Fate()
    candidate.leadership.campaign()
    assert candidate.told == [True]
