"""Backups in the bucket that the policy names: before the act or there is none, read by `restore`, seen by `doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests import yaml_files
from tests.cli.shop import CONTEXT, FINALIZER, SECRET, Result, Shop

BUCKET, KEY = "backups-of-the-shop", "arn:aws:kms:us-east-1:123456789012:key/0a1b"
FOLDER = "ack-remediator/eu1/function/shop/archive/"
DEFINITION = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"
YES = f"{CONTEXT}\n"
ELSEWHERE = {"services.k8s.aws/region": "eu-west-1"}
POLICY = f"""\
breaker: {{percent: 100}}
backups:
  s3: {{bucket: {BUCKET}, region: us-east-1, cluster: eu1, expectedBucketOwner: "123456789012", kmsKeyId: "{KEY}"}}
"""


@pytest.fixture
def s3(empty_shop: Shop) -> Iterator[Any]:
    """A person at S3, where there is no bucket yet."""
    empty_shop.write_policy(POLICY)
    client = boto3.client(
        "s3",
        endpoint_url=empty_shop.cloud.endpoint,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    yield client
    # Moto's buckets are the process's.
    if BUCKET in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        for each in client.list_object_versions(Bucket=BUCKET).get("Versions", ()):
            client.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])
        client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture
def bucket(s3: Any) -> Any:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return s3


def adrift(shop: Shop) -> None:
    """Leave an object behind whose function is gone, and which ACK does not look at: its region was changed."""
    shop.controller()
    shop.left(annotations=ELSEWHERE)


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def files(shop: Shop) -> list[Path]:
    return list((shop.directory / "home").rglob("*archive*.json"))


def said(result: Result) -> str:
    return " ".join(result.err.split())


def test_it_is_in_the_bucket_before_the_object_goes_and_nowhere_else(empty_shop: Shop, bucket: Any) -> None:
    adrift(empty_shop)
    before = empty_shop.stored("archive")
    told = empty_shop("clear-finalizer", "archive", typed=YES, columns=300)
    assert told.code == 0, told.err
    assert not empty_shop.is_there("archive")
    [key] = keys(bucket)
    assert key.startswith(f"{FOLDER}{before['metadata']['uid']}/")
    found = bucket.get_object(Bucket=BUCKET, Key=key)
    assert json.loads(found["Body"].read()) == before
    assert found["SSEKMSKeyId"] == KEY
    assert f"The object as it was: s3://{BUCKET}/{key}?versionId={found['VersionId']}" in said(told)
    assert files(empty_shop) == []


def test_the_record_names_it(empty_shop: Shop, bucket: Any) -> None:
    adrift(empty_shop)
    empty_shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
    empty_shop.api.seed(yaml_files.read(DEFINITION))
    uid = empty_shop.stored("archive")["metadata"]["uid"]
    told = empty_shop("clear-finalizer", "archive", typed=YES, columns=300)
    assert told.code == 0, told.err
    record = empty_shop.api.stored(
        "ack-remediator.dev/v1alpha1", "Remediation", "ack-remediator", f"function-{uid.lower()}"
    )
    [attempt] = record["status"]["attempts"]
    [key] = keys(bucket)
    assert attempt["backup"].startswith(f"s3://{BUCKET}/{key}?versionId=")
    assert attempt["backup"] in empty_shop("history", "function/archive", "-o", "json", policy=False).out


def test_without_the_bucket_nothing_is_done(empty_shop: Shop, s3: Any) -> None:
    adrift(empty_shop)
    before = empty_shop.stored("archive")
    told = empty_shop("clear-finalizer", "archive", typed=YES, columns=300)
    assert f"cannot save Function shop/archive to s3://{BUCKET}/ack-remediator/eu1/: PutObject was answered" in said(
        told
    )
    assert "NoSuchBucket" in told.err
    assert "correct backups.s3.bucket in the policy; without a backup nothing is done" in said(told)
    assert empty_shop.stored("archive") == before
    assert empty_shop.stored("archive")["metadata"]["finalizers"] == [FINALIZER]
    assert files(empty_shop) == [], "a bucket that fails leaves no passwords on this machine"


def test_files_come_on_top_and_not_in_its_place(empty_shop: Shop, bucket: Any, tmp_path: Path) -> None:
    adrift(empty_shop)
    directory = tmp_path / "mine"
    told = empty_shop("clear-finalizer", "archive", "--backups", str(directory), typed=YES, columns=300)
    assert told.code == 0, told.err
    assert len(keys(bucket)) == len(list(directory.iterdir())) == 1
    assert f"The object as it was: s3://{BUCKET}/" in said(told)


def test_files_alone_are_not_enough(empty_shop: Shop, s3: Any, tmp_path: Path) -> None:
    adrift(empty_shop)
    told = empty_shop("clear-finalizer", "archive", "--backups", str(tmp_path / "mine"), typed=YES, columns=300)
    assert "without a backup nothing is done" in said(told)
    assert empty_shop.stored("archive")["metadata"]["finalizers"] == [FINALIZER]


@pytest.mark.parametrize("named", ["by its reference", "by its key", "by the function"])
def test_it_is_restored_from_there(empty_shop: Shop, bucket: Any, named: str) -> None:
    adrift(empty_shop)
    before = empty_shop.stored("archive")
    assert empty_shop("clear-finalizer", "archive", typed=YES).code == 0
    [key] = keys(bucket)
    version = bucket.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    what = {
        "by its reference": f"s3://{BUCKET}/{key}?versionId={version}",
        "by its key": f"s3://{BUCKET}/{key}",
        "by the function": "function/archive",
    }[named]
    told = empty_shop("restore", what, typed=YES, columns=300)
    assert told.code == 0, told.err
    now = empty_shop.stored("archive")
    assert now["spec"] == before["spec"]
    assert now["metadata"]["uid"] != before["metadata"]["uid"]
    assert (f"Backup s3://{BUCKET}/{key}: the newest of 1" in said(told)) == (named == "by the function")


def test_what_is_not_in_the_bucket_may_be_a_secret(empty_shop: Shop, bucket: Any) -> None:
    told = empty_shop("restore", "function/archive", typed=YES, columns=300)
    assert told.code == 2
    assert "there is no backup of Function shop/archive in namespace ack-remediator" in said(told)


@pytest.mark.parametrize("named", [f"s3://{BUCKET}/nothing.json", f"s3://{BUCKET}/a?versionId=null"])
def test_what_is_not_there_is_told(empty_shop: Shop, bucket: Any, named: str) -> None:
    told = empty_shop("restore", named, typed=YES, columns=300)
    assert told.code == 1
    assert f"cannot read {named}: GetObject was answered NoSuch" in said(told)


def test_what_names_no_object_is_refused(empty_shop: Shop, bucket: Any) -> None:
    told = empty_shop("restore", "s3://backups", typed=YES, columns=300)
    assert told.code == 2
    assert "'s3://backups' names no object of S3" in said(told)


def test_what_others_put_there_is_no_function(empty_shop: Shop, bucket: Any) -> None:
    bucket.put_object(Bucket=BUCKET, Key="planted.json", Body=f'{{"kind": "Secret", "x": "{SECRET}"}}'.encode())
    told = empty_shop("restore", f"s3://{BUCKET}/planted.json", typed=YES, columns=300)
    assert told.code == 2
    assert "is no Function of ACK" in said(told)


# ---- doctor ----------------------------------------------------------------------------------------------------------


def checks(result: Result) -> dict[str, str]:
    found = json.loads(result.out)["checks"]
    return {each["said"]: each["level"] for each in found if each["area"] == "backups"}


def test_the_doctor_says_how_the_bucket_is_kept(empty_shop: Shop, bucket: Any) -> None:
    before = checks(empty_shop("doctor", "-o", "json"))
    there = f"s3://{BUCKET}"
    assert before == {
        f"{there}: public access is not blocked by the bucket itself": "warning",
        f"{there}: keeps versions": "ok",
        f"{there}: has no default retention: who may delete versions there may delete backups": "note",
    }
    every = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    bucket.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(every, True))
    bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    empty_shop.write_policy(POLICY.replace(f'kmsKeyId: "{KEY}"', "encryption: AES256"))
    after = checks(empty_shop("doctor", "-o", "json"))
    assert after[f"{there}: public access is blocked"] == "ok"
    assert after[f"{there}: keeps no versions: what is deleted there is gone"] == "warning"
    alone = f"{there}: backups are encrypted by S3 alone: whoever may read objects there reads passwords"
    assert after[alone] == "warning"


def test_a_bucket_with_retention_is_told(empty_shop: Shop, s3: Any) -> None:
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
    s3.put_object_lock_configuration(
        Bucket=BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    assert checks(empty_shop("doctor", "-o", "json"))[f"s3://{BUCKET}: what is written there is locked"] == "ok"


def test_a_bucket_that_is_not_there_is_a_failure(empty_shop: Shop, s3: Any) -> None:
    [(said_of_it, level)] = checks(empty_shop("doctor", "-o", "json")).items()
    assert level == "failure"
    assert "NoSuchBucket" in said_of_it


def test_without_a_bucket_in_the_policy_the_doctor_says_nothing_of_one(empty_shop: Shop) -> None:
    assert checks(empty_shop("doctor", "-o", "json")) == {}
