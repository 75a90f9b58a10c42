"""Numbers and lengths that Lambda takes (botocore lambda/2015-03-31; AWS Lambda Developer Guide, "Lambda quotas")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest


class Bounds(NamedTuple):
    """What Lambda takes: `usual` is the most for functions that do not run on instances of their own."""

    least: int
    usual: int
    most: int
    unit: str = ""


NUMBERS: dict[tuple[str, ...], Bounds] = {
    ("memorySize",): Bounds(128, 10240, 32768, " MB"),
    ("timeout",): Bounds(1, 900, 5400, " s"),
    ("ephemeralStorage", "size"): Bounds(512, 10240, 32768, " MB"),
}
ENTRIES: dict[tuple[str, ...], int] = {
    ("layers",): 5,
    ("fileSystemConfigs",): 1,
    ("architectures",): 1,
    ("vpcConfig", "subnetIDs"): 16,
    ("vpcConfig", "subnetRefs"): 16,
    ("vpcConfig", "securityGroupIDs"): 5,
    ("vpcConfig", "securityGroupRefs"): 5,
}
LENGTHS: dict[tuple[str, ...], int] = {("description",): 256, ("handler",): 128}
WORDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("snapStart", "applyOn"): ("PublishedVersions", "None"),
    ("tracingConfig", "mode"): ("Active", "PassThrough"),
}
ARCHITECTURES = ("x86_64", "arm64")
LONGEST_NAME = 64
_NAME = re.compile(r"[a-zA-Z0-9-_]+")
# With a colon it is an ARN, or a part of one, which Lambda takes as well.
_ARN = re.compile(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}(-gov|-iso([a-z]?))?-[a-z]+-\d:)?(\d{12}:)?(function:)?"
    r"[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)

OUT_OF_RANGE = Rule(
    id="OutOfRange",
    severity=Severity.ERROR,
    gist="a number, a length or a word is none that Lambda takes",
    why="Lambda refuses the function, and whatever else was changed together with it.",
    fix="Choose a value that Lambda takes.",
    spares=("InvalidRequest",),
)
FUNCTION_NAME = Rule(
    id="FunctionName",
    severity=Severity.ERROR,
    gist="Lambda takes no function of that name",
    why="Lambda refuses to create the function: a name has up to 64 letters, digits, - and _. That of the object may "
    "have dots; spec.name may not.",
    fix="Choose another spec.name; once the function is there it cannot be changed.",
    spares=("InvalidRequest", "CreateFailed"),
)


def out_of_range(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what is too small, too large, too long or too much.

    Only a warning for what Lambda takes of functions on managed instances alone, which ACK's Function cannot ask for.
    """
    for path, bounds in NUMBERS.items():
        value = manifest.at("spec", *path)
        if not isinstance(value, int) or isinstance(value, bool) or bounds.least <= value <= bounds.usual:
            continue
        said = f"{'.'.join(path)} is {value:,}; Lambda takes {bounds.least} to {bounds.usual:,}{bounds.unit}"
        severity = Severity.WARNING if bounds.usual < value <= bounds.most else None
        yield problem(OUT_OF_RANGE, manifest, ("spec", *path), said, severity)
    for path, most in ENTRIES.items():
        value = manifest.at("spec", *path)
        if isinstance(value, list) and len(value) > most:
            said = f"{'.'.join(path)} has {len(value)} entries; Lambda takes {most}"
            yield problem(OUT_OF_RANGE, manifest, ("spec", *path), said)
    for path, most in LENGTHS.items():
        value = manifest.at("spec", *path)
        if isinstance(value, str) and len(value) > most:
            said = f"{'.'.join(path)} has {len(value):,} characters; Lambda takes {most}"
            yield problem(OUT_OF_RANGE, manifest, ("spec", *path), said)
    yield from _words(manifest)
    reserved = manifest.at("spec", "reservedConcurrentExecutions")
    if isinstance(reserved, int) and reserved < 0:
        path = ("spec", "reservedConcurrentExecutions")
        yield problem(OUT_OF_RANGE, manifest, path, f"reservedConcurrentExecutions is {reserved}; 0 is the least")


def _words(manifest: Manifest) -> Iterator[Problem]:
    for path, words in WORDS.items():
        value = manifest.at("spec", *path)
        if isinstance(value, str) and value not in words:
            said = f"{'.'.join(path)} is {value!r}; Lambda takes {' or '.join(words)}"
            yield problem(OUT_OF_RANGE, manifest, ("spec", *path), said)
    architectures = manifest.at("spec", "architectures")
    for index, each in enumerate(architectures if isinstance(architectures, list) else ()):
        if isinstance(each, str) and each not in ARCHITECTURES:
            said = f"there is no architecture {each!r}; Lambda has {' and '.join(ARCHITECTURES)}"
            yield problem(OUT_OF_RANGE, manifest, ("spec", "architectures", index), said)


def can_be_name(name: str) -> bool:
    """Whether Lambda takes it for the name of a function, or for an ARN of one."""
    return (_ARN if ":" in name else _NAME).fullmatch(name) is not None


def function_name(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a name that no function can have."""
    name = manifest.at("spec", "name")
    if not isinstance(name, str) or not name:
        return
    path = ("spec", "name")
    if ":" not in name and len(name) > LONGEST_NAME:
        said = f"spec.name has {len(name)} characters; Lambda takes {LONGEST_NAME}"
        yield problem(FUNCTION_NAME, manifest, path, said)
    if not can_be_name(name):
        yield problem(FUNCTION_NAME, manifest, path, f"{name!r} can be the name of no function")
