"""The SHA-256 of a package in S3: S3's own where it is of the whole object, else of what is read; in errors, why."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from remediator.aws import packages
from remediator.aws.clients import Patience
from remediator.aws.packages import Packages
from remediator.aws.s3 import S3Object
from remediator.errors import CloudError, InputError
from remediator.policy import Aws
from remediator.sandbox.cloud import Cloud
from tests.aws.conftest import START
from tests.aws.s3_errors import error
from tests.wire import SILENCE, Answer, Heard, Wire, answer

BUCKET, CONTENT = "packages-of-the-shop", b"a package" * 1000
SUM = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
BRIEF = Patience(connect=1.5, read=1.5, attempts=2)
ZIP = S3Object(BUCKET, "checkout.zip")


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A bucket with versions, and who puts packages into it."""
    from remediator.sandbox.clock import SandboxClock

    with Cloud(SandboxClock()) as cloud, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = boto3.client(
            "s3",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIAPIPELINE",
            aws_secret_access_key="secret-of-the-test",
            config=Config(s3={"addressing_style": "path"}),
        )
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client
        client.close()


def asked(endpoint: str, which: S3Object = ZIP, patience: Patience = BRIEF) -> tuple[str, str]:
    """Ask for a checksum; return it, and what was told on the way."""
    told: list[str] = []
    settings = Aws.model_validate({"endpointURL": endpoint})
    return Packages(settings, patience).checksum(which, told.append), "".join(told)


def endpoint_of(s3: Any) -> str:
    found: str = s3.meta.endpoint_url
    return found


# ---- from S3 itself --------------------------------------------------------------------------------------------------


def test_s3s_own_checksum_is_taken_and_nothing_is_read(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packages, "_read", None)
    s3.put_object(Bucket=BUCKET, Key="own.zip", Body=CONTENT, ChecksumAlgorithm="SHA256")
    assert asked(endpoint_of(s3), S3Object(BUCKET, "own.zip")) == (SUM, "")


@pytest.mark.parametrize("part", [1 << 23, 999, len(CONTENT), 1])
def test_without_one_all_of_it_is_read_which_is_said_before(
    s3: Any, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    content = CONTENT if part > 1 else CONTENT[:20]
    monkeypatch.setattr(packages, "_PART", part)
    s3.put_object(Bucket=BUCKET, Key="none.zip", Body=content)
    found, told = asked(endpoint_of(s3), S3Object(BUCKET, "none.zip"))
    assert found == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert told == f"s3://{BUCKET}/none.zip: S3 has no SHA-256: all of it is read, 0.0 MB"


def test_the_checksum_of_parts_is_not_taken_for_that_of_the_whole(s3: Any) -> None:
    key, parts, content = "parts.zip", [], [b"x" * 5 * 2**20, b"y" * 1000]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    for number, each in enumerate(content, 1):
        made = s3.upload_part(
            Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=each, ChecksumAlgorithm="SHA256"
        )
        parts.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumSHA256": made["ChecksumSHA256"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    stated = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")["ChecksumSHA256"]
    whole = base64.b64encode(hashlib.sha256(b"".join(content)).digest()).decode()
    assert stated != whole, "else nothing is tried here"
    found, told = asked(endpoint_of(s3), S3Object(BUCKET, key))
    assert found == whole
    assert "S3 has a SHA-256 of its parts only: all of it is read, 5.2 MB" in told


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"x_amz_checksum_sha256": SUM}, True),
        ({"x_amz_checksum_sha256": SUM, "x_amz_checksum_type": "FULL_OBJECT"}, True),
        ({"x_amz_checksum_sha256": SUM, "x_amz_checksum_type": "FULL_OBJECT", "ETag": '"abc-3"'}, True),
        ({"x_amz_checksum_sha256": SUM, "x_amz_checksum_type": "COMPOSITE"}, False),
        ({"x_amz_checksum_sha256": f"{SUM}-3"}, False),
        ({"x_amz_checksum_sha256": f"{SUM}-3", "x_amz_checksum_type": "COMPOSITE"}, False),
        ({"x_amz_checksum_sha256": SUM, "ETag": '"abc-3"'}, False),
        ({"x_amz_checksum_sha256": "nonsense"}, False),
        ({"x_amz_checksum_crc32": "NhCmhg=="}, False),
    ],
)
def test_only_what_is_of_the_whole_object_is_taken(headers: dict[str, Any], is_taken: bool) -> None:
    with Wire(head(**headers), part(b"other")) as wire:
        found, _ = asked(wire.url)
    assert (found == SUM, len(wire.heard)) == (is_taken, 1 if is_taken else 2)


def test_a_version_is_asked_for_by_its_id(s3: Any) -> None:
    first = s3.put_object(Bucket=BUCKET, Key="v.zip", Body=CONTENT, ChecksumAlgorithm="SHA256")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="v.zip", Body=b"newer", ChecksumAlgorithm="SHA256")
    assert asked(endpoint_of(s3), S3Object(BUCKET, "v.zip", first))[0] == SUM
    assert asked(endpoint_of(s3), S3Object(BUCKET, "v.zip"))[0] != SUM


def head(size: int = 5, **headers: Any) -> bytes:
    """Answer HeadObject for an object of so many bytes."""
    date = format_datetime(START, usegmt=True)
    given = {"ETag": '"abc"', "Last-Modified": date} | {key.replace("_", "-"): each for key, each in headers.items()}
    return answer(200, length=size, **given)


def part(content: bytes, **more: Any) -> bytes:
    return answer(206, content.decode(), ETag='"abc"', **more)


def test_while_it_is_read_it_stays_the_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_PART", 3)
    with Wire(head(x_amz_version_id="v1"), part(b"oth"), part(b"er")) as wire:
        found, _ = asked(wire.url)
    assert found == base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    first, second = wire.heard[1:]
    assert [each.headers["range"] for each in (first, second)] == ["bytes=0-2", "bytes=3-4"]
    assert {each.headers["if-match"] for each in (first, second)} == {'"abc"'}
    assert {each.query["versionId"] for each in (first, second)} == {"v1"}


def test_a_part_that_breaks_off_is_read_again() -> None:
    with Wire(head(), part(b"ot", length=5), part(b"other")) as wire:
        assert asked(wire.url)[0] == base64.b64encode(hashlib.sha256(b"other").digest()).decode()


# ---- refused ---------------------------------------------------------------------------------------------------------


def refused(*answers: Answer, which: S3Object = ZIP, patience: Patience = BRIEF) -> CloudError:
    with Wire(*answers) as wire, pytest.raises(CloudError) as why:
        asked(wire.url, which, patience)
    assert why.value.message.startswith(f"{which}: ")
    return why.value


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "AccessDenied", "Who may not s3:ListBucket is told the same of an object that is not there."),
        (404, "NoSuchBucket", "Is it the right account"),
        (404, "NoSuchKey", "Was it uploaded"),
        (404, "NoSuchVersion", "list-object-versions"),
        (400, "ExpiredToken", ""),
        (403, "InvalidObjectState", "It is archived"),
    ],
)
def test_what_s3_refuses_is_told_in_its_words_with_what_to_do(status: int, code: str, hint: str) -> None:
    why = refused(error(status, code))
    assert f"GetObject was answered {code}: so it is" in why.message
    assert hint in why.hint
    assert ("renew its credentials" in why.message) == (code == "ExpiredToken")


def test_a_refusal_without_words_is_told_all_the_same() -> None:
    why = refused(answer(403, ""))
    assert "was answered 403: " in why.message
    assert "s3:GetObject" in why.hint


def test_what_may_be_read_but_not_looked_at_is_not_read_in_secret() -> None:
    def told(heard: Heard) -> bytes:
        return answer(403, "") if heard.method == "HEAD" else part(b"o")

    assert "HeadObject was answered 403" in refused(told).message


def test_an_object_that_is_overwritten_while_it_is_read_is_told() -> None:
    why = refused(head(), error(412, "PreconditionFailed"))
    assert "PreconditionFailed" in why.message
    assert "?versionId=" in why.hint


def test_a_bucket_of_another_region_is_asked_there() -> None:
    moved = answer(301, "", x_amz_bucket_region="eu-west-1")
    with Wire(moved, head(x_amz_checksum_sha256=SUM)) as wire:
        assert asked(wire.url)[0] == SUM
    assert "/eu-west-1/s3/" in wire.heard[-1].headers["authorization"]


@pytest.mark.parametrize(
    "answers",
    [
        [SILENCE],
        [head(), SILENCE],
        [head(), part(b"ot", length=5)],
        [head(), answer(200, "more than was asked for")],
        [answer(200, "", length=5)],
        [answer(500, "")],
    ],
)
def test_what_is_no_clear_answer_is_told(answers: list[Answer]) -> None:
    why = refused(*answers, patience=Patience(connect=0.3, read=0.3, answer=0.5, attempts=2))
    for python in ("Error(", "0x", "Traceback", "urllib3"):
        assert python not in why.message
    assert len(why.message.splitlines()) == 1


def test_an_empty_object_is_no_package() -> None:
    with Wire(head(0)) as wire, pytest.raises(InputError, match="is empty, and no package"):
        asked(wire.url)


def test_without_credentials_it_says_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Wire(head()) as wire, pytest.raises(CloudError) as why:
        asked(wire.url)
    assert "there are no credentials" in why.value.message
    assert "AWS_PROFILE" in why.value.hint
    assert wire.heard == []


def test_a_config_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "no region")
    with pytest.raises(CloudError, match="S3 cannot be asked: "):
        Packages(Aws())
