"""Which resources deserve a call to AWS; and that none is missed that a rule would name without it."""

from __future__ import annotations

import json

import msgspec
import pytest

from remediator.diagnosis import is_suspect
from remediator.kubernetes.resources import decode
from remediator.model.resource import Resource
from remediator.model.timeouts import Timeouts
from tests.builders import NOW, SHA, Json, at, decoded, deleting, failing, function, synced

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ACK_WROTE = {"manager": "ack-lambda-controller", "operation": "Update", "fieldsV1": {"f:spec": {"f:memorySize": {}}}}
ADOPTED = {"annotations": {"services.k8s.aws/adopted": "true"}}


def suspect(raw: Json) -> bool:
    return is_suspect(decoded(raw), NOW, Timeouts())


def overwritten(applied: Json) -> bool:
    """Tell of an object with this applied spec, in which ACK wrote the memory size, as an adapter reads it."""
    metadata = {"annotations": {APPLIED: json.dumps({"spec": applied})}, "managedFields": [ACK_WROTE]}
    found = decode(json.dumps(function(metadata=metadata)).encode())
    assert isinstance(found, Resource)
    return is_suspect(found, NOW, Timeouts())


@pytest.mark.parametrize(
    "raw",
    [
        function(),
        function(status={"state": "Inactive"}),
        function(spec={"code": {"sha256": SHA}}),
        function(spec={"code": {"sha256": ""}}),
        function(spec={"code": None}),
        function(status={"ackResourceMetadata": None}),
        {**function(status={"ackResourceMetadata": None}), "spec": None},
        deleting(metadata={"finalizers": ["foregroundDeletion"]}),
        function(conditions=[], metadata={"creationTimestamp": at(minutes=9)}),
        function(conditions=[], metadata={"creationTimestamp": at(minutes=-9)}),
        function(metadata=ADOPTED),
        function(metadata=ADOPTED, conditions=synced(at(hours=11))),
        function(conditions=synced(at(hours=12))),
    ],
    ids=[
        "healthy",
        "idle",
        "checksum as reported",
        "empty checksum",
        "no code",
        "no arn",
        "no spec",
        "deleting, not ours",
        "young",
        "from the future",
        "adopted",
        "adopted and looked at just so long ago",
        "not adopted, and not looked at for long",
    ],
)
def test_a_healthy_one_costs_no_call(raw: Json) -> None:
    assert not suspect(raw)


@pytest.mark.parametrize(
    "raw",
    [
        deleting(),
        function(conditions=failing("boom")),
        function(conditions=[{"type": "ACK.ReferencesResolved", "status": "Unknown"}]),
        function(status={"lastUpdateStatus": "Failed"}),
        function(status={"lastUpdateStatus": "InProgress"}),
        function(status={"state": "Failed"}),
        function(status={"state": "Hibernating"}),
        function(status={"state": None}),
        function(spec={"code": {"sha256": "another"}}),
        function(spec={"code": {"sha256": SHA}}, status={"codeSHA256": None}),
        function(spec={"name": "renamed"}),
        function(conditions=[]),
        function(conditions=[], metadata={"creationTimestamp": None}),
        function(conditions=[], metadata={"creationTimestamp": "soon"}),
        function(conditions=[{"type": "ACK.Terminal", "status": "True"}]),
        function(metadata=ADOPTED, conditions=synced(at(hours=11.1))),
        function(metadata=ADOPTED, conditions=[{"type": "ACK.ResourceSynced", "status": "True"}]),
    ],
    ids=[
        "deleting",
        "failing",
        "references",
        "update failed",
        "update in progress",
        "failed",
        "unknown state",
        "no state",
        "checksum",
        "no checksum reported",
        "renamed",
        "no conditions",
        "no conditions, no age",
        "no conditions, strange age",
        "terminal",
        "adopted, and not looked at for long",
        "adopted, and nobody knows when it was looked at",
    ],
)
def test_whatever_may_be_wrong_is_asked_about(raw: Json) -> None:
    assert suspect(raw)


def test_terminal_is_asked_about_even_under_synced() -> None:
    assert suspect(function(conditions=[{"type": "ACK.Terminal", "status": "True"}, *synced()]))


def test_an_object_without_spec_and_without_status_can_be_judged() -> None:
    bare = msgspec.convert({"metadata": {"name": "bare", "creationTimestamp": at(minutes=1)}}, Resource)
    assert not is_suspect(bare, NOW, Timeouts())
    no_spec = function()
    del no_spec["spec"]
    assert suspect(no_spec)  # the ARN names a function that the spec does not


@pytest.mark.parametrize(("minutes", "expected"), [(10, False), (10.1, True)])
def test_the_policy_says_how_young_is_too_young(minutes: float, expected: bool) -> None:
    raw = function(conditions=[], metadata={"creationTimestamp": at(minutes=minutes)})
    assert suspect(raw) is expected


def test_what_ack_overwrote_is_compared_with_aws() -> None:
    assert overwritten({"memorySize": 512})
    assert not overwritten({"memorySize": 256})
    assert not overwritten({"handler": "app.other"})  # which ACK did not write
