"""What AWS knows of whose functions are, and that nothing is concluded from what it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remediator.aws.live import USUAL_PATIENCE, Patience
from remediator.aws.tags import AwsTags
from remediator.model.orphan import Inventory
from remediator.policy import Aws
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import BRIEF, FakeClock, arn_of
from tests.aws.test_live import SIGNED_IN
from tests.wire import Wire, answer

REGION = "us-east-1"
ACK = {"services.k8s.aws/namespace": "shop", "services.k8s.aws/controller-version": "lambda-v1.14.1"}
Ask = Callable[..., AwsTags]


@pytest.fixture
def tags(cloud: Cloud, clock: FakeClock) -> Ask:
    def make(patience: Patience = USUAL_PATIENCE, **settings: Any) -> AwsTags:
        return AwsTags(Aws.model_validate({"endpointURL": cloud.endpoint, **settings}), clock, patience)

    return make


@pytest.fixture
def fleet(cloud: Cloud) -> Iterator[Cloud]:
    """Sweep away what a test makes."""
    yield cloud
    for region, account in ((REGION, None), ("eu-west-1", None), (REGION, "444455556666")):
        for number in range(250):
            cloud.remove(f"f-{number}", region=region, account=account)


def names(found: Inventory) -> list[str]:
    return sorted(each.arn.rpartition(":")[2] for each in found.functions)


def test_what_has_any_of_acks_tags_is_found_once_with_all_its_tags(cloud: Cloud, tags: Ask) -> None:
    cloud.create_function("orders", Tags={**ACK, "cluster": "prod"})
    cloud.create_function("other", Tags={"team": "shop"})
    begin = len(cloud.calls)
    found = tags().functions(None, REGION)
    assert (found.account, found.region, found.why) == ("123456789012", REGION, "")
    [function] = found.functions
    assert (function.arn, function.tags) == (arn_of(), {**ACK, "cluster": "prod"})
    assert function.namespace == "shop"
    asked = [each.operation for each in cloud.calls_since(begin)]
    assert asked == ["GetCallerIdentity", *["GetResources"] * 4], "neither ListFunctions nor GetFunction"


@pytest.mark.parametrize(
    "key",
    [
        "services.k8s.aws/namespace",
        "services.k8s.aws/controller-version",
        "eks:kubernetes-namespace",
        "eks:controller-version",
    ],
)
def test_each_of_acks_tags_is_enough(cloud: Cloud, tags: Ask, key: str) -> None:
    cloud.create_function("orders", Tags={key: "x"})
    assert names(tags().functions(None, REGION)) == ["orders"]


def test_all_pages_are_read(fleet: Cloud, tags: Ask) -> None:
    for number in range(250):
        fleet.create_function(f"f-{number}", Tags={"eks:controller-version": "1"})
    begin = len(fleet.calls)
    assert len(tags().functions(None, REGION).functions) == 250
    assert len(fleet.calls_of("GetResources", since=begin)) == 3 + 3


def test_accounts_and_regions_are_apart(fleet: Cloud, tags: Ask) -> None:
    role = fleet.add_role("ack-remediator-read", account="444455556666")
    fleet.create_function("f-1", region="eu-west-1", Tags=ACK)
    fleet.create_function("f-2", account="444455556666", Tags=ACK)
    port = tags(assumeRole=True)
    assert names(port.functions(None, REGION)) == []
    assert names(port.functions("123456789012", "eu-west-1")) == ["f-1"]
    theirs = port.functions("444455556666", REGION)
    assert (names(theirs), theirs.account) == (["f-2"], "444455556666")
    assert role.startswith("arn:aws:iam::444455556666")


def test_a_role_that_may_not_be_assumed_is_told(tags: Ask) -> None:
    found = tags().functions("444455556666", REGION)
    assert (found.account, found.functions) == ("444455556666", ())
    assert "with aws.assumeRole: true in the policy" in found.why


def test_what_is_refused_is_told_with_who_asked(cloud: Cloud, tags: Ask) -> None:
    cloud.create_function("orders", Tags=ACK)
    cloud.deny("GetResources")
    found = tags().functions(None, REGION)
    assert found.functions == ()
    assert "GetResources was answered AccessDeniedException: User: arn:aws:sts::123456789012:" in found.why


def test_what_was_found_before_it_broke_off_is_kept(fleet: Cloud, tags: Ask) -> None:
    for number in range(150):
        fleet.create_function(f"f-{number}", Tags=ACK)
    fleet.deny("GetResources", after=1)
    found = tags().functions(None, REGION)
    assert len(found.functions) == 100
    assert "AccessDenied" in found.why


def test_it_waits_its_turn_and_slows_down_where_aws_throttles(cloud: Cloud, tags: Ask, clock: FakeClock) -> None:
    cloud.throttle("GetResources", times=2)
    assert tags().functions(None, REGION).why == ""
    assert [round(each, 2) for each in clock.slept] == [0.5, 1.0, 1.0, 1.0, 1.0]
    cloud.throttle("GetResources")
    assert "Rate exceeded" in tags().functions(None, REGION).why


def test_one_bad_moment_is_passed_over(cloud: Cloud, tags: Ask) -> None:
    cloud.create_function("orders", Tags=ACK)
    cloud.fail("GetResources", times=1)
    assert names(tags().functions(None, REGION)) == ["orders"]


def test_credentials_that_are_over_are_told(cloud: Cloud, tags: Ask) -> None:
    cloud.refuse("GetResources", "ExpiredTokenException", "The security token is expired", times=1)
    port = tags()
    assert "log in to AWS again" in port.functions(None, REGION).why
    assert port.functions(None, REGION).why == "", "and signed in to anew"


def test_nothing_is_asked_of_what_is_not_aws(clock: FakeClock, monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    begin = len(cloud.calls)
    found = AwsTags(Aws(), clock).functions(None, REGION)
    assert "is not AWS's own endpoint" in found.why
    assert cloud.calls_of("GetResources", since=begin) == []


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"ResourceTagMappingList": [{}]}',
        '{"ResourceTagMappingList": [{"ResourceARN": "arn:x", "Tags": [{"Key": "a"}]}]}',
        '{"ResourceTagMappingList": 7}',
        "<html>",
    ],
)
def test_an_answer_of_another_shape_is_not_believed(tags: Ask, body: str) -> None:
    with Wire(SIGNED_IN, answer(200, body)) as wire:
        found = tags(BRIEF, endpointURL=wire.url).functions(None, REGION)
    assert found.functions == ()
    assert found.why


def test_the_region_is_read_as_other_tools_read_it(tags: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tags().region is None
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert tags().region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert tags().region == "eu-west-2"
