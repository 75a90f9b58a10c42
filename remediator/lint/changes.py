"""What one apply changes that cannot be changed so, against what was before (`--against`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from remediator.lint.changing import PACKAGE_TYPE, TENANCY, Change, change_of
from remediator.lint.problem import Around, Before, Problem, Rule, Severity, key_of, problem
from remediator.manifest.objects import Manifest
from remediator.model.placement import REGION

CODE_WITH_CONFIGURATION = Rule(
    id="CodeWithConfiguration",
    severity=Severity.ERROR,
    gist="code and configuration change together",
    why="ACK updates the code first, and alone. Up to lambda-controller 1.14.1 it then writes AWS's values over the "
    "rest of the edit, in the object itself, and shows Synced=True: the change of the configuration is lost without a "
    "word (aws-controllers-k8s/community#1968).",
    fix="Apply it in two steps: `remediator rollout -f FILE` does, and waits between them. By hand: the code alone; "
    "wait until the object is synced and AWS says LastUpdateStatus Successful; then the rest.",
    spares=("LostUpdate", "ConflictBackoff"),
)
CHANGE_UNSEEN = Rule(
    id="ChangeUnseen",
    severity=Severity.ERROR,
    gist="the change is one that ACK does not see",
    why="Of a package ACK compares the checksum alone, and imageConfig not at all: nothing is deployed, and the object "
    "stays green.",
    fix="Write the checksum of the new package with it (`remediator checksum PACKAGE.zip --patch FILE`); put what is "
    "in imageConfig into the image.",
    spares=("ChecksumMismatch",),
)
NAME_CHANGED = Rule(
    id="NameChanged",
    severity=Severity.ERROR,
    gist="spec.name is another than before",
    why="ACK makes another function, or takes over one that is there; the old one stays in AWS, and nobody's.",
    fix="Make a new object for the new name, move what refers to it, and delete the old one.",
    spares=("NameChanged",),
)
REGION_CHANGED = Rule(
    id="RegionChanged",
    severity=Severity.ERROR,
    gist="services.k8s.aws/region is another than before",
    why="ACK does nothing more with the object, a deletion included, and says nothing: it stays green for ever.",
    fix="Make a new object in the new region, and delete the old one first.",
    spares=("IdentityDrift",),
)
FIXED_CHANGED = Rule(
    id="FixedFieldChanged",
    severity=Severity.ERROR,
    gist="a field changes that is fixed once the function is there",
    why="No call of Lambda's changes packageType: ACK finds it different for ever. A change of tenancyConfig the API "
    "server refuses, or ACK gives up on the object (ACK.Terminal).",
    fix="Make a new object, with another spec.name, and delete the old one.",
    spares=("TerminalError", "InvalidRequest"),
)


def code_with_configuration(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find an edit of which half is lost; a warning where only the checksum is new, and the code can be the same."""
    found = _change(manifest, around)
    if found is None:
        return
    before, change = found
    if change.code and change.configuration and not any(each.startswith(TENANCY) for each in change.fixed):
        said = (
            f"code ({', '.join(change.code)}) and configuration change together, against {before.where}; "
            f"lost would be: {', '.join(change.configuration)}"
        )
        severity = Severity.WARNING if change.unsure else None
        yield problem(CODE_WITH_CONFIGURATION, manifest, _place(change.code), said, severity)


def change_unseen(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find a new package that is never deployed."""
    found = _change(manifest, around)
    if found is None:
        return
    before, change = found
    for each in change.unseen:
        if each == "imageConfig":
            said = f"{each} is another than in {before.where}: ACK never compares it"
        elif manifest.at("spec", "code", "sha256") is None:
            said = f"{each} is another than in {before.where}, and there is no checksum by which ACK would see it"
        else:
            said = f"{each} is another than in {before.where}, with the same checksum: ACK does not see it"
        yield problem(CHANGE_UNSEEN, manifest, ("spec", *each.split(".")), said)


def name_changed(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find an object that is to become another function."""
    before = _before(manifest, around)
    if before is None:
        return
    now, was = manifest.at("spec", "name"), _at(before, "spec", "name")
    if isinstance(now, str) and isinstance(was, str) and now != was:
        said = f"spec.name was {was!r} in {before.where}, and is {now!r} now"
        yield problem(NAME_CHANGED, manifest, ("spec", "name"), said)


def region_changed(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find an object that moves; only a warning where one side leaves the region to namespace or controller."""
    before = _before(manifest, around)
    if before is None:
        return
    now, was = manifest.at("metadata", "annotations", REGION), _at(before, "metadata", "annotations", REGION)
    recorded = _at(before, "status", "ackResourceMetadata", "region") if before.live else None
    if now == was or (now is not None and now == recorded):
        return
    certain = now is not None and (recorded or was) is not None
    said = f"{REGION} was {recorded or was or 'not set'} in {before.where}, and is {now or 'not set'} now"
    path = ("metadata", "annotations", REGION)
    yield problem(REGION_CHANGED, manifest, path, said, None if certain else Severity.WARNING)


def fixed_field_changed(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find what no update changes."""
    found = _change(manifest, around)
    if found is None:
        return
    before, change = found
    for each in change.fixed:
        what = "no call of Lambda's changes it" if each == PACKAGE_TYPE else "it cannot be changed"
        said = f"{each} is another than in {before.where}: {what}"
        yield problem(FIXED_CHANGED, manifest, ("spec", *each.split(".")), said)


def _before(manifest: Manifest, around: Around) -> Before | None:
    return around.before.get(key_of(manifest, around)) if around.before is not None else None


def _change(manifest: Manifest, around: Around) -> tuple[Before, Change] | None:
    before = _before(manifest, around)
    change = change_of(manifest, before) if before is not None else None
    return (before, change) if before is not None and change is not None else None


def _at(before: Before, *path: str) -> Any:
    value: Any = before.value
    for each in path:
        value = value.get(each) if isinstance(value, Mapping) else None
    return value


def _place(code: Sequence[str]) -> tuple[str, ...]:
    return ("spec", *code[0].partition(",")[0].split("."))
