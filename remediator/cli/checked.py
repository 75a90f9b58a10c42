"""Compare a manifest's checksum with the right one, or write that in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from remediator.cli.render import in_one_line, narration
from remediator.errors import InputError
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.patch import set_text
from remediator.manifest.replacing import replace
from remediator.manifest.source import Source, read_source
from remediator.model.checksum import form_of
from remediator.model.resource import FUNCTION_GROUP

if TYPE_CHECKING:
    from remediator.cli.packaged import Right

_CODE = ("spec", "code")
_SHA256 = (*_CODE, "sha256")


class _Judged(NamedTuple):
    """What a value is, in a word or two, and a sentence on what that does."""

    gist: str
    said: str


def check(name: str, function: str | None, right: Right) -> bool:
    """Say whether the manifest has the right checksum, and if not, what it has."""
    source = read_source(name)
    manifest = _function(source, manifests(source), function)
    aside, which = narration(), _named(manifest)
    if _is_image(manifest):
        aside.verbatim(
            f"{_place(manifest, *_CODE)}: {which} is an image, and takes no checksum: name it by its digest."
        )
        return False
    _tell_other_place(manifest, right)
    stated, at = manifest.at(*_SHA256), _place(manifest, *_SHA256)
    if stated == right.checksum:
        aside.verbatim(f"{at}: spec.code.sha256 of {which} is right.")
        return True
    aside.verbatim(f"{at}: spec.code.sha256 of {which} {_judged(stated, right.checksum).said}")
    aside.verbatim(f"It should be {right.checksum}: with --patch instead of --check it is written there.")
    return False


def patch(name: str, function: str | None, right: Right) -> None:
    """Write the right checksum into the manifest; raise InputError where that is not safe."""
    source = read_source(name)
    manifest = _function(source, manifests(source), function)
    aside, which = narration(), _named(manifest)
    _check_code(manifest)
    _tell_other_place(manifest, right)
    stated = manifest.at(*_SHA256)
    if stated == right.checksum:
        at = _place(manifest, *_SHA256)
        aside.verbatim(f"{at}: spec.code.sha256 of {which} is right already: nothing is written.")
        return
    try:
        changed = set_text(source, manifest, _SHA256, right.checksum)
        replace(name, source, changed)
    except InputError as error:
        by_hand = f"It should say `sha256: {right.checksum}` there."
        raise InputError(error.message, hint=" ".join(filter(None, (error.hint, by_hand)))) from error
    written = _function(changed, manifests(changed), function)
    gist = _judged(stated, right.checksum).gist
    aside.verbatim(f"{_place(written, *_SHA256)}: spec.code.sha256 of {which}: {gist} → base64 of this package")
    aside.verbatim(
        "If the edit changes configuration, too, apply it by `remediator rollout`: of both in one, ACK takes the code "
        "and drops the rest."
    )


def _function(source: Source, found: Sequence[Manifest], name: str | None) -> Manifest:
    """Find the Function that is meant; raise InputError where there is none, or several could be."""
    functions = [each for each in found if each.is_function]
    names = ", ".join(_named(each) for each in functions)
    if not functions:
        others = (
            ", ".join(dict.fromkeys(in_one_line(each.kind) or "an object without a kind" for each in found))
            or "nothing"
        )
        built = any(each.kind == "Kustomization" for each in found)
        hint = "Give the file that it builds on." if built else f"Give the manifest of a Function of {FUNCTION_GROUP}."
        raise InputError(f"{source.name}: has no Function of {FUNCTION_GROUP}, but {others}", hint=hint)
    meant = [each for each in functions if name is None or name in (each.name, f"{each.namespace}/{each.name}")]
    if not meant:
        raise InputError(f"{source.name}: has no Function {name!r}", hint=f"It has: {names}.")
    if len(meant) > 1:
        lines = ", ".join(str(each.mark().line) for each in meant)
        raise InputError(
            f"{source.name}: has {len(meant)} Functions that could be meant, in lines {lines}",
            hint=f"Say which with --function NAME or NAMESPACE/NAME: {names}.",
        )
    return meant[0]


def _check_code(manifest: Manifest) -> None:
    """Refuse where no checksum belongs, or what it is of is not said."""
    if _is_image(manifest):
        raise InputError(
            f"{_place(manifest, *_CODE)}: {_named(manifest)} is an image, and takes no checksum",
            hint="Name the image by its digest in spec.code.imageURI.",
        )
    code = manifest.at(*_CODE)
    if not isinstance(code, dict) or not code:
        raise InputError(
            f"{_place(manifest, *_CODE)}: {_named(manifest)} has no spec.code that the checksum could be of",
            hint="Write spec.code.s3Bucket and spec.code.s3Key there first, and say it again.",
        )


def _is_image(manifest: Manifest) -> bool:
    return manifest.at("spec", "packageType") == "Image" or bool(manifest.at(*_CODE, "imageURI"))


def _judged(stated: Any, right: str) -> _Judged:
    """Say what a value is that is not the right one."""
    if stated is None or stated == "":
        return _Judged("none", "is missing: without it, new code under the same key goes unseen.")
    if not isinstance(stated, str):
        return _Judged("no text", "is no text, and the API server refuses it.")
    variant, meant = form_of(stated)
    if variant == "hex":
        of = "this very package" if meant == right else "another package"
        return _Judged("hex" if meant == right else "hex of another package", f"is hex, of {of}: it never matches.")
    if not variant:
        return _Judged("stale", "is of another package.")
    bare = stated.strip().rstrip("=").replace("-", "+").replace("_", "/")
    if bare == right.rstrip("="):
        return _Judged(
            "misspelled", "is of this package, but not letter by letter as Lambda writes it: spaces, ends or _."
        )
    return _Judged(
        "no SHA-256",
        "is no SHA-256 in base64, but a placeholder perhaps: every pass uploads again, and configuration is dropped.",
    )


def _tell_other_place(manifest: Manifest, right: Right) -> None:
    """Say where the manifest names another object of S3 than the one that was looked at."""
    if right.stored is None:
        return
    fields = zip(("s3Bucket", "s3Key", "s3ObjectVersion"), right.stored, strict=True)
    has = {field: (manifest.at(*_CODE, field), given) for field, given in fields}
    others = [f"{field} {says}" for field, (says, given) in has.items() if isinstance(says, str) and says != given]
    if others:
        where = f"{_place(manifest, *_CODE)}: {_named(manifest)}"
        narration().verbatim(f"{where} says {', '.join(others)}: that is not {right.stored}.")


def _place(manifest: Manifest, *path: str) -> str:
    return f"{manifest.source.name}:{manifest.mark(*path).line}"


def _named(manifest: Manifest) -> str:
    name = manifest.name or "a Function without a name"
    return in_one_line(f"{manifest.namespace}/{name}" if manifest.namespace else name)
