"""Backups in S3: written once, encrypted, and looked at before anything is done to the object.

Whoever writes them needs no `kms:Decrypt`: S3 itself compares the SHA-256 that was sent with what arrived, and tells it
in its answer. So who takes over the remediator's role can read none of them. People restore, by rights of their own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from remediator.aws.clients import NotAws, Patience, is_aws, said
from remediator.aws.counting import MISSHAPEN, Count, count_nothing
from remediator.aws.s3 import USUAL_CODES, S3Object, s3_client
from remediator.errors import CloudError, InputError
from remediator.model.masking import one_line
from remediator.model.resource import Ref
from remediator.model.saved import why_not_of
from remediator.policy import Aws, S3Section
from remediator.ports import Clock

# The action lock is held meanwhile, and asked for again right after.
_PATIENCE = Patience(connect=3.0, read=7.0, answer=8.0, attempts=2)
_MOST_BYTES = 16 * 1024 * 1024  # no object of an API server is as large
_NO_ACT = "without a backup nothing is done"

_AGAIN = "try again"
_KEY = "look at the key in KMS, or name another as backups.s3.kmsKeyId"
_REGION = "correct backups.s3.region in the policy"
_WRITING = (
    "it takes s3:PutObject, s3:GetObject and kms:GenerateDataKey (manifests/iam/backups-s3.json), the policies of "
    "bucket and key must allow it, and the bucket be of the account that backups.s3.expectedBucketOwner names"
)
_READING = "it takes s3:GetObject, for a version s3:GetObjectVersion, and kms:Decrypt (manifests/iam/restore-s3.json)"
_LISTING = "it takes s3:ListBucket (manifests/iam/restore-s3.json), or the s3://... of a backup"
_ADVICE = {
    "NoSuchBucket": "create it, or correct backups.s3.bucket in the policy",
    "NoSuchKey": "is it spelled as the record has it?",
    "NoSuchVersion": "`aws s3api list-object-versions` lists those that there are",
    "InvalidObjectState": "it is archived: restore it in S3 first",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "KMS.DisabledException": _KEY,
    "KMS.NotFoundException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.InvalidKeyUsageException": _KEY,
    "BadDigest": "does a proxy change what is sent?",
    "NotImplemented": "S3 itself is needed, or what does all of its part",
    "ConditionalRequestConflict": _AGAIN,
    "OperationAborted": _AGAIN,
    "SlowDown": _AGAIN,
    "InternalError": _AGAIN,
    "ServiceUnavailable": _AGAIN,
}


class S3Backups:
    """The Backups port on a bucket: one object for each moment, under a key that nobody has written to before."""

    def __init__(
        self,
        settings: Aws,
        there: S3Section,
        clock: Clock,
        count: Count = count_nothing,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._settings = settings
        self._there = there
        self._clock = clock
        self._count = count
        self._patience = patience

    def save(self, ref: Ref, content: bytes) -> str:
        """Write the object, look at it there, and return its `s3://` name; raise CloudError in any doubt."""
        if why := why_not_of(ref, content):
            raise CloudError(f"cannot save {ref}: {why}; {_NO_ACT}")
        which = S3Object(self._there.bucket, _key(self._there, ref, content, self._clock.now()))
        # A client for each: they are few, days apart, and credentials of a session that ended stay with its clients.
        with _told(f"cannot save {ref} to s3://{which.bucket}/{self._there.folder}", _WRITING, f"; {_NO_ACT}"):
            client = s3_client(self._settings, self._patience, self._there.region, self._count)
            with closing(client):
                if not is_aws(self._settings, endpoint := client.meta.endpoint_url):
                    raise _Refused(f"{endpoint} is not AWS's own, nor is it aws.endpointURL in the policy")
                return str(self._saved(client, which, content))

    def _saved(self, client: Any, which: S3Object, content: bytes) -> S3Object:
        checksum = {"ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode()}
        asked = {"ServerSideEncryption": self._there.encryption.value}
        if self._there.kms_key_id is not None:
            asked["SSEKMSKeyId"] = self._there.kms_key_id
        try:
            answer = client.put_object(
                **which.parameters,
                **checksum,
                **asked,
                Body=content,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
                ExpectedBucketOwner=self._there.expected_bucket_owner,
            )
        except ClientError as error:
            if _code(error) != "PreconditionFailed":
                raise
            # An answer that was lost: content and moment are in the key. That it is the same, S3 says to who may
            # decrypt; to others it says nothing, and the next try is another moment.
            found = self._head(client, which, ChecksumMode="ENABLED")
            _must_be(checksum | asked, found, "there is something else under that key, and nothing is overwritten")
            return which._replace(version=found.get("VersionId"))
        _must_be(checksum | asked, answer, "S3 took it otherwise than it was asked to")
        which = which._replace(version=answer.get("VersionId"))
        looked = self._head(client, which)
        _must_be(asked | {"ContentLength": len(content)}, looked, "it does not lie there as it was written")
        return which

    def _head(self, client: Any, which: S3Object, **more: str) -> dict[str, Any]:
        owner = self._there.expected_bucket_owner
        found: dict[str, Any] = client.head_object(**which.parameters, **more, ExpectedBucketOwner=owner)
        return found


class S3Stored:
    """What people read when they restore; `there` is the policy's bucket, if it has one."""

    def __init__(self, settings: Aws, there: S3Section | None, patience: Patience = _PATIENCE) -> None:
        self._settings = settings
        self._there = there
        self._patience = patience

    def read(self, which: S3Object) -> bytes:
        """Return the object in a backup; raise CloudError where it cannot be read, InputError where it is none.

        S3 tells its SHA-256 with it, and botocore refuses what has another one.
        """
        with _told(f"cannot read {which}", _READING), self._asked(which.bucket) as (client, owner):
            answer = client.get_object(**which.parameters, **owner, ChecksumMode="ENABLED")
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > _MOST_BYTES:
                    raise InputError(f"{which} is far too large for a Function", hint="Name another backup.")
                content: bytes = body.read()
                return content

    def newest(self, namespace: str, name: str) -> tuple[S3Object, int] | None:
        """Find the newest backup of a Function in the policy's bucket, and of how many; None where there is none."""
        if self._there is None:
            return None
        folder = f"{self._there.folder}function/{namespace}/{name}/"
        found: list[str] = []
        bucket, more = self._there.bucket, dict[str, str]()
        with (
            _told(f"cannot look for backups in s3://{bucket}/{folder}", _LISTING),
            self._asked(bucket) as (client, own),
        ):
            while True:
                answer = client.list_objects_v2(Bucket=bucket, Prefix=folder, **own, **more)
                found += [each["Key"] for each in answer.get("Contents", ())]
                if not answer["IsTruncated"]:
                    break
                more = {"ContinuationToken": answer["NextContinuationToken"]}
        if not found:
            return None
        return S3Object(bucket, max(found, key=lambda key: key.rpartition("/")[2])), len(found)

    @contextmanager
    def _asked(self, bucket: str) -> Iterator[tuple[Any, dict[str, str]]]:
        """Open a client for a bucket; whose that must be is known of the policy's own alone."""
        ours = self._there is not None and self._there.bucket == bucket
        region = self._there.region if self._there is not None and ours else None
        owner = {"ExpectedBucketOwner": self._there.expected_bucket_owner} if self._there is not None and ours else {}
        with closing(s3_client(self._settings, self._patience, region)) as client:
            yield client, owner


class _Refused(Exception):
    """What S3 did, or would do, is not what was asked for."""


def _key(there: S3Section, ref: Ref, content: bytes, at: datetime) -> str:
    """Name a backup by object, moment and content, so that each has a key of its own, and the newest is the last."""
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{there.folder}function/{ref.namespace}/{ref.name}/{ref.uid}/{moment}-{digest}.json"


def _must_be(wanted: Mapping[str, object], found: Mapping[str, Any], what: str) -> None:
    """Hold what S3 says against what it was asked for; what it does not say is not so."""
    wrong = [f"{key} is {found.get(key)!r}, not {value!r}" for key, value in wanted.items() if found.get(key) != value]
    if wrong:
        raise _Refused(f"{what}: {', '.join(wrong)}")


@contextmanager
def _told(what: str, rights: str, end: str = "") -> Iterator[None]:
    """Turn whatever goes wrong into one sentence with what to do; no word of the content is in it."""
    try:
        yield
    except ClientError as error:
        advice = rights if (code := _code(error)) == "AccessDenied" else _ADVICE.get(code, "")
        why = one_line(said(error)) + (f"; {advice}" if advice else "")
        raise CloudError(f"{what}: {why}{end}") from error
    except NoCredentialsError as error:
        raise CloudError(
            f"{what}: there are no credentials for AWS: see AWS_PROFILE, IRSA, Pod Identity{end}"
        ) from error
    except (BotoCoreError, OSError, ValueError, _Refused) as error:
        raise CloudError(f"{what}: {one_line(str(error))}{end}") from error
    except (NotAws, *MISSHAPEN) as error:
        raise CloudError(f"{what}: {NotAws()}{end}") from error


def _code(error: ClientError) -> str:
    code = str(error.response.get("Error", {}).get("Code"))
    return USUAL_CODES.get(code, code)
