"""Two or three who want one lock, on clocks that disagree and a network that loses: never two at a time."""

from __future__ import annotations

import logging

import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.kubernetes.contenders import TERMS, Contender, Fate, MemoryLease, SkewedClock, World

HOUR = 3600.0

clocks = st.fixed_dictionaries(
    {
        "wall": st.sampled_from([0.0, HOUR, -HOUR, 0.25]),
        "uptime": st.sampled_from([0.0, 1e6, 17.0]),
        "rate": st.sampled_from([1.0, 0.99, 1.01]),
    }
)
spans = st.sampled_from([0.0, 0.0, 1.0, 5.0])
fates = st.lists(
    st.tuples(spans, spans, st.sampled_from(["", "", "", "request", "answer", "late"]), st.booleans()), max_size=4
)
who = st.integers(0, 2)


class Rivals(RuleBasedStateMachine):
    """`World` asserts all the while that nobody thinks that they hold the lock while a write of another's may last."""

    @initialize(each=st.lists(clocks, min_size=2, max_size=3))
    def begin(self, each: list[dict[str, float]]) -> None:
        self.world = World()
        self.lease = MemoryLease()
        self.rivals = [
            Contender(self.world, f"{number}", self.lease, SkewedClock(self.world, **clock))
            for number, clock in enumerate(each)
        ]
        self.born = len(self.rivals)
        self.busy: set[str] = set()

    def one(self, number: int) -> Contender:
        return self.rivals[number % len(self.rivals)]

    def campaign(self, contender: Contender) -> None:
        if contender.name not in self.busy:
            self.busy.add(contender.name)
            contender.campaigns()
            self.busy.discard(contender.name)

    @rule(number=who, script=fates)
    def somebody_campaigns(self, number: int, script: list[tuple[float, float, str, bool]]) -> None:
        contender, other = self.one(number), self.one(number + 1)
        contender.way.fates = [
            Fate(there, back, lost, (lambda: self.campaign(other)) if crossed else None)
            for there, back, lost, crossed in script
        ]
        self.campaign(contender)
        contender.way.fates = []

    @rule(number=who, lost=st.sampled_from(["", "", "request", "answer", "late"]))
    def somebody_releases(self, number: int, lost: str) -> None:
        contender = self.one(number)
        contender.way.fates = [Fate(lost=lost)]
        contender.releases()
        contender.way.fates = []

    @rule(number=who)
    def somebody_dies_and_comes_back(self, number: int) -> None:
        gone = self.one(number)
        gone.dies()
        self.born += 1
        self.rivals[number % len(self.rivals)] = Contender(self.world, f"{self.born}", self.lease, gone.clock)

    @rule(seconds=st.sampled_from([1.0, 5.0, 12.0, 17.0, 19.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule(number=who, rounds=st.integers(2, 12))
    def a_daemon_lives_on(self, number: int, rounds: int) -> None:
        for _ in range(rounds):
            self.campaign(self.one(number))
            self.campaign(self.one(number + 1))
            self.world.passes(5)

    @rule(number=who, back=spans, lost=st.sampled_from(["", "answer"]))
    def a_holder_falls_silent_before_the_eyes_of_another(self, number: int, back: float, lost: str) -> None:
        holder, watcher = self.one(number), self.one(number + 1)
        self.campaign(holder)
        self.world.passes(7)
        look = Fate(meanwhile=lambda: self.campaign(watcher))
        holder.way.fates = [Fate(lost=lost), look, Fate(there=1, back=back)]
        self.campaign(holder)
        self.campaign(holder)
        holder.way.fates = []
        for _ in range(35):
            self.campaign(watcher)
            self.world.passes(1)

    @rule(number=who, seconds=st.sampled_from([10.0, 40.0]))
    def a_machine_sleeps(self, number: int, seconds: float) -> None:
        self.one(number).clock.suspend(seconds)

    @rule(number=who, seconds=st.sampled_from([HOUR, 10.0]))
    def a_wall_clock_is_set_forward(self, number: int, seconds: float) -> None:
        self.one(number).clock.wall += seconds
        self.world.look()

    @precondition(lambda self: self.world.late)
    @rule()
    def a_late_request_arrives(self) -> None:
        self.world.late_one_arrives()
        self.world.look()

    @rule()
    def somebody_annotates_it(self) -> None:
        self.lease.annotate()

    @precondition(lambda self: len(self.rivals) > 1)
    @rule(number=who)
    def the_last_one_gets_it(self, number: int) -> None:
        """A lock that nobody can have would be safe, too."""
        survivor = self.one(number)
        while self.world.late:
            self.world.late_one_arrives()
        for each in [each for each in self.rivals if each is not survivor]:
            each.dies()
        survivor.campaigns()  # finds out, perhaps, that its own tenure is over,
        survivor.campaigns()  # and begins to watch
        self.world.passes(TERMS.duration / 0.99 + 1)
        assert survivor.campaigns()
        for number, each in enumerate(self.rivals):
            if each is not survivor:
                self.born += 1
                self.rivals[number] = Contender(self.world, f"{self.born}", self.lease, each.clock)


def test_whatever_happens_never_two_at_a_time() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        run_state_machine_as_test(Rivals, settings=settings(max_examples=60, stateful_step_count=40))
    finally:
        structlog.reset_defaults()
