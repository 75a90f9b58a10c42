"""Which resources deserve a call to AWS; and that none is missed that a rule would name without it."""

from __future__ import annotations

import msgspec
import pytest

from remediator.diagnosis import is_suspect
from remediator.model.resource import Resource
from remediator.model.timeouts import Timeouts
from tests.builders import NOW, SHA, Json, at, decoded, deleting, failing, function, synced


def suspect(raw: Json) -> bool:
    return is_suspect(decoded(raw), NOW, Timeouts())


@pytest.mark.parametrize(
    "raw",
    [
        function(),
        function(status={"state": "Inactive"}),
        function(spec={"code": {"sha256": SHA}}),
        function(spec={"code": {"sha256": ""}}),
        function(spec={"code": None}),
        function(status={"ackResourceMetadata": None}),
        deleting(metadata={"finalizers": ["foregroundDeletion"]}),
        function(conditions=[], metadata={"creationTimestamp": at(minutes=9)}),
        function(conditions=[], metadata={"creationTimestamp": at(minutes=-9)}),
    ],
    ids=[
        "healthy",
        "idle",
        "checksum as reported",
        "empty checksum",
        "no code",
        "no arn",
        "deleting, not ours",
        "young",
        "from the future",
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
