"""What differs between a manifest and what was before, as ACK will see it once it is applied. Pure.

lambda-controller pkg/resource/function/delta.go and hooks.go; what is compared is listed in model/settings.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from remediator.lint.problem import Before
from remediator.manifest.objects import Manifest
from remediator.model.checksum import form_of
from remediator.model.differences import CODE
from remediator.model.resource import LAST_APPLIED, FunctionSpec

# What Lambda chooses where a manifest says nothing, and ACK then writes into the object.
DEFAULTS: Mapping[str, str] = {
    "architectures": "x86_64",
    "description": "",
    "ephemeralStorage.size": "512",
    "memorySize": "128",
    "packageType": "Zip",
    "snapStart.applyOn": "None",
    "timeout": "3",
    "tracingConfig.mode": "PassThrough",
}
PACKAGE_TYPE, TENANCY = "packageType", "tenancyConfig"
# What is given by its name in AWS, and the reference that can stand for it: that is resolved anew at every pass.
_REFERENCES: Mapping[str, tuple[str, ...]] = {
    "kmsKeyARN": ("kmsKeyRef",),
    "role": ("roleRef",),
    "vpcConfig.securityGroupIDs": ("vpcConfig", "securityGroupRefs"),
    "vpcConfig.subnetIDs": ("vpcConfig", "subnetRefs"),
}


class Change(Struct, frozen=True):
    """What one apply changes. Environment variables are told by name.

    `code` is updated first, and alone; `configuration` is what is lost then. `unsure` says that the code can be the
    same after all. `fixed` are fields that no update changes; `unseen` change with nothing that ACK compares.
    """

    code: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unsure: bool = False


def change_of(manifest: Manifest, before: Before) -> Change | None:
    """Compare; None where one side cannot be read: the rules about types say why."""
    new, old = _spec(manifest.value), _spec(before.value)
    if new is None or old is None:
        return None
    dropped = _applied(before) if before.live else old
    references = _references(manifest.at("spec"), before.value["spec"])
    settings = tuple(_settings(new, old, dropped, references, live=before.live))
    code, unsure = _code(new, old, before)
    architectures = tuple(each for each in settings if each in CODE)
    return Change(
        code=(*code, *architectures),
        configuration=(
            *(each for each in settings if each not in CODE and not each.startswith((PACKAGE_TYPE, TENANCY))),
            *(".".join(_REFERENCES[each]) for each, differ in references.items() if differ),
            *_environment(new, old, dropped, live=before.live),
        ),
        fixed=tuple(each for each in settings if each.startswith((PACKAGE_TYPE, TENANCY))),
        unseen=() if code else tuple(_unseen(manifest, before)),
        unsure=unsure and not architectures,
    )


def _spec(value: Mapping[str, Any]) -> FunctionSpec | None:
    try:
        return msgspec.convert(value.get("spec"), FunctionSpec)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None


class _Annotated(Struct, frozen=True):
    annotations: dict[str, str] = {}


def _applied(before: Before) -> FunctionSpec:
    """Read what was last applied: only of that does an apply take out what the manifest does not have any more."""
    try:
        metadata = msgspec.convert(before.value.get("metadata"), _Annotated)
        applied = json.loads(metadata.annotations.get(LAST_APPLIED, "{}"))
    except (ValueError, RecursionError):
        applied = {}
    return (_spec(applied) if isinstance(applied, dict) else None) or FunctionSpec()


def _settings(
    new: FunctionSpec, old: FunctionSpec, dropped: FunctionSpec, referring: Container[str], *, live: bool
) -> Iterator[str]:
    wanted, there, applied = new.settings, old.settings, dropped.settings
    for path in dict.fromkeys([*wanted, *there]):
        if path in referring or (path not in wanted and live and path not in applied):
            continue
        default = DEFAULTS.get(path, "")
        if wanted.get(path, default) != there.get(path, default):
            yield path


def _references(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, bool]:
    """Find what either side refers to, and whether both do, to two things.

    What a value becomes by a reference, or a reference by a value, cannot be told from here.
    """
    found = {}
    for value, path in _REFERENCES.items():
        ours, theirs = _at(new, path), _at(old, path)
        if ours or theirs:
            found[value] = bool(ours and theirs and ours != theirs)
    return found


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for each in path:
        value = value.get(each) if isinstance(value, Mapping) else None
    return value


def _environment(new: FunctionSpec, old: FunctionSpec, dropped: FunctionSpec, *, live: bool) -> Iterator[str]:
    wanted, there, applied = (_variables(each) for each in (new, old, dropped))
    names = sorted(
        name
        for name in wanted.keys() | there.keys()
        if wanted.get(name) != there.get(name) and (name in wanted or not live or name in applied)
    )
    if names:
        yield f"environment ({', '.join(names)})"


def _variables(spec: FunctionSpec) -> Mapping[str, str | None]:
    return (spec.environment.variables if spec.environment else None) or {}


def _code(new: FunctionSpec, old: FunctionSpec, before: Before) -> tuple[tuple[str, ...], bool]:
    """Name what of the code ACK will find different, and whether that is only likely."""
    ours, theirs = new.code, old.code
    image = ours.image_uri if ours else None
    if image is not None and image != (theirs.image_uri if theirs else None):
        return ("code.imageURI",), False
    stated = ours.sha256 if ours else None
    if stated is None or (new.package_type or old.package_type or "Zip") != "Zip":
        return (), False
    if form_of(stated).variant:
        return ("code.sha256, which never matches",), False
    status = before.value.get("status")
    in_aws = status.get("codeSHA256") if before.live and isinstance(status, Mapping) else None
    known = in_aws or (theirs.sha256 if theirs else None)
    return ((), False) if stated == known else (("code.sha256",), known is None)


def _unseen(manifest: Manifest, before: Before) -> Iterator[str]:
    """Name what changes of the code without a change of the checksum, and imageConfig, which ACK never compares."""
    old = before.value["spec"]
    code, was = manifest.at("spec", "code") or {}, old.get("code") or {}
    for each in ("s3Bucket", "s3Key", "s3ObjectVersion", "zipFile"):
        if code.get(each) is not None and was.get(each) is not None and code[each] != was[each]:
            yield f"code.{each}"
    image = manifest.at("spec", "imageConfig")
    if image and image != (old.get("imageConfig") or None):
        yield "imageConfig"
