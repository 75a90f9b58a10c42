"""What AWS is asked, what its answers mean, and that no doubt ever passes as gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from remediator.aws.live import AwsCloud
from remediator.errors import CloudError
from remediator.model.differences import differences
from remediator.model.live import LiveState, Presence, Vouched
from remediator.policy import Aws
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import Faults, trickling
from tests.aws.conftest import ACCESS_KEY, BRIEF, START, FakeClock, arn_of, resource
from tests.builders import decoded, function
from tests.wire import SILENCE, Wire, answer

Ask = Callable[..., AwsCloud]
NOT_FOUND = "ResourceNotFoundException"
REGION = "us-east-1"
IMAGE = "123456789012.dkr.ecr.example.invalid/orders:1"


def unreadable(seen: LiveState) -> str:
    assert seen.presence is Presence.UNREADABLE
    assert not seen.proven_gone
    assert seen.why
    return seen.why


# ---- present ---------------------------------------------------------------------------------------------------------


def test_present_by_its_arn_in_one_call(cloud: Cloud, ask: Ask) -> None:
    arn = cloud.create_function("orders", MemorySize=256)
    begin = len(cloud.calls)
    seen = ask().probe(resource(arn=arn))
    assert seen.present
    assert (seen.arn, seen.state, seen.last_update_status) == (arn, "Active", "Successful")
    assert ("memorySize", "256") in seen.configuration
    assert (seen.account, seen.region, seen.at) == ("123456789012", REGION, START)
    assert seen.identity is not None and seen.identity.startswith("arn:aws:sts::123456789012:")
    made = [(each.operation, each.access_key) for each in cloud.calls_since(begin)]
    assert made == [("GetCallerIdentity", ACCESS_KEY), ("GetFunctionConfiguration", ACCESS_KEY)]


def test_present_by_its_name_where_no_arn_is_known(cloud: Cloud, ask: Ask) -> None:
    arn = cloud.create_function("orders")
    seen = ask().probe(resource(region=REGION))
    assert (seen.presence, seen.arn) == (Presence.PRESENT, arn)


@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_the_policy_says_which_call_is_made(cloud: Cloud, ask: Ask, call: str) -> None:
    arn = cloud.create_function("orders")
    begin = len(cloud.calls)
    assert ask(call=call).probe(resource(arn=arn)).present
    assert cloud.calls_since(begin)[-1].operation == call


@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_its_states_are_aws_own_words(cloud: Cloud, ask: Ask, call: str) -> None:
    arn = cloud.create_function("orders")
    cloud.set_state("orders", "Pending", reason_code="Creating", reason="The function is being created.")
    cloud.set_update("orders", "Failed", reason_code="EniLimitExceeded", reason="No more ENIs.")
    seen = ask(call=call).probe(resource(arn=arn))
    assert (seen.state, seen.state_reason_code, seen.state_reason) == (
        "Pending",
        "Creating",
        "The function is being created.",
    )
    assert (seen.last_update_status, seen.last_update_status_reason_code, seen.last_update_status_reason) == (
        "Failed",
        "EniLimitExceeded",
        "No more ENIs.",
    )


# ---- which region ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"arn": arn_of(region="eu-west-1"), "region": REGION}, id="the ARN's"),
        pytest.param({"region": "eu-west-1"}, id="else the one in status"),
        pytest.param({"annotations": {"services.k8s.aws/region": "eu-west-1"}}, id="else the annotated one"),
    ],
)
def test_the_region_is_the_functions_own(
    cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch, where: dict[str, Any]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    cloud.create_function("orders", region="eu-west-1")
    seen = ask().probe(resource(**where))
    assert (seen.presence, seen.region) == (Presence.PRESENT, "eu-west-1")


def test_the_environments_region_is_the_last_resort(cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    cloud.create_function("orders")
    assert ask().probe(resource()).present


def test_aws_region_is_read_as_other_tools_read_it(cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """EKS sets AWS_REGION in a pod, and boto3 by itself reads AWS_DEFAULT_REGION only."""
    monkeypatch.setenv("AWS_REGION", REGION)
    cloud.create_function("orders")
    assert ask().probe(resource()).present


def test_without_any_region_nothing_is_asked(cloud: Cloud, ask: Ask) -> None:
    begin = len(cloud.calls)
    assert "no region is known" in unreadable(ask().probe(resource()))
    assert cloud.calls_since(begin) == []


def test_without_a_name_nothing_is_asked(cloud: Cloud, ask: Ask) -> None:
    begin = len(cloud.calls)
    assert "spec.name" in unreadable(ask().probe(resource(None, arn=arn_of())))
    assert cloud.calls_since(begin) == []


def test_a_region_that_is_none(ask: Ask) -> None:
    assert unreadable(ask().probe(resource(region="not a region")))


# ---- gone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_gone_is_proven_by_arn_and_name(cloud: Cloud, ask: Ask, call: str) -> None:
    begin = len(cloud.calls)
    seen = ask(call=call).probe(resource(arn=arn_of()))
    assert (seen.presence, seen.vouched, seen.why) == (Presence.GONE, Vouched.PROVEN, "")
    assert (seen.arn, seen.region, seen.account) == (arn_of(), REGION, "123456789012")
    assert [each.operation for each in cloud.calls_since(begin)] == ["GetCallerIdentity", call, call]


def test_without_an_arn_gone_is_unproven(ask: Ask) -> None:
    seen = ask().probe(resource(region=REGION))
    assert (seen.presence, seen.vouched) == (Presence.GONE, Vouched.UNPROVEN)
    assert "no ARN" in seen.why


@pytest.mark.parametrize("arn", ["orders", "arn:aws:s3:::bucket", "arn:aws:lambda:us-east-1:123456789012:layer:l:1"])
def test_what_is_no_functions_arn_proves_nothing(ask: Ask, arn: str) -> None:
    assert not ask().probe(resource(arn=arn, region=REGION)).proven_gone


def test_an_arn_of_another_name_proves_nothing(ask: Ask) -> None:
    """ACK asks by spec.name: after a rename the two speak of different functions (and the old one may live on)."""
    assert not ask().probe(resource("renamed", arn=arn_of())).proven_gone


def test_the_function_of_the_old_name_is_still_found(cloud: Cloud, ask: Ask) -> None:
    arn = cloud.create_function("orders")
    assert ask().probe(resource("renamed", arn=arn)).arn == arn


def test_not_found_that_names_another_function_is_doubt(cloud: Cloud, ask: Ask) -> None:
    cloud.refuse("GetFunctionConfiguration", NOT_FOUND, f"Function not found: {arn_of('other')}", name="orders")
    assert "other" in unreadable(ask().probe(resource(arn=arn_of())))


@pytest.mark.parametrize(
    "message",
    [
        f"Function not found: {arn_of(region='eu-west-1')}",
        f"Function not found: {arn_of(account='210987654321')}",
        f"Function not found: {arn_of()}:7",
        f"Function not found: {arn_of('my-orders')}",
        "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')",
        "The resource you requested does not exist.",
        "",
    ],
)
def test_not_found_that_does_not_name_this_function_is_doubt(cloud: Cloud, ask: Ask, message: str) -> None:
    """A wrong region, a proxy, another service: the same code, and nothing about this function."""
    cloud.refuse("GetFunctionConfiguration", NOT_FOUND, message, name="orders")
    unreadable(ask().probe(resource(arn=arn_of())))


def test_not_found_by_arn_but_found_by_name_is_doubt(cloud: Cloud, ask: Ask) -> None:
    cloud.create_function("orders")
    cloud.refuse("GetFunctionConfiguration", NOT_FOUND, f"Function not found: {arn_of()}", times=1)
    why = unreadable(ask().probe(resource(arn=arn_of())))
    assert "finds the function by name, but not by its ARN" in why


def test_not_found_once_and_refused_then_is_doubt(cloud: Cloud, ask: Ask) -> None:
    cloud.refuse("GetFunctionConfiguration", NOT_FOUND, f"Function not found: {arn_of()}", times=1)
    cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "no identity-based policy allows it")
    assert "AccessDeniedException" in unreadable(ask().probe(resource(arn=arn_of())))


def test_another_code_with_the_right_words_is_doubt(cloud: Cloud, ask: Ask) -> None:
    said = f"Function not found: {arn_of()}"
    cloud.refuse("GetFunctionConfiguration", "ResourceNotReadyException", said, status=404)
    unreadable(ask().probe(resource(arn=arn_of())))


def test_from_another_account_nothing_is_asked_of_lambda(cloud: Cloud, ask: Ask) -> None:
    """Every function of another account is not found from here."""
    begin = len(cloud.calls)
    seen = ask().probe(resource(arn=arn_of(account="210987654321")))
    assert unreadable(seen) == (
        "the function is in account 210987654321, we are in 123456789012; with aws.assumeRole: true in the policy, "
        "arn:aws:iam::210987654321:role/ack-remediator-read would be assumed"
    )
    assert seen.identity is not None
    assert [each.operation for each in cloud.calls_since(begin)] == ["GetCallerIdentity"]


def test_keys_of_the_functions_account_are_the_right_ones(
    cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHERACCOUNT")
    cloud.identify("AKIAOTHERACCOUNT", "210987654321")
    assert ask().probe(resource(arn=arn_of(account="210987654321"))).proven_gone


# ---- whom we ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"])
def test_an_endpoint_that_the_policy_does_not_name_is_not_trusted(
    cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A forgotten variable of a local experiment: whatever answers there, it is no proof."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.endpoint)
    monkeypatch.setenv(variable, cloud.endpoint)
    begin = len(cloud.calls)
    why = unreadable(ask(endpointURL=None).probe(resource(arn=arn_of())))
    assert cloud.endpoint in why
    assert "aws.endpointURL" in why
    assert {each.operation for each in cloud.calls_since(begin)} == {"GetCallerIdentity"}


def test_the_policys_endpoint_beats_the_environments(cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert ask(endpointURL=f"{cloud.endpoint}/").probe(resource(arn=arn_of())).proven_gone


@pytest.mark.parametrize(
    ("endpoint", "trusted"),
    [
        ("https://lambda.us-east-1.amazonaws.com", True),
        ("https://lambda-fips.us-gov-west-1.amazonaws.com", True),
        ("https://lambda.cn-north-1.amazonaws.com.cn", True),
        ("https://lambda.us-east-1.api.aws", True),
        ("https://vpce-0a1b-2c3d.lambda.eu-west-1.vpce.amazonaws.com", True),
        ("http://lambda.us-east-1.amazonaws.com", False),
        ("https://lambda.us-east-1.amazonaws.com.example.org", False),
        ("https://amazonaws.com.evil.example", False),
        ("https://evilamazonaws.com", False),
        ("https://127.0.0.1:443", False),
    ],
)
def test_awss_own_endpoints(clock: FakeClock, endpoint: str, *, trusted: bool) -> None:
    assert AwsCloud(Aws(), clock)._clients.trusts(endpoint) is trusted


def test_expired_credentials_are_told_once_and_not_asked_for_each_suspect(
    cloud: Cloud, ask: Ask, clock: FakeClock
) -> None:
    cloud.refuse("GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired")
    adapter, begin = ask(), len(cloud.calls)
    for number in range(20):
        why = unreadable(adapter.probe(resource(f"f-{number}", arn=arn_of(f"f-{number}"))))
        assert why == (
            "GetCallerIdentity was answered ExpiredToken: The security token included in the request is expired "
            "(log in to AWS again, or renew its credentials)"
        )
    assert [each.operation for each in cloud.calls_since(begin)] == ["GetCallerIdentity"]
    cloud.allow()
    clock.sleep(31)
    assert adapter.probe(resource(arn=arn_of())).proven_gone, "new credentials must be taken up by a running process"


def test_our_identity_is_asked_once_per_region(cloud: Cloud, ask: Ask) -> None:
    adapter, begin = ask(), len(cloud.calls)
    for region in (REGION, "eu-west-1", REGION, "eu-west-1"):
        adapter.probe(resource(arn=arn_of(region=region)))
    asked = [each.region for each in cloud.calls_since(begin) if each.operation == "GetCallerIdentity"]
    assert sorted(asked) == ["eu-west-1", REGION]


def test_no_credentials(cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    begin = len(cloud.calls)
    seen = ask().probe(resource(arn=arn_of()))
    assert "credentials" in unreadable(seen)
    assert not seen.passing
    assert cloud.calls_since(begin) == []


def test_half_of_the_credentials(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_SECRET_ACCESS_KEY" in unreadable(ask().probe(resource(arn=arn_of())))


LOCAL_FAULTS: dict[str, dict[str, str]] = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": {
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/us",
    },
    "Pod Identity": {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token",
    },
    "credential_process": {"AWS_CONFIG_FILE": "{config}"},
}


@pytest.mark.parametrize("given", LOCAL_FAULTS.values(), ids=LOCAL_FAULTS)
def test_credentials_of_this_machine_that_cannot_be_read_are_doubt_and_not_tried_for_each_suspect(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = /nowhere/token --json\n", encoding="utf-8")
    for name, value in given.items():
        monkeypatch.setenv(name, value.format(config=config))
    adapter = ask()
    why = unreadable(adapter.probe(resource(arn=arn_of())))
    assert "/nowhere/token" in why
    monkeypatch.setattr(adapter._clients, "_own", lambda _: pytest.fail("it signs in anew"))
    assert unreadable(adapter.probe(resource(arn=arn_of()))) == why


def test_a_token_file_that_goes_while_we_run_is_doubt(cloud: Cloud, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials are renewed within a call, long after the sign-in."""
    adapter = ask()
    assert adapter.probe(resource(arn=cloud.create_function("orders"))).present

    def renewing(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/nowhere/token")

    monkeypatch.setattr(adapter, "_call", renewing)
    assert "/nowhere/token" in unreadable(adapter.probe(resource(arn=arn_of())))


def test_a_profile_that_there_is_not(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    with pytest.raises(CloudError, match="production") as raised:
        ask()
    assert "AWS_PROFILE" in raised.value.hint
    assert raised.value.exit_code == 1


def test_a_configuration_file_that_is_broken(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\nregion = eu-west-1\n", encoding="utf-8")
    # For the adapter alone: moto, which the fixture clears up, reads it too where no test used an account before.
    with monkeypatch.context() as here, pytest.raises(CloudError, match="config"):
        here.setenv("AWS_CONFIG_FILE", str(broken))
        ask()


def test_a_certificate_bundle_that_is_not_there(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    adapter = ask(endpointURL="https://127.0.0.1:1")
    unreadable(adapter.probe(resource(arn=arn_of())))


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "status", "passing"),
    [
        (
            "AccessDeniedException",
            "User: joe is not authorized to perform: lambda:GetFunctionConfiguration",
            403,
            False,
        ),
        ("TooManyRequestsException", "Rate Exceeded.", 429, True),
        ("ThrottlingException", "Rate exceeded", 400, True),
        ("ServiceException", "An internal error occurred.", 500, True),
        ("InternalFailure", "", 503, True),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", 403, False),
        ("InvalidSignatureException", "Signature expired: 20261121T120000Z is now earlier than", 403, False),
        ("ValidationException", "1 validation error detected", 400, False),
        ("KMSAccessDeniedException", "Lambda was unable to decrypt the environment variables", 502, True),
    ],
)
def test_a_refusal_is_doubt_and_says_call_code_message_and_who_asked(
    cloud: Cloud, ask: Ask, code: str, message: str, status: int, *, passing: bool
) -> None:
    cloud.refuse("GetFunctionConfiguration", code, message, status=status)
    seen = ask(BRIEF).probe(resource(arn=arn_of()))
    assert unreadable(seen) == f"GetFunctionConfiguration was answered {code}: {message or 'no message'}"
    assert seen.passing is passing
    assert seen.identity is not None and seen.identity.startswith("arn:aws:sts::123456789012:")
    assert seen.at == START


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken", "RequestExpired"])
def test_expired_credentials_are_told_with_what_to_do(cloud: Cloud, ask: Ask, code: str) -> None:
    cloud.refuse("GetFunctionConfiguration", code, "The security token included in the request is expired", status=403)
    seen = ask(BRIEF).probe(resource(arn=arn_of()))
    why = unreadable(seen)
    assert f"answered {code}: The security token included in the request is expired (log in to AWS again" in why
    assert seen.passing, "the next time we sign in anew"


def test_a_throttled_call_is_tried_again(cloud: Cloud, ask: Ask) -> None:
    cloud.refuse("GetFunctionConfiguration", "TooManyRequestsException", "Rate Exceeded.", times=1)
    assert ask().probe(resource(arn=arn_of())).proven_gone


def test_a_refusal_to_one_does_not_touch_another(cloud: Cloud, ask: Ask) -> None:
    cloud.create_function("other")
    cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "not this one", name="orders")
    adapter = ask()
    unreadable(adapter.probe(resource(arn=arn_of())))
    assert adapter.probe(resource("other", arn=arn_of("other"))).present


# ---- no answer, and answers that are none ----------------------------------------------------------------------------

SIGNED_IN = answer(
    200,
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/joe</Arn>"
    "<UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    kind="text/xml",
)


def test_sts_that_hangs_is_waited_for_once(ask: Ask) -> None:
    with Wire(SILENCE) as wire:
        adapter, began = ask(BRIEF, endpointURL=wire.url), time.monotonic()
        for _ in range(10):
            assert "timeout" in unreadable(adapter.probe(resource(arn=arn_of()))).lower()
        assert time.monotonic() - began < 3 * BRIEF.read
        assert len(wire.heard) == 1


def test_lambda_that_hangs_is_doubt(ask: Ask) -> None:
    with Wire(SIGNED_IN, SILENCE) as wire:
        seen = ask(BRIEF, endpointURL=wire.url).probe(resource(arn=arn_of()))
    assert "timeout" in unreadable(seen).lower()
    assert seen.passing
    assert seen.identity == "arn:aws:iam::123456789012:user/joe"


@pytest.mark.parametrize("head", [False, True], ids=["body", "head"])
@pytest.mark.parametrize("operation", ["GetCallerIdentity", "GetFunctionConfiguration"])
def test_an_answer_that_trickles_is_doubt(cloud: Cloud, ask: Ask, operation: str, *, head: bool) -> None:
    cloud.create_function("orders")
    with Faults(cloud.endpoint) as faults:
        faults.add(trickling(0.05, head=head), operation=operation)
        adapter, began = ask(BRIEF._replace(answer=0.6), endpointURL=faults.url), time.monotonic()
        assert "timeout" in unreadable(adapter.probe(resource(arn=arn_of()))).lower()
        assert time.monotonic() - began < 20


def test_a_slow_answer_that_ends_in_time_counts(cloud: Cloud, ask: Ask) -> None:
    cloud.create_function("orders")
    with Faults(cloud.endpoint) as faults:
        faults.add(trickling(0.004), operation="GetFunctionConfiguration")
        adapter, began = ask(BRIEF, endpointURL=faults.url), time.monotonic()
        assert adapter.probe(resource(arn=arn_of())).present
        assert time.monotonic() - began > BRIEF.read, "each byte had its time, and not the whole answer"


def test_nobody_at_the_endpoint(ask: Ask) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        seen = ask(BRIEF, endpointURL=endpoint).probe(resource(arn=arn_of()))
    assert endpoint in unreadable(seen)
    assert seen.passing


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(200, "<html>Please log in</html>", kind="text/html"), id="a page"),
        pytest.param(answer(200, ""), id="nothing"),
        pytest.param(answer(200, "{"), id="half of the JSON"),
        pytest.param(answer(200, {}), id="an empty object"),
        pytest.param(answer(200, {"Configuration": None}), id="null"),
        pytest.param(answer(200, {"State": "Active"}, length=4000), id="half of the bytes"),
        pytest.param(answer(404, "not found", kind="text/plain"), id="404 in plain text"),
        pytest.param(answer(404, {"message": f"Function not found: {arn_of()}"}), id="404 without a code"),
        pytest.param(b"", id="a hang-up"),
    ],
)
@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_what_a_proxy_answers_is_no_state(ask: Ask, call: str, told: bytes) -> None:
    with Wire(SIGNED_IN, told) as wire:
        unreadable(ask(BRIEF, endpointURL=wire.url, call=call).probe(resource(arn=arn_of())))


@pytest.mark.parametrize("told", ["<html>Please log in</html>", "", "<GetCallerIdentityResponse/>", "{}"])
def test_who_we_are_must_be_answered(ask: Ask, told: str) -> None:
    with Wire(answer(200, told, kind="text/xml")) as wire:
        adapter = ask(BRIEF, endpointURL=wire.url)
        for _ in range(10):
            assert "not AWS" in unreadable(adapter.probe(resource(arn=arn_of())))
        assert len(wire.heard) == 1, "for a while: each of a hundred suspects would ask anew"


@pytest.mark.parametrize("arn", ["joe", "arn", "arn:aws", "user:joe:of:account:123456789012:x"])
def test_who_we_are_must_be_an_arn(ask: Ask, arn: str) -> None:
    told = SIGNED_IN.replace(b"arn:aws:iam::123456789012:user/joe", arn.encode())
    told = answer(200, told.partition(b"\r\n\r\n")[2].decode(), kind="text/xml")
    with Wire(told) as wire:
        elsewhere = resource(arn=arn_of(account="444455556666"))
        assert "not AWS" in unreadable(ask(BRIEF, endpointURL=wire.url, roleName="read").probe(elsewhere))


# ---- pace and threads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "apart"), [("GetFunctionConfiguration", 1.0), ("GetFunction", 0.2)])
def test_calls_keep_their_distance(cloud: Cloud, ask: Ask, clock: FakeClock, call: str, apart: float) -> None:
    arn = cloud.create_function("orders")
    adapter = ask(call=call)
    for _ in range(5):
        adapter.probe(resource(arn=arn))
    assert clock.slept == pytest.approx([apart] * 4)


def test_the_second_question_about_one_function_waits_its_turn_too(ask: Ask, clock: FakeClock) -> None:
    assert ask().probe(resource(arn=arn_of())).gone
    assert clock.slept == [1.0]


def test_regions_have_quotas_of_their_own(cloud: Cloud, ask: Ask, clock: FakeClock) -> None:
    cloud.create_function("orders")
    cloud.create_function("orders", region="eu-west-1")
    adapter = ask()
    for region in (REGION, "eu-west-1"):
        adapter.probe(resource(arn=arn_of(region=region)))
    assert clock.slept == []


def test_time_that_passed_anyway_is_not_waited_for(cloud: Cloud, ask: Ask, clock: FakeClock) -> None:
    arn = cloud.create_function("orders")
    adapter = ask()
    adapter.probe(resource(arn=arn))
    clock.sleep(30)
    adapter.probe(resource(arn=arn))
    assert clock.slept == [30]


def test_threads_share_one_pace_one_identity_and_their_clients(cloud: Cloud) -> None:
    clock = SystemLike()
    cloud.create_function("orders")
    adapter = AwsCloud(Aws.model_validate({"endpointURL": cloud.endpoint, "call": "GetFunction", "workers": 6}), clock)
    begin = len(cloud.calls)
    with ThreadPoolExecutor(max_workers=6) as pool:
        seen = list(pool.map(lambda _: adapter.probe(resource(arn=arn_of())), range(12)))
    assert all(each.present for each in seen)
    made = cloud.calls_since(begin)
    assert [each.operation for each in made].count("GetCallerIdentity") == 1
    turns = sorted(clock.turns)
    assert all(later - earlier >= 0.19 for earlier, later in pairwise(turns))


class SystemLike:
    """A clock at which threads wait for real, twenty times as fast; it notes when each turn came."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.turns: list[float] = []

    def now(self) -> Any:
        return START

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * 20

    def sleep(self, seconds: float, /) -> None:
        self.turns.append(self.monotonic() + seconds)
        time.sleep(seconds / 20)


# ---- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_nothing_but_the_masking_list_holds_environment_values(cloud: Cloud, ask: Ask, call: str) -> None:
    arn = cloud.create_function("orders", Environment={"Variables": {"DB_PASSWORD": "correct-horse-battery"}})
    seen = ask(call=call).probe(resource(arn=arn))
    assert seen.environment == {"DB_PASSWORD": "correct-horse-battery"}
    rest = msgspec.structs.replace(seen, environment={})
    assert "correct-horse-battery" not in msgspec.json.encode(rest).decode()
    for text in (repr(seen), str(seen), f"{seen}", f"{[seen]}", seen.why):
        assert "correct-horse-battery" not in text


def test_the_link_to_the_code_is_never_kept(cloud: Cloud, ask: Ask) -> None:
    arn = cloud.create_function("orders")
    seen = ask(call="GetFunction").probe(resource(arn=arn))
    assert seen.present
    kept = msgspec.json.encode(seen).decode()
    assert "https://" not in kept
    assert "Location" not in kept


@pytest.mark.parametrize("code", [{"RepositoryType": "ECR", "ImageUri": IMAGE, "ResolvedImageUri": "x"}, {}, None])
def test_of_the_code_the_image_is_told_and_not_the_link_to_it(ask: Ask, code: dict[str, str] | None) -> None:
    link = {"Location": "https://signed.example/secret"}
    told: dict[str, Any] = {"Configuration": {"FunctionArn": arn_of(), "PackageType": "Image", "State": "Active"}}
    told |= {} if code is None else {"Code": code | link}
    with Wire(SIGNED_IN, answer(200, told)) as wire:
        seen = ask(BRIEF, endpointURL=wire.url, call="GetFunction").probe(resource(arn=arn_of()))
    assert (seen.presence, seen.image_uri) == (Presence.PRESENT, IMAGE if code else None)
    assert "signed.example" not in repr(msgspec.to_builtins(seen))
    wanted = decoded(function(spec={"packageType": "Image", "code": {"imageURI": "shop/orders:2"}})).spec
    assert wanted is not None
    drift = {each.field: each.live for each in differences(wanted, seen)}
    assert drift.get("code.imageURI") == (IMAGE if code else None)


def test_keys_are_in_no_reason(cloud: Cloud, ask: Ask) -> None:
    cloud.refuse("GetCallerIdentity", "SignatureDoesNotMatch", "The request signature we calculated does not match")
    why = unreadable(ask(BRIEF).probe(resource(arn=arn_of())))
    assert "secret-of-the-test" not in why
