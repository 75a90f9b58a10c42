"""Objects of S3: how they are named, and who asks for them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError

from remediator.aws.clients import Patience, bound, config, own_session
from remediator.aws.counting import Count, count_nothing
from remediator.errors import CloudError, UsageError
from remediator.policy import Aws

_VERSION = re.compile(r"\?versionId=", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")

# What S3 says in the body of an answer, by the status alone: HEAD has none.
USUAL_CODES = {"403": "AccessDenied", "404": "NoSuchKey", "412": "PreconditionFailed", "301": "PermanentRedirect"}


class S3Object(NamedTuple):
    """Where an object is; without a version: the newest one."""

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" + (f"?versionId={self.version}" if self.version else "")

    @property
    def parameters(self) -> dict[str, str]:
        """As S3's calls take it."""
        return {"Bucket": self.bucket, "Key": self.key} | ({"VersionId": self.version} if self.version else {})


def s3_object(url: str) -> S3Object:
    """Read `s3://bucket/key`, and `?versionId=ID` behind it. The key is taken as it is. Raise UsageError."""
    *before, last = _VERSION.split(url)
    where, version = ("?versionId=".join(before), last) if before else (last, None)
    bucket, _, key = where.removeprefix("s3://").partition("/")
    if not where.startswith("s3://") or not _BUCKET.fullmatch(bucket) or not key or version == "":
        raise UsageError(
            f"{url!r} names no object of S3", hint="Write s3://bucket/key, or s3://bucket/key?versionId=ID."
        )
    return S3Object(bucket, key, version)


def s3_client(
    settings: Aws, patience: Patience, region: str | None = None, count: Count = count_nothing, **more: Any
) -> Any:
    """Make a client with our own credentials, in the region that is configured unless another is named.

    Raise CloudError where it cannot be made; nothing is asked yet.
    """
    # An endpoint of one's own has no name for each bucket.
    if settings.endpoint_url:
        more["s3"] = {"addressing_style": "path"}
    session, usual = own_session()
    try:
        client = session.client(
            "s3",
            region_name=region or usual,
            endpoint_url=settings.endpoint_url,
            config=config(settings, patience, patience.attempts, **more),
        )
    except (BotoCoreError, ValueError) as error:
        raise CloudError(f"S3 cannot be asked: {error}", hint="See AWS_REGION and the AWS config file.") from error
    return bound(client, patience, count)
