"""Backups in S3: whether the bucket is kept as one with passwords in it should be. Writing to it is not tried."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.aws.bucket import Known, keeping
from remediator.doctor.check import Check, Level, Patient
from remediator.errors import CloudError

_AREA = "backups"
_RIGHTS = "To know it takes manifests/iam/doctor-s3.json."


def look(patient: Patient) -> Iterator[Check]:
    """Ask S3 how the policy's bucket is kept; nothing, where backups are Secrets."""
    there = patient.policy.backups.s3
    if there is None:
        return
    bucket = f"s3://{there.bucket}"
    try:
        found = keeping(patient.policy.aws, there)
    except CloudError as error:
        yield Check(_AREA, Level.FAILURE, error.message, error.hint)
        return
    if found.missing:
        fix = "Create it, or correct backups.s3.bucket in the policy: without a backup nothing is done."
        yield Check(_AREA, Level.FAILURE, f"{bucket}: {found.missing}", fix)
        return
    yield _check(
        found.blocked,
        f"{bucket}: public access is blocked",
        Level.WARNING,
        f"{bucket}: public access is not blocked by the bucket itself",
        "Block it: aws s3api put-public-access-block.",
    )
    yield _check(
        found.versioned,
        f"{bucket}: keeps versions",
        Level.WARNING,
        f"{bucket}: keeps no versions: what is deleted there is gone",
        "Keep them: aws s3api put-bucket-versioning.",
    )
    yield _check(
        found.locked,
        f"{bucket}: what is written there is locked",
        Level.NOTE,
        f"{bucket}: has no default retention: who may delete versions there may delete backups",
        "See S3 Object Lock.",
    )
    if there.kms_key_id is None:
        said = f"{bucket}: backups are encrypted by S3 alone: whoever may read objects there reads passwords"
        yield Check(_AREA, Level.WARNING, said, "Name a key: backups.s3.kmsKeyId, and no encryption: AES256.")


def _check(known: Known, good: str, level: Level, bad: str, fix: str) -> Check:
    if known.is_so is None:
        return Check(_AREA, Level.NOTE, f"whether {good} cannot be told: {known.why}", _RIGHTS)
    return Check(_AREA, Level.OK, good) if known.is_so else Check(_AREA, level, bad, fix)
