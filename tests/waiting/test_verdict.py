"""What a look means for what is waited for: reached, hopeless, or what is missing; every corner of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from remediator.diagnosis import diagnose
from remediator.model.controller import ControllerFacts, Health
from remediator.model.live import LiveState, unreadable
from remediator.model.resource import Resource
from remediator.waiting.attention import attention
from remediator.waiting.goal import Ending, Goal, GoalKind, goal_called
from remediator.waiting.verdict import Sight, Verdict, judge, unsettled, unsynced
from tests.builders import (
    ALIVE,
    DOWN,
    GONE,
    NOW,
    PENDING,
    SHA,
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
from tests.waiting.writes import USER, owned, passed, wrote

SYNCED, SETTLED, DELETED = Goal(GoalKind.SYNCED), Goal(GoalKind.SETTLED), Goal(GoalKind.DELETED)
# What a healthy Function of the builders has, as AWS tells it.
CONFIGURATION = (
    ("handler", "app.handler"),
    ("memorySize", "256"),
    ("packageType", "Zip"),
    ("runtime", "python3.12"),
)


def well(**changes: Any) -> LiveState:
    """Build AWS's answer for a function that is as the builders' spec has it."""
    return active(**({"configuration": CONFIGURATION} | changes))


def sight(
    resource: Resource | Json,
    live: LiveState | None = None,
    *,
    controller: ControllerFacts = ALIVE,
    watched: float = 0,
    patience: float = 1200,
) -> Sight:
    found = resource if isinstance(resource, Resource) else decoded(resource)
    seen = replace(observe(function(), live or well(), controller=controller), resource=found)
    paid = attention(found, NOW, timedelta(seconds=watched))
    return Sight(seen, diagnose(seen), paid, NOW + timedelta(seconds=patience))


def looked_at(ago: float = 30, changed: float = 60, **more: Any) -> Resource:
    """Build a Function that was changed, and that ACK looked at, so many seconds ago."""
    return owned(wrote(USER, changed, "spec"), passed(ago), **more)


def just_made() -> Resource:
    return owned(wrote(USER, 5, "spec"), metadata={"creationTimestamp": at(seconds=5)}, conditions=[])


def verdict(goal: Goal, *args: Any, **more: Any) -> Verdict:
    return judge(goal, sight(*args, **more))


# -- what can be waited for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("synced", SYNCED),
        ("settled", SETTLED),
        ("deleted", DELETED),
        ("generation=7", Goal(GoalKind.GENERATION, 7)),
    ],
)
def test_a_goal_is_read_and_written(text: str, goal: Goal) -> None:
    assert goal_called(text) == goal
    assert str(goal) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "Synced", "ready", "generation", "generation=", "generation=0", "generation=-1", "generation=1.5"),
        *("generation=٧", f"generation={'9' * 19}", "synced\n", "generation=7\n"),
    ],
)
def test_nothing_else_is_waited_for(text: str) -> None:
    with pytest.raises(ValueError, match="is nothing to wait for; say synced, settled, deleted or generation=N"):
        goal_called(text)


# -- synced ----------------------------------------------------------------------------------------------------------


def test_both_sides_agree() -> None:
    assert verdict(SYNCED, looked_at()) == Verdict(
        "synced at generation 2: AWS says Active, Successful, and ACK has nothing left to write", Ending.REACHED
    )


def test_a_green_object_that_was_just_applied_is_green_from_before() -> None:
    told = verdict(SYNCED, looked_at(ago=3600, changed=1))
    assert told == Verdict("ACK has not looked at it since its last change at 2026-11-21T11:59:59Z")


def test_a_red_object_that_was_just_applied_is_red_from_before() -> None:
    """What was just applied is the correction, more often than not."""
    refused = failing("InvalidParameterValueException: no such subnet")
    told = verdict(SYNCED, looked_at(ago=3600, changed=1, conditions=refused))
    assert told == Verdict("ACK has not looked at it since its last change at 2026-11-21T11:59:59Z")
    told = verdict(SYNCED, looked_at(ago=5, changed=6, conditions=refused))
    assert (told.ending, told.page) == (Ending.HOPELESS, "InvalidRequest")


def test_a_pass_that_was_under_way_during_the_change_condemns_nothing() -> None:
    refused = failing("InvalidParameterValueException: no such subnet")
    told = verdict(SYNCED, looked_at(ago=1, changed=2, conditions=refused))
    assert told == Verdict("ACK says that it is not synced: InvalidParameterValueException: no such subnet")


@pytest.mark.parametrize("memory", ["256", "512"])
def test_in_one_second_the_comparison_decides(memory: str) -> None:
    """Change and pass have the same time: which was first shows where they differ."""
    live = well(configuration=(*CONFIGURATION[:1], ("memorySize", memory), *CONFIGURATION[2:]))
    told = verdict(SYNCED, looked_at(ago=5, changed=5), live)
    if memory == "256":
        assert told.ending is Ending.REACHED
    else:
        assert told == Verdict("the spec and AWS differ in memorySize", asks_aws=True)


def test_in_one_second_that_is_not_over_nothing_decides() -> None:
    told = verdict(SYNCED, looked_at(ago=0, changed=0))
    assert told == Verdict("ACK has not looked at it since its last change at 2026-11-21T12:00:00Z")


def test_in_one_second_an_image_that_is_not_told_decides_nothing_yet() -> None:
    image = {"packageType": "Image", "code": {"imageURI": "shop/checkout:2"}}
    live = well(package_type="Image", configuration=(*CONFIGURATION[:2], ("packageType", "Image"), CONFIGURATION[3]))
    told = verdict(SYNCED, looked_at(ago=2, changed=2, spec=image), live)
    assert told == Verdict("ACK looked at it in the second of its last change", asks_aws=True)
    assert verdict(SYNCED, looked_at(ago=3, changed=3, spec=image), live).ending is Ending.REACHED
    assert verdict(SYNCED, looked_at(ago=1, changed=2, spec=image), live).ending is Ending.REACHED


def test_a_change_that_no_pass_follows_was_none_of_the_spec() -> None:
    """Whoever applied the spec wrote an annotation: ACK does not look, and nothing hangs."""
    told = verdict(SYNCED, looked_at(ago=3600, changed=20))
    assert told.ending is Ending.REACHED
    assert told.why.endswith("ACK has not looked at it since it was written to at 2026-11-21T11:59:40Z")
    assert verdict(SYNCED, looked_at(ago=3600, changed=19)).ending is None


def test_a_change_that_no_pass_follows_and_that_shows_is_waited_on() -> None:
    live = well(configuration=(*CONFIGURATION[:1], ("memorySize", "512"), *CONFIGURATION[2:]))
    unseen = "ACK has not looked at it since its last change at 2026-11-21T11:59:35Z"
    for ago in (30, 3600):  # it will look: a change of the spec is waiting
        told = verdict(SYNCED, looked_at(ago=ago, changed=25, conditions=synced(at(seconds=ago))), live)
        assert told == Verdict(f"{unseen}, and the spec and AWS differ in memorySize", asks_aws=True)
    told = verdict(SYNCED, looked_at(ago=3600, changed=600, conditions=synced(at(hours=1))), live)
    assert told.ending is None


def test_what_no_controller_has_looked_at_is_not_synced() -> None:
    assert verdict(SYNCED, just_made(), GONE) == Verdict("no controller has looked at it yet")


@pytest.mark.parametrize(
    ("conditions", "missing"),
    [
        (failing(PENDING), f"ACK says that it is not synced: {PENDING}"),
        ([{"type": "ACK.ResourceSynced", "status": "False"}], "ACK says that it is not synced"),
        (
            [*synced(), {"type": "ACK.Recoverable", "status": "True", "message": "no"}],
            "ACK says that it is not synced: no",
        ),
        ([*synced(), {"type": "ACK.Terminal", "status": "True", "message": "no"}], "ACK has given up: no"),
        ([*synced(), {"type": "ACK.Terminal", "status": "True"}], "ACK has given up: no message"),
        (
            [{"type": "ACK.ReferencesResolved", "status": "Unknown", "reason": "no role"}],
            "its references are not resolved: no role",
        ),
        (
            [{"type": "ACK.ReferencesResolved", "status": "False", "message": "failed"}],
            "its references are not resolved: failed",
        ),
        (
            [{"type": "ACK.ReferencesResolved", "status": "False"}],
            "its references are not resolved: no reason given",
        ),
        ([*synced(), {"type": "ACK.Terminal", "status": "False"}], ""),
        ([*synced(), {"type": "ACK.Recoverable", "status": "False"}], ""),
    ],
)
def test_what_kubernetes_side_lacks_is_said(conditions: list[Json], missing: str) -> None:
    resource = looked_at(conditions=conditions)
    assert unsynced(resource, attention(resource, NOW, timedelta(0))) == missing


@pytest.mark.parametrize(
    ("live", "missing"),
    [
        (active(), ""),
        (active(state="Inactive"), ""),
        (active(last_update_status=None), ""),  # a function from before there were states
        (active(state="Pending", state_reason_code="Creating"), "AWS says Pending (Creating)"),
        (active(state="Failed"), "AWS says Failed"),
        (active(state=None), "AWS says nothing"),
        (active(last_update_status="InProgress"), "AWS says Active, its last update InProgress"),
        (
            active(last_update_status="Failed", last_update_status_reason_code="EniLimitExceeded"),
            "AWS says Active, its last update Failed (EniLimitExceeded)",
        ),
        (GONE, "AWS has no such function"),
        (unreadable("AccessDenied"), "AWS cannot be asked: AccessDenied"),
    ],
)
def test_what_awss_side_lacks_is_said(live: LiveState, missing: str) -> None:
    assert unsettled(live) == missing
    told = verdict(SYNCED, looked_at(), replace(live, configuration=CONFIGURATION if live.present else ()))
    if missing and told.ending is None:
        assert told == Verdict(missing, asks_aws=True)
    else:
        assert bool(missing) == (told.ending is Ending.HOPELESS)


def test_an_edit_that_was_lost_is_not_synced_however_green() -> None:
    stated = looked_at(spec={"code": {"sha256": "9f" * 32}})
    told = verdict(SYNCED, stated)
    assert (told.ending, told.page) == (Ending.HOPELESS, "ChecksumMismatch")


def test_an_environment_that_differs_is_told_by_names() -> None:
    secret = {"environment": {"variables": {"DB_PASSWORD": "correct-horse"}}}
    told = verdict(SYNCED, looked_at(spec=secret), well(environment={"DB_PASSWORD": "battery-staple"}))
    assert told == Verdict("the spec and AWS differ in environment.variables.DB_PASSWORD", asks_aws=True)


def test_what_no_call_of_ack_changes_is_not_waited_for() -> None:
    """It does not unset layers: at its next pass it writes those of AWS into the spec."""
    told = verdict(SYNCED, looked_at(), well(configuration=(*CONFIGURATION, ("loggingConfig.logFormat", "Text"))))
    assert told.ending is Ending.REACHED


def test_an_object_that_ack_only_looks_at_has_nothing_left_to_write() -> None:
    read_only = {"annotations": {"services.k8s.aws/read-only": "True"}}
    live = well(configuration=(*CONFIGURATION[:1], ("memorySize", "512"), *CONFIGURATION[2:]))
    assert verdict(SYNCED, looked_at(metadata=read_only), live).ending is Ending.REACHED


def test_what_differs_while_ack_is_content_is_not_waited_for_longer_than_a_pass_takes() -> None:
    """Somebody changed AWS behind it: it looks again at its resync, hours later."""
    live = well(configuration=(*CONFIGURATION[:1], ("memorySize", "512"), *CONFIGURATION[2:]))
    beat = synced(at(seconds=60))
    told = verdict(SYNCED, looked_at(ago=60, changed=90, conditions=beat), live)
    assert told.ending is Ending.HOPELESS
    assert told.why == (
        "the spec and AWS differ in memorySize, ACK says that it is synced, and looks again at 2026-11-21T21:59:00Z "
        "only; a Resync, or any change of the spec, makes it look now"
    )
    for ago, changed, more in (
        (59, 90, {}),
        (60, 90, {"patience": 11 * 3600}),
        (60, 90, {"controller": ControllerFacts(Health.ALIVE, "it runs", resync=timedelta(minutes=10))}),
    ):
        told = verdict(SYNCED, looked_at(ago=ago, changed=changed, conditions=beat), live, **more)
        assert told == Verdict("the spec and AWS differ in memorySize", asks_aws=True)


def test_what_is_being_deleted_will_not_be_synced() -> None:
    told = verdict(SYNCED, deleting(hours=1))
    assert told == Verdict(
        "it is being deleted since 2026-11-21T11:00:00Z, and will not be synced any more", Ending.HOPELESS
    )


# -- a generation ----------------------------------------------------------------------------------------------------


def test_a_generation_is_reached_by_it_and_by_every_later_one() -> None:
    assert verdict(goal_called("generation=3"), looked_at()) == Verdict("its generation is 2, and 3 is waited for")
    for reached in ("generation=2", "generation=1"):
        assert verdict(goal_called(reached), looked_at()).ending is Ending.REACHED


def test_what_is_wrong_with_an_earlier_generation_ends_nothing() -> None:
    terminal = [*synced(), {"type": "ACK.Terminal", "status": "True", "message": "no"}]
    assert verdict(goal_called("generation=3"), looked_at(conditions=terminal)).ending is None
    assert verdict(goal_called("generation=2"), looked_at(conditions=terminal)).ending is Ending.HOPELESS


# -- where nobody works ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "live", "missing"),
    [
        (just_made(), GONE, "no controller has looked at it yet"),
        (
            looked_at(ago=3600, changed=1),
            well(),
            "ACK has not looked at it since its last change at 2026-11-21T11:59:59Z",
        ),
        (looked_at(), GONE, "AWS has no such function"),
        (looked_at(), well(configuration=()), None),
        (
            looked_at(),
            well(configuration=CONFIGURATION[:1]),
            "the spec and AWS differ in memorySize, runtime",
        ),
    ],
)
def test_without_a_controller_nothing_moves(resource: Resource, live: LiveState, missing: str | None) -> None:
    told = verdict(SYNCED, resource, live, controller=DOWN)
    if missing is None:
        assert told.ending is Ending.REACHED
    else:
        why = f"{missing}, and nobody works on it: its Deployment has 0 of 1 pods ready"
        assert told == Verdict(why, Ending.HOPELESS, page="ControllerDown")


def test_without_a_controller_aws_still_ends_what_it_is_at() -> None:
    told = verdict(SYNCED, looked_at(), well(last_update_status="InProgress"), controller=DOWN)
    assert told == Verdict("AWS says Active, its last update InProgress", asks_aws=True)


def test_a_controller_that_looks_elsewhere_is_none() -> None:
    elsewhere = ControllerFacts(Health.ALIVE, "it runs", watched_namespaces=("post",))
    told = verdict(SYNCED, looked_at(ago=3600, changed=1), controller=elsewhere)
    assert (told.ending, told.page) == (Ending.HOPELESS, "NeverReconciled")
    assert told.why.endswith("nobody works on it: the controller does not watch this namespace")


# -- settled ---------------------------------------------------------------------------------------------------------


def test_settled_is_awss_side_alone() -> None:
    green_from_before, red = looked_at(ago=3600, changed=1), looked_at(conditions=failing("no"))
    for resource in (green_from_before, red, decoded(deleting())):
        assert verdict(SETTLED, resource) == Verdict("settled: AWS says Active, Successful", Ending.REACHED)


def test_a_function_that_aws_is_at_work_on_is_waited_for() -> None:
    for controller in (ALIVE, DOWN):
        told = verdict(SETTLED, looked_at(), well(last_update_status="InProgress"), controller=controller)
        assert told == Verdict("AWS says Active, its last update InProgress", asks_aws=True)


def test_a_function_that_is_not_there_yet_is_waited_for_as_long_as_somebody_works_on_it() -> None:
    assert verdict(SETTLED, looked_at(), GONE) == Verdict("AWS has no such function", asks_aws=True)
    assert verdict(SETTLED, looked_at(), GONE, controller=DOWN).ending is Ending.HOPELESS


def test_an_update_that_failed_does_not_settle_by_itself() -> None:
    failed = well(last_update_status="Failed")
    told = verdict(SETTLED, looked_at(), failed)
    assert (told.ending, told.page) == (Ending.HOPELESS, "UpdateFailed")
    told = verdict(SETTLED, looked_at(ago=3600, changed=1), failed)  # what was just applied may be its cure
    assert told == Verdict("AWS says Active, its last update Failed", asks_aws=True)


def test_a_function_that_went_with_its_object_does_not_settle() -> None:
    told = verdict(SETTLED, deleting(hours=0.01), GONE)
    assert told == Verdict("it is being deleted, and AWS has no such function any more", Ending.HOPELESS)


def test_a_function_that_cannot_be_asked_about_is_waited_for() -> None:
    told = verdict(SETTLED, looked_at(), unreadable("ReadTimeoutError", passing=True), controller=DOWN)
    assert told == Verdict("AWS cannot be asked: ReadTimeoutError", asks_aws=True)


# -- deleted ---------------------------------------------------------------------------------------------------------


def test_what_nobody_has_deleted_is_waited_for() -> None:
    terminal = [*synced(), {"type": "ACK.Terminal", "status": "True", "message": "no"}]
    assert verdict(DELETED, looked_at(conditions=terminal), controller=DOWN) == Verdict("nobody has deleted it yet")


def test_a_deletion_under_way_is_waited_for() -> None:
    told = verdict(DELETED, deleting(hours=0.1), well(state="Deleting"))
    assert told == Verdict("being deleted since 2026-11-21T11:54:00Z")


def test_what_ack_says_of_a_deletion_is_told_where_it_is_of_the_deletion() -> None:
    refused = failing("ResourceConflictException: in use")
    of_now = deleting(hours=0.1, conditions=refused, metadata={"managedFields": [passed(5)]})
    of_before = deleting(hours=0.1, conditions=refused, metadata={"managedFields": [passed(3600)]})
    since = "being deleted since 2026-11-21T11:54:00Z"
    assert verdict(DELETED, of_now) == Verdict(f"{since}; ACK says: ResourceConflictException: in use")
    assert verdict(DELETED, of_before) == Verdict(since)


@pytest.mark.parametrize(("ago", "ending"), [(5, Ending.HOPELESS), (7200, Ending.HOPELESS)])
def test_a_deletion_that_aws_refuses_for_good_is_not_waited_for(ago: float, ending: Ending) -> None:
    denied = failing("AccessDeniedException: no")
    raw = deleting(hours=0.1, conditions=denied, metadata={"managedFields": [passed(ago)]})
    told = verdict(DELETED, raw)
    assert (told.ending, told.page) == (ending, "PermissionDenied")


def test_a_refusal_from_before_the_deletion_says_nothing_of_it_yet() -> None:
    denied = failing("AccessDeniedException: no")
    raw = deleting(hours=0.01, conditions=denied, metadata={"managedFields": [passed(7200)]})
    assert verdict(DELETED, raw) == Verdict("being deleted since 2026-11-21T11:59:24Z")


def test_what_waits_for_others_is_waited_for_with_them() -> None:
    others = deleting(hours=0.1, metadata={"finalizers": ["shop/backup", "shop/audit"]})
    since = "being deleted since 2026-11-21T11:54:00Z: ACK is done with it, and it waits for"
    assert verdict(DELETED, others, controller=DOWN) == Verdict(f"{since} shop/backup, shop/audit")
    none = deleting(hours=0.1, metadata={"finalizers": []})
    assert verdict(DELETED, none) == Verdict(f"{since} nothing that can be seen")


def test_nobody_deletes_where_no_controller_is() -> None:
    told = verdict(DELETED, deleting(hours=0.1), controller=DOWN)
    assert (told.ending, told.page) == (Ending.HOPELESS, "ControllerDown")
    assert told.why == (
        "being deleted since 2026-11-21T11:54:00Z, and nobody works on it: its Deployment has 0 of 1 pods ready"
    )


def test_a_renamed_object_goes_all_the_same() -> None:
    assert verdict(DELETED, deleting(hours=0.1, spec={"name": "other"})).ending is None


def test_a_digest_is_compared_where_the_object_states_one() -> None:
    assert verdict(SYNCED, looked_at(spec={"code": {"sha256": SHA}})).ending is Ending.REACHED
