"""What a killed process left is finished or undone by the next, and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from remediator.actions import plan_for
from remediator.actions.leftover import undo_leftover
from remediator.diagnosis import diagnose
from remediator.errors import Busy, Unreachable
from remediator.model.attempt import Attempt
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Outcome, Plan, Result
from remediator.model.resource import FUNCTION_FINALIZER
from remediator.model.scan import Scan
from remediator.recovery import recover
from tests.builders import ALIVE, BUSY, DOWN, GONE, NOW, Json, active, at, deleting, failing, function, observe
from tests.fakes import FakeCloud, FakeCluster, World, failing_with, without_ack
from tests.workloads import restart as proposed_restart

ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"


class Killed:
    """A world in which a process wrote down what it would do, and was killed."""

    def __init__(self, raw: Json, live: LiveState, plan: Plan, now: LiveState | None = None) -> None:
        self.world = World(FakeCluster(raw), FakeCloud(checkout=now or live))
        self.plan = plan
        self.world.episodes.intend(plan, NOW, "jane")

    def recover(self) -> tuple[str, ...]:
        left = tuple(each for each in self.world.cluster.resources() if not isinstance(each, str))
        marked = tuple(each for each in left if undo_leftover(each))
        return recover(self.world.means, Scan((), (), marked, ALIVE, NOW), lambda _: None)

    @property
    def attempt(self) -> Attempt:
        episode = self.world.episodes.episode(self.plan.target.uid)
        assert episode is not None
        (attempt,) = episode.attempts
        return attempt


def plan_of(seen: Observation) -> Plan:
    finding = diagnose(seen)
    assert finding is not None
    plan = plan_for(finding, seen)
    assert plan is not None
    return plan


def resync() -> Killed:
    raw, live = function(conditions=failing(BUSY, at(hours=1))), active()
    return Killed(raw, live, plan_of(observe(raw, live)))


def release(*others: str) -> Killed:
    raw = deleting(metadata={"finalizers": [FUNCTION_FINALIZER, *others]})
    raw["metadata"]["annotations"] = {"services.k8s.aws/deletion-policy": "delete"}
    seen = observe(raw, active(), controller=ALIVE)
    finding = diagnose(seen)
    plan = plan_for(finding, seen, ActionName.RELEASE) if finding else None
    assert plan is not None
    return Killed(raw, active(), plan)


def unknown(plan: Plan) -> Outcome:
    return Outcome(action=plan.action, target=plan.target, result=Result.UNKNOWN, detail="no route")


def written(killed: Killed, *, accepted: bool = True) -> None:
    """Carry out all that a Release writes, as far as it came before it was killed."""
    for step in killed.plan.steps:
        killed.world.cluster.patch(killed.plan.target, step.patch)
    if accepted:
        killed.world.episodes.accepted(killed.plan.target.uid, NOW)


def clear_finalizer(now: LiveState = GONE) -> Killed:
    raw = deleting()
    return Killed(raw, GONE, plan_of(observe(raw, GONE, controller=DOWN)), now)


def restart(**metadata: object) -> Killed:
    """Kill a process that was about to restart a controller, whose Deployment is now as it is said."""
    there = {"name": "ack", "namespace": "ack-system", "uid": "uid-of-ack", "resourceVersion": "77", "generation": 3}
    raw = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": there | metadata}
    return Killed(raw, active(), proposed_restart().plan)


def gone(killed: Killed) -> None:
    killed.world.cluster.write(without_ack)


def test_nothing_left_is_nothing_done() -> None:
    world = World(FakeCluster(function()), FakeCloud())
    assert recover(world.means, Scan((), (), (), ALIVE, NOW), lambda _: None) == ()
    assert world.lock.asked == 0


def test_killed_before_the_first_write_nothing_was_done_and_the_next_run_may() -> None:
    killed = resync()
    (told,) = killed.recover()
    assert told.startswith("Resync of Function shop/checkout, begun at ")
    assert told.endswith("skipped: nothing was written: its process ended before that.")
    assert (killed.attempt.result, killed.attempt.accepted, killed.attempt.approved_by) == (
        Result.SKIPPED,
        None,
        "jane",
    )
    assert killed.world.cluster.patches == []
    assert killed.recover() == ()


def test_killed_between_its_writes_it_is_undone() -> None:
    killed = resync()
    spec = dict(killed.world.cluster.the()["spec"])
    killed.world.cluster.patch(killed.plan.target, killed.plan.steps[0].patch)
    (told,) = killed.recover()
    assert told.endswith("unknown: its process ended half-way; what it left on the object is undone.")
    assert killed.world.cluster.the()["spec"] == spec
    assert killed.attempt.result is Result.UNKNOWN
    assert killed.attempt.accepted == NOW
    assert killed.recover() == ()


def test_killed_after_its_writes_nobody_saw_what_came_of_it() -> None:
    killed = resync()
    for step in killed.plan.steps:
        killed.world.cluster.patch(killed.plan.target, step.patch)
    (told,) = killed.recover()
    assert told.endswith("unknown: its process ended before anyone saw what came of it.")
    assert len(killed.world.cluster.patches) == 2
    # An edit of somebody's would look the same: it is no Resync without effect, which would open ClearFinalizer.
    assert killed.attempt.accepted is None


def test_while_it_may_still_be_watched_it_is_left_alone() -> None:
    killed = resync()
    killed.world.episodes.accepted(killed.plan.target.uid, NOW)
    assert killed.recover() == ()
    killed.world.clock.slept += timedelta(minutes=10).total_seconds()
    assert len(killed.recover()) == 1


def test_what_aws_says_of_an_object_that_is_there_is_masked() -> None:
    secret = "correct-horse-battery"
    held = {"finalizers": [FUNCTION_FINALIZER, "b/two"]}
    raw = deleting(spec={"environment": {"variables": {"DB": secret}}}, metadata=held)
    plan = plan_of(observe(raw, GONE, controller=DOWN))
    killed = Killed(raw, GONE, plan, unreadable(f"ValidationException: {secret}"))
    gone(killed)
    (told,) = killed.recover()
    assert "could not be asked (ValidationException: •••)" in killed.attempt.detail
    assert secret not in told


def test_a_resync_whose_object_is_gone_is_resolved() -> None:
    killed = resync()
    killed.world.cluster.objects.clear()
    (told,) = killed.recover()
    assert told.endswith("resolved: its process ended before anyone saw what came of it; the object is gone.")


def test_a_finalizer_that_is_still_there_was_not_cleared() -> None:
    killed = clear_finalizer()
    (told,) = killed.recover()
    assert told.endswith("skipped: nothing was written: its process ended before that.")


@pytest.mark.parametrize(
    ("live", "result", "said", "orphan"),
    [
        (GONE, Result.RESOLVED, "the object was let go, and AWS has no such function", ""),
        (active(), Result.STILL_STUCK, f"ORPHAN: the object was let go, and AWS has {ARN} as an orphan", ARN),
        (unreadable("AccessDenied"), Result.UNKNOWN, "could not be asked (AccessDenied)", ""),
    ],
)
def test_after_a_cleared_finalizer_aws_is_asked_for_an_orphan(
    live: LiveState, result: Result, said: str, orphan: str
) -> None:
    killed = clear_finalizer(live)
    gone(killed)
    (told,) = killed.recover()
    assert said in told
    assert (killed.attempt.result, killed.attempt.orphan) == (result, orphan)


@pytest.mark.parametrize(
    ("live", "result", "said", "orphan"),
    [
        (active(), Result.RESOLVED, f"the object was let go, and AWS has {ARN} as an orphan", ARN),
        (GONE, Result.UNKNOWN, "the object was let go, and AWS has no such function", ""),
        (unreadable("AccessDenied"), Result.UNKNOWN, "could not be asked (AccessDenied)", ARN),
    ],
)
def test_after_a_release_aws_is_asked_whether_the_function_was_kept(
    live: LiveState, result: Result, said: str, orphan: str
) -> None:
    raw = deleting()
    plan = msgspec.structs.replace(plan_of(observe(raw, GONE, controller=DOWN)), action=ActionName.RELEASE)
    killed = Killed(raw, active(), plan, live)
    killed.world.cluster.write(lambda found: found["metadata"].update(generation=9))
    gone(killed)
    (told,) = killed.recover()
    assert said in told
    assert (killed.attempt.result, killed.attempt.orphan) == (result, orphan)


def test_a_release_whose_object_ack_still_holds_is_unknown() -> None:
    raw = deleting()
    plan = msgspec.structs.replace(plan_of(observe(raw, GONE, controller=DOWN)), action=ActionName.RELEASE)
    killed = Killed(raw, active(), plan)
    killed.world.cluster.write(lambda found: found["spec"].update(memorySize=257))
    (told,) = killed.recover()
    assert told.endswith("unknown: its process ended before anyone saw what came of it.")
    assert FUNCTION_FINALIZER in killed.world.cluster.the()["metadata"]["finalizers"]


def busy(killed: Killed) -> None:
    killed.world.lock.busy = Busy("somebody else acts")


def lost(killed: Killed) -> None:
    killed.world.lock.lost_after = 0


def unreachable(killed: Killed) -> None:
    killed.world.cluster.on_get = [failing_with(Unreachable("no answer"))] * 2


def refused(killed: Killed) -> None:
    killed.world.cluster.before = {0: failing_with(Unreachable("no answer")), 1: failing_with(Unreachable("no answer"))}


@pytest.mark.parametrize("trouble", [busy, lost, unreachable, refused])
def test_what_cannot_be_undone_now_is_left_for_the_next_run(trouble: Callable[[Killed], None]) -> None:
    killed = resync()
    killed.world.cluster.patch(killed.plan.target, killed.plan.steps[0].patch)
    killed.world.cluster.patches.clear()
    trouble(killed)
    told = killed.recover()
    assert all("is left for the next one" in each for each in told)
    assert killed.attempt.result is None
    killed.world.lock.busy = killed.world.lock.lost_after = None
    killed.world.cluster.before.clear()
    killed.world.cluster.on_get.clear()
    assert len(killed.recover()) == 1
    assert "publish" not in killed.world.cluster.the()["spec"]


# -- Release --------------------------------------------------------------------------------------------------------


def test_a_release_whose_effect_is_still_watched_is_left_alone() -> None:
    """Undone under its own process's hands it would be a deletion."""
    killed = release()
    written(killed)
    assert killed.recover() == ()
    assert len(killed.world.cluster.patches) == 2
    assert killed.attempt.result is None


def test_a_release_that_nobody_watches_any_more_is_undone() -> None:
    killed = release()
    before = dict(killed.world.cluster.the()["metadata"]["annotations"])
    written(killed)
    killed.world.clock.sleep(600)
    (told,) = killed.recover()
    assert told.endswith("unknown: its process ended half-way; what it left on the object is undone.")
    assert killed.world.cluster.the()["metadata"]["annotations"] == before
    assert killed.recover() == ()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_release_that_was_killed_at_its_writes_is_undone_at_once(steps: int) -> None:
    killed = release()
    before = dict(killed.world.cluster.the())
    for step in killed.plan.steps[:steps]:
        killed.world.cluster.patch(killed.plan.target, step.patch)
    (told,) = killed.recover()
    assert "what it left on the object is undone" in told
    after = killed.world.cluster.the()
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])


def unrecorded(minutes: int | None) -> World:
    """A world in which somebody without a right to records released something; None: managedFields do not tell when."""
    killed = release()
    written(killed, accepted=False)
    ours = [] if minutes is None else [{"manager": "ack-remediator", "time": at(minutes=minutes)}]
    others = [{"manager": "kubectl", "time": at()}, {"manager": "ack-remediator"}]
    killed.world.cluster.write(lambda found: found["metadata"].update(managedFields=[*ours, *others]))
    return World(killed.world.cluster, killed.world.cloud)


def tidied(world: World) -> tuple[str, ...]:
    marked = tuple(each for each in world.cluster.resources() if not isinstance(each, str))
    return recover(world.means, Scan((), (), marked, ALIVE, NOW), lambda _: None)


def test_a_release_without_a_record_is_left_alone_while_somebody_may_watch_it() -> None:
    """A person may have no right to records, and the mark is all that others see."""
    world = unrecorded(minutes=9)
    before = dict(world.cluster.the()["metadata"]["annotations"])
    assert tidied(world) == ()
    assert world.cluster.the()["metadata"]["annotations"] == before


@pytest.mark.parametrize("minutes", [10, None])
def test_a_release_without_a_record_is_undone_where_nobody_can_be_at_it(minutes: int | None) -> None:
    world = unrecorded(minutes)
    assert tidied(world) == ("Undid an interrupted action on Function shop/checkout.",)
    assert world.cluster.the()["metadata"]["annotations"] == {"services.k8s.aws/deletion-policy": "delete"}


def test_a_release_that_was_given_up_and_left_its_mark_is_undone() -> None:
    killed = release()
    written(killed)
    killed.world.episodes.conclude(killed.plan.target.uid, unknown(killed.plan), NOW)
    just_now = [{"manager": "ack-remediator", "time": at()}]
    killed.world.cluster.write(lambda found: found["metadata"].update(managedFields=just_now))
    assert killed.recover() == ("Undid an interrupted action on Function shop/checkout.",)


def test_what_was_let_go_and_others_hold_is_tidied_and_its_orphan_told() -> None:
    killed = release("b/two")
    written(killed, accepted=False)
    gone(killed)
    (told,) = killed.recover()
    assert told.endswith(f"resolved: the object was let go, and AWS has {ARN} as an orphan.")
    assert killed.attempt.orphan == ARN
    assert killed.world.cluster.the()["metadata"]["annotations"] == {"services.k8s.aws/deletion-policy": "delete"}


# -- RestartController ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "result", "detail"),
    [
        ({}, Result.SKIPPED, "nothing was written: its process ended before that"),
        ({"generation": 4}, Result.UNKNOWN, "its process ended before anyone saw what came of it"),
        ({"uid": "another"}, Result.UNKNOWN, "before anyone saw what came of it; the Deployment is gone"),
    ],
)
def test_a_restart_that_was_killed_is_told_and_its_record_is_over(
    metadata: dict[str, object], result: Result, detail: str
) -> None:
    killed = restart(**metadata)
    (told,) = killed.recover()
    assert told.startswith("RestartController of Deployment ack-system/ack, begun at ")
    assert told.endswith(f"{result}: {killed.attempt.detail}.")
    assert killed.attempt.result is result
    assert killed.attempt.detail.endswith(detail)
    assert killed.world.cluster.patches == []
    assert killed.world.episodes.unresolved() == ()
    [record] = killed.world.episodes.records()
    assert record.episode is not None and record.episode.resolved_by is None, "nobody saw it work"
    assert killed.recover() == ()
