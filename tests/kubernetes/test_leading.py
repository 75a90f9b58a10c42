"""Who leads which shard, and that shards of two numbers never do at once, in whichever order they ask."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from remediator.errors import Forbidden
from remediator.kubernetes.leading import LEADER_LEASES, LeaderLock, leader_lease
from remediator.kubernetes.lease import LEADER_LEASE, Lock
from remediator.kubernetes.lease_object import KubernetesLease, KubernetesLeases
from remediator.kubernetes.transport import Transport
from remediator.model.lease import Found, Record, Terms
from remediator.model.shard import MOST, WHOLE, Shard
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.contenders import NOON, TERMS, Fate, MemoryLease, SkewedClock
from tests.kubernetes.shards import Namespace, Worker, Workplace

T = TypeVar("T")


@pytest.fixture
def world() -> Workplace:
    return Workplace()


@pytest.fixture
def namespace() -> Namespace:
    return Namespace()


Hire = Callable[..., Worker]


@pytest.fixture
def hire(world: Workplace, namespace: Namespace) -> Hire:
    def make(index: int, count: int, name: str = "w") -> Worker:
        return Worker(world, name, namespace, Shard(index, count))

    return make


def rounds(world: Workplace, number: int, *workers: Worker) -> None:
    """Let each campaign every three seconds, as daemons do."""
    for _ in range(number):
        for each in workers:
            each.campaigns()
        world.passes(3)


def at_work(*workers: Worker) -> list[str]:
    return [each.name for each in workers if each.lock.valid()]


def test_each_shard_has_a_lease_and_all_there_is_the_one_that_it_had() -> None:
    assert leader_lease(WHOLE) == LEADER_LEASE == "ack-remediator-leader"
    assert leader_lease(Shard(3, 4)) == "ack-remediator-leader-3"
    assert {leader_lease(Shard(index, MOST)) for index in range(MOST)} | {LEADER_LEASE} == set(LEADER_LEASES)


def test_shards_of_one_number_work_side_by_side(world: Workplace, hire: Hire) -> None:
    shards = [hire(index, 4) for index in range(4)]
    rounds(world, 30, *shards)
    assert at_work(*shards) == [each.name for each in shards]


def test_of_two_that_want_the_same_shard_one_stands_by_and_takes_over(world: Workplace, hire: Hire) -> None:
    one, two = hire(1, 4, "one"), hire(1, 4, "two")
    rounds(world, 10, one, two)
    assert at_work(one, two) == [one.name]
    assert two.lock.others == "", "that is another matter"
    one.releases()
    assert two.campaigns()


@pytest.mark.parametrize(("first", "then"), [(2, 4), (4, 2), (1, 4), (4, 1), (1, 16)])
def test_who_is_at_work_is_not_disturbed_by_those_of_another_number(
    world: Workplace, hire: Hire, first: int, then: int
) -> None:
    before = [hire(index, first, "before") for index in range(first)]
    rounds(world, 2, *before)
    after = [hire(index, then, "after") for index in range(then)]
    with capture_logs() as logs:
        rounds(world, 40, *after, *before)
        assert at_work(*before, *after) == [each.name for each in before]
        assert [each["event"] for each in logs] == ["standing by: shards of another number are at work"] * then
        assert all(f"before:0/{first}" in each.lock.others for each in after)
        logs.clear()
        for each in before[:-1]:
            each.releases()
        rounds(world, 5, *after)
        assert not at_work(*after), "one of them is still there"
        before[-1].releases()
        rounds(world, 2, *after)
        assert at_work(*after) == [each.name for each in after]
        over = ["no shards of another number are at work any more"] * then
        assert [each["event"] for each in logs if each["log_level"] == "info"] == over
    assert {each.lock.others for each in after} == {""}


def test_who_was_killed_is_waited_for_as_long_as_a_lease_lasts(world: Workplace, hire: Hire) -> None:
    before, after = hire(0, 2, "before"), hire(0, 4, "after")
    rounds(world, 1, before)
    before.dies()
    rounds(world, 10, after)
    assert not at_work(after)
    rounds(world, 2, after)
    assert at_work(after)


def test_silence_ends_it_and_what_was_seen_before_counts_for_nothing(world: Workplace, hire: Hire) -> None:
    one, two = hire(0, 2, "one"), hire(0, 4, "two")
    rounds(world, 1, one, two)
    one.way.usual = Fate(lost="request")
    rounds(world, 5, two)
    assert not one.lock.valid()
    assert not two.lock.valid()
    rounds(world, 7, two)
    assert two.lock.valid(), "it was silent for a Lease's whole time"
    one.way.usual = Fate()
    rounds(world, 8, one, two)
    assert at_work(one, two) == [two.name]


def test_a_renewal_that_came_late_is_no_reason_to_work_on(world: Workplace, namespace: Namespace, hire: Hire) -> None:
    """Its own Lease nobody else wants, so it can be renewed; but it looked free for a while."""
    one, two = hire(0, 2, "one"), hire(1, 4, "two")
    rounds(world, 1, one, two)
    world.passes(14)
    assert one.lock.valid()
    one.way.fates = [Fate(there=9, meanwhile=namespace.leases["ack-remediator-leader-0"].annotate)]
    one.way.fates += [Fate(there=9, meanwhile=two.campaigns), Fate()]
    one.campaigns()
    assert at_work(one, two) == [two.name]


def test_after_an_outage_that_nobody_used_it_goes_on(world: Workplace, hire: Hire) -> None:
    one = hire(0, 2)
    one.campaigns()
    world.passes(TERMS.duration)
    assert not one.lock.valid()
    assert one.campaigns()


def test_a_lease_of_a_shard_that_does_not_say_of_how_many_is_of_another_number(
    world: Workplace, namespace: Namespace, hire: Hire
) -> None:
    namespace.leases["ack-remediator-leader-3"].create(Record().taken("somebody", TERMS, NOON))
    assert not hire(0, 16).campaigns()
    assert not hire(0, 1).campaigns()


def test_a_leader_of_before_there_were_shards_is_of_all_there_is(
    world: Workplace, namespace: Namespace, hire: Hire
) -> None:
    namespace.leases[LEADER_LEASE].create(Record().taken("pod@node/1/ab", TERMS, NOON))
    two = hire(0, 2)
    assert not two.campaigns()
    assert two.lock.others == "pod@node/1/ab holds ack-remediator-leader"


# ---- every order in which two can ask --------------------------------------------------------------------------------


class Turns:
    """Lets two threads make their requests in a given order, one at a time; what is not in it comes as it likes."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self._order = list(order)
        self._changed = threading.Condition()
        self._over: set[int] = set()

    def take(self, who: int, request: Callable[[], T]) -> T:
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() in (who, None), timeout=10)
            try:
                return request()
            finally:
                if self._order and self._order[0] == who:
                    self._order.pop(0)
                self._changed.notify_all()

    def leave(self, who: int) -> None:
        with self._changed:
            self._over.add(who)
            self._changed.notify_all()

    def _next(self) -> int | None:
        while self._order and self._order[0] in self._over:
            self._order.pop(0)
        return self._order[0] if self._order else None


class Ordered:
    """One of two shards, whose requests wait for their turn."""

    def __init__(self, who: int, namespace: Namespace, shard: Shard, world: Workplace) -> None:
        self.who, self.turns = who, Turns(())
        self._lease: MemoryLease = namespace.leases[leader_lease(shard)]
        self._namespace = namespace
        clock = SkewedClock(world)
        self.lock = LeaderLock(Lock(self, clock, shard.signed(f"{who}"), TERMS), _Leases(self), shard, clock, TERMS)

    def __str__(self) -> str:
        return str(self._lease)

    def read(self) -> Found | None:
        return self.turns.take(self.who, self._lease.read)

    def create(self, record: Record) -> Found:
        return self.turns.take(self.who, lambda: self._lease.create(record))

    def replace(self, found: Found, record: Record) -> Found:
        return self.turns.take(self.who, lambda: self._lease.replace(found, record))

    def all(self) -> Mapping[str, Found]:
        return self.turns.take(self.who, self._namespace.read)


class _Leases:
    def __init__(self, of: Ordered) -> None:
        self._of = of

    def read(self) -> Mapping[str, Found]:
        return self._of.all()


def side_by_side(pair: list[Ordered], order: tuple[int, ...]) -> None:
    """Let both campaign once."""
    turns = Turns(order)

    def campaign(each: Ordered) -> None:
        each.turns = turns
        each.lock.campaign()
        turns.leave(each.who)

    threads = [threading.Thread(target=campaign, args=(each,)) for each in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def orders() -> Iterator[tuple[int, ...]]:
    """Yield every order of two campaigns: look, read, create, look, and the release of who gives way."""
    steps = 5
    for mine in itertools.combinations(range(2 * steps), steps):
        yield tuple(0 if place in mine else 1 for place in range(2 * steps))


@pytest.mark.parametrize("shards", [(Shard(0, 2), Shard(1, 4)), (WHOLE, Shard(0, 2)), (Shard(0, 4), Shard(0, 2))])
def test_in_whichever_order_two_numbers_begin_never_both_work_and_soon_one_does(shards: tuple[Shard, Shard]) -> None:
    began = set()
    for order in orders():
        world, namespace = Workplace(), Namespace()
        pair = [Ordered(who, namespace, shard, world) for who, shard in enumerate(shards)]
        side_by_side(pair, order)
        working = [each.who for each in pair if each.lock.valid()]
        assert len(working) <= 1, order
        began.add(tuple(working))
        for _ in range(3):
            for each in pair:
                each.lock.campaign()
                now = [each.who for each in pair if each.lock.valid()]
                assert len(now) <= 1, order
                assert not working or now == working, f"whoever works goes on: {order}"
                working = now
            world.passes(3)
        assert working, f"nobody works for {order}"
    assert {(0,), (1,)} <= began


def test_in_lock_step_they_do_not_give_way_to_each_other_for_ever() -> None:
    world, namespace = Workplace(), Namespace()
    pair = [Ordered(who, namespace, shard, world) for who, shard in enumerate((Shard(0, 2), Shard(1, 4)))]
    for _ in range(3):
        side_by_side(pair, (0, 1) * 5)
        world.passes(3)
    assert [each.lock.valid() for each in pair] == [False, True], "the greater number stays"


# ---- on an API server ------------------------------------------------------------------------------------------------


def leader(transport: Transport, shard: Shard, world: Workplace) -> LeaderLock:
    clock = SkewedClock(world)
    lease = KubernetesLease(transport, "default", leader_lease(shard))
    lock = Lock(lease, clock, shard.signed("pod@node/1/ab"), Terms())
    return LeaderLock(lock, KubernetesLeases(transport, "default", LEADER_LEASES), shard, clock)


def test_people_see_in_a_lease_which_shard_of_how_many_it_is(
    api: ApiServer, transport: Transport, world: Workplace
) -> None:
    assert leader(transport, Shard(1, 4), world).campaign()
    lease = api.stored("coordination.k8s.io/v1", "Lease", "default", "ack-remediator-leader-1")
    assert lease["spec"]["holderIdentity"] == "pod@node/1/ab#shard-1/4"
    assert leader(transport, Shard(3, 4), world).campaign()
    other = leader(transport, Shard(0, 3), world)
    assert not other.campaign()
    assert "pod@node/1/ab#shard-1/4 holds ack-remediator-leader-1" in other.others


def test_other_leases_of_the_namespace_are_nobodys_business(
    api: ApiServer, transport: Transport, world: Workplace
) -> None:
    spec = {"holderIdentity": "somebody", "leaseDurationSeconds": 3600}
    for name in ("ack-remediator-action", "ack-remediator-pause-1", "theirs"):
        metadata = {"name": name, "namespace": "default"}
        api.seed({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})
    assert leader(transport, Shard(1, 4), world).campaign()


def test_who_may_not_list_leases_is_told_which_role_lets_them() -> None:
    class Refusing:
        def get(self, *_: object) -> bytes:
            raise Forbidden("the API server refuses")

    leases = KubernetesLeases(Refusing(), "ops", LEADER_LEASES)  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match="cannot list Leases in namespace ops: the API server refuses") as raised:
        leases.read()
    assert "manifests/base/role-locks.yaml" in raised.value.hint
