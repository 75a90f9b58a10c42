"""`spec.code.sha256`: ACK compares it letter by letter with Lambda's CodeSha256, or not at all.

lambda-controller pkg/resource/function/hooks.go, customPreCompare.
"""

from __future__ import annotations

from collections.abc import Iterator

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest
from remediator.model.checksum import form_of

_PATH = ("spec", "code", "sha256")

CHECKSUM_FORM = Rule(
    id="ChecksumForm",
    severity=Severity.ERROR,
    gist="spec.code.sha256 is not the base64 of a SHA-256",
    why="It can never equal what Lambda reports: ACK uploads the code again at every pass, and since code goes first "
    "and alone, no change of the configuration ever gets through.",
    fix="Write what `remediator checksum PACKAGE.zip` prints: 44 characters of base64.",
    spares=("ChecksumMismatch", "ConflictBackoff", "LostUpdate"),
)
CHECKSUM_MISSING = Rule(
    id="ChecksumMissing",
    severity=Severity.NOTE,
    gist="the code of a Zip has no spec.code.sha256",
    why="ACK sees no other change of a package: neither a new one under the same key, nor another key, version or "
    "zipFile. What is built next is never deployed, and the object stays green.",
    fix="Set spec.code.sha256 to what `remediator checksum PACKAGE.zip` prints, anew for every package.",
    spares=("ChecksumMismatch",),
)
CHECKSUM_UNUSED = Rule(
    id="ChecksumUnused",
    severity=Severity.WARNING,
    gist="spec.code.sha256 is set where ACK does not compare it",
    why="ACK looks at it only where spec.packageType says Zip. An image is deployed when its imageURI changes.",
    fix="Leave it out for images, which are named by digest; for a Zip say packageType: Zip.",
)


def checksum_form(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a checksum in hex, a placeholder, or whatever else Lambda never reports."""
    stated = manifest.at(*_PATH)
    if not isinstance(stated, str):
        return
    form = form_of(stated)
    if form.variant == "hex":
        yield problem(CHECKSUM_FORM, manifest, _PATH, f"the checksum is in hex; in base64 it is {form.meant}")
    elif form.variant:
        said = f"{stated!r} is no base64 of 32 bytes: Lambda never reports that" if stated else "the checksum is empty"
        yield problem(CHECKSUM_FORM, manifest, _PATH, said)


def checksum_missing(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a package whose changes ACK cannot see."""
    code = manifest.at("spec", "code")
    if not isinstance(code, dict) or code.get("sha256") is not None or manifest.at("spec", "packageType") == "Image":
        return
    package = next((each for each in ("s3Key", "zipFile") if code.get(each)), None)
    if package is not None:
        yield problem(
            CHECKSUM_MISSING,
            manifest,
            ("spec", "code", package),
            "without spec.code.sha256 ACK deploys no other package after this one",
        )


def checksum_unused(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a checksum that is never compared; only a note where ACK will write `packageType: Zip` itself."""
    if not manifest.at(*_PATH):
        return
    package = manifest.at("spec", "packageType")
    if package == "Image":
        yield problem(CHECKSUM_UNUSED, manifest, _PATH, "ACK does not compare the checksum of an Image")
    elif package is None and not manifest.at("spec", "code", "imageURI"):
        yield problem(
            CHECKSUM_UNUSED,
            manifest,
            _PATH,
            "packageType is not set: ACK compares the checksum only once it has written packageType: Zip itself",
            Severity.NOTE,
        )
