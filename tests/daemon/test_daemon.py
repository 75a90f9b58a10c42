"""A daemon at work, in time that jumps: when it looks, what it does, and what it lets be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from remediator.errors import Unreachable
from remediator.model.finding import FindingName
from remediator.model.pause import Pause, Pauses
from remediator.model.plan import Result
from remediator.policy import Mode
from tests.builders import BUSY, NOW, Json, at, failing, function
from tests.daemon.simulated import Simulation, Time
from tests.fakes import FakeLock, failing_with
from tests.kubernetes.contenders import MemoryLease

AUTO = "mode: auto\nsightings: 1\n"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*objects: Json, **more: Any) -> Simulation:
        return Simulation(tmp_path, monkeypatch, *(objects or (stuck(),)), *others(), **more)

    return make


def stuck(name: str = "checkout") -> Json:
    """Make one that a Resync is for, now."""
    return function(name, conditions=failing(BUSY, at(hours=1)))


def others() -> list[Json]:
    """Make so many others that one that is stuck is no incident."""
    return [function(f"healthy-{number}") for number in range(8)]


# ---- when it looks ---------------------------------------------------------------------------------------------------


def test_who_leads_looks_at_once_and_then_at_each_interval(town: Any) -> None:
    here = town(function(), policy="schedule: {jitter: 0s}\n")
    here.passes(minutes=12)
    assert [round(each) for each in here.town.looked] == [0, 300, 600]
    assert here.told.scanned_times == 3
    assert here.daemon.ready() == here.daemon.alive() == ""


def test_before_the_first_pass_nobody_should_rely_on_it(town: Any) -> None:
    here = town()
    assert here.daemon.ready() == "it is not decided who leads: nobody was asked yet"
    here.scheduler.step()
    assert here.daemon.ready() == "the first pass is not over"


def test_what_comes_to_a_deadline_is_looked_at_then(town: Any) -> None:
    """A 409 of just now: ACK tries again after at most 1000 s, and a minute is allowed for that."""
    here = town(function(conditions=failing(BUSY, at())), policy="schedule: {interval: 24h}\n")
    here.passes(hours=1)
    assert [round(each) for each in here.town.looked] == [0, 1060]


def test_what_waits_for_a_window_is_looked_at_when_it_opens(town: Any) -> None:
    """It is Saturday, 12:00 UTC."""
    policy = f"{AUTO}schedule: {{interval: 24h}}\nwindows: {{allow: [Sat 12:40-12:50]}}\n"
    here = town(policy=policy)
    here.passes(hours=1)
    assert [round(each) for each in here.town.looked][:2] == [0, 2400]
    assert [(round(each), name) for each, name in here.town.resynced] == [(2400, "checkout")]


def test_what_waits_for_a_pause_is_looked_at_when_it_ends(town: Any) -> None:
    here = town(policy=f"{AUTO}schedule: {{interval: 24h}}\n")
    here.pauses.now = Pauses((Pause("pause-1", "alice", NOW + timedelta(minutes=40)),))
    here.passes(hours=1)
    assert [round(each) for each in here.town.looked][:2] == [0, 2400]
    assert [(round(each), name) for each, name in here.town.resynced] == [(2400, "checkout")]


def test_a_pause_without_an_end_is_waited_for_by_the_interval_alone(town: Any) -> None:
    here = town(policy=f"{AUTO}schedule: {{interval: 30m, jitter: 0s}}\n")
    here.pauses.now = Pauses((Pause("pause-1", "alice", None),))
    here.passes(minutes=50)
    assert [round(each) for each in here.town.looked] == [0, 1800]


def test_where_nothing_waits_for_a_window_nobody_looks_when_it_opens(town: Any) -> None:
    policy = f"{AUTO}schedule: {{interval: 24h}}\nwindows: {{allow: [Sat 12:40-12:50]}}\n"
    here = town(function(), policy=policy)
    here.passes(hours=1)
    assert [round(each) for each in here.town.looked] == [0]


def test_what_comes_to_its_deadline_while_something_else_is_done_is_looked_at_right_after(town: Any) -> None:
    soon = function("search", conditions=failing(BUSY, at(seconds=1030)))
    here = town(stuck(), soon, policy=f"{AUTO}schedule: {{interval: 24h}}\n")
    here.town.heals = lambda name: None  # nothing tells of an effect, which is watched for a minute
    here.passes(minutes=3)
    assert [round(each) for each in here.town.looked][:2] == [0, 61]
    assert [name for _, name in here.town.resynced] == ["checkout", "search"]


def test_a_deadline_is_not_forgotten_while_the_api_server_is_away(town: Any) -> None:
    here = town(function(conditions=failing(BUSY, at())), policy="schedule: {interval: 24h}\n")
    here.time.at(1000, lambda: setattr(here.town, "answers", failing_with(Unreachable("no answer"))))
    here.time.at(1200, lambda: setattr(here.town, "answers", lambda: None))
    with capture_logs() as logs:
        here.passes(hours=1)
    assert [round(each) for each in here.town.looked][:3] == [0, 1060, 1090], "and then every half minute"
    assert 1200 < here.town.looked[-1] < 1231
    assert here.told.failures == len(here.town.looked) - 2
    assert {each["why"] for each in logs if each["event"] == "a pass failed"} == {"no answer"}
    assert here.daemon.alive() == ""


def test_a_pass_that_should_not_have_failed_does_not_end_the_daemon(town: Any) -> None:
    here = town()
    here.town.answers = failing_with(ValueError("surprise"))
    with capture_logs() as logs:
        here.passes(seconds=10)
        assert here.daemon.ready() == "the first pass has not succeeded: ValueError, see the log"
        here.town.answers = lambda: None
        here.passes(seconds=30)
    assert [each["log_level"] for each in logs if "should not have" in each["event"]] == ["error"]
    assert here.daemon.ready() == ""
    assert here.told.failures == 1


def test_a_daemon_that_makes_no_pass_for_long_is_not_alive(town: Any) -> None:
    here = town(function(), policy="schedule: {jitter: 0s}\n")
    here.passes(seconds=1)
    here.time.sleep(15 * 60 - 1)
    assert here.daemon.alive() == ""
    here.time.sleep(1)
    assert here.daemon.alive().startswith("no pass has moved since 2026-11-21T12:00:0")


# ---- what it does ----------------------------------------------------------------------------------------------------


def test_under_auto_it_acts_and_tells_what_came_of_it(town: Any) -> None:
    here = town(policy=AUTO)
    with capture_logs() as logs:
        here.passes(minutes=11)
    (outcome,) = here.told.outcomes
    assert (outcome.result, outcome.target.name) == (Result.RESOLVED, "checkout")
    assert [name for _, name in here.town.resynced] == ["checkout"]
    acted = next(each for each in logs if each["event"] == "acted")
    assert (acted["action"], acted["result"], acted["target"]) == ("Resync", "resolved", "Function shop/checkout")


def test_under_dry_run_it_changes_nothing_not_even_what_others_left(town: Any) -> None:
    here = town(policy="sightings: 1\n")
    here.passes(minutes=11)
    assert (here.town.resynced, here.told.outcomes) == ([], [])
    assert here.told.scanned_times == 3


def test_what_an_interrupted_process_left_is_tidied_up_first(town: Any) -> None:
    marked = function(
        "archive",
        metadata={"annotations": {"ack-remediator.dev/resync": "p-1"}},
        spec={"name": "archive", "publish": False},
    )
    here = town(marked, policy="mode: approve\n")
    with capture_logs() as logs:
        here.passes(seconds=5)
    assert "publish" not in here.town.the("archive")["spec"]
    assert [each["what"] for each in logs if each["event"] == "tidied up"] == [
        "Undid an interrupted action on Function shop/archive."
    ]


def test_a_look_after_tidying_up_is_no_second_sighting_and_is_measured_alone(town: Any) -> None:
    marked = function("archive", metadata={"annotations": {"ack-remediator.dev/resync": "p-1"}})
    here = town(stuck(), marked, policy="mode: auto\nsightings: 2\nschedule: {jitter: 0s}\n")
    here.town.answers = lambda: here.time.sleep(1)
    here.passes(minutes=4)
    assert len(here.town.looked) == 2
    assert here.told.seconds == [pytest.approx(1.0, abs=0.01)]
    assert here.town.resynced == [], "it was seen once"
    here.passes(minutes=2)
    assert [name for _, name in here.town.resynced] == ["checkout"]


def test_auto_is_refused_where_nobody_remembers(town: Any) -> None:
    here = town(policy=AUTO)
    here.episodes.forgets = "it is kept in memory only"
    with capture_logs() as logs:
        here.passes(minutes=6)
    assert (here.town.resynced, here.told.outcomes) == ([], [])
    assert here.told.scanned_times == 2, "what it sees is told all the same"
    assert here.told.failures == 0
    why = "mode: auto is refused: it is kept in memory only"
    assert here.daemon.ready() == f"the first pass has not succeeded: {why}"
    assert [each["why"] for each in logs if each["event"] == "nothing is done"] == [why, why]


def test_each_pass_asks_anew_what_a_short_process_asks_but_once(town: Any) -> None:
    here = town(policy=AUTO)
    here.passes(minutes=11)
    assert here.episodes.begun_anew == len(here.town.looked) == 3


# ---- the policy ------------------------------------------------------------------------------------------------------


def test_another_policy_is_in_force_within_seconds(town: Any) -> None:
    here = town(policy="sightings: 1\n")
    here.passes(seconds=30)
    here.write("mode: auto\nsightings: 1\nschedule: {interval: 1m, jitter: 0s}\n")
    here.passes(seconds=11)
    assert len(here.town.resynced) == 1
    assert [ok for ok, _ in here.told.reloads] == [True, True]
    assert [each.mode for each in here.built] == [Mode.DRY_RUN, Mode.AUTO]
    here.passes(minutes=5)
    pauses = [after - before for before, after in pairwise(here.town.looked)]
    assert max(pauses[-3:]) < 61


def test_a_pass_begins_nothing_more_under_a_policy_that_was_replaced(town: Any) -> None:
    here = town(stuck("first"), stuck("second"), policy=f"{AUTO}budgets: {{perNamespace: 5}}\n")
    here.town.after[0] = lambda _: here.write("mode: dry-run\n")
    here.passes(minutes=11)
    assert [name for _, name in here.town.resynced] == ["first"]
    assert [each.result for each in here.told.outcomes] == [Result.RESOLVED], "what was begun is seen through"
    assert [each.mode for each in here.built] == [Mode.AUTO, Mode.DRY_RUN]


def test_a_policy_that_cannot_be_used_changes_nothing(town: Any) -> None:
    here = town(policy=AUTO)
    here.write("mode: yolo\n")
    with capture_logs() as logs:
        here.passes(minutes=1)
    assert len(here.told.outcomes) == 1, "the last good one is in force"
    assert [ok for ok, _ in here.told.reloads] == [True, False]
    assert [each["log_level"] for each in logs if "last good" in each["event"]] == ["error"]


# ---- leadership ------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Simulation, Simulation]:
    lease, time = MemoryLease(), Time()
    policy = "schedule: {jitter: 0s}\n"
    one = Simulation(tmp_path, monkeypatch, stuck(), policy=policy, lease=lease, time=time, name="one")
    two = Simulation(tmp_path, monkeypatch, stuck(), policy=policy, lease=lease, time=time, name="two")
    return one, two


def both(pair: tuple[Simulation, Simulation], **span: float) -> None:
    until = pair[0].time.elapsed + timedelta(**span).total_seconds()
    while pair[0].time.elapsed < until:
        for each in pair:
            each.scheduler.step()
            each.daemon.work_off()
        pair[0].time.step(until)


def test_who_stands_by_looks_at_nothing_and_is_ready(two: tuple[Simulation, Simulation]) -> None:
    one, other = two
    both(two, minutes=20)
    assert (len(one.town.looked), other.town.looked) == (4, [])
    assert (one.told.led, other.told.led) == ([True], [False])
    assert other.daemon.ready() == other.daemon.alive() == ""


def test_who_stood_by_for_long_and_leads_now_is_given_the_time_for_a_pass(two: tuple[Simulation, Simulation]) -> None:
    one, other = two
    both(two, hours=3)
    one.lease.release()
    one.lease.campaign = lambda: False  # type: ignore[method-assign]
    other.time.sleep(4)
    assert other.told.led == [False, True]
    assert other.daemon.alive() == ""


def test_who_stands_by_looks_at_once_when_the_leader_makes_way(two: tuple[Simulation, Simulation]) -> None:
    one, other = two
    both(two, minutes=6)
    one.time.at(one.time.elapsed + 10, one.lease.release)
    one.lease.campaign = lambda: False  # type: ignore[method-assign]
    both(two, minutes=1)
    assert len(other.town.looked) == 1
    assert other.town.looked[0] - one.town.looked[-1] < 75
    assert other.told.led == [False, True]
    assert one.told.led == [True, False]


def test_who_loses_the_lease_in_the_middle_of_a_pass_begins_nothing_new(town: Any) -> None:
    here = town(stuck("first"), stuck("second"), policy=f"{AUTO}budgets: {{perNamespace: 5}}\n")
    here.town.after[0] = lambda _: setattr(here.lease, "valid", lambda: False)
    here.passes(minutes=1)
    assert [name for _, name in here.town.resynced] == ["first"]
    assert [each.result for each in here.told.outcomes] == [Result.RESOLVED], "what was begun is seen through"


class Waiting(FakeLock):
    """An action lock that another has when we ask for it; `meanwhile` is what happens until it is ours."""

    meanwhile: Callable[[], None]

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[FakeLock]:
        self.meanwhile()
        with super().held(say) as hold:
            yield hold


def test_who_loses_the_lease_while_they_wait_for_the_action_lock_does_not_act(town: Any) -> None:
    lock = Waiting()
    here = town(policy=AUTO, lock=lock)
    lock.meanwhile = lambda: setattr(here.lease, "valid", lambda: False)
    here.passes(minutes=1)
    assert here.town.resynced == []
    (outcome,) = here.told.outcomes
    assert outcome.result is Result.SKIPPED
    assert outcome.detail.startswith("held back by action-lock: this daemon leads no more")


def test_who_loses_the_lease_while_they_wait_for_the_action_lock_tidies_nothing_up(town: Any) -> None:
    lock = Waiting()
    here = town(
        function("archive", metadata={"annotations": {"ack-remediator.dev/resync": "p-1"}}), policy=AUTO, lock=lock
    )
    lock.meanwhile = lambda: setattr(here.lease, "valid", lambda: False)
    with capture_logs() as logs:
        here.passes(minutes=1)
    assert "ack-remediator.dev/resync" in here.town.the("archive")["metadata"]["annotations"]
    (told,) = [each["what"] for each in logs if each["event"] == "tidied up"]
    assert told.startswith("What an interrupted run left is left for the next one: this daemon leads no more")


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_the_end_before_anything_is_begun_leaves_nothing(town: Any) -> None:
    here = town(policy=AUTO)
    here.town.answers = here.daemon.end
    here.scheduler.step()
    assert here.daemon.work_off() is False
    assert here.town.resynced == []
    assert here.episodes.unfinished(here.time.now()) == ()


def test_what_is_begun_at_the_end_is_seen_through(town: Any) -> None:
    here = town(stuck("first"), stuck("second"), policy=f"{AUTO}budgets: {{perNamespace: 5}}\n")
    here.town.after[0] = lambda _: here.daemon.end()
    here.scheduler.step()
    assert here.daemon.work_off() is False
    assert [each.result for each in here.told.outcomes] == [Result.RESOLVED]
    assert len(here.town.resynced) == 1, "nothing new is begun"


def test_what_takes_longer_than_there_is_time_is_left_in_the_records(town: Any) -> None:
    here = town(policy=AUTO)
    here.town.after[0] = lambda _: here.daemon.end()
    here.town.heals = lambda name: None
    here.scheduler.step()
    began = here.time.elapsed
    assert here.daemon.work_off() is True
    assert here.time.elapsed - began == pytest.approx(20.0, abs=1.0)
    assert here.told.outcomes == []
    left = here.town.the()
    assert "publish" not in left["spec"], "nothing of it is left on the object"
    episode = here.episodes.episode(left["metadata"]["uid"])
    assert episode is not None and episode.under_way is not None and episode.under_way.accepted
    assert FindingName.CONFLICT_BACKOFF in [each.name for each in episode.findings]
