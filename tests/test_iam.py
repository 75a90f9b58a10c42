"""What AWS permits the remediator: each call that it makes, in one file each with what needs it, and none besides."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from remediator.policy import Policy

TOP = Path(__file__).parents[1]
IAM = TOP / "manifests" / "iam"
PIPELINE, BACKUPS, RESTORE, DOCTOR = "pipeline-packages.json", "backups-s3.json", "restore-s3.json", "doctor-s3.json"
# What is not the remediator's in the cluster, but somebody's who types a command.
OTHERS = (PIPELINE, RESTORE, DOCTOR)
PAGE = TOP / "docs" / "aws-accounts.md"
ME = "system:serviceaccount:ack-remediator:ack-remediator"

Json = dict[str, Any]


def document(name: str) -> Json:
    found: Json = json.loads((IAM / name).read_text(encoding="utf-8"))
    return found


PERMISSIONS = sorted(each.name for each in IAM.glob("*.json") if not each.name.startswith("trust-"))
TRUST = sorted(each.name for each in IAM.glob("trust-*.json"))


def actions(name: str) -> list[str]:
    """List what a file is about, each as often as it stands there."""
    words = [each["Action"] for each in document(name)["Statement"]]
    return [action for each in words for action in ([each] if isinstance(each, str) else each)]


# Where S3 wants another permission than the call has for a name: both calls can be about a version.
_NEEDS = {
    "s3:HeadObject": ("s3:GetObject", "s3:GetObjectVersion"),
    "s3:GetObject": ("s3:GetObject", "s3:GetObjectVersion"),
    # What S3 asks of KMS in the name of who writes to it.
    "s3:PutObject": ("s3:PutObject", "kms:GenerateDataKey"),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
}


def called() -> set[str]:
    """Find what the calls of AWS's API in the code need: methods that a client of a service has under such a name."""
    session = botocore.session.get_session()
    services = (("lambda", "lambda"), ("sts", "sts"), ("resourcegroupstaggingapi", "tag"), ("s3", "s3"))
    operations = {
        xform_name(operation): f"{prefix}:{operation}"
        for service, prefix in services
        for operation in session.get_service_model(service).operation_names
    }
    sources = [path.read_text(encoding="utf-8") for path in (TOP / "remediator" / "aws").glob("*.py")]
    calls = [each.func for source in sources for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)]
    found = {operations[each.attr] for each in calls if isinstance(each, ast.Attribute) and each.attr in operations}
    return {need for each in found for need in _NEEDS.get(each, (each,))}


def test_every_call_is_permitted_and_nothing_else_is() -> None:
    permitted = {action for name in PERMISSIONS for action in actions(name)}
    assert permitted == called() | {"kms:Decrypt"}, "reading what is encrypted takes kms:Decrypt"


def test_nobody_is_permitted_a_call_twice() -> None:
    for files in ([each for each in PERMISSIONS if each not in OTHERS], *([each] for each in OTHERS)):
        permitted = [action for name in files for action in actions(name)]
        assert len(permitted) == len(set(permitted))


def test_the_least_is_what_functions_need() -> None:
    assert actions("functions.json") == ["lambda:GetFunctionConfiguration", "sts:GetCallerIdentity"]
    assert Policy().aws.call == "GetFunctionConfiguration"


def test_nothing_is_permitted_that_writes_but_backups() -> None:
    for name in PERMISSIONS:
        for action in actions(name):
            allowed = ("lambda:Get", "s3:Get", "sts:GetCallerIdentity", "sts:AssumeRole", "tag:Get")
            more = {BACKUPS: ("s3:PutObject", "kms:GenerateDataKey"), RESTORE: ("s3:ListBucket", "kms:Decrypt")}
            assert action.startswith(allowed) or action in more.get(name, ()), action


def test_a_backup_is_written_once_and_who_writes_it_cannot_read_it() -> None:
    put, *_ = document(BACKUPS)["Statement"]
    assert (put["Action"], put["Condition"]) == ("s3:PutObject", {"Null": {"s3:if-none-match": "false"}})
    assert "kms:Decrypt" not in actions(BACKUPS)
    for name in (BACKUPS, RESTORE):
        for each in document(name)["Statement"]:
            assert "CLUSTER/*" in json.dumps(each) or "kms:ViaService" in json.dumps(each)


def test_what_is_in_s3_is_read_by_a_pipeline_or_a_person() -> None:
    assert {name for name in PERMISSIONS if any(each.startswith("s3:") for each in actions(name))} == {
        PIPELINE,
        BACKUPS,
        RESTORE,
        DOCTOR,
    }
    assert {each.partition(":")[0] for each in actions(PIPELINE)} == {"s3"}


@pytest.mark.parametrize("name", [*PERMISSIONS, *TRUST])
def test_every_file_is_a_policy_that_says_what_each_part_is_for(name: str) -> None:
    policy = document(name)
    assert (set(policy), policy["Version"]) == ({"Version", "Statement"}, "2012-10-17")
    for statement in policy["Statement"]:
        assert statement["Sid"].isalnum()
        assert statement["Effect"] == "Allow"
        assert ("Principal" in statement) == (name in TRUST)
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")


def test_only_who_we_are_and_what_the_account_has_is_asked_of_everything() -> None:
    """Of accounts AWS knows no ARN that could be named, nor of tags."""
    everything = [
        each["Action"] for name in PERMISSIONS for each in document(name)["Statement"] if each["Resource"] == "*"
    ]
    assert everything == ["sts:GetCallerIdentity", "lambda:GetAccountSettings", "tag:GetResources"]


@pytest.mark.parametrize("name", TRUST)
def test_nobody_is_trusted_without_a_condition(name: str) -> None:
    [statement] = document(name)["Statement"]
    [(_, principal)] = statement["Principal"].items()
    assert "*" not in principal
    assert not principal.endswith(":root"), "a whole account"
    assert statement["Condition"]["StringEquals"]
    assert "StringLike" not in statement["Condition"]


def test_it_is_the_shipped_service_account_that_is_trusted() -> None:
    [irsa] = document("trust-irsa.json")["Statement"]
    assert irsa["Condition"]["StringEquals"]["OIDC-PROVIDER:sub"] == ME
    [identity] = document("trust-pod-identity.json")["Statement"]
    tags = identity["Condition"]["StringEquals"]
    *_, namespace, account = ME.split(":")
    assert tags["aws:RequestTag/kubernetes-namespace"] == namespace
    assert tags["aws:RequestTag/kubernetes-service-account"] == account


def test_the_roles_and_the_session_have_the_names_that_the_code_gives_them() -> None:
    [assume] = document("assume-role.json")["Statement"]
    assert assume["Resource"] == f"arn:aws:iam::*:role/{Policy().aws.role_name}"
    [other] = document("trust-other-account.json")["Statement"]
    session = other["Condition"]["StringEquals"]["sts:RoleSessionName"]
    assert f'RoleSessionName="{session}"' in (TOP / "remediator" / "aws" / "clients.py").read_text(encoding="utf-8")
