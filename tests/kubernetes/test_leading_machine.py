"""Workers of one, two and four shards come and go, on clocks that disagree and ways that lose: never two numbers."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from remediator.kubernetes.leading import leader_lease
from remediator.model.shard import WHOLE, Shard
from tests.kubernetes.contenders import TERMS, Fate, SkewedClock
from tests.kubernetes.shards import Namespace, Worker, Workplace
from tests.kubernetes.test_lease_machine import clocks, fates, spans, who

SHARDS = [WHOLE, Shard(0, 2), Shard(1, 2), Shard(0, 4), Shard(3, 4)]


class Shifts(RuleBasedStateMachine):
    """`Workplace` asserts all the while that shards of two numbers never are at work at once, and none is twice."""

    @initialize(shards=st.lists(st.tuples(st.sampled_from(SHARDS), clocks), min_size=2, max_size=5))
    def begin(self, shards: list[tuple[Shard, dict[str, float]]]) -> None:
        self.world, self.namespace = Workplace(), Namespace()
        self.workers = [
            Worker(self.world, f"{number}", self.namespace, shard, SkewedClock(self.world, **clock))
            for number, (shard, clock) in enumerate(shards)
        ]
        self.born = len(self.workers)
        self.busy: set[str] = set()

    def one(self, number: int) -> Worker:
        return self.workers[number % len(self.workers)]

    def campaign(self, worker: Worker) -> None:
        if worker.name not in self.busy:
            self.busy.add(worker.name)
            with ExitStack() as over:
                over.callback(self.busy.discard, worker.name)
                worker.campaigns()

    @rule(number=who, step=st.integers(1, 4), script=fates)
    def somebody_campaigns(self, number: int, step: int, script: list[tuple[float, float, str, bool]]) -> None:
        worker, other = self.one(number), self.one(number + step)
        worker.way.fates = [
            Fate(there, back, lost, (lambda: self.campaign(other)) if crossed else None)
            for there, back, lost, crossed in script
        ]
        self.campaign(worker)
        worker.way.fates = []

    @rule(number=who, lost=st.sampled_from(["", "", "request", "answer", "late"]))
    def somebody_releases(self, number: int, lost: str) -> None:
        worker = self.one(number)
        worker.way.fates = [Fate(lost=lost)]
        worker.releases()
        worker.way.fates = []

    @rule(number=who, shard=st.sampled_from(SHARDS))
    def somebody_dies_and_comes_back_as_another_shard(self, number: int, shard: Shard) -> None:
        gone = self.one(number)
        gone.dies()
        self.born += 1
        self.workers[number % len(self.workers)] = Worker(self.world, f"{self.born}", self.namespace, shard, gone.clock)

    @rule(seconds=st.sampled_from([1.0, 5.0, 12.0, 17.0, 19.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule(rounds=st.integers(2, 12))
    def all_live_on(self, rounds: int) -> None:
        for _ in range(rounds):
            for each in self.workers:
                self.campaign(each)
            self.world.passes(3)

    @rule(number=who, back=spans, lost=st.sampled_from(["", "answer", "request"]))
    def one_at_work_falls_silent_before_the_eyes_of_another(self, number: int, back: float, lost: str) -> None:
        silent, watcher = self.one(number), self.one(number + 1)
        self.campaign(silent)
        self.world.passes(7)
        look = Fate(meanwhile=lambda: self.campaign(watcher))
        silent.way.fates = [Fate(lost=lost), look, Fate(there=1, back=back)]
        self.campaign(silent)
        self.campaign(silent)
        silent.way.fates = []
        for _ in range(12):
            self.campaign(watcher)
            self.world.passes(3)

    @rule(number=who, step=st.integers(1, 4), place=st.integers(0, 3), lost=st.sampled_from(["", "", "answer"]))
    def two_begin_at_once_where_nobody_is(self, number: int, step: int, place: int, lost: str) -> None:
        for each in self.workers:
            each.releases()
        self.world.passes(31)
        one, two = self.one(number), self.one(number + step)
        for each in (one, two):  # who is not known to be dead is waited for
            self.campaign(each)
            each.releases()
        one.way.fates = [Fate()] * place + [Fate(lost=lost, meanwhile=lambda: self.campaign(two))]
        self.campaign(one)
        one.way.fates = []
        self.campaign(one)

    @rule(number=who, step=st.integers(1, 4), wait=st.sampled_from([7.0, 14.0, 17.0]))
    def a_renewal_takes_long(self, number: int, step: int, wait: float) -> None:
        slow, other = self.one(number), self.one(number + step)
        for each in (slow, other):
            self.campaign(each)
        self.world.passes(wait)
        lease = self.namespace.leases[leader_lease(slow.shard)]
        slow.way.fates = [
            Fate(there=9, meanwhile=lease.annotate),
            Fate(there=9, meanwhile=lambda: self.campaign(other)),
        ]
        self.campaign(slow)
        slow.way.fates = []

    @rule(number=who, seconds=st.sampled_from([10.0, 40.0]))
    def a_machine_sleeps(self, number: int, seconds: float) -> None:
        self.one(number).clock.suspend(seconds)

    @precondition(lambda self: self.world.late)
    @rule()
    def a_late_request_arrives(self) -> None:
        self.world.late_one_arrives()
        self.world.look()

    @rule()
    def somebody_works_in_the_end(self) -> None:
        """Where all live on undisturbed: a rule by which nobody ever works would be safe, too."""
        while self.world.late:
            self.world.late_one_arrives()
        for _ in range(int(4 * TERMS.duration / 0.99 / 3)):
            for each in self.workers:
                self.campaign(each)
            self.world.passes(3)
        working = [each for each in self.workers if each.lock.valid()]
        assert working
        count = working[0].shard.count
        assert {each.shard for each in working} == {each.shard for each in self.workers if each.shard.count == count}


def test_whatever_happens_never_two_numbers_at_work_and_somebody_in_the_end() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        run_state_machine_as_test(Shifts, settings=settings(max_examples=60, stateful_step_count=30))
    finally:
        structlog.reset_defaults()
