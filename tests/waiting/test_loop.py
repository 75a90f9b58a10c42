"""The loop: when it looks, what it asks of whom, what it tells, and how it ends. Time passes where it sleeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from remediator.errors import CloudError, ClusterError, Forbidden, NotFound, Unauthorized, Unreachable
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, unreadable
from remediator.observing import Observer
from remediator.policy import Policy
from remediator.waiting import Ending, Goal, GoalKind, Waited, goal_called, wait_for
from tests.builders import (
    ALIVE,
    ARN,
    DOWN,
    GONE,
    NOW,
    PENDING,
    Json,
    active,
    at,
    decoded,
    deleting,
    failing,
    function,
    synced,
)
from tests.fakes import FakeCloud, FakeCluster, World, failing_with, without_ack
from tests.waiting.test_verdict import well
from tests.waiting.writes import USER, passed, wrote

SYNCED, SETTLED, DELETED = Goal(GoalKind.SYNCED), Goal(GoalKind.SETTLED), Goal(GoalKind.DELETED)
IN_PROGRESS = well(last_update_status="InProgress")
SECRET = "correct-horse-battery"
AWAY = Unreachable("no answer from the API server https://there: timed out")


def looked_at(ago: float = 30, changed: float = 60, **more: Any) -> Json:
    """Build a Function that was changed, and that ACK looked at, so many seconds ago."""
    metadata = {"managedFields": [wrote(USER, changed, "spec"), passed(ago)]} | more.pop("metadata", {})
    return function(metadata=metadata, **more)


class Vigil:
    """Somebody who waits for `checkout`, in a world of one object or none."""

    def __init__(
        self, *objects: Json, live: LiveState | list[LiveState] | None = None, facts: ControllerFacts = ALIVE
    ) -> None:
        self.world = World(FakeCluster(*objects, facts=facts), FakeCloud(checkout=live or well()))
        self.cluster, self.clock = self.world.cluster, self.world.clock
        self.said: list[str] = []

    def wait(self, goal: Goal = SYNCED, seconds: float = 120) -> Waited:
        policy = Policy.model_validate({"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"})
        observer = Observer(self.world.means, policy)
        told = wait_for(self.world.means, observer, "shop", "checkout", goal, seconds=seconds, say=self.said.append)
        assert self.cluster.patches == []
        assert self.world.episodes.intents == []
        return told

    def at_second(self, second: int, *acts: Callable[[], None]) -> None:
        """Let something happen in the sleep after so many others, each of a second."""

        def act() -> None:
            for each in acts:
                each()

        self.clock.on_sleep += [lambda: None] * (second - len(self.clock.on_sleep) - 1)
        self.clock.on_sleep.append(act)

    def answers(self, live: LiveState) -> None:
        self.world.cloud._answers["checkout"] = [live]

    @property
    def asked(self) -> list[float]:
        """Say when AWS was asked, in seconds since the beginning."""
        return [moment - 1000.0 for _, moment in self.world.cloud.asked]

    def pass_ends(self, conditions: list[Json] | None = None) -> None:
        """Let ACK end a pass now."""
        now = -self.clock.slept

        def change(found: Json) -> None:
            found["status"]["conditions"] = synced(at(seconds=now)) if conditions is None else conditions
            found["metadata"]["managedFields"] = [
                *(each for each in found["metadata"]["managedFields"] if not each.get("subresource")),
                passed(now),
            ]

        self.cluster.write(change)


# -- when it looks ---------------------------------------------------------------------------------------------------


def test_what_is_so_already_costs_one_look() -> None:
    vigil = Vigil(looked_at())
    told = vigil.wait()
    assert (told.ending, told.seconds, told.reached) == (Ending.REACHED, 0.0, True)
    assert (told.kubernetes, told.aws) == ("synced at generation 2", "AWS says Active, Successful")
    assert (vigil.said, vigil.asked, vigil.clock.slept) == ([], [0.0], 0.0)


def test_zero_seconds_are_one_look() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    assert vigil.wait(seconds=0).ending is Ending.TIMED_OUT
    assert vigil.clock.slept == 0.0


def test_aws_is_asked_each_second_for_a_minute_and_then_a_little_less_where_it_alone_can_tell() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    told = vigil.wait(seconds=90)
    gaps = [b - a for a, b in pairwise(vigil.asked)]
    assert gaps[:60] == [1.0] * 60
    assert set(gaps[60:]) == {1.5}
    assert (told.ending, told.seconds, vigil.asked[-1]) == (Ending.TIMED_OUT, 90.0, 90.0)


def test_the_last_look_is_when_the_time_is_over() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.clock.on_sleep = [lambda: None, lambda: vigil.answers(well())]
    assert vigil.wait(seconds=1.4).ending is Ending.REACHED
    assert vigil.clock.slept == pytest.approx(1.4)


def test_a_look_that_takes_long_is_followed_by_another_soon() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.cluster.on_get = [lambda _: vigil.clock.sleep(3.0)] * 20
    vigil.wait(seconds=10)
    assert [b - a for a, b in pairwise(vigil.asked)] == pytest.approx([3.2] * 3, abs=0.01)


def test_aws_is_left_alone_while_kubernetes_side_is_missing() -> None:
    """A rejected spec: ACK tries again each minutes, and AWS has nothing to do."""
    vigil = Vigil(looked_at(conditions=failing("TeapotException: no")))
    vigil.wait(seconds=60)
    assert vigil.asked == [0.0, 15.0, 30.0, 45.0, 60.0]


@pytest.mark.parametrize("live", [well(state="Pending"), unreadable("ReadTimeoutError", passing=True)])
def test_aws_is_asked_a_little_more_often_while_it_is_at_work_or_did_not_answer(live: LiveState) -> None:
    vigil = Vigil(looked_at(conditions=failing(PENDING)), live=live)
    vigil.wait(seconds=15)
    assert vigil.asked == [0.0, 5.0, 10.0, 15.0]


def test_aws_is_asked_anew_when_the_object_moves() -> None:
    vigil = Vigil(looked_at(conditions=failing(PENDING)))
    vigil.at_second(3, lambda: vigil.pass_ends(failing("TeapotException: no", at(seconds=-3))))
    vigil.wait(seconds=10)
    assert vigil.asked == [0.0, 3.0]


def test_an_end_is_told_by_an_answer_of_that_very_look() -> None:
    """Nothing moves, and after a while without a pass the conditions count: AWS may be another by then."""
    vigil = Vigil(looked_at(ago=3600, changed=2))
    vigil.at_second(10, lambda: vigil.answers(IN_PROGRESS))
    vigil.at_second(25, lambda: vigil.answers(well()))
    told = vigil.wait(seconds=60)
    assert (told.ending, told.seconds) == (Ending.REACHED, 25.0)


def test_aws_is_not_asked_about_what_no_controller_has_looked_at() -> None:
    fresh = function(metadata={"creationTimestamp": at(seconds=5), "finalizers": []}, conditions=[])
    vigil = Vigil(fresh, live=GONE)
    told = vigil.wait(seconds=30)
    assert (vigil.asked, vigil.said) == ([], ["no controller has looked at it yet"])
    assert told.why == "not synced after 30s: no controller has looked at it yet; AWS was not asked"
    vigil = Vigil(fresh, live=GONE)
    vigil.wait(SETTLED, seconds=3)
    assert vigil.asked == [0.0, 1.0, 2.0, 3.0]


def test_aws_is_not_asked_about_what_nobody_has_deleted() -> None:
    vigil = Vigil(looked_at())
    vigil.wait(DELETED, seconds=30)
    assert (vigil.asked, vigil.said) == ([], ["nobody has deleted it yet"])


def test_a_controller_that_goes_down_is_noticed() -> None:
    vigil = Vigil(looked_at(conditions=failing("TeapotException: no")))
    vigil.at_second(5, lambda: setattr(vigil.cluster, "facts", DOWN))
    told = vigil.wait()
    assert (told.ending, told.seconds, told.page, told.finding is not None) == (
        Ending.HOPELESS,
        20.0,
        "ControllerDown",
        True,
    )


def test_our_clock_may_be_wrong() -> None:
    """A change that is younger than we think is no older for it."""
    vigil = Vigil(looked_at(ago=3600, changed=30))
    vigil.cluster.ahead = 25.0
    assert vigil.wait(seconds=10).ending is Ending.TIMED_OUT
    vigil = Vigil(looked_at(ago=3600, changed=30))
    vigil.cluster.ahead = None
    assert vigil.wait(seconds=10).ending is Ending.REACHED


# -- how it goes on ---------------------------------------------------------------------------------------------------


def test_an_update_is_waited_for_on_both_sides_and_each_change_is_told_once() -> None:
    vigil = Vigil(looked_at(ago=3600, changed=1))
    vigil.at_second(2, vigil.pass_ends, lambda: vigil.answers(IN_PROGRESS))
    vigil.at_second(7, lambda: vigil.answers(well()))
    told = vigil.wait()
    assert (told.ending, told.seconds) == (Ending.REACHED, 7.0)
    assert vigil.said == [
        "ACK has not looked at it since its last change at 2026-11-21T11:59:59Z; AWS says Active, Successful",
        "AWS says Active, its last update InProgress",
        "UpdateInProgress, waiting: AWS is applying an update. Should heal by itself by 2026-11-21T12:10:02Z, after "
        "the time-out at 2026-11-21T12:02:00Z.",
    ]


def test_a_finding_is_told_when_it_comes_and_again_when_it_counts_as_stuck() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.wait(seconds=1200)
    told = [each for each in vigil.said if each.startswith("UpdateInProgress")]
    assert told == [
        "UpdateInProgress, waiting: AWS is applying an update. Should heal by itself by 2026-11-21T12:10:00Z.",
        "UpdateInProgress, stuck: AWS is applying an update.",
    ]


def test_what_waits_without_hope_tells_from_when_it_counts_as_stuck() -> None:
    vigil = Vigil(deleting(hours=0.1, conditions=failing("TeapotException: no")))
    vigil.wait(DELETED, seconds=1)
    assert vigil.said[-1].startswith("DeletionBlocked, waiting: ")
    assert vigil.said[-1].endswith("Counts as stuck from 2026-11-21T12:14:00Z.")


def test_what_is_first_seen_now_is_stuck_when_its_time_is_over() -> None:
    """Its beginning is remembered here, and nowhere else."""
    vigil = Vigil(looked_at(conditions=failing("TeapotException: no", at(seconds=30))))
    vigil.at_second(600, lambda: vigil.pass_ends(failing("TeapotException: no", at(minutes=-14))))
    told = vigil.wait(seconds=1800)
    assert (told.ending, told.page) == (Ending.HOPELESS, "UnclassifiedError")
    assert 1200.0 <= told.seconds <= 1201.5
    assert told.finding is not None
    assert told.finding.name is FindingName.UNCLASSIFIED_ERROR


@pytest.mark.parametrize(("changed", "ending"), [(60, Ending.TIMED_OUT), (7200, Ending.HOPELESS)])
def test_what_is_wrong_since_the_last_change_has_its_own_time_to_pass(changed: float, ending: Ending) -> None:
    """A role that was just made: what the records tell of the hour before was another matter."""
    new_role = failing("InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.")
    raw = looked_at(changed=changed, conditions=new_role)
    vigil = Vigil(raw)
    before = Finding(name=FindingName.INVALID_REQUEST, state=State.STUCK, summary="no", since=NOW, remedy=Remedy.REPORT)
    vigil.world.episodes.sighted(decoded(raw), before, NOW - timedelta(hours=1))
    told = vigil.wait(seconds=30)
    assert told.finding is not None
    assert (told.ending, told.finding.name) == (ending, FindingName.ROLE_NOT_ASSUMABLE)


def test_a_finding_that_is_over_is_forgotten() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.at_second(3, lambda: vigil.answers(well()))
    assert vigil.wait().finding is None


def test_an_api_server_that_is_away_is_waited_for() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.cluster.on_get = [lambda _: None, *[failing_with(AWAY)] * 5, lambda _: vigil.answers(well())]
    assert vigil.wait().seconds == 6.0
    assert [each for each in vigil.said if "API server" in each] == [f"{AWAY.message}; waiting goes on"]


def test_an_api_server_that_stays_away_is_part_of_the_last_word() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.cluster.on_get = [lambda _: None, *[failing_with(AWAY)] * 20]
    told = vigil.wait(seconds=10)
    assert told.ending is Ending.TIMED_OUT
    assert f"; {AWAY.message}; waiting goes on. UpdateInProgress: " in told.why


@pytest.mark.parametrize("error", [AWAY, Forbidden("no"), ClusterError("half an object")])
def test_an_api_server_that_is_not_there_at_the_first_look_ends_it(error: ClusterError) -> None:
    vigil = Vigil(looked_at())
    vigil.cluster.on_get = [failing_with(error)]
    with pytest.raises(type(error)):
        vigil.wait()


@pytest.mark.parametrize("error", [Forbidden("no"), Unauthorized("who?")])
def test_an_api_server_that_refuses_us_ends_it_at_any_time(error: ClusterError) -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.cluster.on_get = [lambda _: None, failing_with(error)]
    with pytest.raises(type(error)):
        vigil.wait()


# -- AWS does not answer ----------------------------------------------------------------------------------------------


def test_aws_may_be_away_for_a_while() -> None:
    vigil = Vigil(looked_at(), live=unreadable("ReadTimeoutError", passing=True))
    vigil.at_second(5, lambda: vigil.answers(well()))
    assert vigil.wait().seconds == 5.0
    assert vigil.said == ["AWS cannot be asked: ReadTimeoutError"]


@pytest.mark.parametrize("goal", [SYNCED, SETTLED, goal_called("generation=2")])
@pytest.mark.parametrize("conditions", [None, failing(PENDING)])
def test_aws_that_refuses_us_for_good_ends_it(goal: Goal, conditions: list[Json] | None) -> None:
    secret = {"environment": {"variables": {"DB_PASSWORD": SECRET}}}
    vigil = Vigil(looked_at(conditions=conditions, spec=secret), live=unreadable(f"AccessDenied: not {SECRET}, you!"))
    with pytest.raises(CloudError) as raised:
        vigil.wait(goal)
    assert "AWS does not answer us about function/checkout" in raised.value.message
    assert "AccessDenied: not •••, you!" in raised.value.message
    assert "remediator doctor" in raised.value.hint


def test_what_the_object_says_is_worth_more_than_that_aws_refuses_us() -> None:
    terminal = [*synced(), {"type": "ACK.Terminal", "status": "True", "message": "tenancy config cannot be modified"}]
    told = Vigil(looked_at(conditions=terminal), live=unreadable("AccessDenied")).wait()
    assert (told.ending, told.page) == (Ending.HOPELESS, "TerminalError")


def test_a_deletion_is_waited_for_without_aws() -> None:
    vigil = Vigil(deleting(hours=0.1), live=unreadable("AccessDenied"))
    vigil.at_second(4, lambda: vigil.cluster.write(without_ack))
    told = vigil.wait(DELETED)
    assert (told.ending, told.seconds) == (Ending.REACHED, 2.0)
    assert told.why == "deleted; what became of the function in AWS cannot be told: AccessDenied"
    assert [each for each in vigil.said if "refused deletion" in each] == [
        "AWS does not answer us, so that a refused deletion may look like a slow one: AccessDenied"
    ]


# -- deletions ---------------------------------------------------------------------------------------------------------

RETAIN = {"annotations": {"services.k8s.aws/deletion-policy": "retain"}}


@pytest.mark.parametrize(
    ("live", "metadata", "why", "warned"),
    [
        (GONE, {}, "AWS has no such function any more", False),
        (active(state="Deleting"), {}, "AWS is still deleting the function", False),
        (active(), {}, "AWS still has the function", True),
        (active(), RETAIN, "AWS keeps the function, as the deletion policy says", False),
    ],
)
def test_what_became_of_the_function_is_told(live: LiveState, metadata: Json, why: str, warned: bool) -> None:
    vigil = Vigil(deleting(hours=0.1, metadata=metadata), live=[active(state="Deleting"), live])
    vigil.at_second(2, lambda: vigil.cluster.write(without_ack))
    told = vigil.wait(DELETED)
    assert (told.ending, told.why, told.finding) == (Ending.REACHED, f"deleted; {why}", None)
    assert told.warning == (f"{ARN} is still in AWS, and no object of this name manages it" if warned else "")


def test_a_function_that_was_gone_before_its_object_is_asked_about_no_more() -> None:
    vigil = Vigil(deleting(hours=0.1), live=GONE)
    vigil.at_second(5, lambda: vigil.cluster.write(without_ack))
    assert vigil.wait(DELETED).why == "deleted; AWS has no such function any more"
    assert vigil.asked == [0.0]


def test_what_had_no_function_leaves_none() -> None:
    never_made = deleting(hours=0.01, status={"ackResourceMetadata": None}, conditions=failing("no"))
    vigil = Vigil(never_made)
    vigil.at_second(2, lambda: vigil.cluster.write(without_ack))
    assert vigil.wait(DELETED).why == "deleted; it had no function in AWS, as far as its status told"


def test_what_is_not_there_is_deleted() -> None:
    told = Vigil().wait(DELETED)
    assert (told.ending, told.seen, told.kubernetes, told.aws) == (Ending.REACHED, None, "no such object", "")
    assert told.why == "there is no such object: deleted before, or never there"


@pytest.mark.parametrize("goal", [SYNCED, SETTLED, goal_called("generation=1")])
def test_what_is_not_there_is_not_waited_for(goal: Goal) -> None:
    with pytest.raises(NotFound):
        Vigil().wait(goal)


def another(vigil: Vigil) -> None:
    vigil.cluster.objects["shop", "checkout"] = looked_at(metadata={"uid": "another", "managedFields": []})


def test_another_object_of_that_name_is_not_the_one() -> None:
    vigil = Vigil(deleting(hours=0.1))
    vigil.at_second(2, lambda: another(vigil))
    told = vigil.wait(DELETED)
    assert (told.ending, told.seconds) == (Ending.REACHED, 1.0)
    assert told.why.startswith("deleted; another object of that name is there by now; AWS still has")


def test_another_object_of_that_name_is_waited_for_from_then_on() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.at_second(2, lambda: another(vigil), lambda: vigil.answers(well()))
    told = vigil.wait()
    assert (told.ending, told.seconds) == (Ending.REACHED, 2.0)
    assert "another object of that name is there by now (uid another)" in vigil.said


def test_what_goes_while_it_is_waited_for_will_not_be_synced() -> None:
    vigil = Vigil(looked_at(), live=IN_PROGRESS)
    vigil.at_second(2, vigil.cluster.objects.clear)
    told = vigil.wait()
    assert (told.ending, told.why) == (Ending.HOPELESS, "it is gone: somebody deleted it while it was waited for")


# -- what is told ------------------------------------------------------------------------------------------------------


def test_a_time_out_tells_both_sides_and_what_is_wrong() -> None:
    vigil = Vigil(looked_at(), live=well(state="Pending", state_reason_code="Creating"))
    told = vigil.wait(seconds=60)
    assert told.why == (
        "not synced after 1m: AWS says Pending (Creating); Kubernetes: synced at generation 2. "
        "FunctionPending: Lambda is still bringing the function up (zip package): Creating. Should heal by itself by "
        "2026-11-21T12:10:00Z."
    )
    assert told.finding is not None


def test_no_secret_is_told() -> None:
    secret = {"environment": {"variables": {"DB_PASSWORD": SECRET}}}
    quoting = failing(f"TeapotException: {SECRET} is no stage")
    vigil = Vigil(looked_at(conditions=quoting, spec=secret))
    told = vigil.wait(seconds=3)
    text = " ".join([*vigil.said, told.why, told.kubernetes, told.aws])
    assert SECRET not in text
    assert text.count("•••") >= 3


def test_references_are_followed_where_they_are_what_is_missing() -> None:
    waiting = [{"type": "ACK.ReferencesResolved", "status": "Unknown", "reason": "no matches for kind Role"}]
    vigil = Vigil(looked_at(conditions=waiting))
    vigil.wait(seconds=3)
    assert len(vigil.cluster.followed) == 1


def test_what_was_asked_of_nobody_is_not_told_of() -> None:
    assert Vigil(looked_at()).wait(DELETED, seconds=0).aws == "AWS was not asked"
