"""The kinds beside Function: told by what they show, and nothing but to wait or to look is ever advised."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.actions.leftover import undo_leftover
from remediator.diagnosis import diagnose, is_suspect, is_worth_a_call
from remediator.diagnosis.catalogue import ALL_KINDS, DELETING, FUNCTIONS, LIVING, WITH_MAPPINGS
from remediator.model.controller import ControllerFacts, Health
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, Presence, unreadable
from remediator.model.observation import History, Observation
from remediator.model.plan import ActionName
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.timeouts import Timeouts
from tests.builders import ALIVE, DOWN, NOW, Json, active, at, decoded, failing, observe, other, synced, waiting
from tests.diagnosis.test_properties import doubtful, gone, present, raws

NOT_ASKED = unreadable("AWS was not asked")
GONE = LiveState(presence=Presence.GONE, why="unproven: of this kind no answer proves it")
OTHERS = sorted(ALL_KINDS - FUNCTIONS)
IN_USE = (
    "ResourceInUseException: Cannot update the event source mapping because it is in use. (Service: AWSLambda; "
    "Status Code: 400)"
)
NOTHING_NEW = "No changes were made to $LATEST since publishing last version, so no version was published."
UUID = "91a4b6ac-3a0d-4a40-8d49-5a8b4e7d0a11"
OTHER_UUID = "5e0f9d0c-64d5-4b3c-9a51-0d6a4b1f2c33"
MAPPED = (
    'ResourceConflictException: The event source arn (" arn:aws:sqs:us-east-1:123456789012:q ") and function (" '
    'checkout ") provided mapping already exists. Please update or delete the existing mapping with UUID '
    f"{UUID}"
)


def terminal(message: str | None) -> list[Json]:
    return [
        {"type": "ACK.Terminal", "status": "True", "message": message},
        {"type": "ACK.ResourceSynced", "status": "False", "lastTransitionTime": at(seconds=20), "reason": "terminal"},
    ]


def deleted(kind: str, conditions: list[Json] | None = None, *, hours: float = 3) -> Json:
    return other(kind, conditions=conditions, metadata={"deletionTimestamp": at(hours=hours)})


def found(raw: Json, live: LiveState = NOT_ASKED, *, controller: ControllerFacts = ALIVE) -> Finding:
    finding = diagnose(observe(raw, live, controller=controller))
    assert finding is not None
    return finding


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_well_is_well_and_costs_no_call(kind: str) -> None:
    raw = other(kind)
    assert not is_suspect(decoded(raw), NOW, Timeouts())
    assert diagnose(observe(raw, NOT_ASKED)) is None


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("conditions", "name", "state"),
    [
        pytest.param([], "NeverReconciled", State.STUCK, id="no conditions"),
        pytest.param(terminal("Resource already exists"), "AlreadyExists", State.STUCK, id="exists"),
        pytest.param(terminal("no such thing"), "TerminalError", State.STUCK, id="terminal"),
        pytest.param(waiting("x"), "ReferencesUnresolved", State.WAITING, id="references"),
        pytest.param(failing("x", at(minutes=30)), "ControllerSilent", State.STUCK, id="silent"),
        pytest.param(failing("AccessDeniedException: x"), "PermissionDenied", State.STUCK, id="denied"),
        pytest.param(failing("SomethingException: x"), "UnclassifiedError", State.WAITING, id="error"),
        pytest.param(
            [{"type": "ACK.ResourceSynced", "status": "False", "lastTransitionTime": at(seconds=20)}],
            "NotSyncedUnexplained",
            State.WAITING,
            id="not synced",
        ),
    ],
)
def test_conditions_tell(kind: str, conditions: list[Json], name: str, state: State) -> None:
    raw = other(kind, conditions=conditions)
    finding = found(raw)
    assert (finding.name, finding.state) == (name, state)
    assert finding.remedy is (Remedy.WAIT if state is State.WAITING else Remedy.REPORT)
    assert is_suspect(decoded(raw), NOW, Timeouts())


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("conditions", "live", "controller", "name"),
    [
        pytest.param(None, GONE, ALIVE, "FinalizerLeft", id="gone"),
        pytest.param(failing("AccessDenied"), NOT_ASKED, ALIVE, "PermissionDenied", id="denied"),
        pytest.param(failing("it is in use"), NOT_ASKED, ALIVE, "DeletionBlocked", id="refused"),
        pytest.param(terminal(None), NOT_ASKED, ALIVE, "DeletionBlocked", id="terminal"),
        pytest.param(None, NOT_ASKED, DOWN, "DeletionUnattended", id="controller down"),
        pytest.param(
            None,
            NOT_ASKED,
            ControllerFacts(Health.ALIVE, "up", watched_namespaces=("post",)),
            "DeletionUnattended",
            id="not watched",
        ),
        pytest.param(None, NOT_ASKED, ALIVE, "DeletionUnexplained", id="silence"),
        pytest.param(None, active(state=None, last_update_status=None), ALIVE, "DeletionUnexplained", id="present"),
    ],
)
def test_deletions_tell_without_an_answer_of_aws(
    kind: str, conditions: list[Json] | None, live: LiveState, controller: ControllerFacts, name: str
) -> None:
    finding = found(deleted(kind, conditions), live, controller=controller)
    assert (finding.name, finding.state, finding.remedy) == (name, State.STUCK, Remedy.REPORT)
    assert finding.on_request == ()


def test_a_deletion_that_another_finalizer_holds_is_not_ours() -> None:
    raw = deleted("Alias")
    raw["metadata"]["finalizers"] = ["finalizers.lambda.services.k8s.aws/Function"]
    assert diagnose(observe(raw, NOT_ASKED)) is None


@pytest.mark.parametrize(
    ("raw", "live", "controller", "said"),
    [
        (
            deleted("Alias"),
            active(state=None, last_update_status=None),
            ALIVE,
            "No condition says why the object is not deleted; AWS has alias 'live' of function 'checkout'. The "
            "controller's log tells more.",
        ),
        (
            deleted("Alias"),
            NOT_ASKED,
            ALIVE,
            "No condition says why the object is not deleted; AWS was not asked, or gave no answer. The controller's "
            "log tells more.",
        ),
        (
            deleted("Alias"),
            NOT_ASKED,
            DOWN,
            "Nobody deletes alias 'live' of function 'checkout': its Deployment has 0 of 1 pods ready. Bring the "
            "controller back; it will finish.",
        ),
        (
            deleted("Alias", failing("it is in use")),
            NOT_ASKED,
            ALIVE,
            "The deletion of alias 'live' of function 'checkout' is refused: it is in use",
        ),
        (
            deleted("Alias", [{"type": "ACK.Terminal", "status": "False", "message": "x"}, *failing("it is in use")]),
            NOT_ASKED,
            ALIVE,
            "The deletion of alias 'live' of function 'checkout' is refused: it is in use",
        ),
        (
            deleted("Alias", [{"type": "ACK.Terminal", "status": "True"}]),
            NOT_ASKED,
            ALIVE,
            "The deletion of alias 'live' of function 'checkout' is refused: no message",
        ),
        (
            deleted("Alias"),
            GONE,
            ALIVE,
            "AWS says that it has no alias 'live' of function 'checkout' (unproven: of this kind no answer proves it), "
            "but ACK's finalizer still holds the object: the controller drops it at its next look.",
        ),
        (
            deleted("Alias"),
            LiveState(presence=Presence.GONE),
            ALIVE,
            "AWS says that it has no alias 'live' of function 'checkout' (unproven), but ACK's finalizer still holds "
            "the object: the controller drops it at its next look.",
        ),
        (
            deleted("EventSourceMapping"),
            active(state="Deleting", last_update_status=None),
            ALIVE,
            "AWS is still at it (Deleting): the deletion goes on when that has ended.",
        ),
    ],
    ids=[
        "present",
        "not asked",
        "controller down",
        "refused",
        "not Terminal",
        "Terminal",
        "gone",
        "gone without a word",
        "busy",
    ],
)
def test_a_deletion_is_told_in_these_words(raw: Json, live: LiveState, controller: ControllerFacts, said: str) -> None:
    assert found(raw, live, controller=controller).summary == said


def test_how_well_it_is_proven_that_it_is_gone_is_told() -> None:
    assert found(deleted("Alias"), GONE).evidence["gone"] == "unproven"


def test_what_aws_had_before_is_quoted() -> None:
    finding = found(other("Alias", conditions=terminal("Resource already exists")))
    assert finding.evidence["terminal"] == "Resource already exists"
    assert finding.summary == (
        "In AWS there is alias 'live' of function 'checkout' already, and ACK does not manage it through this object. "
        "Find out whose it is (its tags, other objects of that name) before you adopt it with "
        "services.k8s.aws/adoption-policy."
    )


# ---- versions and mappings -------------------------------------------------------------------------------------------


def test_a_version_with_nothing_to_publish_is_no_trouble() -> None:
    finding = found(other("Version", conditions=terminal(NOTHING_NEW)))
    assert (finding.name, finding.state, finding.remedy) == (
        FindingName.TERMINAL_ERROR,
        State.ADVISORY,
        Remedy.REPORT,
    )
    assert finding.summary == (
        "Nothing was published, for $LATEST has not changed since the last version, and ACK does not try again. "
        "It is harmless: delete this Version, and make another one when there is something new."
    )
    assert finding.evidence["terminal"] == NOTHING_NEW


def test_a_mapping_that_exists_is_named() -> None:
    finding = found(other("EventSourceMapping", conditions=failing(MAPPED)))
    assert (finding.name, finding.state) == (FindingName.ALREADY_EXISTS, State.STUCK)
    assert finding.summary == (
        f"That source feeds that function already, by event source mapping {UUID}, which ACK does not manage through "
        "this object: adopt it by that UUID, or delete the other one."
    )
    assert finding.evidence["uuid"] == UUID


@pytest.mark.parametrize(
    "text",
    [
        f"mapping already exists with UUID {UUID}",
        f"UUID {OTHER_UUID}: mapping already exists with UUID {UUID}",
        f"{MAPPED}; retried: mapping already exists with UUID {OTHER_UUID}",
    ],
)
def test_the_first_that_is_named_as_the_existing_one_is_it(text: str) -> None:
    assert found(other("EventSourceMapping", conditions=failing(text))).evidence["uuid"] == UUID


def test_a_mapping_that_is_named_for_another_reason_is_no_such_thing() -> None:
    finding = found(other("EventSourceMapping", conditions=failing(f"SomethingException: see UUID {UUID}")))
    assert finding.name is FindingName.UNCLASSIFIED_ERROR


def test_what_was_refused_before_it_was_synced_is_over() -> None:
    quoted = [{"type": "ACK.Recoverable", "status": "True", "message": MAPPED}, *synced()]
    assert diagnose(observe(other("EventSourceMapping", conditions=quoted), active(state="Enabled"))) is None


def test_a_mapping_that_aws_works_on_is_waited_for() -> None:
    raw = other("EventSourceMapping", conditions=failing(IN_USE))
    busy = found(raw, active(state="Updating", last_update_status=None))
    assert (busy.name, busy.state) == (FindingName.UPDATE_IN_PROGRESS, State.WAITING)
    assert busy.also == (FindingName.CONFLICT_BACKOFF,)
    assert busy.summary == (
        "AWS is at work on event source mapping (without a UUID yet) of function 'checkout' (Updating), and refuses "
        "other changes until then."
    )
    settled = found(raw, active(state="Enabled", last_update_status=None))
    assert (settled.name, settled.state, settled.remedy) == (
        FindingName.CONFLICT_BACKOFF,
        State.WAITING,
        Remedy.WAIT,
    )
    assert settled.self_heals_at == settled.stuck_at is not None
    assert settled.summary == (
        "AWS refused the last try as the event source mapping was in use; the controller waits out its back-off."
    )
    late = diagnose(observe(raw, NOT_ASKED, history=History(since=NOW.replace(hour=1))))
    assert late is not None
    assert (late.name, late.state) == (FindingName.CONFLICT_BACKOFF, State.WAITING)


def test_a_mapping_that_ack_has_yet_to_look_at_is_left_alone_while_aws_makes_it() -> None:
    raw = other("EventSourceMapping", conditions=[], metadata={"creationTimestamp": at(seconds=5)})
    assert diagnose(observe(raw, active(state="Creating"))) is None


def test_what_aws_says_busy_of_is_no_matter_where_all_is_synced() -> None:
    assert diagnose(observe(other("EventSourceMapping"), active(state="Creating"))) is None
    quoted = [{"type": "ACK.Recoverable", "status": "True", "message": IN_USE}, *synced()]
    assert diagnose(observe(other("EventSourceMapping", conditions=quoted), active(state="Enabled"))) is None


def test_a_mapping_is_deleted_once_aws_is_done_with_it() -> None:
    busy = found(deleted("EventSourceMapping", failing(IN_USE)), active(state="Deleting", last_update_status=None))
    assert (busy.name, busy.remedy) == (FindingName.DELETION_IN_PROGRESS, Remedy.WAIT)
    settled = found(deleted("EventSourceMapping", failing(IN_USE)), active(state="Enabled", last_update_status=None))
    assert settled.name is FindingName.DELETION_BLOCKED


@pytest.mark.parametrize(
    ("reason", "live", "said"),
    [
        (None, NOT_ASKED, "the controller says no reason given."),
        ("not yet.", NOT_ASKED, "the controller says not yet."),
        (
            "..not yet",
            active(state="Enabled", last_update_status=None),
            "the controller says ..not yet. AWS says Enabled/None.",
        ),
    ],
)
def test_what_is_not_synced_quotes_what_both_sides_say(reason: str | None, live: LiveState, said: str) -> None:
    conditions = [
        {"type": "ACK.ResourceSynced", "status": "False", "lastTransitionTime": at(seconds=20), "reason": reason}
    ]
    finding = found(other("EventSourceMapping", conditions=conditions), live)
    assert finding.summary == f"Not synced, and no rule says why: {said}"


# ---- names -----------------------------------------------------------------------------------------------------------

ALIAS_ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout:live"
LAYER_ARN = "arn:aws:lambda:us-east-1:123456789012:layer:shared:3"


def recorded(arn: str) -> Json:
    return {"ackResourceMetadata": {"arn": arn, "ownerAccountID": "123456789012", "region": "us-east-1"}}


@pytest.mark.parametrize(
    ("kind", "arn", "spec", "said"),
    [
        ("Alias", ALIAS_ARN, {"name": "blue"}, "spec.name says 'blue', what this object made has 'live'"),
        ("Alias", ALIAS_ARN, {"functionName": "cart"}, "spec.functionName says 'cart', what this object made has"),
        ("LayerVersion", LAYER_ARN, {"layerName": "own"}, "spec.layerName says 'own', what this object made has 'sha"),
    ],
)
@pytest.mark.parametrize("deleting", [False, True])
def test_another_name_than_recorded_is_told(kind: str, arn: str, spec: Json, said: str, deleting: bool) -> None:
    metadata = {"deletionTimestamp": at(hours=3)} if deleting else {}
    raw = other(kind, spec=spec, status=recorded(arn), metadata=metadata)
    finding = found(raw)
    assert (finding.name, finding.remedy) == (FindingName.NAME_CHANGED, Remedy.REPORT)
    assert finding.summary.startswith(said)
    assert is_suspect(decoded(raw), NOW, Timeouts())


@pytest.mark.parametrize(
    ("kind", "arn", "spec"),
    [
        ("Alias", ALIAS_ARN, {}),
        ("Alias", ALIAS_ARN, {"functionName": None}),
        ("Alias", ALIAS_ARN, {"functionName": "arn:aws:lambda:us-east-1:123456789012:function:checkout"}),
        ("Alias", "arn:aws:lambda:us-east-1:123456789012:function:checkout", {"name": "blue"}),
        ("Alias", LAYER_ARN, {}),
        ("LayerVersion", LAYER_ARN, {"layerName": "shared"}),
        ("LayerVersion", ALIAS_ARN, {"layerName": "shared"}),
        ("Version", "arn:aws:lambda:us-east-1:123456789012:function:other", {}),
        ("EventSourceMapping", "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:u", {}),
    ],
)
def test_names_that_agree_or_are_not_known_are_no_finding(kind: str, arn: str, spec: Json) -> None:
    raw = other(kind, spec=spec, status=recorded(arn))
    assert not is_suspect(decoded(raw), NOW, Timeouts())
    assert diagnose(observe(raw, NOT_ASKED)) is None


# ---- nothing is done -------------------------------------------------------------------------------------------------

conditions = st.one_of(
    st.sampled_from([None, [], waiting("x"), terminal("x"), terminal("Resource already exists")]),
    st.sampled_from(["x", "AccessDenied", IN_USE, MAPPED]).map(failing),
    st.just(failing("x", at(hours=1))),
)
lives = st.sampled_from(
    [NOT_ASKED, GONE, active(), active(state="Updating"), active(state="Failed"), active(last_update_status="Failed")]
)
seens = st.builds(
    lambda kind, conditions, live, deleting, controller, tried: observe(
        other(kind, conditions=conditions, metadata={"deletionTimestamp": at(hours=3) if deleting else None}),
        live,
        controller=controller,
        history=History(resync_without_effect=tried),
    ),
    st.sampled_from(OTHERS),
    conditions,
    lives,
    st.booleans(),
    st.sampled_from([ALIVE, DOWN, ControllerFacts()]),
    st.booleans(),
)


@given(seen=seens, wanted=st.none() | st.sampled_from(ActionName))
def test_nothing_is_ever_planned_for_another_kind(seen: Observation, wanted: ActionName | None) -> None:
    finding = diagnose(seen)
    if finding is None:
        return
    assert finding.remedy in (Remedy.WAIT, Remedy.REPORT)
    assert finding.on_request == ()
    assert finding.name is not FindingName.UNREADABLE
    for remedy in Remedy:
        forced = msgspec.structs.replace(finding, remedy=remedy, on_request=tuple(Remedy))
        assert plan_for(forced, seen, wanted) is None


@pytest.mark.parametrize("kind", OTHERS)
def test_our_marks_on_another_kind_are_left_alone(kind: str) -> None:
    raw = other(kind, metadata={"annotations": {RESYNC_ANNOTATION: "p-1"}}, spec={"publish": False})
    assert undo_leftover(decoded(raw)) == ()


@pytest.mark.parametrize(
    ("raw", "worth"),
    [
        (other("Alias", conditions=waiting("x")), False),
        (other("Alias", conditions=terminal("x")), False),
        (other("Alias", conditions=[]), False),
        (other("Alias", conditions=failing("x")), True),
        (deleted("Alias"), True),
    ],
)
def test_aws_is_asked_only_where_its_answer_tells_more(raw: Json, worth: bool) -> None:
    assert is_worth_a_call(decoded(raw)) is worth


def test_rows_for_other_kinds_have_a_rule_for_them() -> None:
    for entry in (*DELETING, *LIVING):
        assert entry.kinds in (FUNCTIONS, ALL_KINDS, WITH_MAPPINGS)
        assert entry.rule_for("Function") is entry.rule
        assert (entry.rule_for("Alias") is None) == (entry.kinds != ALL_KINDS)
        assert entry.rule_for("Role") is None


@given(kind=st.sampled_from(OTHERS), raw=raws, live=present | gone | doubtful, health=st.sampled_from(Health))
def test_whatever_is_observed_of_another_kind_has_a_diagnosis(
    kind: str, raw: Json, live: LiveState, health: Health
) -> None:
    raw = {**raw, "kind": kind}
    finalizers = raw["metadata"].get("finalizers")
    raw["metadata"]["finalizers"] = [f"finalizers.lambda.services.k8s.aws/{kind}"] if finalizers else finalizers
    seen = observe(raw, live, controller=ControllerFacts(health))
    finding = diagnose(seen)
    suspect = is_suspect(seen.resource, seen.now, seen.timeouts)
    assert finding is None or suspect
    if finding is None:
        assert not suspect or seen.resource.conditions == () or seen.resource.synced
        return
    assert finding.summary and finding.name not in finding.also
    assert finding.remedy in (Remedy.WAIT, Remedy.REPORT)
    assert not [each for each in seen.secrets if len(each) >= 3 and "•" not in each and each in finding.summary]


def test_a_megabyte_about_mappings_is_read_in_no_time() -> None:
    endless = "mapping already exists " * 50_000
    began = time.monotonic()
    assert found(other("EventSourceMapping", conditions=failing(endless))) is not None
    assert time.monotonic() - began < 5
