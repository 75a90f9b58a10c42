"""Digests: what a decision rests on, and nothing that moves by itself."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.actions.resync import resync
from remediator.model.finding import FindingName
from remediator.model.live import LiveState, unreadable
from remediator.model.plan import ActionName, digest
from tests.builders import (
    ARN,
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

LEFT, CLEAR = FindingName.FINALIZER_LEFT, ActionName.CLEAR_FINALIZER


def of(raw: Json, live: LiveState = GONE, finding: FindingName = LEFT, action: ActionName = CLEAR) -> str:
    return digest(decoded(raw), finding, action, live)


@pytest.mark.parametrize(
    "raw",
    [
        deleting(metadata={"resourceVersion": "4712"}),
        deleting(conditions=synced(at(seconds=1))),
        deleting(conditions=failing("RequestID: 12345678-aaaa")),
        deleting(metadata={"annotations": {"team": "shop"}, "labels": {"a": "b"}}),
        deleting(metadata={"creationTimestamp": at(days=1)}),
        deleting(status={"lastModified": at(days=1), "revisionID": "rev-2"}),
    ],
    ids=["resourceVersion", "heartbeat", "conditions", "annotations and labels", "creation", "status snapshots"],
)
def test_a_digest_is_stable_over_what_moves_by_itself(raw: Json) -> None:
    assert of(raw) == of(deleting())


def test_a_digest_is_stable_over_details_of_the_live_state() -> None:
    later = active(at=NOW, last_modified=NOW, revision_id="rev-9", state_reason="x", environment={"A": "b"})
    assert of(deleting(), later) == of(deleting(), active())
    assert of(deleting(), UNPROVEN_GONE) == of(deleting(), GONE)


def test_the_order_of_finalizers_does_not_matter() -> None:
    ours = "finalizers.lambda.services.k8s.aws/Function"
    one, other = (deleting(metadata={"finalizers": each}) for each in ([ours, "a/b"], ["a/b", ours]))
    assert of(one) == of(other)


@pytest.mark.parametrize(
    "raw",
    [
        deleting(metadata={"uid": "another"}),
        deleting(metadata={"generation": 4}),
        deleting(metadata={"finalizers": []}),
        deleting(metadata={"finalizers": ["finalizers.lambda.services.k8s.aws/Function", "example.com/audit"]}),
        deleting(metadata={"deletionTimestamp": at(hours=4)}),
        deleting(metadata={"deletionTimestamp": None}),
        deleting(status={"ackResourceMetadata": {"arn": ARN.replace("us-east-1", "eu-west-1")}}),
        deleting(status={"ackResourceMetadata": None}),
    ],
    ids=["uid", "generation", "finalizer gone", "finalizer more", "deleted later", "not deleted", "arn", "no arn"],
)
def test_a_digest_changes_with_what_the_decision_rests_on(raw: Json) -> None:
    assert of(raw) != of(deleting())


@pytest.mark.parametrize("live", [active(), unreadable("no"), active(state="Pending")])
def test_a_digest_changes_with_the_kind_of_answer(live: LiveState) -> None:
    assert of(deleting(), live) != of(deleting(), GONE)


def test_a_digest_is_of_one_finding_and_one_action() -> None:
    assert of(deleting(), finding=FindingName.DELETION_UNEXPLAINED) != of(deleting())
    assert of(deleting(), action=ActionName.RESYNC) != of(deleting())


def test_the_update_status_counts() -> None:
    kinds: list[dict[str, Any]] = [{}, {"last_update_status": "Failed"}, {"last_update_status": None}]
    assert len({of(function(), active(**each)) for each in kinds}) == 3


def test_the_proposal_is_named_after_the_digest() -> None:
    plan = resync(observe(function(), active()), FindingName.CONFLICT_BACKOFF)
    assert plan.proposal_id == f"p-{plan.digest[:10]}"
    assert len(plan.digest) == 64
    assert plan.target == decoded(function()).ref
