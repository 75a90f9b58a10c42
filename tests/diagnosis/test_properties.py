"""What holds of every diagnosis, whatever is observed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.diagnosis import diagnose, is_suspect
from remediator.diagnosis.catalogue import CATALOGUE, DELETING, LIVING
from remediator.diagnosis.deletion import deletion_unexplained
from remediator.diagnosis.reason_codes import REASON_CODES
from remediator.model.applied import with_owners
from remediator.model.controller import ControllerFacts, Health
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.namespace import Namespace
from remediator.model.observation import History, Observation
from remediator.model.placement import Placement
from remediator.model.plan import ActionName
from remediator.model.reference import Link, LinkState
from remediator.model.resource import FUNCTION_FINALIZER, LAST_APPLIED
from remediator.model.timeouts import Timeouts
from tests.builders import (
    ALIVE,
    BUSY,
    DOWN,
    GONE,
    NOW,
    PENDING,
    SHA,
    Json,
    active,
    at,
    deleting,
    failing,
    function,
    observe,
)
from tests.diagnosis.test_error_text import TEXTS

moments = st.one_of(
    st.none(),
    st.sampled_from(["", "yesterday", "0001-01-01T00:00:00Z", "2026-11-21", at(days=-1)]),
    st.integers(0, 7200).map(lambda seconds: at(seconds=seconds)),
)
texts = st.one_of(
    st.none(),
    st.sampled_from(
        [
            PENDING,
            BUSY,
            "function in 'Deleting' state, cannot be modified or deleted",
            "Resource already exists",
            "api error AccessDeniedException: ",
            "operation error Lambda: GetFunction, https response error StatusCode: 403, not authorized",
            "User: arn:aws:iam::1:role/x is not authorized to perform: lambda:GetFunction on resource: y",
            "is currently in the following state: 'Failed'",
        ]
    ),
    st.sampled_from(sorted(TEXTS)),
    st.text(max_size=30),
)
conditions = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                [
                    "ACK.ResourceSynced",
                    "ACK.ResourceSynced",
                    "ACK.Recoverable",
                    "ACK.Terminal",
                    "ACK.ReferencesResolved",
                    "ACK.LateInitialized",
                    "Ready",
                    "",
                ]
            ),
            "status": st.sampled_from(["True", "False", "Unknown", ""]),
            "lastTransitionTime": moments,
            "reason": texts,
            "message": texts,
        }
    ),
    max_size=4,
)
checksums = st.one_of(st.none(), st.sampled_from([SHA, "ab" * 32, "AAAA", "=", "ü"]), st.text(max_size=70))
words = st.one_of(
    st.none(),
    st.sampled_from(["Active", "Inactive", "Pending", "Failed", "Deleting", "InProgress", "Successful", "Deactivated"]),
    st.text(max_size=10),
)
codes = st.none() | st.sampled_from(sorted(REASON_CODES)) | st.text(max_size=20)
environments = st.dictionaries(st.text("ABC", min_size=1), st.none() | st.text(max_size=10), max_size=3)
settings_of = st.fixed_dictionaries(
    {},
    optional={
        "memorySize": st.sampled_from([128, 256]),
        "description": st.none() | st.text(max_size=5),
        "role": st.just("arn:aws:iam::123456789012:role/x"),
        "runtime": st.just("python3.12"),
        "reservedConcurrentExecutions": st.integers(0, 9),
        "environment": st.none() | st.fixed_dictionaries({"variables": st.none() | environments}),
    },
)
applied = st.one_of(
    settings_of.map(lambda spec: json.dumps({"spec": spec})), st.sampled_from(["", "{", "[]", '{"spec": 1}'])
)
remarks = st.fixed_dictionaries(
    {},
    optional={
        LAST_APPLIED: applied,
        "services.k8s.aws/adopted": st.sampled_from(["true", "false"]),
        "services.k8s.aws/region": st.just("eu-west-1"),
        "argocd.argoproj.io/tracking-id": st.text(max_size=9),
    },
)
owned: st.SearchStrategy[Json] = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["f:spec", "f:memorySize", "f:description", "f:environment", "f:variables", "f:A", "f:metadata", "f:B", "."]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)
managers = st.lists(
    st.fixed_dictionaries(
        {
            "manager": st.sampled_from(
                ["controller", "ack-lambda-controller", "kubectl-client-side-apply", "argocd-x"]
            ),
            "operation": st.sampled_from(["Update", "Apply"]),
            "subresource": st.sampled_from(["", "", "status"]),
            "time": moments,
            "fieldsV1": owned | st.just("no mapping"),
        }
    ),
    max_size=3,
)
raws = st.builds(
    lambda metadata, spec, status: {
        key: each
        for key, each in {"metadata": {"name": "checkout"} | metadata, "spec": spec, "status": status}.items()
        if each is not None
    },
    st.fixed_dictionaries(
        {
            "uid": st.sampled_from(["", "u"]),
            "creationTimestamp": moments,
            "deletionTimestamp": moments,
            "finalizers": st.none() | st.lists(st.sampled_from([FUNCTION_FINALIZER, "a/b"]), max_size=2),
            "annotations": st.none() | remarks,
            "labels": st.none() | st.dictionaries(st.sampled_from(["team", "tier"]), st.text(max_size=5)),
            "managedFields": st.none() | managers,
        }
    ),
    st.none()
    | st.builds(
        lambda one, other: one | other,
        settings_of,
        st.fixed_dictionaries(
            {
                "name": st.none() | st.sampled_from(["checkout", "renamed", ""]),
                "packageType": st.sampled_from([None, "Zip", "Image"]),
                "code": st.none() | st.fixed_dictionaries({"sha256": checksums}),
                "environment": st.none() | st.fixed_dictionaries({"variables": st.none() | environments}),
                "vpcConfig": st.none() | st.fixed_dictionaries({"subnetIDs": st.none() | st.just(["s"])}),
            }
        ),
    ),
    st.none()
    | st.fixed_dictionaries(
        {
            "conditions": st.none() | conditions,
            "state": words,
            "lastUpdateStatus": words,
            "codeSHA256": checksums,
            "ackResourceMetadata": st.none()
            | st.fixed_dictionaries(
                {
                    "arn": st.none()
                    | st.sampled_from(["", "arn", "arn:aws:lambda:us-east-1:123456789012:function:checkout"])
                }
            ),
        }
    ),
)
some_time = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside it
present = st.builds(
    LiveState,
    presence=st.just(Presence.PRESENT),
    state=words,
    state_reason=texts,
    state_reason_code=codes,
    last_update_status=words,
    last_update_status_reason=texts,
    last_update_status_reason_code=codes,
    last_modified=some_time,
    code_sha256=checksums,
    package_type=st.sampled_from([None, "Zip", "Image"]),
    in_vpc=st.booleans(),
    snap_start=st.booleans(),
    configuration=st.sampled_from([(), (("memorySize", "128"), ("description", ""))]),
    environment=st.dictionaries(st.text("ABC", min_size=1), st.text(max_size=10), max_size=3),
)
gone = st.builds(LiveState, presence=st.just(Presence.GONE), why=st.text(max_size=10), vouched=st.sampled_from(Vouched))
doubtful = st.builds(unreadable, st.text(max_size=30), identity=st.none() | st.text(max_size=10))
places = st.none() | st.builds(
    Placement,
    account=st.none() | st.just("123456789012"),
    region=st.none() | st.just("us-east-1"),
    drift=st.sampled_from(["", "", "the region differs"]),
    role_missing=st.sampled_from(["", "a map lacks a key."]),
    unsure=st.text(max_size=5),
)
controllers = st.sampled_from([ALIVE, DOWN, ControllerFacts()]) | st.builds(
    ControllerFacts,
    health=st.sampled_from(Health),
    version=st.none() | st.sampled_from(["1.6.2", "v1.7.3", "1.14.1", "latest"]),
    watched_namespaces=st.sampled_from([(), ("billing",), ("default",)]),
    watch_selector=st.sampled_from(["", "team=shop", "!team", "tier>3"]) | st.text(max_size=10),
)
links = st.recursive(
    st.builds(Link, st.text(max_size=5), st.just("Role"), st.just("shop"), st.just("a"), st.sampled_from(LinkState)),
    lambda inner: st.builds(
        Link,
        st.text(max_size=5),
        st.just("Role"),
        st.just("shop"),
        st.just("a"),
        st.sampled_from(LinkState),
        st.text(max_size=5),
        st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=3,
)


def seen_as(raw: Json, live: LiveState, **more: Any) -> Observation:
    """Observe an object as an adapter reads it: with who wrote what, where that matters."""
    seen = observe(raw, live, **more)
    return msgspec.structs.replace(seen, resource=with_owners(seen.resource, json.dumps(raw).encode()))


observations = st.builds(
    seen_as,
    raws,
    present | gone | doubtful,
    controller=controllers,
    history=st.builds(History, since=some_time, given=some_time, resync_without_effect=st.booleans()),
    timeouts=st.sampled_from([Timeouts(), Timeouts(*[timedelta(0)] * len(Timeouts.__struct_fields__))]),
    placement=places,
    namespace=st.none() | st.builds(Namespace, st.just("shop"), terminating=st.booleans(), why=st.text(max_size=5)),
    references=st.lists(links, max_size=2).map(tuple),
)


NOTHING_BUT_TO_WAIT = (FindingName.DELETION_IN_PROGRESS, FindingName.REPLICATED_FUNCTION)


def told(found: Finding) -> str:
    """Put every text of a finding together."""
    return "\n".join([found.summary, *found.evidence.values()])


@given(seen=observations)
def test_whatever_is_observed_has_a_diagnosis(seen: Observation) -> None:
    found = diagnose(seen)
    if found is None:
        return
    assert found.summary
    assert (found.state is State.WAITING) == (found.remedy is Remedy.WAIT) or found.name in NOTHING_BUT_TO_WAIT
    assert found.stuck_at is None or (seen.now < found.stuck_at) == (found.state is State.WAITING)
    assert found.self_heals_at is None or found.self_heals_at == found.stuck_at or found.state is State.WAITING
    assert (found.state is State.UNKNOWN) == (found.name is FindingName.UNREADABLE)
    assert all(found.evidence.values())


@given(seen=observations)
def test_the_same_is_said_of_the_same(seen: Observation) -> None:
    again = msgspec.structs.replace(seen, live_state=msgspec.structs.replace(seen.live_state))
    assert diagnose(seen) == diagnose(seen) == diagnose(again)


@given(seen=observations)
def test_there_is_one_root_and_what_follows_from_it_comes_in_the_order_of_the_catalogue(seen: Observation) -> None:
    found = diagnose(seen)
    if found is None:
        return
    order = [each.name for each in (DELETING if seen.resource.deleting else LIVING)]
    fallbacks = {each.name for each in CATALOGUE if each.fallback}
    assert found.name in order or found.name is FindingName.UNREADABLE
    assert found.name not in found.also
    assert [each for each in order if each in found.also] == list(found.also)
    assert not fallbacks & set(found.also)
    # What comes before the root would have been the root, had it held.
    if found.name in order:
        assert not set(order[: order.index(found.name)]) & set(found.also)


@given(seen=observations)
def test_what_cannot_be_undone_is_offered_on_proof_alone(seen: Observation) -> None:
    found = diagnose(seen)
    if found is None:
        return
    offered = {found.remedy, *found.on_request}
    if Remedy.CLEAR_FINALIZER in offered:
        assert seen.live_state.proven_gone
        assert seen.resource.deleting and seen.resource.managed
    if Remedy.RELEASE in offered:
        assert seen.live_state.present
        assert seen.resource.deleting and seen.resource.managed
    assert found.remedy is not Remedy.RELEASE
    assert Remedy.RESTART_CONTROLLER not in offered
    for action in ActionName:
        plan = plan_for(found, seen, action)
        assert plan is None or Remedy(action) in offered


@given(seen=observations)
def test_no_secret_is_in_any_text(seen: Observation) -> None:
    found = diagnose(seen)
    secrets = [each for each in seen.secrets if len(each) >= 3 and "•" not in each]
    assert found is None or not [each for each in secrets if each in told(found)]


@given(raw=raws, doubt=doubtful, health=st.sampled_from(Health), tried=st.booleans())
def test_a_deletion_without_an_answer_of_aws_is_never_acted_on(
    raw: Json, doubt: LiveState, health: Health, tried: bool
) -> None:
    raw["metadata"] |= {"deletionTimestamp": at(hours=3), "finalizers": [FUNCTION_FINALIZER]}
    seen = observe(raw, doubt, controller=ControllerFacts(health), history=History(resync_without_effect=tried))
    found = diagnose(seen)
    assert found is not None
    assert found.remedy is Remedy.REPORT


@given(seen=observations)
def test_clear_finalizer_is_advised_only_of_what_is_gone_and_being_deleted(seen: Observation) -> None:
    found = diagnose(seen)
    if found is not None and found.remedy is Remedy.CLEAR_FINALIZER:
        assert seen.live_state.proven_gone
        assert seen.resource.deleting
        assert seen.resource.managed
        assert seen.controller.health is Health.DOWN or seen.history.resync_without_effect


BY_THE_OBJECT_ALONE = {
    FindingName.NAME_CHANGED,
    FindingName.ROLE_UNAVAILABLE,
    FindingName.IMAGE_MISSING,
    FindingName.ROLE_NOT_ASSUMABLE,
    FindingName.THROTTLED,
    FindingName.CONCURRENCY_REFUSED,
    FindingName.RUNTIME_RETIRED,
    FindingName.INVALID_REQUEST,
    FindingName.LOST_UPDATE,
    FindingName.ALREADY_EXISTS,
    FindingName.TERMINAL_ERROR,
    FindingName.NEVER_RECONCILED,
    FindingName.REFERENCES_UNRESOLVED,
    FindingName.CONTROLLER_SILENT,
    FindingName.PERMISSION_DENIED,
    FindingName.UNCLASSIFIED_ERROR,
    FindingName.NOT_SYNCED_UNEXPLAINED,
}


@given(raw=raws)
def test_what_the_object_alone_shows_is_found_by_every_scan(raw: Json) -> None:
    """A scan asks AWS about suspects only: a rule that needs no answer must not hold of anything else."""
    seen = seen_as(raw, active(configuration=(("memorySize", "128"), ("description", ""))))
    found = diagnose(seen)
    if found is not None and found.name in BY_THE_OBJECT_ALONE:
        assert is_suspect(seen.resource, seen.now, seen.timeouts)


LATEST = datetime(9000, 12, 31, 23, 59, 59, tzinfo=UTC)
TEN_YEARS = Timeouts(*[timedelta(days=3650)] * len(Timeouts.__struct_fields__))


@pytest.mark.parametrize(
    "seen",
    [
        observe(function(conditions=failing(BUSY, "9999-12-31T23:59:59Z")), active()),
        observe(function(conditions=failing(BUSY, "9000-12-31T23:59:59Z")), active()),
        observe(deleting(conditions=failing(BUSY)), active(last_modified=LATEST)),
        observe(deleting(), GONE, history=History(given=LATEST), timeouts=TEN_YEARS),
        observe(deleting(metadata={"deletionTimestamp": "0001-01-01T00:00:00Z"}), GONE, timeouts=TEN_YEARS),
    ],
    ids=["beyond", "heartbeat", "LastModified", "since", "the zero time of Go"],
)
def test_a_strange_time_ends_no_diagnosis(seen: Observation) -> None:
    assert diagnose(seen) is not None


def test_secrets_are_masked_wherever_they_come_from() -> None:
    applied = '{"spec":{"environment":{"variables":{"C":"last-applied"}}}}'
    text = "AWS echoes in-the-spec, in-aws and last-applied"
    raw = function(
        conditions=failing(text),
        metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
        spec={"environment": {"variables": {"A": "in-the-spec"}}},
    )
    found = diagnose(observe(raw, active(environment={"B": "in-aws"})))
    assert found is not None
    assert found.evidence["errorText"] == "AWS echoes •••, ••• and •••"
    assert "AWS echoes •••, ••• and •••" in found.summary


def test_an_unreadable_answer_is_masked_too() -> None:
    raw = function(conditions=failing("x"), spec={"environment": {"variables": {"A": "hunter2"}}})
    found = diagnose(observe(raw, unreadable("the answer says hunter2")))
    assert found is not None
    assert "hunter2" not in told(found)


def test_the_first_sighting_counts_unless_evidence_is_older() -> None:
    def since(**history: Any) -> datetime | None:
        found = diagnose(observe(deleting(hours=3), GONE, history=History(**history)))
        return found.since if found else None

    deleted = NOW - timedelta(hours=3)
    assert since() == deleted
    assert since(since=NOW - timedelta(hours=1)) == deleted
    assert since(since=NOW - timedelta(hours=5)) == NOW - timedelta(hours=5)
    assert since(given=NOW - timedelta(minutes=1), since=NOW - timedelta(hours=5)) == NOW - timedelta(minutes=1)


def test_no_deletion_is_unexplained_where_the_function_is_gone() -> None:
    assert deletion_unexplained(observe(deleting(), GONE)) is None
