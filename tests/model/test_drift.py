"""Whether ACK would look for a function where it made it, as far as annotations tell."""

from __future__ import annotations

import pytest

from remediator.model.drift import drift
from tests.builders import Json, decoded, function

REGION = "services.k8s.aws/region"
DEFAULT = "services.k8s.aws/default-region"
ACCOUNT = "services.k8s.aws/owner-account-id"


def told(marks: Json | None = None, namespace: Json | None = None, **status: Json | None) -> str:
    return drift(decoded(function(metadata={"annotations": marks}, status=status)), namespace or {})


@pytest.mark.parametrize(
    ("marks", "namespace"),
    [
        (None, {}),
        ({REGION: "us-east-1"}, {}),
        ({}, {DEFAULT: "us-east-1", ACCOUNT: "123456789012"}),
        ({REGION: "us-east-1"}, {DEFAULT: "eu-west-1"}),
        ({REGION: ""}, {}),
    ],
    ids=["nothing said", "said as recorded", "said by the namespace", "the object overrules it", "empty"],
)
def test_a_place_that_is_as_recorded_is_no_drift(marks: Json | None, namespace: Json) -> None:
    assert told(marks, namespace) == ""


def test_the_annotation_of_the_object_is_compared_with_the_record() -> None:
    said = told({REGION: "eu-west-1"}, {DEFAULT: "us-east-1"})
    assert said.startswith("annotation services.k8s.aws/region says eu-west-1, status says us-east-1: ACK does nothing")


def test_those_of_the_namespace_are_compared_too() -> None:
    assert told({}, {DEFAULT: "eu-west-1"}).startswith("the namespace's services.k8s.aws/default-region says eu-west-1")
    assert told({}, {ACCOUNT: "444455556666"}).startswith(
        "the namespace's services.k8s.aws/owner-account-id says 444455556666, status says 123456789012"
    )


@pytest.mark.parametrize("place", [None, {"arn": "arn:of:something"}])
def test_where_nothing_is_recorded_nothing_differs(place: Json | None) -> None:
    assert told({REGION: "eu-west-1"}, {ACCOUNT: "444455556666"}, ackResourceMetadata=place) == ""


def test_an_arn_alone_is_a_record() -> None:
    place = {"arn": "arn:aws:lambda:us-east-1:123456789012:function:checkout"}
    assert "status says us-east-1" in told({REGION: "eu-west-1"}, {}, ackResourceMetadata=place)


def test_without_a_status_nothing_differs() -> None:
    raw = function(metadata={"annotations": {REGION: "eu-west-1"}}) | {"status": None}
    assert drift(decoded(raw)) == ""
