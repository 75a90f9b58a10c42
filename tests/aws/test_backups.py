"""Backups in S3: whole, written once, encrypted, looked at; and whatever goes wrong is one sentence with what to do."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from remediator.aws.backups import S3Backups, S3Stored
from remediator.aws.clients import Patience
from remediator.aws.s3 import S3Object, s3_object
from remediator.errors import CloudError, InputError, RemediatorError
from remediator.model.resource import Ref
from remediator.policy import Aws, S3Section
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import FakeClock
from tests.aws.s3_errors import error
from tests.builders import function
from tests.wire import SILENCE, Answer, Wire, answer

BUCKET, KEY = "backups-of-the-adapter", "arn:aws:kms:us-east-1:123456789012:key/0a1b"
UID, SECRET = "0a1b2c3d-aaaa-bbbb-cccc-0123456789ab", "correct-horse-battery"
REF = Ref("shop", "checkout", UID)
CONTENT = json.dumps(
    function(metadata={"uid": UID}, spec={"environment": {"variables": {"PASSWORD": SECRET}}})
).encode()
SUM = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
PLACE = {
    "bucket": BUCKET,
    "region": "us-east-1",
    "expectedBucketOwner": "123456789012",
    "cluster": "prod",
    "kmsKeyId": KEY,
}
THERE = S3Section.model_validate(PLACE)
PLAIN = S3Section.model_validate({**PLACE, "kmsKeyId": None, "encryption": "AES256"})
BRIEF = Patience(connect=1.5, read=1.5, attempts=1)
OBJECT = f"ack-remediator/prod/function/shop/checkout/{UID}/20261121T120000000000Z-"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A bucket with versions, and a person who may do anything with it."""
    from remediator.sandbox.clock import SandboxClock

    with Cloud(SandboxClock()) as cloud, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = boto3.client(
            "s3",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIAPERSON",
            aws_secret_access_key="secret-of-the-test",
            config=Config(s3={"addressing_style": "path"}),
        )
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client
        client.close()


def aws(endpoint: str | None) -> Aws:
    return Aws.model_validate({"endpointURL": endpoint})


def backups(endpoint: str | None, there: S3Section = THERE, patience: Patience = BRIEF) -> S3Backups:
    return S3Backups(aws(endpoint), there, FakeClock(), patience=patience)


def versions(s3: Any) -> list[str]:
    found = s3.list_object_versions(Bucket=BUCKET).get("Versions", ())
    return [each["Key"] for each in found]


@pytest.fixture
def emptied(s3: Any) -> Any:
    for each in s3.list_object_versions(Bucket=BUCKET).get("Versions", ()):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])
    return s3


# ---- written ---------------------------------------------------------------------------------------------------------


def test_the_whole_object_lies_there_encrypted_and_its_name_leads_to_it(emptied: Any) -> None:
    reference = backups(emptied.meta.endpoint_url).save(REF, CONTENT)
    which = s3_object(reference)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (which.bucket, which.key) == (BUCKET, f"{OBJECT}{digest[:16]}.json")
    assert which.version
    found = emptied.get_object(**which.parameters, ChecksumMode="ENABLED")
    assert found["Body"].read() == CONTENT
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KEY)
    assert found["ChecksumSHA256"] == SUM


def test_without_a_key_it_is_s3_that_encrypts(emptied: Any) -> None:
    which = s3_object(backups(emptied.meta.endpoint_url, PLAIN).save(REF, CONTENT))
    found = emptied.head_object(**which.parameters)
    assert found["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in found


def test_the_same_in_the_same_moment_is_there_once(emptied: Any) -> None:
    """As where the answer to the first try was lost."""
    kept = backups(emptied.meta.endpoint_url)
    assert kept.save(REF, CONTENT) == kept.save(REF, CONTENT)
    assert len(versions(emptied)) == 1


@pytest.mark.parametrize("other", ["other content", "other key", "no checksum"])
def test_what_is_there_is_never_overwritten(emptied: Any, other: str) -> None:
    key = f"{OBJECT}{hashlib.sha256(CONTENT).hexdigest()[:16]}.json"
    more: dict[str, Any] = {
        "ChecksumAlgorithm": "SHA256",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": KEY,
        "Body": CONTENT,
    }
    if other == "other content":
        more["Body"] = b"planted"
    elif other == "other key":
        more["SSEKMSKeyId"] = "arn:aws:kms:us-east-1:666666666666:key/theirs"
    else:
        more["ChecksumAlgorithm"] = "CRC32"
    emptied.put_object(Bucket=BUCKET, Key=key, **more)
    with pytest.raises(CloudError) as refused:
        backups(emptied.meta.endpoint_url).save(REF, CONTENT)
    assert "there is something else under that key, and nothing is overwritten" in refused.value.message
    assert len(versions(emptied)) == 1
    assert emptied.get_object(Bucket=BUCKET, Key=key)["Body"].read() == more["Body"]


def test_each_moment_and_each_content_has_a_key_of_its_own(emptied: Any) -> None:
    clock = FakeClock()
    kept = S3Backups(aws(emptied.meta.endpoint_url), THERE, clock, patience=BRIEF)
    kept.save(REF, CONTENT)
    kept.save(REF, CONTENT + b" ")
    clock.sleep(0.001)
    last = kept.save(REF, CONTENT)
    assert len(set(versions(emptied))) == 3
    assert max(versions(emptied), key=lambda key: key[: len(OBJECT)]) in last


@pytest.mark.parametrize("raw", [json.dumps(function()).encode(), b"{}", b"[]", b"<html>", b"\xff"])
def test_another_object_than_the_one_meant_is_no_backup_and_nothing_is_asked(raw: bytes) -> None:
    with Wire(answer(200)) as wire:
        with pytest.raises(RemediatorError, match="without a backup nothing is done"):
            backups(wire.url).save(REF, raw)
        assert wire.heard == []


# ---- what is asked ---------------------------------------------------------------------------------------------------

TAKEN = {
    "ETag": '"abc"',
    "x_amz_checksum_sha256": SUM,
    "x_amz_server_side_encryption": "aws:kms",
    "x_amz_server_side_encryption_aws_kms_key_id": KEY,
    "x_amz_version_id": "v1",
}
LOOKED = {key: each for key, each in TAKEN.items() if "checksum" not in key}


def taken(**changes: str | None) -> bytes:
    headers: dict[str, Any] = {key: each for key, each in (TAKEN | changes).items() if each is not None}
    return answer(200, **headers)


def looked(length: int = len(CONTENT), **changes: str | None) -> bytes:
    headers: dict[str, Any] = {key: each for key, each in (LOOKED | changes).items() if each is not None}
    return answer(200, length=length, **headers)


def test_it_is_asked_to_be_written_once_and_checked_and_encrypted() -> None:
    with Wire(taken(), looked()) as wire:
        reference = backups(wire.url).save(REF, CONTENT)
    put, head = wire.heard
    assert reference == f"s3://{BUCKET}{put.path.removeprefix(f'/{BUCKET}')}?versionId=v1"
    assert (put.method, put.body) == ("PUT", CONTENT)
    said = {
        name: put.headers[name] for name in put.headers if name.startswith(("x-amz-server", "x-amz-checksum", "if-"))
    }
    assert said == {
        "if-none-match": "*",
        "x-amz-checksum-sha256": SUM,
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KEY,
    }
    assert (head.method, head.path, head.query) == ("HEAD", put.path, {"versionId": "v1"})
    for each in (put, head):
        assert each.headers["x-amz-expected-bucket-owner"] == "123456789012"
        assert "/us-east-1/s3/" in each.headers["authorization"]
    assert "x-amz-checksum-mode" not in head.headers, "that takes kms:Decrypt, and with it backups could be read"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([taken(x_amz_checksum_sha256=None)], "S3 took it otherwise than it was asked to: ChecksumSHA256 is None"),
        ([taken(x_amz_checksum_sha256="b3RoZXI=")], "ChecksumSHA256 is 'b3RoZXI='"),
        ([taken(x_amz_server_side_encryption="AES256")], "ServerSideEncryption is 'AES256', not 'aws:kms'"),
        ([taken(x_amz_server_side_encryption=None)], "ServerSideEncryption is None"),
        ([taken(x_amz_server_side_encryption_aws_kms_key_id="other")], "SSEKMSKeyId is 'other'"),
        ([taken(), looked(3)], "it does not lie there as it was written: ContentLength is 3"),
        ([taken(), looked(x_amz_server_side_encryption=None)], "ServerSideEncryption is None"),
        ([taken(), looked(x_amz_server_side_encryption_aws_kms_key_id="other")], "SSEKMSKeyId is 'other'"),
    ],
)
def test_what_is_not_as_it_was_asked_for_is_no_backup(answers: list[Answer], why: str) -> None:
    assert why in refused(*answers).message


def test_a_bucket_without_versions_will_do() -> None:
    with Wire(taken(x_amz_version_id=None), looked(x_amz_version_id=None)) as wire:
        assert backups(wire.url).save(REF, CONTENT).endswith(".json")


def test_every_request_is_counted() -> None:
    counted: list[tuple[str, str]] = []
    with Wire(taken(), looked()) as wire:
        S3Backups(aws(wire.url), THERE, FakeClock(), lambda *each: counted.append(each), BRIEF).save(REF, CONTENT)
    assert counted == [("PutObject", "ok"), ("HeadObject", "ok")]


# ---- refused ---------------------------------------------------------------------------------------------------------


def refused(*answers: Answer, patience: Patience = BRIEF) -> CloudError:
    with Wire(*answers) as wire, pytest.raises(CloudError) as why:
        backups(wire.url, patience=patience).save(REF, CONTENT)
    message = why.value.message
    assert message.startswith(f"cannot save Function shop/checkout to s3://{BUCKET}/ack-remediator/prod/: ")
    assert message.endswith("; without a backup nothing is done")
    assert SECRET not in str(why.value)
    return why.value


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AccessDenied", "it takes s3:PutObject, s3:GetObject and kms:GenerateDataKey"),
        (404, "NoSuchBucket", "correct backups.s3.bucket"),
        (400, "AuthorizationHeaderMalformed", "correct backups.s3.region"),
        (400, "KMS.DisabledException", "look at the key in KMS"),
        (400, "KMS.NotFoundException", "name another as backups.s3.kmsKeyId"),
        (400, "KMS.KMSInvalidStateException", "look at the key in KMS"),
        (409, "ConditionalRequestConflict", "try again"),
        (503, "SlowDown", "try again"),
        (400, "BadDigest", "does a proxy change"),
        (400, "ExpiredToken", "renew its credentials"),
    ],
)
def test_what_s3_refuses_is_told_with_what_to_do(status: int, code: str, advice: str) -> None:
    why = refused(error(status, code))
    assert f"PutObject was answered {code}: so it is" in why.message
    assert advice in why.message


def test_a_bucket_of_another_region_is_written_to_there() -> None:
    moved = answer(301, "", x_amz_bucket_region="eu-west-1")
    with Wire(moved, taken(), looked()) as wire:
        backups(wire.url).save(REF, CONTENT)
    assert "/eu-west-1/s3/" in wire.heard[-1].headers["authorization"]


def test_a_bucket_of_nobody_knows_which_region_is_told() -> None:
    why = refused(error(301, "PermanentRedirect"), answer(403, ""))
    assert "PutObject was answered PermanentRedirect: so it is" in why.message
    assert "correct backups.s3.region" in why.message


def test_what_may_be_written_but_not_looked_at_is_no_backup() -> None:
    why = refused(taken(), answer(403, ""))
    assert "HeadObject was answered 403" in why.message
    assert "it takes s3:PutObject, s3:GetObject" in why.message


def test_what_is_there_already_and_may_not_be_decrypted_is_no_backup() -> None:
    why = refused(error(412, "PreconditionFailed"), answer(403, ""))
    assert "HeadObject was answered 403" in why.message


def test_what_was_taken_though_its_answer_was_lost_is_a_backup() -> None:
    found = looked(x_amz_checksum_sha256=SUM)
    with Wire(SILENCE, error(412, "PreconditionFailed"), found) as wire:
        reference = backups(wire.url, patience=Patience(connect=0.5, read=0.5, attempts=2)).save(REF, CONTENT)
    assert reference.endswith("?versionId=v1")
    assert [each.method for each in wire.heard] == ["PUT", "PUT", "HEAD"]
    assert wire.heard[-1].headers["x-amz-checksum-mode"] == "ENABLED"


@pytest.mark.parametrize(
    "answers", [[SILENCE], [answer(500, "")], [answer(200, "<html>", ETag='"a"')], [taken(), SILENCE]]
)
def test_what_is_no_clear_answer_is_no_backup(answers: list[Answer]) -> None:
    why = refused(*answers, patience=Patience(connect=0.3, read=0.3, answer=0.5, attempts=1))
    assert len(why.message.splitlines()) == 1
    for python in ("Traceback", "0x", "urllib3"):
        assert python not in why.message


def test_words_of_aws_stay_in_one_line() -> None:
    assert "so it is" in refused(error(403, "AccessDenied", "so\n  it\tis")).message


def test_an_endpoint_that_the_policy_does_not_name_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(taken()) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        with pytest.raises(CloudError, match=r"is not AWS's own, nor is it aws\.endpointURL in the policy"):
            backups(None).save(REF, CONTENT)
        assert wire.heard == []


def test_without_credentials_it_says_where_they_may_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    why = refused(taken())
    assert "there are no credentials for AWS: see AWS_PROFILE" in why.message


# ---- read ------------------------------------------------------------------------------------------------------------


def test_what_was_saved_is_read_by_the_name_that_a_record_has(emptied: Any) -> None:
    endpoint = emptied.meta.endpoint_url
    reference = backups(endpoint).save(REF, CONTENT)
    for there in (THERE, None):
        assert S3Stored(aws(endpoint), there, BRIEF).read(s3_object(reference)) == CONTENT


def test_the_newest_is_found_among_those_of_one_function(emptied: Any) -> None:
    clock, endpoint = FakeClock(), emptied.meta.endpoint_url
    kept, stored = S3Backups(aws(endpoint), THERE, clock, patience=BRIEF), S3Stored(aws(endpoint), THERE, BRIEF)
    assert stored.newest("shop", "checkout") is None
    again = "00000000-made-again-after-the-restore"
    for uid in (UID, again):
        clock.sleep(60)
        last = kept.save(Ref("shop", "checkout", uid), CONTENT.replace(UID.encode(), uid.encode()))
    clock.sleep(60)
    kept.save(Ref("shop", "checkout-2", UID), CONTENT)
    which = s3_object(last)
    assert stored.newest("shop", "checkout") == (which._replace(version=None), 2)
    assert S3Stored(aws(endpoint), None).newest("shop", "checkout") is None


def listed(*keys: str, more: str = "") -> bytes:
    rest = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    whole = rest or "<IsTruncated>false</IsTruncated>"
    return answer(200, f"<ListBucketResult>{whole}{contents}</ListBucketResult>", kind="application/xml")


def test_all_pages_of_a_list_are_read() -> None:
    with Wire(listed("a/u/2", "a/v/1", more="next"), listed("a/w/3")) as wire:
        found = S3Stored(aws(wire.url), THERE, BRIEF).newest("shop", "checkout")
    assert found == (S3Object(BUCKET, "a/w/3"), 3)
    first, second = wire.heard
    assert first.query["prefix"] == "ack-remediator/prod/function/shop/checkout/"
    assert second.query["continuation-token"] == "next"
    assert {each.headers["x-amz-expected-bucket-owner"] for each in wire.heard} == {"123456789012"}


def test_who_may_not_list_can_name_one() -> None:
    with Wire(error(403, "AccessDenied")) as wire, pytest.raises(CloudError) as why:
        S3Stored(aws(wire.url), THERE, BRIEF).newest("shop", "checkout")
    assert "it takes s3:ListBucket" in why.value.message


def test_another_bucket_than_the_policys_may_be_anybodys() -> None:
    with Wire(answer(200, "{}", ETag='"a"')) as wire:
        assert S3Stored(aws(wire.url), THERE, BRIEF).read(S3Object("elsewhere", "a.json")) == b"{}"
    assert "x-amz-expected-bucket-owner" not in wire.heard[0].headers


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AccessDenied", "it takes s3:GetObject, for a version s3:GetObjectVersion, and kms:Decrypt"),
        (404, "NoSuchKey", "is it spelled as the record has it?"),
        (404, "NoSuchVersion", "list-object-versions"),
        (403, "InvalidObjectState", "it is archived"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_do(status: int, code: str, advice: str) -> None:
    with Wire(error(status, code)) as wire, pytest.raises(CloudError) as why:
        S3Stored(aws(wire.url), THERE, BRIEF).read(S3Object(BUCKET, "a.json", "v1"))
    assert f"cannot read s3://{BUCKET}/a.json?versionId=v1: GetObject was answered {code}" in why.value.message
    assert advice in why.value.message


def test_what_is_not_what_was_written_is_not_read() -> None:
    with Wire(answer(200, "{}", ETag='"a"', x_amz_checksum_sha256=SUM)) as wire, pytest.raises(CloudError) as why:
        S3Stored(aws(wire.url), THERE, BRIEF).read(S3Object(BUCKET, "a.json"))
    assert "checksum" in why.value.message


def test_what_is_far_too_large_is_not_read() -> None:
    with Wire(answer(200, "{}", length=1 << 30, ETag='"a"')) as wire, pytest.raises(InputError, match="far too large"):
        S3Stored(aws(wire.url), THERE, BRIEF).read(S3Object(BUCKET, "a.json"))
