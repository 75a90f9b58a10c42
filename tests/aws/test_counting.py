"""Every try of every call to AWS is counted, by what was answered."""

from __future__ import annotations

import socket

import pytest

from remediator.aws.live import USUAL_PATIENCE, AwsCloud, Patience
from remediator.policy import Aws
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import BRIEF, FakeClock, arn_of, resource
from tests.wire import SILENCE, Answer, Wire, answer

CALL = "GetFunctionConfiguration"
WHO = ("GetCallerIdentity", "ok")
# What STS says of who we are, in its own protocol.
IDENTITY = answer(
    200,
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::123456789012:user/oncall</Arn><UserId>u</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>",
    kind="text/xml",
)


@pytest.fixture
def counted() -> list[tuple[str, str]]:
    return []


def cloud_at(endpoint: str, counted: list[tuple[str, str]], patience: Patience = BRIEF) -> AwsCloud:
    settings = Aws.model_validate({"endpointURL": endpoint})
    return AwsCloud(settings, FakeClock(), patience, lambda operation, code: counted.append((operation, code)))


def test_what_is_answered_is_ok(cloud: Cloud, counted: list[tuple[str, str]]) -> None:
    arn = cloud.create_function("orders")
    asking = cloud_at(cloud.endpoint, counted)
    asking.probe(resource(arn=arn))
    asking.probe(resource(arn=arn))
    assert counted == [WHO, (CALL, "ok"), (CALL, "ok")]


def test_a_refusal_is_counted_by_its_code(cloud: Cloud, counted: list[tuple[str, str]]) -> None:
    cloud.refuse(CALL, "AccessDeniedException", "no identity-based policy allows it")
    cloud_at(cloud.endpoint, counted).probe(resource(arn=arn_of()))
    assert counted == [WHO, (CALL, "AccessDeniedException")]


def test_each_try_of_a_throttled_call_is_counted(cloud: Cloud, counted: list[tuple[str, str]]) -> None:
    arn = cloud.create_function("orders")
    cloud.refuse(CALL, "TooManyRequestsException", "Rate Exceeded.", times=1)
    asking = cloud_at(cloud.endpoint, counted, USUAL_PATIENCE)
    assert asking.probe(resource(arn=arn)).present
    assert counted == [WHO, (CALL, "TooManyRequestsException"), (CALL, "ok")]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param(SILENCE, "none", id="silence"),
        pytest.param(b"", "none", id="a hang-up"),
        pytest.param(answer(200, "[]"), "other", id="another shape"),
        pytest.param(answer(503, "<html>try later</html>", kind="text/html"), "503", id="a proxy's trouble"),
    ],
)
def test_no_answer_and_no_answer_of_aws_are_told_apart(counted: list[tuple[str, str]], said: Answer, code: str) -> None:
    with Wire(IDENTITY, said) as wire:
        cloud_at(wire.url, counted).probe(resource(arn=arn_of()))
    assert counted == [WHO, (CALL, code)]


def test_where_nobody_listens_no_answer_comes(counted: list[tuple[str, str]]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        cloud_at(f"http://127.0.0.1:{reserved.getsockname()[1]}", counted).probe(resource(arn=arn_of()))
    assert counted == [("GetCallerIdentity", "none")]


def test_what_is_not_sent_is_not_counted(
    cloud: Cloud, counted: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    cloud_at(cloud.endpoint, counted).probe(resource(arn=arn_of()))
    assert counted == []
