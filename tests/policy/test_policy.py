"""The policy's defaults, and what it takes and refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import ValidationError

from remediator.model.finding import FindingName
from remediator.model.limits import Ceilings, Limits, Restarts
from remediator.model.plan import ActionName
from remediator.model.selection import Operator, Requirement, Selection, Selector
from remediator.model.timeouts import Timeouts
from remediator.model.window import Freeze, Weekly, Windows
from remediator.policy import LambdaCall, Mode, Policy, TimeoutsSection
from remediator.policy.load import load_policy

HEAD = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}


def policy(**keys: Any) -> Policy:
    return Policy.model_validate(HEAD | keys)


def test_the_defaults_change_nothing() -> None:
    assert Policy().mode is Mode.DRY_RUN
    assert Policy() == policy()


def test_the_defaults_are_those_that_are_documented() -> None:
    defaults = Policy()
    assert defaults.limits == Limits(
        per_run=5,
        per_day=20,
        per_namespace=1,
        breaker_percent=20,
        breaker_min_population=5,
        breaker_objects=25,
        breaker_cool_down=timedelta(minutes=30),
        attempts=3,
        cool_down=timedelta(hours=1),
        sightings=3,
        evidence_max_age=timedelta(minutes=5),
        clock_skew=timedelta(seconds=5),
    )
    assert defaults.retention == timedelta(hours=168)
    assert (defaults.guard.terms, defaults.guard.allow) == (("prod", "production", "live"), ())
    assert (defaults.aws.call, defaults.aws.endpoint_url) == (LambdaCall.GET_FUNCTION_CONFIGURATION, None)
    assert not defaults.aws.assume_role
    assert (defaults.aws.role_name, defaults.aws.accounts) == ("ack-remediator-read", {})


@pytest.mark.parametrize("name", Timeouts.__struct_fields__)
def test_every_timeout_of_the_model_can_be_set_and_defaults_to_it(name: str) -> None:
    field = TimeoutsSection.model_fields[name]
    assert getattr(TimeoutsSection(), name) == getattr(Timeouts(), name)
    assert field.alias is not None
    timeouts = policy(timeouts={field.alias: "1d"}).timeouts
    assert timeouts == msgspec.structs.replace(Timeouts(), **{name: timedelta(days=1)})


def test_there_is_no_timeout_that_the_model_does_not_have() -> None:
    assert set(TimeoutsSection.model_fields) == set(Timeouts.__struct_fields__)
    assert Policy().timeouts == Timeouts()


def test_the_silence_timeout_is_above_the_longest_back_off() -> None:
    assert Timeouts().controller_silent > timedelta(seconds=1000)


@dataclass
class Refused:
    """A policy that is refused, and a part of what is said about it."""

    keys: dict[str, Any]
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Refused({"mode": "yolo"}, "'dry-run', 'approve' or 'auto'"),
        Refused({"actions": {"Release": {"mode": "auto"}}}, "actions.Release.mode\n  Value error, expected dry-run"),
        Refused({"actions": {"ClearFinalizer": {"mode": "auto"}}}, "this cannot be undone, so a person approves each"),
        Refused(
            {"actions": {"RestartController": {"mode": "auto"}}}, "this cannot be undone, so a person approves each"
        ),
        Refused({"actions": {"RestartController": {"minInterval": "9m"}}}, "expected a duration from 10m to 7d"),
        Refused({"actions": {"Restart": {"mode": "approve"}}}, "actions.Restart"),
        Refused({"findings": {"Pending": {"mode": "approve"}}}, "findings.Pending"),
        Refused({"findings": {"FunctionPending": "approve"}}, "valid dictionary or instance of Ceiling"),
        Refused({"selection": {"include": {"namespaces": "shop"}}}, "valid tuple"),
        Refused({"selection": {"include": {"namespaces": ["Shop"]}}}, "should match pattern"),
        Refused({"selection": {"exclude": {"names": [""]}}}, "should match pattern"),
        Refused({"selection": {"include": {"labels": "team in shop"}}}, "is no label selector"),
        Refused({"budgets": {"perRun": -1}}, "greater than or equal to 0"),
        Refused({"budgets": {"perDay": "5"}}, "valid integer"),
        Refused({"budgets": {"perNamespace": 1.5}}, "valid integer"),
        Refused({"breaker": {"coolDown": 30}}, "expected a duration"),
        Refused({"attempts": {"max": 0}}, "greater than or equal to 1"),
        Refused({"attempts": {"max": 11}}, "less than or equal to 10"),
        Refused({"attempts": {"coolDown": "25h"}}, "expected a duration from 1m to 24h"),
        Refused({"attempts": {"coolDown": "59s"}}, "expected a duration from 1m to 24h"),
        Refused({"sightings": 0}, "greater than or equal to 1"),
        Refused({"sightings": 6}, "less than or equal to 5"),
        Refused({"evidenceMaxAge": "60s"}, "expected a duration from 90s to 1h"),
        Refused({"clockSkew": "2m"}, "expected a duration from 1s to 1m"),
        Refused({"guard": {"terms": ["prod *"]}}, "should match pattern"),
        Refused({"guard": {"terms": [""]}}, "should match pattern"),
        Refused({"guard": {"allow": [""]}}, "at least 1 character"),
        Refused({"retention": "1h"}, "expected a duration from 24h to 3650d"),
        Refused({"breaker": {"percent": True}}, "valid integer"),
        Refused({"breaker": {"percent": 0}}, "greater than 0"),
        Refused({"breaker": {"percent": 101}}, "less than or equal to 100"),
        Refused({"breaker": {"minPopulation": 0}}, "greater than or equal to 1"),
        Refused({"breaker": {"objects": 0}}, "greater than or equal to 1"),
        Refused({"aws": {"workers": 33}}, "less than or equal to 32"),
        Refused({"aws": {"assumeRole": "yes"}}, "valid boolean"),
        Refused({"aws": {"roleName": "a role"}}, "should match pattern"),
        Refused({"aws": {"accounts": {"444455556666": {}}}}, "roleArn"),
        Refused({"aws": {"accounts": {"444455556666": {"roleArn": "read"}}}}, "should match pattern"),
        Refused(
            {"aws": {"accounts": {"444455556666": {"roleArn": "arn:aws:iam::123456789012:role/read"}}}},
            "expected a role of account 444455556666, not arn:aws:iam::123456789012:role/read",
        ),
        Refused({"aws": {"endpointURL": "lambda.example"}}, "should match pattern"),
        Refused({"aws": {"call": "ListFunctions"}}, "'GetFunctionConfiguration' or 'GetFunction'"),
        Refused({"orphans": {"clusterTag": {"key": "cluster"}}}, "value"),
        Refused({"orphans": {"clusterTag": {"key": "", "value": "prod"}}}, "should match pattern"),
        Refused({"orphans": {"clusterTag": {"key": "cluster", "value": ""}}}, "should match pattern"),
        Refused({"orphans": {"clusterTag": "cluster=prod"}}, "valid dictionary"),
        Refused(
            {"orphans": {"clusterTag": {"key": "services.k8s.aws/namespace", "value": "shop"}}},
            "expected a tag that no other cluster's functions have with that value, not services.k8s.aws/namespace",
        ),
        Refused({"orphans": {"clusterTag": {"key": "eks:kubernetes-resource-name", "value": "a"}}}, "expected a tag"),
        Refused({"orphans": {"clusterTag": {"key": "aws:cloudformation:stack-id", "value": "a"}}}, "expected a tag"),
        Refused({"timeouts": {"deletion": 600}}, "expected a duration such as 90s, 15m"),
        Refused({"timeouts": {"deletion": "10 minutes"}}, "is no duration"),
        Refused({"timeouts": {"naps": "1m"}}, "not permitted"),
        Refused({"windows": {"timeZone": "Europe/Berlni"}}, "did you mean Europe/Berlin?"),
        Refused({"windows": {"timeZone": "Nowhere"}}, "such as UTC, Europe/Berlin or America/New_York"),
        Refused({"windows": {"timeZone": "Europe"}}, "expected a time zone of the IANA database"),
        Refused({"windows": {"timeZone": "A" * 300}}, "expected a time zone of the IANA database"),
        Refused({"windows": {"timeZone": "../../etc/passwd"}}, "should match pattern"),
        Refused({"windows": {"allow": [""]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon 22:00"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["mon 22:00-23:00"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon22:00-23:00"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon 24:00-01:00"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon 22:60-23:00"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon, Tue"]}}, "expected days, hours or both"),
        Refused({"windows": {"allow": ["Mon 22:00-23:00\n"]}}, "expected days, hours or both"),
        Refused({"windows": {"deny": ["Mon 22:00-22:00"]}}, "begin and end at different times"),
        Refused({"windows": {"deny": "Mon"}}, "valid tuple"),
        Refused({"windows": {"freezes": [{"from": "2026-12-20"}]}}, "Field required"),
        Refused({"windows": {"freezes": [{"from": "2026-02-31", "to": "2026-03-01"}]}}, "expected a day such as"),
        Refused({"windows": {"freezes": [{"from": "2026-12-20T10:00", "to": "2026-12-21"}]}}, "expected a day such as"),
        Refused(
            {"windows": {"freezes": [{"from": datetime(2026, 12, 20), "to": "2026-12-21"}]}},  # noqa: DTZ001
            "with its offset",
        ),
        Refused({"windows": {"freezes": [{"from": "2026-12-20T25:00:00Z", "to": "2026-12-21"}]}}, "expected a day"),
        Refused({"windows": {"freezes": [{"from": 7, "to": "2026-12-21"}]}}, "expected a day such as"),
        Refused({"windows": {"freezes": [{"from": "2026-12-21", "to": "2026-12-20"}]}}, "which freezes.0 does not"),
        Refused(
            {"windows": {"freezes": [{"from": "2026-12-20T10:00:00Z", "to": "2026-12-20T11:00:00+01:00"}]}},
            "which freezes.0 does not",
        ),
        Refused(
            {"windows": {"freezes": [{"from": "2026-12-20", "to": "2026-12-20", "reason": "a\x1b[2J"}]}},
            "should match pattern",
        ),
        Refused({"evidence_max_age": "5m"}, "not permitted"),
        Refused({"kind": "Polity"}, "'Policy'"),
    ],
    ids=lambda case: case.says,
)
def test_what_makes_no_sense_is_refused(case: Refused) -> None:
    with pytest.raises(ValidationError) as refused:
        policy(**case.keys)
    assert case.says in str(refused.value)


def test_every_setting_can_be_made() -> None:
    made = policy(
        mode="approve",
        actions={
            "Resync": {"mode": "approve"},
            "Release": {"mode": "dry-run"},
            "ClearFinalizer": {"mode": "dry-run"},
            "RestartController": {"mode": "approve", "minInterval": "1h", "maxQuotaTime": "90s"},
        },
        findings={"ControllerSilent": {"mode": "dry-run"}},
        selection={
            "include": {"namespaces": ["shop-*"], "names": ["a?"], "labels": "team=shop"},
            "exclude": {"names": ["*-canary"]},
        },
        budgets={"perRun": 0, "perDay": 1, "perNamespace": 2},
        breaker={"percent": 100, "minPopulation": 1, "objects": 1000, "coolDown": "0s"},
        attempts={"max": 1, "coolDown": "10m"},
        sightings=1,
        evidenceMaxAge="2m",
        clockSkew="10s",
        guard={"terms": [], "allow": ["prod-eu1"]},
        retention="30d",
        aws={"call": "GetFunction", "endpointURL": "http://127.0.0.1:4566", "workers": 1},
        timeouts={"stalePending": "0s"},
    )
    assert made.limits == Limits(
        per_run=0,
        per_day=1,
        per_namespace=2,
        breaker_percent=100,
        breaker_min_population=1,
        breaker_objects=1000,
        breaker_cool_down=timedelta(0),
        attempts=1,
        cool_down=timedelta(minutes=10),
        sightings=1,
        evidence_max_age=timedelta(minutes=2),
        clock_skew=timedelta(seconds=10),
    )
    assert made.restarts == Restarts(timedelta(hours=1), timedelta(seconds=90))
    assert made.ceilings == Ceilings(
        Mode.APPROVE,
        {
            ActionName.RESYNC: Mode.APPROVE,
            ActionName.RELEASE: Mode.DRY_RUN,
            ActionName.CLEAR_FINALIZER: Mode.DRY_RUN,
            ActionName.RESTART_CONTROLLER: Mode.APPROVE,
        },
        {FindingName.CONTROLLER_SILENT: Mode.DRY_RUN},
    )
    label = Requirement("team", Operator.IN, frozenset({"shop"}))
    assert made.selection == Selection(Selector(("shop-*",), ("a?",), (label,)), Selector(names=("*-canary",)))
    assert (made.aws.call, made.aws.workers, made.retention) == (LambdaCall.GET_FUNCTION, 1, timedelta(days=30))
    assert made.timeouts.stale_pending == timedelta(0)


def test_the_ceilings_of_a_file_that_says_nothing_of_them_are_the_models() -> None:
    assert policy(mode="auto").ceilings == Ceilings(Mode.AUTO)


# -- what goes by itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "alone"),
    [
        ({}, False),
        ({"mode": "approve"}, False),
        ({"mode": "auto"}, True),
        ({"mode": "auto", "actions": {"Resync": {"mode": "approve"}}}, False),
        ({"mode": "auto", "findings": {"UpdateFailed": {"mode": "approve"}}}, True),
        ({"mode": "auto", "findings": {name.value: {"mode": "approve"} for name in FindingName}}, False),
    ],
)
def test_a_policy_that_acts_alone_says_so(*, keys: dict[str, Any], alone: bool) -> None:
    """Without episodes that outlive a process it has to be refused."""
    assert policy(**keys).acts_alone is alone


# -- guard ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "guarded"),
    [
        ("prod", True),
        ("prod-eu1", True),
        ("eu1.PROD", True),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu1", True),
        ("https://api.live.example.org:6443", True),
        ("gke_shop_production", True),
        ("product-catalogue", False),
        ("nonprod-eu1", False),
        ("prod1", False),
        ("alive", False),
        ("staging", False),
        ("", False),
    ],
)
def test_a_cluster_is_guarded_by_a_whole_word_of_its_name(*, place: str, guarded: bool) -> None:
    assert bool(Policy().guards(["staging", place])) is guarded


def test_why_a_cluster_is_guarded_is_told() -> None:
    assert Policy().guards(["prod-eu1", "https://10.0.0.1"]) == "prod-eu1 is guarded by the word prod"


def test_only_a_name_that_is_written_out_lifts_the_guard_and_for_itself_alone() -> None:
    lifted = policy(guard={"allow": ["prod-eu1"]})
    assert lifted.guards(["prod-eu1"]) == ""
    assert lifted.guards(["prod-eu2"])
    assert lifted.guards(["prod-eu1", "https://prod.example.org"])
    assert policy(guard={"allow": ["prod-*"]}).guards(["prod-eu1"])


def test_a_guard_without_words_guards_nothing() -> None:
    assert policy(guard={"terms": []}).guards(["prod"]) == ""


def test_a_duration_that_is_one_already_is_taken() -> None:
    assert policy(timeouts={"deletion": timedelta(hours=1)}).timeouts.deletion == timedelta(hours=1)


def test_a_policy_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError):
        Policy().mode = Mode.AUTO  # type: ignore[misc]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_roles_may_be_of_any_partition_and_under_a_path(partition: str) -> None:
    role = f"arn:{partition}:iam::444455556666:role/oncall/read"
    aws = Policy.model_validate(
        HEAD | {"aws": {"accounts": {"444455556666": {"roleArn": role, "externalId": "a:b"}}}}
    ).aws
    assert (aws.accounts["444455556666"].role_arn, aws.accounts["444455556666"].external_id) == (role, "a:b")


@pytest.mark.parametrize("key", ["cluster", "eks:eks-capability-arn", "team.example/cluster"])
def test_a_tag_can_tell_the_cluster(key: str) -> None:
    policy = Policy.model_validate(HEAD | {"orphans": {"clusterTag": {"key": key, "value": "prod"}}})
    assert policy.orphans.tag == (key, "prod")
    assert Policy().orphans.tag is None


# -- windows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days", "begins", "ends"),
    [
        ("Mon-Fri 22:00-04:00", {0, 1, 2, 3, 4}, 22 * 60, 28 * 60),
        ("Sat,Sun", {5, 6}, 0, 24 * 60),
        ("09:30-17:00", set(range(7)), 570, 1020),
        ("Fri-Mon 00:00-24:00", {4, 5, 6, 0}, 0, 24 * 60),
        ("Mon-Mon", {0}, 0, 24 * 60),
        ("Tue,Thu-Fri,Sun 22:00-00:00", {1, 3, 4, 6}, 22 * 60, 24 * 60),
        ("Wed 00:00-00:01", {2}, 0, 1),
    ],
)
def test_days_and_hours_are_read(text: str, days: set[int], begins: int, ends: int) -> None:
    (read,) = policy(windows={"allow": [text]}).windows.allow
    assert read == Weekly(frozenset(days), begins, ends, text)


def test_a_freeze_by_days_ends_with_its_last_in_the_zone_of_the_windows() -> None:
    keys = {"timeZone": "Europe/Berlin", "freezes": [{"from": "2026-12-20", "to": "2027-01-03", "reason": "holidays"}]}
    (freeze,) = policy(windows=keys).windows.freezes
    assert freeze == Freeze(datetime(2026, 12, 19, 23, tzinfo=UTC), datetime(2027, 1, 3, 23, tzinfo=UTC), "holidays")
    assert policy(windows={"freezes": [{"from": date(2026, 12, 20), "to": date(2026, 12, 20)}]}).windows.freezes == (
        Freeze(datetime(2026, 12, 20, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC)),
    )


def test_a_freeze_by_moments_is_as_long_as_they_say(tmp_path: Path) -> None:
    """YAML itself reads a time that is in no quotes."""
    path = tmp_path / "policy.yaml"
    head = "".join(f"{key}: {value}\n" for key, value in HEAD.items())
    path.write_text(f"{head}windows: {{freezes: [{{from: 2026-12-20T10:00:00+01:00, to: '2026-12-20 12:00:30Z'}}]}}\n")
    (freeze,) = load_policy(path).windows.freezes
    assert freeze == Freeze(datetime(2026, 12, 20, 9, tzinfo=UTC), datetime(2026, 12, 20, 12, 0, 30, tzinfo=UTC))
    assert type(freeze.begins) is datetime


def test_without_windows_it_is_always_open() -> None:
    assert not Policy().windows
    assert Policy().windows == Windows(ZoneInfo("UTC"))


# -- backups --------------------------------------------------------------------------------------------------------


KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
BUCKET = {
    "bucket": "backups",
    "region": "eu-west-1",
    "cluster": "prod",
    "expectedBucketOwner": "123456789012",
    "kmsKeyId": KEY,
}


def test_backups_are_secrets_unless_a_bucket_is_named() -> None:
    assert Policy().backups.s3 is None
    there = Policy.model_validate(HEAD | {"backups": {"s3": BUCKET}}).backups.s3
    assert there is not None
    assert (there.folder, there.encryption, there.kms_key_id) == ("ack-remediator/prod/", "aws:kms", KEY)


def test_that_s3_encrypts_without_a_key_has_to_be_said() -> None:
    plain = {**BUCKET, "kmsKeyId": None, "encryption": "AES256"}
    there = Policy.model_validate(HEAD | {"backups": {"s3": plain}}).backups.s3
    assert there is not None
    assert (there.encryption, there.kms_key_id) == ("AES256", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bucket": "Backups"}, "should match pattern"),
        ({"bucket": "arn:aws:s3:::backups"}, "should match pattern"),
        ({"region": "Ireland"}, "should match pattern"),
        ({"cluster": ""}, "should match pattern"),
        ({"cluster": "a/b"}, "should match pattern"),
        ({"cluster": ".."}, "should match pattern"),
        ({"prefix": "/backups"}, "should match pattern"),
        ({"prefix": "backups/"}, "should match pattern"),
        ({"prefix": "a/../b"}, "should match pattern"),
        ({"prefix": "x" * 129}, "at most 128 characters"),
        ({"expectedBucketOwner": 123456789012}, "expected the 12 digits of an AWS account, in quotes"),
        ({"kmsKeyId": "alias/backups"}, "should match pattern"),
        ({"kmsKeyId": KEY.replace("key/", "alias/")}, "should match pattern"),
        ({"kmsKeyId": KEY.replace("eu-west-1", "us-east-1")}, "expected a key of the bucket's region, eu-west-1, not"),
        ({"kmsKeyId": None}, "expected kmsKeyId, the ARN of a key: specs have passwords in them"),
        ({"encryption": "none"}, "'aws:kms' or 'AES256'"),
        ({"encryption": "AES256"}, "expected no kmsKeyId beside encryption: AES256"),
        *(({each: ...}, "Field required") for each in ("bucket", "region", "cluster", "expectedBucketOwner")),
    ],
)
def test_a_bucket_that_will_not_do_is_refused(changes: dict[str, Any], said: str) -> None:
    written = {key: each for key, each in (BUCKET | changes).items() if each is not ...}
    with pytest.raises(ValidationError, match=re.escape(said)):
        Policy.model_validate(HEAD | {"backups": {"s3": written}})
