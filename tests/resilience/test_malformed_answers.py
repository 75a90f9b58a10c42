"""Answers of AWS that are none: whatever they hold, they are an answer about this function, or doubt; never *gone*."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.actions import plan_for
from remediator.aws.live import AwsCloud
from remediator.diagnosis import diagnose
from remediator.gates import decide
from remediator.model.live import LiveState, Presence
from remediator.model.scan import Judged
from remediator.policy import Aws, Policy
from remediator.sandbox.faults import Faults, answering
from remediator.situation import situation
from tests.builders import ARN, NOW, Json, decoded, deleting, observe
from tests.cli.shop import forget
from tests.fakes import FakeClock
from tests.resilience.conftest import BRIEF_AWS
from tests.resilience.test_malformed import anything, places, printed_one, replaced

pytestmark = pytest.mark.deep

JSON = {"Content-Type": "application/json"}
ANSWER: Json = {
    "FunctionName": "checkout",
    "FunctionArn": ARN,
    "Runtime": "python3.13",
    "Role": "arn:aws:iam::123456789012:role/x",
    "Handler": "app.handler",
    "CodeSize": 255,
    "Description": "",
    "Timeout": 3,
    "MemorySize": 256,
    "LastModified": "2026-11-21T10:00:00.000+0000",
    "CodeSha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [], "VpcId": "vpc-1"},
    "Environment": {"Variables": {"DB_PASSWORD": "correct-horse-battery"}},
    "RevisionId": "rev-1",
    "State": "Active",
    "StateReason": "",
    "StateReasonCode": "Idle",
    "LastUpdateStatus": "Successful",
    "LastUpdateStatusReason": "",
    "LastUpdateStatusReasonCode": "InternalError",
    "PackageType": "Zip",
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    "Layers": [{"Arn": "a", "CodeSize": 1}],
}


class Talk:
    """AWS as it is told: what STS says is in order, what Lambda says is not."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        # Botocore's clients take longer to make than to ask: one for all.
        self._cloud = AwsCloud(Aws.model_validate({"endpointURL": faults.url}), FakeClock(), BRIEF_AWS)

    def __call__(self, body: bytes | Any, status: int = 200, **headers: str) -> LiveState:
        who = (
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/joe</Arn>"
            "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._faults.calm()
        self._faults.add(answering(200, who, {"Content-Type": "text/xml"}), operation="GetCallerIdentity")
        self._faults.add(answering(status, told, JSON | {key.replace("_", "-"): each for key, each in headers.items()}))
        began = time.monotonic()
        live = self._cloud.probe(decoded(deleting()))
        assert time.monotonic() - began < 5
        msgspec.json.encode(live)
        return live


@pytest.fixture(scope="module")
def talk(models_read_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with pytest.MonkeyPatch.context() as patch, Faults("http://127.0.0.1:1") as faults:
        forget(patch, tmp_path_factory.mktemp("machine") / "home")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAONCALL")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        yield Talk(faults)


def told(live: LiveState) -> str:
    """Diagnose, and print what comes of it, for people and for machines."""
    seen = observe(deleting(), live)
    finding = diagnose(seen)
    if finding is None:
        return ""
    decision = decide(finding, plan_for(finding, seen), situation(Policy(), NOW, None))
    return printed_one(Judged(seen, finding, decision))


def test_a_whole_answer_is_one(talk: Talk) -> None:
    live = talk(ANSWER)
    assert (live.presence, live.state) == (Presence.PRESENT, "Active")


def test_a_reason_of_a_megabyte_is_cut_for_people(talk: Talk) -> None:
    live = talk(ANSWER | {"State": "Failed", "StateReason": "x" * 1_000_000})
    assert live.present
    assert len(told(live)) < 20_000
    live = talk({"message": "y" * 1_000_000}, 403, x_amzn_ErrorType="AccessDeniedException")
    assert live.presence is Presence.UNREADABLE
    assert len(told(live)) < 20_000


@pytest.mark.parametrize(
    "moment",
    ["", "now", "0001-01-01T00:00:00.000+0000", "9999-12-31T23:59:59.999+0000", "2026-13-45T99:99", 1763719200],
)
def test_times_that_are_none_say_nothing(talk: Talk, moment: str | int) -> None:
    live = talk(ANSWER | {"LastModified": moment})
    assert live.presence in (Presence.PRESENT, Presence.UNREADABLE)
    assert live.last_modified is None
    told(live)


def test_without_a_state_it_is_an_old_function(talk: Talk) -> None:
    without = {key: each for key, each in ANSWER.items() if not key.startswith(("State", "LastUpdate"))}
    assert talk(without).state == "Active"


def test_half_of_a_surrogate_pair_can_be_printed(talk: Talk) -> None:
    live = talk(b'{"FunctionArn": "' + ARN.encode() + b'", "State": "Failed", "StateReason": "\\ud83d"}')
    told(live).encode()
    live = talk(b'{"message": "\\ud83d"}', 403, x_amzn_ErrorType="AccessDeniedException")
    told(live).encode()


@settings(max_examples=80)
@given(path=st.sampled_from(places(ANSWER)[1:]), value=anything)
def test_whatever_a_field_holds_it_is_present_or_doubt(talk: Talk, path: tuple[str | int, ...], value: Any) -> None:
    live = talk(replaced(copy.deepcopy(ANSWER), path, value))
    assert live.presence is not Presence.GONE
    if path[0] == "FunctionArn":
        assert live.presence is Presence.UNREADABLE or value == ARN
    told(live)


codes = st.sampled_from([400, 403, 404, 500])
bodies = anything | anything.map(lambda said: {"message": said, "Message": said})


@settings(max_examples=50)
@given(body=bodies, code=codes)
def test_whatever_an_error_says_it_is_no_proof(talk: Talk, body: Any, code: int) -> None:
    live = talk(body, code, x_amzn_ErrorType="ResourceNotFoundException")
    assert live.presence is Presence.UNREADABLE
    told(live)
