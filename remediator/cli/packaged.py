"""Find a package's right checksum: from the file, from S3, or from both, which then have to agree."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from remediator.cli.package import read_package
from remediator.cli.render import narration
from remediator.model.checksum import encoded

if TYPE_CHECKING:
    from remediator.aws.s3 import S3Object


class Right(NamedTuple):
    """A package's checksum in Lambda's form, and where the package is in S3, if that was said."""

    checksum: str
    stored: S3Object | None = None

    @property
    def hex(self) -> str:
        return base64.b64decode(self.checksum).hex()


def right_checksum(name: str | None, url: str | None, policy: Path | None) -> Right | None:
    """Read file, S3 or both; None where they are not the same, which is said."""
    here = None if name is None else _of_file(name)
    if url is None:
        return here
    in_s3 = _of_s3(url, policy)
    if here is None or here.checksum == in_s3.checksum:
        return in_s3
    aside = narration()
    aside.verbatim(f"{name} is not what is in S3: {here.checksum} here, {in_s3.checksum} in {in_s3.stored}.")
    aside.verbatim("Upload the one that you mean, and say it again.")
    return None


def _of_file(name: str) -> Right:
    package = read_package(name)
    if not package.is_zip:
        narration().verbatim(
            f"{package.name}: is no whole zip, and Lambda would refuse it. This is its checksum anyway."
        )
    return Right(encoded(package.digest))


def _of_s3(url: str, policy: Path | None) -> Right:
    from remediator.aws.packages import Packages
    from remediator.aws.s3 import s3_object
    from remediator.policy.load import load_policy

    which = s3_object(url)
    checksum = Packages(load_policy(policy).aws).checksum(which, narration().verbatim)
    return Right(checksum, which)
