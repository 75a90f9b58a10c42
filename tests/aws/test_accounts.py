"""Functions of other accounts: by which role they are read, and what becomes of a role that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remediator.aws.clients import Clients, Identity
from remediator.aws.live import USUAL_PATIENCE, AwsCloud
from remediator.model.live import LiveState, Presence
from remediator.model.placement import Placement
from remediator.model.resource import Resource
from remediator.policy import Aws
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import ACCESS_KEY, BRIEF, FakeClock, arn_of, resource
from tests.aws.test_live import SIGNED_IN, unreadable
from tests.wire import Wire, answer

Ask = Callable[..., AwsCloud]
OTHER = "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/ack-remediator-read"
US = "arn:aws:sts::123456789012:assumed-role/sandbox/session"
US_THERE = f"arn:aws:sts::{OTHER}:assumed-role/ack-remediator-read/ack-remediator"


@pytest.fixture
def there(cloud: Cloud) -> Iterator[Resource]:
    """A function of another account, where a role of ours may read it."""
    assert cloud.add_role("ack-remediator-read", account=OTHER) == ROLE
    yield resource(arn=cloud.create_function("orders", account=OTHER, MemorySize=256))
    cloud.remove("orders", account=OTHER)


def asked(cloud: Cloud, since: int) -> list[tuple[str, str]]:
    return [(each.operation, each.account) for each in cloud.calls_since(since)]


# ---- roles -----------------------------------------------------------------------------------------------------------


def test_a_function_of_another_account_is_read_by_a_role_there(cloud: Cloud, ask: Ask, there: Resource) -> None:
    begin = len(cloud.calls)
    seen = ask(assumeRole=True).probe(there)
    assert (seen.presence, seen.account, seen.identity) == (Presence.PRESENT, OTHER, US_THERE)
    assert ("memorySize", "256") in seen.configuration
    assert asked(cloud, begin) == [
        ("GetCallerIdentity", "123456789012"),
        ("AssumeRole", "123456789012"),
        ("GetCallerIdentity", OTHER),
        ("GetFunctionConfiguration", OTHER),
    ]


def test_gone_is_proven_there_too(cloud: Cloud, ask: Ask, there: Resource) -> None:
    cloud.remove("orders", account=OTHER)
    assert ask(assumeRole=True).probe(there).proven_gone


def test_no_role_is_assumed_unless_the_policy_says_so(cloud: Cloud, ask: Ask, there: Resource) -> None:
    begin = len(cloud.calls)
    for accounts in ({}, {OTHER: {"roleArn": ROLE}}):
        why = unreadable(ask(accounts=accounts).probe(there))
        assert why == (
            f"the function is in account {OTHER}, we are in 123456789012; "
            f"with aws.assumeRole: true in the policy, {ROLE} would be assumed"
        )
    assert {each for each, _ in asked(cloud, begin)} == {"GetCallerIdentity"}


def test_where_the_policy_has_no_role_it_says_which_setting_is_missing(ask: Ask, there: Resource) -> None:
    why = unreadable(ask(assumeRole=True, roleName=None).probe(there))
    assert why.endswith("the policy's aws.accounts has no role for it, and aws.roleName is null")


def test_a_role_of_the_accounts_own_beats_the_name_for_all(cloud: Cloud, ask: Ask, there: Resource) -> None:
    role = cloud.add_role("oncall/read", account=OTHER, external_id="shop-42")
    chosen = {OTHER: {"roleArn": role, "externalId": "shop-42"}}
    seen = ask(assumeRole=True, accounts=chosen).probe(there)
    assert seen.identity == f"arn:aws:sts::{OTHER}:assumed-role/read/ack-remediator"
    why = unreadable(ask(assumeRole=True, accounts={OTHER: {"roleArn": role}}).probe(there))
    assert why.startswith(f"{US} may not assume {role}: AssumeRole was answered AccessDenied: ")


def test_our_own_account_needs_no_role(cloud: Cloud, ask: Ask) -> None:
    arn, begin = cloud.create_function("orders"), len(cloud.calls)
    assert ask(assumeRole=True).probe(resource(arn=arn)).identity == US
    assert "AssumeRole" not in {each for each, _ in asked(cloud, begin)}


def test_one_role_and_one_client_serve_all_functions_of_an_account_and_region(
    cloud: Cloud, ask: Ask, there: Resource
) -> None:
    adapter, begin = ask(assumeRole=True), len(cloud.calls)
    for region in ("us-east-1", "eu-west-1") * 2:
        adapter.probe(resource(arn=arn_of(account=OTHER, region=region)))
    made = [each.region for each in cloud.calls_since(begin) if each.operation == "AssumeRole"]
    assert sorted(made) == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_role_is_of_our_own_partition(clock: FakeClock, partition: str) -> None:
    clients = Clients(Aws.model_validate({"assumeRole": True}), clock, BRIEF)
    us = Identity(f"arn:{partition}:sts::123456789012:assumed-role/it/session", "123456789012")
    assert clients._role(OTHER, us) == (f"arn:{partition}:iam::{OTHER}:role/ack-remediator-read", None)


# ---- roles that are refused ------------------------------------------------------------------------------------------


def test_a_dead_role_is_told_once_and_not_asked_for_each_suspect(cloud: Cloud, ask: Ask, clock: FakeClock) -> None:
    adapter, begin = ask(assumeRole=True), len(cloud.calls)
    for number in range(10):
        why = unreadable(adapter.probe(resource(arn=arn_of(f"f-{number}", account="777788889999"))))
        role = "arn:aws:iam::777788889999:role/ack-remediator-read"
        assert why.startswith(f"{US} may not assume {role}: AssumeRole was answered AccessDenied: ")
    assert asked(cloud, begin) == [("GetCallerIdentity", "123456789012"), ("AssumeRole", "123456789012")]
    cloud.add_role("ack-remediator-read", account="777788889999")
    clock.sleep(31)
    assert adapter.probe(resource("f-1", arn=arn_of("f-1", account="777788889999"))).proven_gone


def test_a_dead_role_concerns_its_account_alone(cloud: Cloud, ask: Ask, there: Resource) -> None:
    arn = cloud.create_function("orders")
    adapter = ask(assumeRole=True)
    unreadable(adapter.probe(resource(arn=arn_of(account="111122223333"))))
    assert adapter.probe(there).present
    assert adapter.probe(resource(arn=arn)).present


def test_a_role_that_leads_elsewhere_is_no_entry(
    cloud: Cloud, ask: Ask, there: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = cloud.add_role("elsewhere", account="123456789012")
    monkeypatch.setattr(Clients, "_role", lambda *_: (elsewhere, None))
    why = unreadable(ask(assumeRole=True).probe(there))
    assert why.startswith(f"{elsewhere} was to be of account {OTHER}, and is arn:aws:sts::123456789012:")


def test_a_session_that_aws_ends_is_opened_anew(cloud: Cloud, ask: Ask, there: Resource) -> None:
    adapter = ask(assumeRole=True)
    assert adapter.probe(there).present
    key = cloud.calls[-1].access_key
    assert key is not None and key != ACCESS_KEY
    cloud.expire(key)
    assert "answered ExpiredToken" in unreadable(adapter.probe(there))
    assert adapter.probe(there).present, "with another key"


@pytest.fixture
def keys(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Our own keys in a file, as a login writes them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def write(key: str) -> None:
        cloud.identify(key, "123456789012")
        lines = ["[default]", f"aws_access_key_id = {key}", "aws_secret_access_key = secret-of-the-test", ""]
        (tmp_path / "credentials").write_text("\n".join(lines), encoding="utf-8")

    return write


@pytest.mark.parametrize("signed_in", [True, False], ids=["in the middle", "at the sign-in"])
def test_a_login_anew_is_taken_up_by_a_running_process(
    cloud: Cloud, ask: Ask, clock: FakeClock, keys: Callable[[str], None], *, signed_in: bool
) -> None:
    """A session of boto3 keeps the keys that it has read."""
    keys("AKIABEFORE")
    adapter, ours = ask(), resource(arn=cloud.create_function("orders"))
    if signed_in:
        assert adapter.probe(ours).present
    cloud.expire("AKIABEFORE")
    assert "ExpiredToken" in unreadable(adapter.probe(ours))
    keys("AKIAAFTER")
    clock.sleep(31)
    assert adapter.probe(ours).present
    assert cloud.calls[-1].access_key == "AKIAAFTER"


def test_a_login_anew_is_taken_up_where_a_role_is_to_be_assumed(
    cloud: Cloud, ask: Ask, clock: FakeClock, keys: Callable[[str], None], there: Resource
) -> None:
    keys("AKIABEFORE")
    adapter = ask(assumeRole=True)
    assert adapter.probe(resource(arn=cloud.create_function("orders"))).present
    cloud.expire("AKIABEFORE")
    assert "may not assume" in unreadable(adapter.probe(there))
    keys("AKIAAFTER")
    clock.sleep(31)
    assert adapter.probe(there).present


def test_who_learns_late_that_credentials_are_over_ends_no_newer_ones(cloud: Cloud, ask: Ask) -> None:
    clients = ask()._clients
    before = clients.sign_in(None, "us-east-1")
    clients.forget(before, "us-east-1")
    after = clients.sign_in(None, "us-east-1")
    clients.forget(before, "us-east-1")
    assert clients.sign_in(None, "us-east-1") is after is not before


def test_sessions_are_refreshed_before_they_end(there: Resource, clock: FakeClock) -> None:
    """Where they have but ten minutes left, botocore fetches others at the next use."""
    behind = SandboxClock(start=datetime.now(UTC) - timedelta(minutes=50))
    with Cloud(behind, account="555566667777") as cloud:
        cloud.identify(ACCESS_KEY, "555566667777")
        cloud.add_role("ack-remediator-read", account="666677778888")
        arn = cloud.create_function("orders", account="666677778888")
        adapter = AwsCloud(Aws.model_validate({"endpointURL": cloud.endpoint, "assumeRole": True}), clock)
        for _ in range(3):
            assert adapter.probe(resource(arn=arn)).present
        assert len(cloud.calls_of("AssumeRole")) >= 3
        keys = {each.access_key for each in cloud.calls_of("GetFunctionConfiguration")}
        assert len(keys) == 3


def test_an_answer_that_is_no_session_is_not_aws(ask: Ask, there: Resource) -> None:
    nothing = answer(200, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>", kind="text/xml")
    with Wire(SIGNED_IN, nothing) as wire:
        assert "not AWS" in unreadable(ask(BRIEF, endpointURL=wire.url, assumeRole=True).probe(there))


def test_no_key_of_a_session_is_in_what_is_told(cloud: Cloud, ask: Ask, there: Resource) -> None:
    cloud.deny("GetFunctionConfiguration", account=OTHER)
    seen = ask(BRIEF, assumeRole=True).probe(there)
    why = unreadable(seen)
    assert US_THERE in why
    assert "AccessDeniedException" in why
    assert "sandbox-secret" not in why and "sandbox-session-token" not in why
    assert seen.identity == US_THERE


# ---- where ACK would look --------------------------------------------------------------------------------------------


def test_without_an_arn_the_placement_says_where_to_ask(cloud: Cloud, ask: Ask) -> None:
    cloud.add_role("ack-remediator-read", account=OTHER)
    arn = cloud.create_function("orders", account=OTHER, region="eu-west-1")
    seen = ask(assumeRole=True).probe(resource(), Placement(account=OTHER, region="eu-west-1"))
    cloud.remove("orders", account=OTHER, region="eu-west-1")
    assert (seen.presence, seen.arn) == (Presence.PRESENT, arn)


def test_the_recorded_arn_beats_the_placement(cloud: Cloud, ask: Ask) -> None:
    """The function was made there, wherever ACK looks for it by now."""
    arn = cloud.create_function("orders")
    seen = ask().probe(resource(arn=arn), Placement(account=OTHER, region="eu-west-1", unsure="flags", drift="so"))
    assert (seen.presence, seen.arn) == (Presence.PRESENT, arn)


UNSURE = Placement(region="us-east-1", unsure="namespaces could not be listed: 403")


def test_a_namesake_at_a_place_that_is_unsure_is_no_answer(cloud: Cloud, ask: Ask) -> None:
    arn = cloud.create_function("orders")
    assert unreadable(ask().probe(resource(), UNSURE)) == (
        f"AWS has {arn}, but whether that is it cannot be told: status records no ARN, and "
        "namespaces could not be listed: 403"
    )


def test_none_at_a_place_that_is_unsure_proves_nothing(ask: Ask) -> None:
    seen: LiveState = ask().probe(resource(), UNSURE)
    assert seen.gone
    assert not seen.proven_gone


def test_where_no_role_says_the_account_nothing_is_asked(cloud: Cloud, ask: Ask) -> None:
    begin = len(cloud.calls)
    missing = Placement(region="us-east-1", role_missing="ConfigMap ack-system/ack-role-team-map has no role for blue")
    assert unreadable(ask().probe(resource(), missing)) == (
        "which account it is for cannot be told: ConfigMap ack-system/ack-role-team-map has no role for blue"
    )
    assert cloud.calls_since(begin) == []


# ---- throttling ------------------------------------------------------------------------------------------------------


def test_a_throttled_account_is_asked_ever_less_and_then_left_alone(
    cloud: Cloud, ask: Ask, clock: FakeClock, there: Resource
) -> None:
    cloud.throttle("GetFunctionConfiguration", account=OTHER)
    arn = cloud.create_function("orders")
    adapter, begin = ask(USUAL_PATIENCE, assumeRole=True), len(cloud.calls)
    for _ in range(10):
        unreadable(adapter.probe(there))
    assert len(cloud.calls_of("GetFunctionConfiguration", account=OTHER, since=begin)) == 5
    assert clock.slept == [2.0, 4.0, 8.0, 16.0]
    assert unreadable(adapter.probe(there)) == (
        f"AWS throttles our calls in account {OTHER}, us-east-1: it is not asked for a minute"
    )
    assert adapter.probe(resource(arn=arn)).present, "another account is none of it"
    cloud.allow()
    clock.sleep(61)
    assert adapter.probe(there).present


@pytest.mark.parametrize(
    ("code", "status"),
    [("TooManyRequestsException", 429), ("ThrottlingException", 400), ("Throttling", 400), ("Unheard", 429)],
)
def test_what_counts_as_throttled(cloud: Cloud, ask: Ask, clock: FakeClock, code: str, status: int) -> None:
    cloud.refuse("GetFunctionConfiguration", code, "Rate exceeded", status=status, times=1)
    assert ask().probe(resource(arn=arn_of())).gone
    assert clock.slept == [2.0, 2.0]


def test_a_bad_moment_is_tried_again_at_the_usual_pace(cloud: Cloud, ask: Ask, clock: FakeClock) -> None:
    cloud.fail("GetFunctionConfiguration", times=2, status=503)
    assert ask().probe(resource(arn=arn_of())).gone
    assert clock.slept == [1.0, 1.0, 1.0]


def test_a_refusal_is_not_tried_again(cloud: Cloud, ask: Ask) -> None:
    cloud.deny("GetFunctionConfiguration")
    begin = len(cloud.calls)
    unreadable(ask().probe(resource(arn=arn_of())))
    assert len(cloud.calls_of("GetFunctionConfiguration", since=begin)) == 1
