"""One plan on one object: what is written, what is left behind, and what is said of it."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.actions import plan_for
from remediator.diagnosis import diagnose
from remediator.errors import Changed, Forbidden, NotFound, Refused, RemediatorError, Unauthorized, Unreachable
from remediator.execute import begin, finish, undo
from remediator.gates import Approved, approve, decide
from remediator.model.decision import Population
from remediator.model.finding import Finding
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Evidence, Outcome, Plan, Proof, Result
from remediator.model.resource import FUNCTION_FINALIZER, RESYNC_ANNOTATION, Ref, Resource
from tests.builders import (
    ALIVE,
    ARN,
    BUSY,
    DOWN,
    GONE,
    NOW,
    UNPROVEN_GONE,
    Json,
    active,
    at,
    decoded,
    deleting,
    failing,
    function,
    observe,
    synced,
)
from tests.fakes import FakeBackups, FakeCloud, FakeCluster, World, failing_with, without_ack
from tests.proposals import ready

LATER = at(seconds=-5)


def stuck(**more: Any) -> Json:
    """Build a living object that waits for a Resync: a 409 of five minutes ago, and AWS has settled since."""
    return function(conditions=failing(BUSY, at(minutes=5)), **more)


def left(**more: Any) -> Json:
    """Build an object that waits for ClearFinalizer."""
    return deleting(**more)


def world(raw: Json, *live: LiveState) -> World:
    return World(FakeCluster(raw), FakeCloud(checkout=list(live) or [active()]))


def key(raw: Json, live: LiveState, requested: ActionName | None = None, **more: Any) -> Approved[Plan]:
    """Get a plan approved as it would be right before the act."""
    seen = observe(raw, live, now=NOW + timedelta(minutes=15), **more)
    finding = diagnose(seen)
    plan = plan_for(finding, seen, requested) if finding else None
    assert finding is not None
    assert plan is not None
    proofs = (Proof(live, 0.0), Proof(live, 60.0))
    situation = ready(plan, population=Population(1, 1), evidence=Evidence(plan.digest, proofs, NOW))
    approved = approve(decide(finding, plan, situation), situation)
    assert approved is not None
    return approved


def run(here: World, approved: Approved[Plan]) -> Outcome:
    def look(resource: Resource) -> tuple[Observation, Finding | None]:
        seen = Observation(resource, here.cloud.probe(resource), here.clock.now())
        return seen, diagnose(seen)

    with here.means.lock.held(lambda _: None) as hold:
        begun = begin(approved, here.means, hold)
    return begun if isinstance(begun, Outcome) else finish(begun, here.means, look)


def resync(here: World, raw: Json, live: LiveState | None = None) -> Outcome:
    outcome = run(here, key(raw, live or active()))
    assert outcome.action is ActionName.RESYNC
    return outcome


def release(here: World, raw: Json) -> Outcome:
    """Carry out what a person asked for, about a function that AWS had when it was asked for."""
    outcome = run(here, key(raw, active(), requested=ActionName.RELEASE, controller=ALIVE))
    assert outcome.action is ActionName.RELEASE
    return outcome


def clear(here: World, raw: Json) -> Outcome:
    outcome = run(here, key(raw, GONE, controller=DOWN))
    assert outcome.action is ActionName.CLEAR_FINALIZER
    return outcome


def untouched(here: World, raw: Json) -> bool:
    """Whether spec and annotations are as they were."""
    now = here.cluster.the()
    return now["spec"] == raw["spec"] and not now["metadata"].get("annotations")


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


# -- Release --------------------------------------------------------------------------------------------------------

POLICY = "services.k8s.aws/deletion-policy"
REFUSED = "InvalidParameterValueException: it is a replicated function"
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
