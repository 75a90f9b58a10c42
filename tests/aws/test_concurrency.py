"""How much concurrency an account has, as far as AWS says."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from remediator.aws.concurrency import concurrency
from remediator.model.concurrency import Concurrency
from remediator.policy import Aws
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import ACCESS_KEY, FakeClock


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def asked(cloud: Cloud, *functions: str, clock: FakeClock | None = None) -> Concurrency:
    return concurrency(Aws(endpointURL=cloud.endpoint), clock or FakeClock(), functions)


def reserve(cloud: Cloud, name: str, amount: int) -> None:
    client: Any = boto3.client(
        "lambda",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key="secret-of-the-test",
    )
    cloud.create_function(name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=amount)


def test_it_tells_the_limit_and_what_is_reserved_of_it(cloud: Cloud) -> None:
    reserve(cloud, "orders", 40)
    found = asked(cloud, "orders", "absent")
    assert (found.limit, found.unreserved, found.reserved, found.why) == (1000, 960, {"orders": 40}, "")
    assert found.where == f"account {cloud.account} in us-east-1"


def test_it_keeps_a_pace(cloud: Cloud) -> None:
    clock = FakeClock()
    asked(cloud, "a", "b", "c", clock=clock)
    assert len(clock.slept) == 3


@pytest.mark.parametrize("operation", ["GetAccountSettings", "GetFunctionConcurrency"])
def test_what_may_not_be_asked_is_not_known(cloud: Cloud, operation: str) -> None:
    cloud.create_function("orders")
    cloud.refuse(operation, "AccessDeniedException", "not you")
    found = asked(cloud, "orders")
    assert found == Concurrency(why=f"{operation} was answered AccessDeniedException: not you")


def test_without_a_region_it_says_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    assert "no region is known" in asked(cloud).why


def test_without_credentials_it_says_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "credentials" in asked(cloud).why


def test_with_a_profile_that_there_is_not_it_says_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    assert "absent" in asked(cloud).why
