"""How the bucket of backups is kept, as far as we may know: whether it can become public, and be emptied."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from remediator.aws.clients import Patience, said
from remediator.aws.counting import MISSHAPEN
from remediator.aws.s3 import s3_client
from remediator.errors import CloudError
from remediator.model.masking import one_line
from remediator.policy import Aws, S3Section

_PATIENCE = Patience(connect=3.0, read=7.0, answer=8.0, attempts=2)
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Known(NamedTuple):
    """What S3 says of one setting; None: it does not say, and why."""

    is_so: bool | None
    why: str = ""


class Keeping(NamedTuple):
    """How a bucket is kept. `missing`: why there is none; empty where there is one, or nobody knows."""

    blocked: Known
    versioned: Known
    locked: Known
    missing: str = ""


def keeping(settings: Aws, there: S3Section, patience: Patience = _PATIENCE) -> Keeping:
    """Ask how the policy's bucket is kept; raises CloudError where S3 cannot be asked at all."""
    which = {"Bucket": there.bucket, "ExpectedBucketOwner": there.expected_bucket_owner}
    with closing(s3_client(settings, patience, there.region)) as client:
        blocked, code = _known(
            lambda: _blocked(client.get_public_access_block(**which)), "NoSuchPublicAccessBlockConfiguration"
        )
        versioned, _ = _known(lambda: client.get_bucket_versioning(**which).get("Status") == "Enabled")
        locked, _ = _known(
            lambda: _locked(client.get_object_lock_configuration(**which)), "ObjectLockConfigurationNotFoundError"
        )
    return Keeping(blocked, versioned, locked, missing=blocked.why if code == "NoSuchBucket" else "")


def _known(ask: Callable[[], bool], none: str | None = None) -> tuple[Known, str]:
    """Ask for one setting; `none` is the code of S3's answer where nobody ever set it. Returns the code, too."""
    try:
        return Known(ask()), ""
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        return (Known(False) if code == none else Known(None, one_line(said(error)))), code
    except (BotoCoreError, CloudError, OSError, ValueError) as error:
        return Known(None, one_line(str(error))), ""
    except MISSHAPEN:
        return Known(None, "what answered is not AWS"), ""


def _blocked(answer: Any) -> bool:
    found = answer["PublicAccessBlockConfiguration"]
    return all(found.get(each) is True for each in _BLOCKS)


def _locked(answer: Any) -> bool:
    """Whether what is written there cannot be deleted for a while: a lock without a rule holds nothing by itself."""
    found = answer["ObjectLockConfiguration"]
    return found.get("ObjectLockEnabled") == "Enabled" and bool(found.get("Rule"))
