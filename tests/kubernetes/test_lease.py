"""The lock on the sandbox's API server, over real HTTP: who holds when, whatever clocks and network do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from remediator.clock import SystemClock
from remediator.errors import Busy, Forbidden, NotFound, Unreachable
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.lease import ACTION_LEASE, Lock, own_identity
from remediator.kubernetes.lease_object import KubernetesLease
from remediator.kubernetes.transport import Patience, Transport
from remediator.model.lease import Found, Record, Terms
from remediator.sandbox.apiserver import ApiServer
from tests.bed.http import Http
from tests.kubernetes.conftest import Connect
from tests.kubernetes.contenders import TERMS, Contender, Fate, SkewedClock, World
from tests.wire import SILENCE, Wire

HOUR = 3600.0
Lead = Callable[..., Contender]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lease(transport: Transport) -> KubernetesLease:
    return KubernetesLease(transport, "default", ACTION_LEASE)


@pytest.fixture
def contender(world: World, lease: KubernetesLease) -> Lead:
    def make(name: str, **clock: float) -> Contender:
        return Contender(world, name, lease, SkewedClock(world, **clock))

    return make


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    short = Patience(connect=0.1, read=0.1, answer=0.3, throttled=0)
    usual = Transport.__init__

    def hasty(self: Transport, connection: Connection, _patience: object = None) -> None:
        usual(self, connection, short)

    monkeypatch.setattr(Transport, "__init__", hasty)


def stored(api: ApiServer) -> dict[str, object]:
    spec: dict[str, object] = api.stored("coordination.k8s.io/v1", "Lease", "default", ACTION_LEASE)["spec"]
    return spec


def go_on(world: World, seconds: int, *contenders: Contender) -> None:
    """Let contenders campaign once a second, and keep the record of it in `world.timeline`."""
    for _ in range(seconds):
        for each in contenders:
            each.campaigns()
        world.passes(1)


# ---- one at a time ---------------------------------------------------------------------------------------------------


def test_the_first_one_holds_and_says_who_it_is(api: ApiServer, contender: Lead) -> None:
    one = contender("ops@laptop/1/ab12")
    assert one.campaigns()
    noon = "2026-11-21T12:00:00.000000Z"
    assert stored(api) == {
        "holderIdentity": "ops@laptop/1/ab12",
        "leaseDurationSeconds": 30,
        "acquireTime": noon,
        "renewTime": noon,
        "leaseTransitions": 1,
    }


def test_of_two_exactly_one_holds(world: World, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    go_on(world, 120, one, two)
    assert len(world.held_by("one")) == len(world.timeline)
    assert world.held_by("two") == []


def test_of_many_at_the_same_moment_exactly_one_holds(lease: KubernetesLease) -> None:
    together = threading.Barrier(8)
    locks = [Lock(lease, SystemClock(), f"{number}") for number in range(8)]

    def campaign(lock: Lock) -> bool:
        together.wait()
        return lock.campaign()

    with ThreadPoolExecutor(len(locks)) as threads:
        assert sum(threads.map(campaign, locks)) == 1


def test_what_is_released_is_free_at_once(api: ApiServer, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    one.releases()
    assert not one.lock.valid()
    assert "holderIdentity" not in stored(api)
    assert two.campaigns()
    assert stored(api)["leaseTransitions"] == 2


def test_two_who_find_it_free_at_once_race_and_one_loses(world: World, contender: Lead) -> None:
    one, two, three = contender("one"), contender("two"), contender("three")
    two.way.fates = [Fate(), Fate(meanwhile=one.campaigns)]  # read, then the write
    assert not two.campaigns()
    one.releases()
    three.way.fates = [Fate(), Fate(meanwhile=two.campaigns)]
    assert not three.campaigns()
    assert two.lock.valid()


# ---- the dead --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [0.0, HOUR, -HOUR], ids=["same time", "an hour ahead", "an hour behind"])
def test_a_dead_holders_lock_is_taken_after_its_duration_whatever_the_clocks(
    world: World, contender: Lead, apart: float
) -> None:
    one, two = contender("one", uptime=5.0), contender("two", wall=apart, uptime=10**6)
    one.campaigns()
    world.passes(3)
    two.campaigns()
    one.dies()
    go_on(world, 40, two)
    assert min(world.held_by("two")) == 3 + TERMS.duration


def test_a_record_is_as_old_as_the_answer_that_brought_it(world: World, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    two.way.fates = [Fate(there=5, meanwhile=one.campaigns, back=4)]  # asked at 0, written at 5, received at 9
    assert not two.campaigns()
    one.dies()
    go_on(world, 35, two)
    assert min(world.held_by("two")) == 9 + TERMS.duration


@pytest.mark.parametrize("apart", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_living_holders_lock_is_never_taken_by_a_clock_an_hour_apart(
    world: World, contender: Lead, apart: float
) -> None:
    one, two = contender("one"), contender("two", wall=apart)
    go_on(world, 120, one, two)
    assert world.held_by("two") == []
    one.dies()
    go_on(world, 40, two)
    assert two.lock.valid()


def test_a_machine_that_slept_holds_nothing_when_it_wakes(world: World, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    two.campaigns()
    before = one.clock.monotonic()
    one.clock.suspend(31)
    assert one.clock.monotonic() == before
    assert two.campaigns()
    assert not one.lock.valid()
    with capture_logs() as logs:
        assert not one.lock.keep()
    assert [each["event"] for each in logs] == ["a lock was lost: another has taken it"]


# ---- an API server that is silent ------------------------------------------------------------------------------------


def last_write_ends_before_the_other_begins(world: World) -> None:
    ended, began = max(world.held_by("one")), min(world.held_by("two"))
    assert ended < TERMS.duration - TERMS.margin <= began - TERMS.request


@pytest.mark.usefixtures("_impatient")
def test_a_holder_whose_requests_hang_has_stopped_before_another_begins(
    world: World, contender: Lead, connect: Connect
) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    with Wire(SILENCE) as wire:
        one.way.lease = KubernetesLease(connect(wire.url), "default", ACTION_LEASE)
        go_on(world, 20, two, one)
        assert wire.heard
    go_on(world, 30, two)
    last_write_ends_before_the_other_begins(world)


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_stops_lets_nobody_hold_and_one_when_it_is_back(
    api: ApiServer, world: World, contender: Lead
) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    two.campaigns()
    api.stop()
    go_on(world, 4, one, two)  # a minute and more: each request takes its whole time-out
    assert world.time > 60
    assert max(world.held_by("one")) < TERMS.duration - TERMS.margin
    assert world.held_by("two") == []
    api.start()
    go_on(world, 5, two, one)
    last_write_ends_before_the_other_begins(world)
    assert not one.lock.valid()


def test_a_renewal_of_which_nothing_was_heard_lends_no_time(world: World, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    one.way.usual = Fate(lost="answer")
    go_on(world, 4, one, two)
    assert max(world.held_by("one")) < TERMS.duration - TERMS.margin
    assert world.held_by("two") == []


def test_time_counts_from_the_question_not_from_the_answer(world: World, contender: Lead) -> None:
    one = contender("one")
    one.way.fates = [Fate(), Fate(back=5)]
    assert one.campaigns()  # sent at 0
    world.passes(12.5)
    assert one.lock.valid()
    world.passes(0.5)
    assert (world.time, one.lock.valid()) == (18, False)
    one.way.fates = [Fate(back=9)]
    assert one.lock.keep()  # sent at 18
    world.passes(9)
    assert (world.time, one.lock.valid()) == (36, False)
    one.way.fates = [Fate(lost="answer")]
    one.lock.keep()
    one.way.fates = [Fate(), Fate(back=3), Fate(back=6)]  # changed, by ourselves; read; sent at 49
    assert one.lock.keep()
    world.passes(11.5)
    assert one.lock.valid()
    world.passes(0.5)
    assert (world.time, one.lock.valid()) == (67, False)


def test_a_renewal_that_was_taken_unheard_is_found_again(world: World, contender: Lead) -> None:
    one = contender("one")
    one.campaigns()
    world.passes(6)
    one.way.fates = [Fate(lost="answer")]
    with capture_logs() as logs:
        assert one.lock.keep()
        assert one.lock.keep()
    assert [each["event"] for each in logs] == ["a lock could not be renewed"]
    go_on(world, 20, one)
    assert len(world.held_by("one")) == len(world.timeline)


def test_a_taking_that_was_taken_unheard_is_ours_at_the_next_try(world: World, contender: Lead) -> None:
    one = contender("one")
    one.way.fates = [Fate(), Fate(lost="answer")]
    assert not one.campaigns()
    assert one.campaigns()


def test_the_first_of_two_blocks_of_time_is_one_tenure_if_nobody_came_between(world: World, contender: Lead) -> None:
    one = contender("one")
    one.campaigns()
    world.passes(100)
    assert not one.lock.valid()
    assert one.lock.keep()


# ---- others who write ------------------------------------------------------------------------------------------------


def test_annotations_stay_and_do_not_end_a_tenure(
    world: World, contender: Lead, api: ApiServer, transport: Transport
) -> None:
    one = contender("one")
    one.campaigns()
    path = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{ACTION_LEASE}"
    transport.patch(path, [{"op": "add", "path": "/metadata/annotations", "value": {"ack-remediator.dev/note": "x"}}])
    world.passes(10)
    assert one.lock.keep()
    one.releases()
    found = api.stored("coordination.k8s.io/v1", "Lease", "default", ACTION_LEASE)
    assert found["metadata"]["annotations"] == {"ack-remediator.dev/note": "x"}
    assert "holderIdentity" not in found["spec"]


def test_a_late_release_does_not_release_anothers_lock(world: World, contender: Lead, api: ApiServer) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    two.campaigns()
    world.passes(31)
    assert two.campaigns()
    one.releases()
    assert stored(api)["holderIdentity"] == "two"
    assert two.lock.valid()


def test_a_lease_that_is_deleted_under_its_holder_is_lost(api: ApiServer, world: World, contender: Lead) -> None:
    """Whoever deletes it breaks the lock; its holder finds out at the next renewal, and does not write it back."""
    one = contender("one")
    one.campaigns()
    person = Http(api.url, api.token)
    path = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{ACTION_LEASE}"
    assert person("DELETE", path).code == 200
    world.passes(6)
    assert not one.lock.keep()
    assert person("GET", path).code == 404
    person.close()


# ---- around a block --------------------------------------------------------------------------------------------------


def test_a_block_holds_it_and_lets_go_even_when_it_fails(contender: Lead, api: ApiServer) -> None:
    one = contender("one")
    with pytest.raises(ZeroDivisionError), one.lock.held() as lock:
        assert lock.valid()
        assert stored(api)["holderIdentity"] == "one"
        raise ZeroDivisionError
    assert not one.lock.valid()
    assert "holderIdentity" not in stored(api)
    with one.lock.held() as lock:
        assert lock.valid()


def test_a_block_waits_for_a_dead_holder_and_says_so_once(world: World, contender: Lead) -> None:
    one, two = contender("ops@laptop/1/ab12"), contender("two")
    one.campaigns()
    one.dies()
    said: list[str] = []
    with two.lock.held(say=said.append) as lock:
        assert lock.valid()
        assert world.time == TERMS.duration
    (line,) = said
    assert "held by ops@laptop/1/ab12 since 2026-11-21T12:00:00.000000Z" in line
    assert "30 s" in line


def test_a_block_gives_up_on_a_living_holder(world: World, contender: Lead) -> None:
    one, two = contender("one"), contender("two")
    one.campaigns()
    two.clock.sleep = lambda seconds: go_on(world, round(seconds), one)  # type: ignore[method-assign]
    with pytest.raises(Busy, match=r"Lease default/ack-remediator-action is held by one since"), two.lock.held():
        pytest.fail("it was not ours")
    assert 2 * TERMS.duration <= world.time < 2 * TERMS.duration + 5
    assert one.lock.valid()


def test_a_block_bears_with_an_api_server_that_is_away_for_a_moment(contender: Lead) -> None:
    one = contender("one")
    one.way.fates = [Fate(lost="request"), Fate(), Fate(lost="answer")]
    said: list[str] = []
    with one.lock.held(say=said.append) as lock:
        assert lock.valid()
    assert said and "no answer" in said[0]


def test_a_block_gives_up_on_an_api_server_that_stays_away(contender: Lead) -> None:
    one = contender("one")
    one.way.usual = Fate(lost="request")
    with pytest.raises(Unreachable), one.lock.held(patience=25):
        pytest.fail("it was not ours")


def test_a_taking_that_took_too_long_is_renewed_before_the_block_begins(world: World, contender: Lead) -> None:
    one = contender("one")
    one.way.fates = [Fate(), Fate(there=5, back=TERMS.duration)]
    with one.lock.held() as lock:
        assert lock.valid()


def test_a_release_that_fails_is_no_error_of_the_block(world: World, contender: Lead) -> None:
    one = contender("one")
    with capture_logs() as logs, one.lock.held():
        one.way.usual = Fate(lost="request")
    assert [each["event"] for each in logs] == ["a lock was not released, and ends by itself"]
    assert not one.lock.valid()


def test_two_blocks_of_one_process_are_a_mistake(contender: Lead) -> None:
    one = contender("one")
    with one.lock.held() as lock:
        with pytest.raises(RuntimeError, match="another block"), one.lock.held():
            pytest.fail("it was held twice")
        assert lock.valid()


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_a_block_does_not_wait_for_rights(api: ApiServer, world: World, contender: Lead, verb: str) -> None:
    one, two = contender("one"), contender("two")
    if verb == "update":
        one.campaigns()
        one.releases()
    api.refuse(verb, "leases", code=403, reason="Forbidden", message="leases is forbidden")
    with pytest.raises(Forbidden, match=f"cannot {verb} Lease default/ack-remediator-action"), two.lock.held():
        pytest.fail("it was not ours")
    assert world.time == 0


def test_a_block_does_not_wait_for_a_namespace(transport: Transport, world: World) -> None:
    one = Contender(world, "one", KubernetesLease(transport, "nowhere", ACTION_LEASE))
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'), one.lock.held():
        pytest.fail("it was not ours")
    assert world.time == 0


# ---- threads and real time -------------------------------------------------------------------------------------------


class Stuck:
    """A Lease whose replacements take until a test lets them go on."""

    def __init__(self, lease: KubernetesLease) -> None:
        self.lease = lease
        self.asked, self.go_on = threading.Event(), threading.Event()

    def read(self) -> Found | None:
        return self.lease.read()

    def create(self, record: Record) -> Found:
        return self.lease.create(record)

    def replace(self, found: Found, record: Record) -> Found:
        self.asked.set()
        assert self.go_on.wait(10)
        return self.lease.replace(found, record)


def test_the_question_whether_it_is_valid_does_not_wait_for_a_renewal(world: World, lease: KubernetesLease) -> None:
    stuck = Stuck(lease)
    one = Contender(world, "one", stuck)
    one.campaigns()
    world.passes(6)
    with ThreadPoolExecutor(1) as thread:
        renewal = thread.submit(one.lock.keep)
        try:
            assert stuck.asked.wait(10)
            assert one.lock.valid()
            world.passes(20)
            assert not one.lock.valid()
        finally:
            stuck.go_on.set()
        assert not renewal.result()  # acknowledged long after it was sent: no time is left of it
    assert one.lock.keep()


@pytest.mark.usefixtures("_impatient")
def test_in_real_time_a_silent_server_ends_it_before_another_begins(
    api: ApiServer, lease: KubernetesLease, connect: Connect
) -> None:
    terms = Terms(duration=2, margin=0.7, request=0.5, renew_after=0.3)
    clock = SystemClock()
    with Wire(SILENCE) as wire:
        cut = KubernetesLease(connect(wire.url), "default", ACTION_LEASE)
        world = World()
        one = Contender(world, "one", lease)
        one.lock = Lock(one.way, clock, "one", terms)
        two = Lock(lease, clock, "two", terms)
        began = clock.monotonic()
        assert one.lock.campaign()
        assert not two.campaign()
        one.way.lease = cut
        ended = taken = 0.0
        while not taken and clock.monotonic() < began + 10:
            if one.lock.keep():
                ended = clock.monotonic() - began
            if two.campaign():
                taken = clock.monotonic() - began
            clock.sleep(0.02)
    assert 0 < ended < terms.duration - terms.margin + 0.5
    assert taken >= terms.duration
    assert not one.lock.valid()


# ---- names -----------------------------------------------------------------------------------------------------------


def test_an_identity_is_readable_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    monkeypatch.setenv("LOGNAME", "ops")
    first, second = own_identity(), own_identity()
    assert first != second
    assert re.fullmatch(r"ops@[^/]+/\d+/[0-9a-f]{8}", first)


def test_a_pod_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "ack-remediator-29384-x7k2p")
    assert own_identity().startswith("ack-remediator-29384-x7k2p@")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("POD_NAME", raising=False)
    monkeypatch.setattr("getpass.getuser", nameless)
    assert re.match(r"uid-\d+@", own_identity())
