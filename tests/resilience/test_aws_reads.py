"""Faults between us and AWS: doubt about one function or all, never *gone*, and the scan goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remediator.sandbox.faults import (
    Fault,
    answering,
    cut,
    dropped,
    hanging,
    late,
    refusing_as_aws,
    trickling,
)
from tests.resilience.conftest import Storm

pytestmark = pytest.mark.deep

JSON = {"Content-Type": "application/json"}
NOT_FOUND = {**JSON, "x-amzn-ErrorType": "ResourceNotFoundException"}
ELSEWHERE = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:another"
TROUBLE = {
    "hangs up": dropped(),
    "hangs": hanging(),
    "trickles": trickling(0.02),
    "trickles from the first byte on": trickling(0.02, head=True),
    "breaks off": cut(20),
    "is throttling us": refusing_as_aws("ThrottlingException", "Rate exceeded"),
    "is in trouble": refusing_as_aws("ServiceException", "An internal error occurred.", status=500),
    "knows us no more": refusing_as_aws("ExpiredTokenException", "The security token is expired", status=403),
    "knows nothing of what was not asked for": refusing_as_aws("ResourceNotFoundException", ELSEWHERE, status=404),
    "knows nothing, and says no more": refusing_as_aws("ResourceNotFoundException", "", status=404),
    "is a proxy that finds nothing": answering(404, "not found"),
    "is a proxy that finds nothing, in JSON": answering(404, '{"message": "not found"}', JSON),
    "is a proxy that speaks like AWS": answering(404, '{"message": ["gone"]}', NOT_FOUND),
    "is a proxy's login page": answering(200, "<html>Please log in</html>", {"Content-Type": "text/html"}),
    "says nothing": answering(200, ""),
    "says nothing of what it found": answering(200, "{}", JSON),
    "speaks no UTF-8": answering(200, b'{"FunctionArn": "\xff"}', JSON),
    "is no object": answering(200, "[1]", JSON),
}
CONFIGURATION = "GetFunctionConfiguration"


def scanned(storm: Storm) -> dict[str, dict[str, Any]]:
    """Scan; what AWS is in trouble with turns no run red."""
    result = storm("scan", "-A", "-o", "json")
    assert result.code == 0
    return {each["name"]: each for each in json.loads(result.out)["results"]}


def doubtful(found: dict[str, Any]) -> str:
    """Return the summary of what could not be judged: no proposal comes of it."""
    assert (found["finding"], found["state"]) == ("Unreadable", "unknown")
    assert (found["remedy"], found["proposalId"]) == ("Report", None)
    return str(found["summary"])


def test_without_faults_one_is_gone_and_one_was_rolled_back(storm: Storm) -> None:
    """Else the tests below would prove nothing."""
    found = scanned(storm)
    assert {name: each["finding"] for name, each in found.items()} == {
        "archive": "FinalizerLeft",
        "checkout": "UpdateFailed",
    }


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_a_lambda_in_trouble_is_doubt_about_each(storm: Storm, trouble: Fault) -> None:
    storm.aws.add(trouble, operation=CONFIGURATION)
    found = scanned(storm)
    for name in ("archive", "checkout"):
        assert "so nothing is concluded" in doubtful(found[name])


@pytest.mark.parametrize(
    "trouble", ["hangs", "trickles", "knows us no more", "is a proxy's login page", "is no object"]
)
def test_an_sts_in_trouble_is_doubt_about_each_and_is_asked_once(storm: Storm, trouble: str) -> None:
    storm.aws.add(TROUBLE[trouble], operation="GetCallerIdentity")
    begin = len(storm.aws.requests)
    found = scanned(storm)
    for name in ("archive", "checkout"):
        doubtful(found[name])
    assert [each.aws[1] for each in storm.aws.requests[begin:]] == ["GetCallerIdentity"]


@pytest.mark.parametrize("trouble", ["hangs", "is a proxy that speaks like AWS", "is no object"])
def test_doubt_about_one_is_no_doubt_about_another(storm: Storm, trouble: str) -> None:
    storm.aws.add(TROUBLE[trouble], path="archive")
    found = scanned(storm)
    doubtful(found["archive"])
    assert found["checkout"]["finding"] == "UpdateFailed"


def test_expired_credentials_are_told_with_what_to_do(storm: Storm) -> None:
    storm.aws.add(TROUBLE["knows us no more"], operation=CONFIGURATION)
    said = doubtful(scanned(storm)["archive"])
    assert "ExpiredTokenException: The security token is expired (log in to AWS again" in said


def test_gone_by_arn_and_doubt_by_name_is_doubt(storm: Storm) -> None:
    """The first question is answered, and not the second: that is no proof."""
    storm.aws.add(TROUBLE["hangs up"], path=r"/functions/archive/")
    doubtful(scanned(storm)["archive"])


def test_an_aws_that_is_late_is_waited_for(storm: Storm) -> None:
    storm.aws.add(late(0.1))
    assert scanned(storm)["archive"]["finding"] == "FinalizerLeft"


def test_explain_says_what_is_in_doubt(storm: Storm) -> None:
    storm.aws.add(TROUBLE["hangs"])
    result = storm("explain", "archive")
    assert result.code == 0
    assert "Unreadable" in result.out
    assert "timeout" in result.out.lower()


def test_a_run_proposes_nothing_for_what_is_in_doubt(storm: Storm) -> None:
    storm.aws.add(TROUBLE["knows us no more"])
    result = storm("run", "-A")
    assert result.code == 0
    assert "Approve with" not in result.err
