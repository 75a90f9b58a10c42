"""One plan on one object: what is written, what is left behind, and what is said of it."""

from __future__ import annotations

import copy
from datetime import timedelta

import msgspec
import pytest

from remediator.errors import Changed, Forbidden, NotFound, Refused, RemediatorError, Unauthorized, Unreachable
from remediator.execute import begin, undo
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import FUNCTION_FINALIZER, RESYNC_ANNOTATION, Ref
from tests.builders import (
    ARN,
    BUSY,
    DOWN,
    GONE,
    NOW,
    active,
    at,
    decoded,
    deleting,
    failing,
    function,
    synced,
)
from tests.execution import LATER, clear, key, left, resync, run, stuck, untouched, world
from tests.fakes import FakeBackups, FakeCluster, failing_with, without_ack

# -- Resync of a living object --------------------------------------------------------------------------------------


def test_a_resync_that_works() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = here.passed(LATER, synced())
    outcome = resync(here, raw)
    assert (outcome.result, outcome.accepted) == (Result.RESOLVED, NOW)
    assert outcome.detail == f"the controller ran a pass at {LATER}, and nothing is wrong any more"
    assert untouched(here, raw)
    assert here.cluster.the()["metadata"]["generation"] == raw["metadata"]["generation"] + 2
    assert len(here.cluster.patches) == 2
    assert here.backups.saved == []


def test_the_intent_is_written_before_the_first_write_and_the_outcome_after_it() -> None:
    here = world(stuck())
    here.cluster.after[0] = here.passed(LATER, synced())
    outcome = resync(here, stuck())
    assert here.episodes.intents == [(ActionName.RESYNC, 0)]
    assert here.episodes.outcomes == [outcome]


def test_a_heartbeat_in_the_same_second_proves_nothing() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = here.passed(at(minutes=5), synced())
    outcome = resync(here, raw)
    assert outcome.result is Result.UNKNOWN
    assert "did not finish a pass within 60 s" in outcome.detail
    assert here.clock.slept >= 60
    assert untouched(here, raw)


def test_a_pass_that_changed_nothing_is_still_stuck() -> None:
    here = world(stuck())
    here.cluster.after[0] = here.passed(LATER)
    outcome = resync(here, stuck())
    assert outcome.result is Result.STILL_STUCK
    assert "ConflictBackoff holds" in outcome.detail


def test_a_pass_after_which_aws_is_at_work_is_progress() -> None:
    here = world(stuck(), active(last_update_status="InProgress", last_modified=NOW))
    here.cluster.after[0] = here.passed(LATER)
    outcome = resync(here, stuck())
    assert outcome.result is Result.RESOLVED
    assert "now UpdateInProgress" in outcome.detail


def test_a_first_heartbeat_counts_as_a_pass() -> None:
    raw = function(conditions=[])
    here = world(copy.deepcopy(raw))
    here.cluster.after[1] = here.passed(LATER, synced())
    seen = key(raw, active(), controller=here.cluster.facts)
    assert run(here, seen).result is Result.RESOLVED


def test_a_heartbeat_that_went_is_no_pass_yet() -> None:
    """The controller clears all conditions at the beginning of a pass, and writes them at its end."""
    here = world(stuck())
    here.cluster.after[0] = lambda cluster: cluster.write(lambda found: found["status"].update(conditions=[]))
    here.cluster.on_get = [lambda cluster: None] * 3 + [here.passed(LATER, synced())]
    assert resync(here, stuck()).result is Result.RESOLVED


def test_what_the_outcome_quotes_is_masked() -> None:
    here = world(stuck(), active(environment={"PASSWORD": "hunter2"}))
    here.cluster.after[0] = here.passed(LATER, failing("AWS says hunter2"))
    outcome = resync(here, stuck())
    assert "AWS says •••" in outcome.detail


# -- interruptions --------------------------------------------------------------------------------------------------


def test_killed_between_its_steps_it_still_tidies_up() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.before[1] = failing_with(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        resync(here, raw)
    assert untouched(here, raw)
    assert len(here.cluster.patches) == 3
    assert here.episodes.outcomes == []


@pytest.mark.parametrize("trouble", [Changed("409"), Unreachable("no route"), Forbidden("no more")])
def test_an_interruption_goes_its_way_even_where_tidying_up_fails(trouble: RemediatorError) -> None:
    here = world(stuck())
    here.cluster.before |= {1: failing_with(KeyboardInterrupt()), 2: failing_with(trouble), 3: failing_with(trouble)}
    with pytest.raises(KeyboardInterrupt):
        resync(here, stuck())


def test_killed_for_good_the_next_run_undoes_it() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.before |= {1: failing_with(KeyboardInterrupt()), 2: failing_with(KeyboardInterrupt())}
    with pytest.raises(KeyboardInterrupt):
        resync(here, raw)
    assert here.cluster.the()["spec"]["publish"] is False
    assert undo(decoded(here.cluster.the()), here.cluster)
    assert untouched(here, raw)


def test_undoing_where_nothing_is_left_writes_nothing() -> None:
    here = world(stuck())
    assert not undo(decoded(stuck()), here.cluster)
    assert here.cluster.patches == []


@pytest.mark.parametrize("trouble", [Changed("409"), NotFound("gone"), Forbidden("no"), Unreachable("no route")])
def test_undoing_that_fails_is_no_failure(trouble: RemediatorError) -> None:
    raw = stuck(metadata={"annotations": {RESYNC_ANNOTATION: "mark"}})
    here = world(raw)
    here.cluster.before[0] = failing_with(trouble)
    assert not undo(decoded(raw), here.cluster)


# -- trouble on the way ---------------------------------------------------------------------------------------------


def test_409s_in_between_are_outlasted() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = here.passed(LATER, synced())
    here.cluster.before |= {number: failing_with(Changed("409")) for number in range(1, 8)}
    assert resync(here, raw).result is Result.RESOLVED
    assert untouched(here, raw)
    assert 0 < here.clock.slept < 30


@pytest.mark.parametrize("error", [Changed("409"), NotFound("gone")])
def test_an_object_that_changed_before_the_first_write_is_decided_anew(error: RemediatorError) -> None:
    here = world(stuck())
    here.cluster.before[0] = failing_with(error)
    with pytest.raises(type(error)):
        resync(here, stuck())
    assert untouched(here, stuck())
    assert [each.result for each in here.episodes.outcomes] == [Result.SKIPPED]


@pytest.mark.parametrize("error", [Forbidden("not allowed"), Unauthorized("who are you"), Refused("429")])
def test_a_refused_first_write_is_skipped(error: RemediatorError) -> None:
    here = world(stuck())
    here.cluster.before[0] = failing_with(error)
    outcome = resync(here, stuck())
    assert (outcome.result, outcome.accepted) == (Result.SKIPPED, None)
    assert outcome.detail == f"nothing was written: {error.message}"


def test_a_first_write_whose_answer_was_lost_may_have_worked() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))

    def taken_and_lost(cluster: FakeCluster) -> None:
        here.passed(LATER, synced())(cluster)
        raise Unreachable("connection reset")

    here.cluster.after[0] = taken_and_lost
    outcome = resync(here, raw)
    assert (outcome.result, outcome.accepted) == (Result.RESOLVED, NOW)  # our mark was there
    assert untouched(here, raw)


@pytest.mark.parametrize(("good_for", "intents"), [(0, 0), (1, 1)])
def test_without_the_lock_nothing_is_written(good_for: int, intents: int) -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.lock.lost_after = good_for
    outcome = resync(here, raw)
    assert (outcome.result, outcome.accepted) == (Result.SKIPPED, None)
    assert outcome.detail.startswith("nothing was written: the action lock was lost meanwhile")
    assert here.cluster.patches == []
    assert len(here.episodes.intents) == intents
    assert here.episodes.unfinished(here.clock.now()) == ()


def test_a_mark_of_ours_is_removed_with_or_without_the_lock() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.lock.lost_after = 2
    here.cluster.after[0] = here.passed(LATER, synced())
    assert resync(here, raw).result is Result.RESOLVED
    assert untouched(here, raw)


def test_the_effect_is_watched_for_without_the_lock() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = here.passed(LATER, synced())
    held: list[bool] = []
    here.cluster.on_get = [lambda _: held.append(here.lock.taken)]
    resync(here, raw)
    assert held == [False]


def test_a_first_write_that_was_lost_on_the_way_is_unknown() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.before[0] = failing_with(Unreachable("connection refused"))
    outcome = resync(here, raw)
    assert outcome.result is Result.UNKNOWN
    assert outcome.detail.startswith("whether the write was taken is not known (connection refused); ")
    assert untouched(here, raw)
    assert outcome.accepted is None
    episode = here.episodes.episode(outcome.target.uid)
    assert episode is not None
    assert not episode.resync_without_effect(NOW + timedelta(hours=1)), "what may never have been proves nothing"


@pytest.mark.parametrize("seconds", [61, -61])
def test_a_process_that_slept_since_it_was_decided_writes_nothing(seconds: float) -> None:
    """The evidence is of before, and whoever took the lock meanwhile has given it back."""
    raw = left()
    here = world(copy.deepcopy(raw), GONE)
    save = here.backups.save

    def slowly(ref: Ref, content: bytes) -> str:
        here.clock.slept += seconds
        return save(ref, content)

    approved = key(raw, GONE, controller=DOWN)
    backups = FakeBackups()
    backups.save = slowly  # type: ignore[method-assign]
    means = msgspec.structs.replace(here.means, backups=backups)
    with means.lock.held(lambda _: None) as hold:
        ended = begin(approved, means, hold)
    assert isinstance(ended, Outcome)
    assert ended.result is Result.SKIPPED
    assert ended.detail.startswith("nothing was written: it took too long since it was decided")
    assert here.cluster.patches == []


def test_a_second_write_whose_answer_was_lost_is_found_done() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after |= {0: here.passed(LATER, synced()), 1: failing_with(Unreachable("connection reset"))}
    assert resync(here, raw).result is Result.RESOLVED
    assert untouched(here, raw)


def test_an_api_server_that_is_gone_for_good_leaves_a_mark_and_says_so() -> None:
    here = world(stuck())
    here.cluster.before |= {number: failing_with(Unreachable("no route")) for number in range(1, 200)}
    outcome = resync(here, stuck())
    assert outcome.result is Result.UNKNOWN
    assert "undoes what is left of it" in outcome.detail
    assert here.clock.slept >= 30
    assert RESYNC_ANNOTATION in here.cluster.the()["metadata"]["annotations"]


def test_a_short_outage_while_the_object_is_half_done_is_outlasted() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = here.passed(LATER, synced())
    here.cluster.before[1] = failing_with(Changed("409"))
    here.cluster.on_get = [failing_with(Unreachable("no route"))]
    assert resync(here, raw).result is Result.RESOLVED
    assert untouched(here, raw)


def test_a_short_outage_while_watching_is_outlasted() -> None:
    here = world(stuck())
    here.cluster.after[0] = here.passed(LATER, synced())
    here.cluster.on_get = [failing_with(Unreachable("no route"))] * 3
    assert resync(here, stuck()).result is Result.RESOLVED


def test_what_could_not_be_watched_is_unknown() -> None:
    here = world(stuck())
    here.cluster.on_get = [failing_with(Unreachable("no route"))] * 500
    outcome = resync(here, stuck())
    assert outcome.result is Result.UNKNOWN
    assert "no route" in outcome.detail


def test_an_object_that_went_in_between_is_done_with() -> None:
    here = world(stuck())
    here.cluster.after[0] = lambda cluster: cluster.objects.clear()
    outcome = resync(here, stuck())
    assert (outcome.result, outcome.detail) == (Result.RESOLVED, "the object is gone")


def test_an_object_that_was_made_anew_in_between_is_left_alone() -> None:
    raw = stuck()
    here = world(copy.deepcopy(raw))
    anew = stuck(metadata={"uid": "another"}, spec={"publish": False})
    here.cluster.after[0] = lambda cluster: cluster.objects.update({("shop", "checkout"): copy.deepcopy(anew)})
    outcome = resync(here, raw)
    assert (outcome.result, outcome.detail) == (Result.RESOLVED, "the object is gone")
    assert here.cluster.the() == anew


# -- Resync of an object that is being deleted ----------------------------------------------------------------------


def test_a_deletion_that_goes_on_is_resolved() -> None:
    here = world(deleting(), GONE)
    here.cluster.after[1] = lambda cluster: cluster.write(without_ack)
    outcome = resync(here, deleting(), GONE)
    assert (outcome.result, outcome.detail) == (
        Result.RESOLVED,
        "the controller looked again, and the object is gone",
    )


@pytest.mark.parametrize(
    ("says", "live"),
    [
        ("function in 'Deleting' state, cannot be modified or deleted", GONE),
        ("something new", active(state="Deleting")),
    ],
)
def test_a_deletion_that_aws_has_begun_is_resolved(says: str, live: LiveState) -> None:
    """Counted as without effect it would make way for ClearFinalizer."""
    raw = deleting()
    here = world(copy.deepcopy(raw), live)
    here.cluster.after[0] = lambda cluster: cluster.write(
        lambda found: found["status"].update(conditions=failing(says))
    )
    outcome = resync(here, raw)
    assert outcome.result is Result.RESOLVED
    assert outcome.detail == "the controller tried again, and AWS is deleting the function now"


def test_another_refusal_is_another_try() -> None:
    raw = deleting()
    here = world(copy.deepcopy(raw), active(environment={"PASSWORD": "hunter2"}))
    here.cluster.after[0] = lambda cluster: cluster.write(
        lambda found: found["status"].update(conditions=failing("refused: hunter2"))
    )
    outcome = resync(here, raw)
    assert outcome.result is Result.STILL_STUCK
    assert outcome.detail == "the controller tried again, and now says: refused: •••"


def test_a_refusal_that_went_away_is_told() -> None:
    raw = deleting(conditions=failing(BUSY))
    here = world(copy.deepcopy(raw))
    here.cluster.after[0] = lambda cluster: cluster.write(lambda found: found["status"].update(conditions=synced()))
    assert resync(here, raw).detail == "the controller tried again, and now says: no error"


def test_a_deletion_that_shows_nothing_is_unknown() -> None:
    here = world(deleting())
    here.cluster.after[0] = here.passed(LATER)
    outcome = resync(here, deleting())
    assert outcome.result is Result.UNKNOWN
    assert "nothing tells of a try" in outcome.detail
    assert untouched(here, deleting())


# -- ClearFinalizer -------------------------------------------------------------------------------------------------


def test_a_finalizer_is_cleared_and_aws_asked_once_more() -> None:
    raw = left()
    here = world(copy.deepcopy(raw), GONE)
    outcome = clear(here, raw)
    assert outcome.result is Result.RESOLVED
    assert outcome.detail == "the object is gone, and AWS still says that the function is gone"
    assert outcome.backup == "/backups/checkout.json"
    assert here.backups.saved == [raw]
    assert here.cluster.objects == {}
    assert len(here.cluster.patches) == 1
    assert here.cloud.asked == [("checkout", 1060.0)]
    assert outcome.orphan == ""


def test_an_orphan_is_recorded() -> None:
    here = world(left(), active())
    outcome = clear(here, left())
    assert outcome.result is Result.STILL_STUCK
    assert outcome.detail.startswith("ORPHAN: the object is gone, but AWS shows arn:aws:lambda:us-east-1:")
    assert outcome.orphan == ARN


def test_a_doubt_after_the_act_is_told() -> None:
    here = world(left(), unreadable("throttled"))
    outcome = clear(here, left())
    assert outcome.result is Result.UNKNOWN
    assert outcome.detail == "the object is gone; whether AWS still has none could not be asked once more (throttled)"


def test_another_finalizer_still_holds_the_object() -> None:
    raw = left(metadata={"finalizers": ["a/one", FUNCTION_FINALIZER]})
    here = world(copy.deepcopy(raw), GONE)
    outcome = clear(here, raw)
    assert outcome.result is Result.STILL_STUCK
    assert "now waits for a/one, which is not ours" in outcome.detail
    assert here.cluster.the()["metadata"]["finalizers"] == ["a/one"]


def test_an_orphan_is_noticed_behind_another_finalizer_too() -> None:
    raw = left(metadata={"finalizers": [FUNCTION_FINALIZER, "b/two"]})
    here = world(copy.deepcopy(raw), active())
    assert "ORPHAN" in clear(here, raw).detail


@pytest.mark.parametrize("where", ["read", "save"])
def test_without_a_backup_nothing_is_written(where: str) -> None:
    here = world(left(), GONE)
    if where == "read":
        here.cluster.raw_fails = Forbidden("may not get")
    else:
        here.backups.fails = RemediatorError("no space left")
    outcome = clear(here, left())
    assert outcome.result is Result.SKIPPED
    assert outcome.detail.startswith("nothing was written: ")
    assert here.cluster.patches == []
    assert here.episodes.intents == []
    assert outcome.accepted is None


def test_an_object_that_went_before_its_backup_is_decided_anew() -> None:
    here = world(left(), GONE)
    here.cluster.raw_fails = NotFound("gone")
    with pytest.raises(NotFound):
        clear(here, left())


def test_a_write_whose_answer_was_lost_is_looked_after() -> None:
    here = world(left(), active())
    here.cluster.after[0] = failing_with(Unreachable("connection reset"))
    outcome = clear(here, left())
    assert outcome.result is Result.UNKNOWN
    assert "ORPHAN" in outcome.detail


def test_a_write_that_was_lost_on_the_way_left_the_finalizer() -> None:
    here = world(left(), GONE)
    here.cluster.before[0] = failing_with(Unreachable("connection refused"))
    outcome = clear(here, left())
    assert outcome.result is Result.UNKNOWN
    assert "ACK's finalizer is still there" in outcome.detail
    assert here.cluster.the()["metadata"]["finalizers"] == [FUNCTION_FINALIZER]
