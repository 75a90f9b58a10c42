"""What a policy would allow, in words."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.policy import Policy
from remediator.policy.summary import summary

LIMITS = "At most 5 actions a run, 20 a day, 1 at a time in a namespace; none when more than 20 % or 25 are stuck."


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {},
            "Dry-run: shows what it would do, and changes nothing unless a person at the terminal approves.",
        ),
        ({"mode": "approve"}, "Does Resync, Release and ClearFinalizer once a person approved."),
        ({"mode": "auto"}, "Does Resync by itself; does Release and ClearFinalizer once a person approved."),
        (
            {"mode": "auto", "actions": {"ClearFinalizer": {"mode": "dry-run"}}},
            "Does Resync by itself; does Release once a person approved; never does ClearFinalizer.",
        ),
        (
            {"mode": "approve", "actions": {"RestartController": {"mode": "approve"}}},
            "Does Resync, Release, ClearFinalizer and RestartController once a person approved.",
        ),
        (
            {"mode": "auto", "findings": {"UpdateFailed": {"mode": "approve"}}},
            "Does Resync by itself; does Release and ClearFinalizer once a person approved; "
            "has ceilings of their own for UpdateFailed.",
        ),
    ],
)
def test_what_a_policy_would_allow(keys: dict[str, Any], said: str) -> None:
    assert summary(Policy.model_validate(keys)) == f"{said} {LIMITS}"


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ({"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/0a1b"}, "with a KMS key"),
        ({"encryption": "AES256", "prefix": "ack"}, "without a KMS key"),
    ],
)
def test_where_objects_are_saved(more: dict[str, str], how: str) -> None:
    there = {"bucket": "backups", "region": "eu-west-1", "cluster": "prod", "expectedBucketOwner": "123456789012"}
    said = summary(Policy.model_validate({"backups": {"s3": there | more}}))
    folder = more.get("prefix", "ack-remediator")
    assert said.endswith(f"{LIMITS} Saves objects to s3://backups/{folder}/prod/ first, encrypted {how}.")
