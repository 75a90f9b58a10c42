"""Where objects are saved before something is done to them that cannot be undone."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from remediator.policy.sections import AccountId, Section, said

_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_CLUSTER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_REGION = r"^[a-z]{2,3}(-[a-z]+)+-[0-9]+$"
# Of a key alone. An alias or a bare id is one of the caller's account, and S3 answers with the ARN: nobody could tell
# whether it is the key that was meant.
_KEY = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"
# A reference has bucket, prefix, cluster, namespace, name and version in it, and 1024 characters in a record.
_PREFIX, _LONGEST_PREFIX = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", 128


class Encryption(StrEnum):
    """How S3 is told to encrypt, in its own words (`x-amz-server-side-encryption`)."""

    KMS = "aws:kms"
    S3 = "AES256"


class S3Section(Section):
    """A bucket for backups."""

    bucket: Annotated[Annotated[str, Field(pattern=_BUCKET)], said("Its name.")]
    region: Annotated[Annotated[str, Field(pattern=_REGION)], said("Its region, such as eu-west-1.")]
    expected_bucket_owner: Annotated[
        AccountId, said("The account that it must be of: a name that was given up can be anybody's the next day.")
    ]
    cluster: Annotated[
        Annotated[str, Field(pattern=_CLUSTER)],
        said("What this cluster is called in the keys. No other cluster that uses the bucket may be called so."),
    ]
    prefix: Annotated[
        Annotated[str, Field(pattern=_PREFIX, max_length=_LONGEST_PREFIX)], said("What all keys begin with.")
    ] = "ack-remediator"
    encryption: Annotated[
        Encryption, said("aws:kms, with the key below; or AES256, where whoever may read the bucket may read them.")
    ] = Encryption.KMS
    kms_key_id: Annotated[
        Annotated[str, Field(pattern=_KEY)] | None,
        said("The ARN of the key of aws:kms, in the region of the bucket. No alias: that could be another key's."),
    ] = None

    @model_validator(mode="after")
    def _key_fits(self) -> S3Section:
        if self.encryption is Encryption.S3:
            if self.kms_key_id is not None:
                raise ValueError("expected no kmsKeyId beside encryption: AES256, which uses none")
        elif self.kms_key_id is None:
            raise ValueError("expected kmsKeyId, the ARN of a key: specs have passwords in them; or encryption: AES256")
        elif (where := self.kms_key_id.split(":")[3]) != self.region:
            raise ValueError(f"expected a key of the bucket's region, {self.region}, not of {where}")
        return self

    @property
    def folder(self) -> str:
        """What the keys of this cluster's backups begin with."""
        return f"{self.prefix}/{self.cluster}/"


class BackupsSection(Section):
    """Where backups are kept."""

    s3: Annotated[
        S3Section | None,
        said(
            "A bucket of S3, in place of Secrets, such as {bucket: backups, region: eu-west-1, cluster: prod, "
            'expectedBucketOwner: "123456789012", kmsKeyId: "arn:aws:kms:..."}; null: Secrets in the home namespace.'
        ),
    ] = None
