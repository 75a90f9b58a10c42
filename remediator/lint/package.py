"""What goes with a Zip, and what with an Image, as CreateFunction takes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest

_S3 = ("s3Bucket", "s3BucketRef", "s3Key", "s3ObjectVersion")
# `Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.`
_OF_ZIP = ("handler", "runtime", "layers")
_BEGIN = (b"PK\x03\x04", b"PK\x05\x06")  # of a zip, and of an empty one

PACKAGE_TYPE = Rule(
    id="PackageType",
    severity=Severity.ERROR,
    gist="the code, or a setting, is of another package type",
    why="Lambda refuses the function: an Image has an imageURI and no handler, runtime or layers; a Zip has no "
    "imageURI. Without packageType it is a Zip.",
    fix="Say packageType: Image or Zip, and leave out what belongs to the other.",
    spares=("InvalidRequest", "CreateFailed"),
)
PACKAGE_INCOMPLETE = Rule(
    id="PackageIncomplete",
    severity=Severity.ERROR,
    gist="something that the package needs is missing",
    why="Lambda refuses to create the function: a Zip needs handler, runtime and either s3Bucket with s3Key or "
    "zipFile; an Image needs imageURI.",
    fix="Add what is missing.",
    spares=("InvalidRequest", "CreateFailed"),
)
ZIP_FILE = Rule(
    id="ZipFile",
    severity=Severity.ERROR,
    gist="spec.code.zipFile is not a zip in base64",
    why="The API server refuses what is no base64, and Lambda what is no zip.",
    fix="Write the base64 of the zip itself, such as `base64 -w0 function.zip` prints. Better: keep it in S3.",
    spares=("InvalidRequest", "CreateFailed"),
)
CODE_SIGNING = Rule(
    id="CodeSigningOnImage",
    severity=Severity.ERROR,
    gist="code signing is set on an Image",
    why="ACK gives up on the object (ACK.Terminal: cannot set function code signing config when package type is "
    "Image), and looks at it no more.",
    fix="Leave out codeSigningConfigARN and codeSigningConfigRef: Lambda checks signatures of Zips only.",
    spares=("TerminalError",),
)


def package_type(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what belongs to the other package type."""
    said = manifest.at("spec", "packageType")
    if said is not None and said not in ("Zip", "Image"):
        yield problem(PACKAGE_TYPE, manifest, ("spec", "packageType"), f"packageType is Zip or Image, not {said!r}")
    elif said == "Image":
        yield from _not_of(manifest, "an Image", (), _OF_ZIP)
        yield from _not_of(manifest, "an Image", ("code",), (*_S3, "zipFile"))
    elif manifest.at("spec", "code", "imageURI"):
        kind = "a Zip" if said else "a Zip, which it is without packageType: Image"
        yield from _not_of(manifest, kind, ("code",), ("imageURI",))


def _not_of(manifest: Manifest, kind: str, above: tuple[str, ...], fields: tuple[str, ...]) -> Iterator[Problem]:
    for each in fields:
        path = ("spec", *above, each)
        if manifest.at(*path) not in (None, "", []):
            yield problem(PACKAGE_TYPE, manifest, path, f"{'.'.join(path)} does not go with {kind}")


def package_incomplete(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what CreateFunction will miss."""
    code = manifest.at("spec", "code")
    if not isinstance(code, dict):
        return
    if manifest.at("spec", "packageType") == "Image" or code.get("imageURI"):
        if not code.get("imageURI"):
            yield problem(PACKAGE_INCOMPLETE, manifest, ("spec", "code"), "an Image needs spec.code.imageURI")
        return
    for each in ("handler", "runtime"):
        if not manifest.at("spec", each):
            yield problem(PACKAGE_INCOMPLETE, manifest, ("spec",), f"a Zip needs spec.{each}")
    bucket, in_s3 = code.get("s3Bucket") or code.get("s3BucketRef"), any(code.get(each) for each in _S3)
    if code.get("zipFile"):
        if in_s3:
            path = ("spec", "code", "zipFile")
            yield problem(PACKAGE_INCOMPLETE, manifest, path, "the code is in zipFile and in S3: Lambda takes one only")
    elif not in_s3:
        said = "there is no code: neither spec.code.s3Bucket and s3Key nor zipFile"
        yield problem(PACKAGE_INCOMPLETE, manifest, ("spec", "code"), said)
    elif not bucket:
        yield problem(PACKAGE_INCOMPLETE, manifest, ("spec", "code"), "spec.code.s3Bucket is missing")
    elif not code.get("s3Key"):
        yield problem(PACKAGE_INCOMPLETE, manifest, ("spec", "code"), "spec.code.s3Key is missing")


def zip_file(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a zipFile that is none; nothing of it is told, it is code."""
    path = ("spec", "code", "zipFile")
    text = manifest.at(*path)
    if not isinstance(text, str) or not text:
        return
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        yield problem(ZIP_FILE, manifest, path, "zipFile is no base64")
        return
    if not content.startswith(_BEGIN):
        yield problem(ZIP_FILE, manifest, path, "zipFile is base64 of something that is no zip")


def code_signing(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find the one setting that ACK itself refuses (lambda-controller hooks.go, customUpdateFunction)."""
    if manifest.at("spec", "packageType") != "Image":
        return
    for each in ("codeSigningConfigARN", "codeSigningConfigRef"):
        if manifest.at("spec", each):
            yield problem(CODE_SIGNING, manifest, ("spec", each), f"spec.{each} is set on an Image")
