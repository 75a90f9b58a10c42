"""Ask S3 for the SHA-256 of a package: S3's own where it has one of the whole object, else that of what it sends.

These are a pipeline's calls, or a person's. Nothing that watches a cluster makes them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    NoCredentialsError,
    ResponseStreamingError,
)

from remediator.aws.clients import NotAws, Patience, said
from remediator.aws.counting import MISSHAPEN
from remediator.aws.s3 import USUAL_CODES, S3Object, s3_client
from remediator.errors import CloudError, InputError
from remediator.model.checksum import encoded, form_of
from remediator.policy import Aws

_PATIENCE = Patience(answer=60.0)
_PART = 8 * 1024 * 1024  # bytes of one answer: each has its deadline, and is asked for again by itself
_OF_PARTS = re.compile(r'-\d+"?$')
_BROKEN_OFF = (ResponseStreamingError, IncompleteReadError)

_HINTS = {
    "AccessDenied": (
        "It takes s3:GetObject (for a version s3:GetObjectVersion), and kms:Decrypt on the key that encrypts it. "
        "Who may not s3:ListBucket is told the same of an object that is not there."
    ),
    "NoSuchBucket": "Is it the right account, and the right endpoint?",
    "NoSuchKey": "Was it uploaded, under this very key?",
    "NoSuchVersion": "`aws s3api list-object-versions` lists those that there are.",
    "PreconditionFailed": "It was overwritten while it was read. Name its version with ?versionId=.",
    "PermanentRedirect": "It is in another region: set AWS_REGION to that.",
    "InvalidObjectState": "It is archived: restore it first.",
}


class Packages:
    """Packages in S3, as our own credentials may read them."""

    def __init__(self, settings: Aws, patience: Patience = _PATIENCE) -> None:
        self._patience = patience
        # A range of an object does not have the checksum that S3 tells with it.
        self._client = s3_client(settings, patience, response_checksum_validation="when_required")

    def checksum(self, which: S3Object, tell: Callable[[str], None]) -> str:
        """Return the SHA-256 of an object in Lambda's form; `tell` is told before all of it has to be read.

        Raise CloudError where S3 does not give it, and InputError where it is empty.
        """
        try:
            head = self._head(which)
            size = head["ContentLength"]
            if not size:
                raise InputError(f"{which}: is empty, and no package", hint="Was its upload broken off?")
            known = _of_the_whole(head)
            if known:
                return known
            why = "S3 has a SHA-256 of its parts only" if head.get("ChecksumSHA256") else "S3 has no SHA-256"
            tell(f"{which}: {why}: all of it is read, {size / 1e6:,.1f} MB")
            # The version that was looked at: a newer one may come while it is read.
            version = which.version or head.get("VersionId")
            return self._read(which._replace(version=version), size, head["ETag"])
        except ClientError as error:
            raise _refused(which, error) from error
        except NoCredentialsError as error:
            hint = "Sign in to AWS (AWS_PROFILE, `aws sso login`), or give the file itself."
            raise CloudError(f"{which}: there are no credentials for AWS", hint=hint) from error
        except (BotoCoreError, OSError, ValueError) as error:
            raise CloudError(
                f"{which}: cannot be read: {error}", hint="Look at the network, and say it again."
            ) from error
        except (NotAws, *MISSHAPEN) as error:
            raise CloudError(f"{which}: {NotAws()}") from error

    def _head(self, which: S3Object) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._client.head_object(**which.parameters, ChecksumMode="ENABLED")
            return found
        except ClientError as error:
            raise self._in_words(which, error) from error

    def _in_words(self, which: S3Object, error: ClientError) -> ClientError:
        """Ask for the first byte: what is wrong S3 says in the body of an answer, and HEAD has none."""
        try:
            self._client.get_object(**which.parameters, Range="bytes=0-0")["Body"].close()
        except ClientError as told:
            return told
        return error

    def _read(self, which: S3Object, size: int, etag: str) -> str:
        digest = hashlib.sha256()
        for begin in range(0, size, _PART):
            digest.update(self._part(which, begin, min(_PART, size - begin), etag))
        return encoded(digest.digest())

    def _part(self, which: S3Object, begin: int, length: int, etag: str) -> bytes:
        """Read so many bytes, again where the answer breaks off."""
        wanted = {"Range": f"bytes={begin}-{begin + length - 1}", "IfMatch": etag}
        for left in reversed(range(self._patience.attempts)):
            try:
                answer = self._client.get_object(**which.parameters, **wanted)
                with closing(answer["Body"]) as body:
                    if answer["ContentLength"] != length:
                        raise NotAws
                    read: bytes = body.read()
                    return read
            except (BotoCoreError, OSError):
                if not left:
                    raise
        raise AssertionError("at least one attempt is made")


def _of_the_whole(head: dict[str, Any]) -> str | None:
    """Return S3's SHA-256 where it is the object's: of one that was uploaded in parts it is made of their SHA-256s."""
    stated, kind = head.get("ChecksumSHA256"), head.get("ChecksumType")
    in_parts = kind == "COMPOSITE" or (kind is None and bool(_OF_PARTS.search(head["ETag"])))
    return stated if isinstance(stated, str) and not in_parts and not form_of(stated).variant else None


def _refused(which: S3Object, error: ClientError) -> CloudError:
    code = str(error.response.get("Error", {}).get("Code"))
    hint = _HINTS.get(USUAL_CODES.get(code, code), "")
    return CloudError(f"{which}: {said(error)}", hint=hint)
