"""A Release carried out: the object goes, the function stays, and where not, all is put back."""

from __future__ import annotations

import copy

import pytest

from remediator.errors import Changed, Forbidden, Unreachable
from remediator.execute import undo
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, Result
from remediator.model.resource import FUNCTION_FINALIZER
from tests.builders import (
    ARN,
    GONE,
    NOW,
    UNPROVEN_GONE,
    Json,
    active,
    decoded,
    deleting,
    failing,
)
from tests.execution import release, world
from tests.fakes import FakeCluster, World, failing_with, without_ack

POLICY = "services.k8s.aws/deletion-policy"
REFUSED = "InvalidParameterValueException: the function cannot be deleted"
HOLDING: list[Json] = [
    deleting(conditions=failing(REFUSED)),
    deleting(conditions=failing(REFUSED), metadata={"annotations": {"team": "shop"}}),
    deleting(conditions=failing(REFUSED), metadata={"annotations": {POLICY: "delete"}}),
]
held = pytest.mark.parametrize("raw", HOLDING, ids=["no annotations", "no policy", "policy delete"])
GONE_SINCE = f"{ARN} was not kept: AWS no longer has it; a pass that was under way, or somebody else, deleted it"


def let_go(cluster: FakeCluster) -> None:
    """Do what ACK does at a pass, where the deletion-policy says retain."""
    assert cluster.the()["metadata"]["annotations"][POLICY] == "retain"
    cluster.write(without_ack)


def as_before(here: World, raw: Json) -> bool:
    """Whether nothing of ours is left, and nothing else is changed."""
    now = copy.deepcopy(here.cluster.the())
    now["metadata"] |= {key: raw["metadata"][key] for key in ("resourceVersion", "generation")}
    if not now["metadata"].get("annotations"):
        now["metadata"].pop("annotations", None)
    return bool(now == raw)


@held
@pytest.mark.parametrize("step", [0, 1])
def test_an_object_is_let_go_and_its_function_kept(raw: Json, step: int) -> None:
    here = world(copy.deepcopy(raw))
    here.cluster.after[step] = let_go
    outcome = release(here, raw)
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert outcome.detail == f"the object is gone; ORPHAN: {ARN} stays in AWS, and nobody manages it"
    assert outcome.backup == "/backups/checkout.json"
    assert here.backups.saved == [raw]
    assert here.episodes.intents == [(ActionName.RELEASE, 0)]
    assert here.episodes.outcomes == [outcome]
    assert len(here.cluster.patches) == 2
    assert here.cloud.asked == [("checkout", 1005.0)]


def test_the_orphan_is_in_the_record_of_the_attempt() -> None:
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.after[1] = let_go
    release(here, HOLDING[0])
    known = here.episodes.episode("uid-of-shop-checkout")
    assert known is not None
    assert [each.orphan for each in known.attempts] == [ARN]


def test_a_function_that_was_deleted_all_the_same_is_told() -> None:
    here = world(copy.deepcopy(HOLDING[0]), GONE)
    here.cluster.after[1] = let_go
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.UNKNOWN, "")
    assert outcome.detail == f"the object is gone, but {GONE_SINCE}"


def test_a_function_that_is_being_deleted_is_not_kept_either() -> None:
    here = world(copy.deepcopy(HOLDING[0]), active(state="Deleting"))
    here.cluster.after[1] = let_go
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.UNKNOWN, "")
    assert f"{ARN} was not kept: AWS is deleting it" in outcome.detail


@pytest.mark.parametrize("live", [unreadable("throttled"), UNPROVEN_GONE], ids=str)
def test_a_function_that_may_be_there_counts_as_an_orphan(live: LiveState) -> None:
    here = world(copy.deepcopy(HOLDING[0]), live)
    here.cluster.after[1] = let_go
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.UNKNOWN, ARN)
    assert f"could not be asked ({live.why}), so it counts as an orphan" in outcome.detail


@held
def test_an_object_that_others_hold_is_let_go_all_the_same_and_tidied(raw: Json) -> None:
    raw = copy.deepcopy(raw)
    raw["metadata"]["finalizers"] = ["a/one", FUNCTION_FINALIZER]
    here = world(copy.deepcopy(raw))
    here.cluster.after[1] = let_go
    outcome = release(here, raw)
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert "waits for a/one, which is not ours; ORPHAN" in outcome.detail
    raw["metadata"]["finalizers"] = ["a/one"]
    assert as_before(here, raw)


def test_marks_that_cannot_be_removed_from_what_was_let_go_are_no_failure() -> None:
    raw = copy.deepcopy(HOLDING[0])
    raw["metadata"]["finalizers"] = ["a/one", FUNCTION_FINALIZER]
    here = world(copy.deepcopy(raw))
    here.cluster.after[1] = let_go
    here.cluster.before |= {number: failing_with(Forbidden("no more")) for number in range(2, 100)}
    outcome = release(here, raw)
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert not undo(decoded(here.cluster.the()), here.cluster)
    here.cluster.before.clear()
    assert undo(decoded(here.cluster.the()), here.cluster)
    assert as_before(here, raw | {"metadata": raw["metadata"] | {"finalizers": ["a/one"]}})


@held
def test_what_is_not_let_go_is_put_back(raw: Json) -> None:
    here = world(copy.deepcopy(raw))
    outcome = release(here, raw)
    assert (outcome.result, outcome.orphan) == (Result.STILL_STUCK, "")
    assert outcome.detail.startswith(
        "the controller did not let go of it within 60 s, and the object is put back as it was; "
    )
    assert as_before(here, raw)
    assert here.clock.slept >= 60
    assert here.cloud.asked == []


def test_what_is_let_go_at_the_last_moment_is_let_go() -> None:
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.before[2] = let_go
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert here.cluster.objects == {}


def test_what_others_hold_and_is_let_go_at_the_last_moment_is_let_go_too() -> None:
    raw = copy.deepcopy(HOLDING[2])
    raw["metadata"]["finalizers"] = [FUNCTION_FINALIZER, "b/two"]
    here = world(copy.deepcopy(raw))
    here.cluster.before[2] = let_go
    outcome = release(here, raw)
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert here.cluster.the()["metadata"]["annotations"] == {POLICY: "delete"}


def test_what_another_run_has_put_back_is_not_put_back_twice() -> None:
    raw = copy.deepcopy(HOLDING[2])
    here = world(copy.deepcopy(raw))

    def another_run(cluster: FakeCluster) -> None:
        assert undo(decoded(cluster.the()), cluster)

    here.cluster.after[1] = another_run
    assert release(here, raw).result is Result.STILL_STUCK
    assert as_before(here, raw)
    assert len(here.cluster.patches) == 3


@pytest.mark.parametrize("theirs", ["delete", "keep", None])
def test_a_policy_that_somebody_sets_meanwhile_is_left_alone(theirs: str | None) -> None:
    here = world(copy.deepcopy(HOLDING[2]))

    def somebody(cluster: FakeCluster) -> None:
        marks = cluster.the()["metadata"]["annotations"]
        marks.pop(POLICY)
        marks |= {POLICY: theirs} if theirs else {}

    here.cluster.after[1] = somebody
    assert release(here, HOLDING[2]).result is Result.STILL_STUCK
    assert here.cluster.the()["metadata"]["annotations"] == ({POLICY: theirs} if theirs else {})


def test_a_policy_that_somebody_sets_while_it_is_put_back_is_left_alone() -> None:
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.before[2] = lambda cluster: cluster.the()["metadata"]["annotations"].update({POLICY: "keep"})
    assert release(here, HOLDING[0]).result is Result.STILL_STUCK
    assert here.cluster.the()["metadata"]["annotations"] == {POLICY: "keep"}


def test_a_publish_that_somebody_sets_between_the_steps_does_not_undo_the_retain() -> None:
    """Undone now, the pass that is about to begin would delete the function."""
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.before[1] = lambda cluster: cluster.the()["spec"].update(publish=True)
    here.cluster.on_get = [lambda cluster: None, let_go]
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, ARN)
    assert len(here.cluster.patches) == 2


def test_a_409_between_the_steps_does_not_undo_the_retain_either() -> None:
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.before[1] = failing_with(Changed("409"))
    here.cluster.after[2] = let_go
    assert release(here, HOLDING[0]).result is Result.RESOLVED
    taken_back = [each["path"] for each in here.cluster.patches[2] if each["op"] == "remove"]
    assert taken_back == ["/spec/publish"]


@held
@pytest.mark.parametrize("step", [1, 2], ids=["between its steps", "when it is about to be put back"])
def test_a_release_that_is_killed_is_undone_by_the_next_run(raw: Json, step: int) -> None:
    here = world(copy.deepcopy(raw))
    # Twice: an interruption still gets one last try.
    here.cluster.before |= {number: failing_with(KeyboardInterrupt()) for number in (step, step + 1)}
    with pytest.raises(KeyboardInterrupt):
        release(here, raw)
    assert here.cluster.the()["metadata"]["annotations"][POLICY] == "retain"
    here.cluster.before.clear()
    assert undo(decoded(here.cluster.the()), here.cluster)
    assert as_before(here, raw)
    assert not undo(decoded(here.cluster.the()), here.cluster)


@held
def test_a_release_that_is_killed_while_watching_is_undone_by_the_next_run(raw: Json) -> None:
    here = world(copy.deepcopy(raw))
    here.clock.on_sleep = [failing_with(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        release(here, raw)
    assert "publish" not in here.cluster.the()["spec"]
    assert undo(decoded(here.cluster.the()), here.cluster)
    assert as_before(here, raw)


@pytest.mark.parametrize("first", [1, 2], ids=["between its steps", "when it is to be put back"])
def test_a_release_that_the_api_server_fails_midway_is_left_to_the_next_run(first: int) -> None:
    here = world(copy.deepcopy(HOLDING[2]))
    here.cluster.before |= {number: failing_with(Unreachable("no route")) for number in range(first, 300)}
    outcome = release(here, HOLDING[2])
    assert (outcome.result, outcome.orphan) == (Result.UNKNOWN, "")
    assert outcome.detail.startswith("the API server failed us midway: no route; ")
    assert "undoes what is left of it" in outcome.detail
    here.cluster.before.clear()
    assert undo(decoded(here.cluster.the()), here.cluster)
    assert as_before(here, HOLDING[2])


def test_a_release_whose_first_write_never_arrived_leaves_no_trace() -> None:
    here = world(copy.deepcopy(HOLDING[2]))
    here.cluster.before[0] = failing_with(Unreachable("connection refused"))
    outcome = release(here, HOLDING[2])
    assert outcome.result is Result.UNKNOWN
    assert outcome.detail.startswith("whether the write was taken is not known (connection refused); ")
    assert as_before(here, HOLDING[2])


def test_a_release_whose_answer_was_lost_is_not_taken_for_a_killed_one_while_it_is_watched() -> None:
    """Another process that took its marks away now would make a deletion of it."""
    here = world(copy.deepcopy(HOLDING[0]))
    here.cluster.after[0] = failing_with(Unreachable("connection reset"))
    watched: list[bool] = []

    def look(_: FakeCluster) -> None:
        watched.append(here.episodes.unfinished(here.clock.now()) == ())

    here.cluster.on_get = [look]
    outcome = release(here, HOLDING[0])
    assert watched == [True]
    assert (outcome.result, outcome.accepted) == (Result.STILL_STUCK, NOW)


def test_a_release_whose_answer_was_lost_is_known_by_its_effect() -> None:
    here = world(copy.deepcopy(HOLDING[0]), unreadable("throttled"))

    def taken_and_lost(cluster: FakeCluster) -> None:
        let_go(cluster)
        raise Unreachable("connection reset")

    here.cluster.after[0] = taken_and_lost
    outcome = release(here, HOLDING[0])
    assert (outcome.result, outcome.orphan) == (Result.UNKNOWN, ARN)
    assert outcome.detail.startswith("whether the write was taken is not known (connection reset); the object is gone")
