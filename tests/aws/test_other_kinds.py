"""What AWS is asked of the kinds that are no function: one call, held to its own model, and never proof of gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from remediator.aws import other_kinds
from remediator.aws.live import AwsCloud
from remediator.model.live import LiveState, Presence
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import START, FakeClock, resource
from tests.builders import Json, decoded, other

Ask = Callable[..., AwsCloud]
ACCOUNT, REGION = "123456789012", "us-east-1"
PLACE = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
UUID = "91a4b6ac-3a0d-4a40-8d49-5a8b4e7d0a11"
WHO = f"arn:aws:sts::{ACCOUNT}:assumed-role/on-call/me"


def recorded(arn: str = "", account: str = ACCOUNT) -> Json:
    return {"ackResourceMetadata": {"arn": arn or None, "ownerAccountID": account, "region": REGION}}


def version(state: str = "Active") -> Json:
    return {"FunctionArn": f"{PLACE}:function:checkout:7", "State": state, "LastUpdateStatus": "Successful"}


CALLS: dict[str, tuple[Json, str, Json, Json]] = {
    "Alias": (
        other("Alias"),
        "get_alias",
        {"FunctionName": "checkout", "Name": "live"},
        {"AliasArn": f"{PLACE}:function:checkout:live"},
    ),
    "Version": (
        other("Version", status={"version": "7"}),
        "get_function_configuration",
        {"FunctionName": "checkout", "Qualifier": "7"},
        version(),
    ),
    "FunctionURLConfig": (
        other("FunctionURLConfig"),
        "get_function_url_config",
        {"FunctionName": "checkout"},
        {
            "FunctionArn": f"{PLACE}:function:checkout",
            "FunctionUrl": "https://abcdefghijklmnopqrstuvwxyzabcdef.lambda-url.us-east-1.on.aws/",
            "AuthType": "NONE",
            "CreationTime": "2026-11-01T00:00:00Z",
            "LastModifiedTime": "2026-11-01T00:00:00Z",
        },
    ),
    "EventSourceMapping": (
        other("EventSourceMapping", status={"uuid": UUID}),
        "get_event_source_mapping",
        {"UUID": UUID},
        {"UUID": UUID, "State": "Updating", "EventSourceMappingArn": f"{PLACE}:event-source-mapping:{UUID}"},
    ),
    "LayerVersion": (
        other("LayerVersion", spec={"layerName": "shared"}, status={"versionNumber": 3}),
        "get_layer_version",
        {"LayerName": "shared", "VersionNumber": 3},
        {"LayerVersionArn": f"{PLACE}:layer:shared:3", "Content": {"Location": "https://signed.example/secret"}},
    ),
    "CodeSigningConfig": (
        other("CodeSigningConfig", status=recorded(f"{PLACE}:code-signing-config:csc-0123456789abcdef0")),
        "get_code_signing_config",
        {"CodeSigningConfigArn": f"{PLACE}:code-signing-config:csc-0123456789abcdef0"},
        {
            "CodeSigningConfig": {
                "CodeSigningConfigId": "csc-0123456789abcdef0",
                "CodeSigningConfigArn": f"{PLACE}:code-signing-config:csc-0123456789abcdef0",
                "AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:1:/x/y/z"]},
                "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
                "LastModified": "2026-11-01T00:00:00Z",
            }
        },
    ),
}


def ask(raw: Json, call: str = "", expected: Json | None = None, answer: Json | str = "") -> LiveState:
    """Ask, and have just this call answered so; a text is the code of a refusal."""
    client: Any = boto3.client("lambda", region_name=REGION)
    with Stubber(client) as stub:
        if call and isinstance(answer, str):
            stub.add_client_error(call, answer, "why", expected_params=expected)
        elif call:
            assert isinstance(answer, dict)
            stub.add_response(call, answer, expected)
        seen = other_kinds.ask(client, decoded(raw), at=START, identity=WHO, account=ACCOUNT, region=REGION)
        stub.assert_no_pending_responses()
    client.close()
    return seen


@pytest.mark.parametrize("kind", CALLS)
def test_one_call_tells_that_it_is_there(kind: str) -> None:
    raw, call, expected, answer = CALLS[kind]
    seen = ask(raw, call, expected, answer)
    assert seen.present
    assert (seen.identity, seen.account, seen.region, seen.at) == (WHO, ACCOUNT, REGION, START)
    assert (seen.arn or "").startswith(PLACE)
    assert "signed.example" not in str(seen)


@pytest.mark.parametrize("kind", CALLS)
def test_not_found_is_never_proof(kind: str) -> None:
    raw, call, expected, _ = CALLS[kind]
    seen = ask(raw, call, expected, "ResourceNotFoundException")
    assert (seen.gone, seen.proven_gone) == (True, False)
    assert seen.why.startswith("unproven")


@pytest.mark.parametrize("kind", CALLS)
def test_any_other_refusal_is_the_callers_to_tell(kind: str) -> None:
    raw, call, expected, _ = CALLS[kind]
    with pytest.raises(ClientError, match="AccessDenied"):
        ask(raw, call, expected, "AccessDeniedException")


@pytest.mark.parametrize("kind", [each for each in CALLS if each != "CodeSigningConfig"])
def test_an_answer_from_elsewhere_is_no_answer(kind: str) -> None:
    raw, call, expected, answer = CALLS[kind]
    elsewhere = {
        key: value.replace(ACCOUNT, "210987654321") if isinstance(value, str) else value
        for key, value in answer.items()
    }
    seen = ask(raw, call, expected, elsewhere)
    assert seen.presence is Presence.UNREADABLE
    assert "the answer is about arn:aws:lambda:us-east-1:210987654321:" in seen.why


@pytest.mark.parametrize(
    ("raw", "lacks"),
    [
        (other("Alias", spec={"functionName": None}), "FunctionName"),
        (other("Alias", spec={"name": None}), "Name"),
        (other("Version"), "Qualifier"),
        (other("EventSourceMapping"), "UUID"),
        (other("LayerVersion"), "LayerName, VersionNumber"),
        (other("CodeSigningConfig"), "CodeSigningConfigArn"),
    ],
)
def test_what_the_object_does_not_name_is_not_asked_for(raw: Json, lacks: str) -> None:
    seen = ask(raw)
    assert (seen.presence, seen.why) == (Presence.UNREADABLE, f"the object does not tell its {lacks}")


def test_another_account_is_not_asked() -> None:
    seen = ask(other("Alias", status=recorded(account="210987654321")))
    assert (seen.presence, seen.why) == (
        Presence.UNREADABLE,
        "it is in account 210987654321, we are in 123456789012",
    )


def test_a_url_can_belong_to_an_alias() -> None:
    raw = other("FunctionURLConfig", spec={"qualifier": "live"})
    answer = CALLS["FunctionURLConfig"][3]
    assert ask(raw, "get_function_url_config", {"FunctionName": "checkout", "Qualifier": "live"}, answer).present


def test_a_mapping_is_busy_while_aws_works_on_it() -> None:
    raw, call, expected, answer = CALLS["EventSourceMapping"]
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    more = {"StateTransitionReason": "User action", "LastModified": moment}
    for state in ("Creating", "Enabling", "Disabling", "Updating", "Deleting"):
        seen = ask(raw, call, expected, answer | more | {"State": state})
        assert (seen.busy, seen.state, seen.state_reason, seen.last_modified) == (True, state, "User action", moment)
    assert not ask(raw, call, expected, answer | {"State": "Enabled"}).busy
    older = {key: value for key, value in answer.items() if key != "EventSourceMappingArn"}
    assert ask(raw, call, expected, older).present


def test_a_version_has_the_states_of_a_function_and_its_secrets() -> None:
    raw, call, expected, _ = CALLS["Version"]
    answer = version("Pending") | {"Environment": {"Variables": {"PASSWORD": "hunter22"}}}
    seen = ask(raw, call, expected, answer)
    assert (seen.state, seen.busy, seen.environment) == ("Pending", True, {"PASSWORD": "hunter22"})


def test_what_has_no_state_is_just_there() -> None:
    raw, call, expected, answer = CALLS["Alias"]
    assert ask(raw, call, expected, answer).kind_of_state == "present"


# ---- by the port -----------------------------------------------------------------------------------------------------


def test_the_cloud_asks_for_what_it_is(cloud: Cloud, ask: Ask) -> None:
    """As an alias, not as the function that it belongs to, whose answer would be another's."""
    cloud.create_function("checkout")
    begin = len(cloud.calls)
    seen = ask().probe(decoded(other("Version", status={"version": "7"})))
    cloud.remove("checkout")
    assert not seen.proven_gone
    assert [each.operation for each in cloud.calls_since(begin)] == ["GetCallerIdentity", "GetFunctionConfiguration"]


def test_what_cannot_be_asked_for_is_unreadable_in_the_clouds_words(cloud: Cloud, ask: Ask) -> None:
    seen = ask().probe(decoded(other("EventSourceMapping")))
    assert (seen.presence, seen.why) == (Presence.UNREADABLE, "the object does not tell its UUID")


@pytest.mark.parametrize("call", ["GetFunctionConfiguration", "GetFunction"])
def test_other_kinds_are_asked_for_once_a_second_whichever_call_functions_are_asked_by(
    cloud: Cloud, ask: Ask, clock: FakeClock, call: str
) -> None:
    """Only GetFunction has a quota of its own; all other calls share one with people's deployments."""
    adapter = ask(call=call)
    for _ in range(3):
        adapter.probe(decoded(other("Version", status={"version": "7"})))
    assert clock.slept == pytest.approx([1.0] * 2)


def test_calls_of_one_quota_share_its_pace(cloud: Cloud, ask: Ask, clock: FakeClock) -> None:
    adapter, arn = ask(), cloud.create_function("orders")
    adapter.probe(resource(arn=arn))
    adapter.probe(decoded(other("Version", status={"version": "7"})))
    assert clock.slept == [1.0]
