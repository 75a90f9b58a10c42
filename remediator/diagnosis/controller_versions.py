"""Bugs of the lambda-controller that make resources stick, and the versions that fixed them: data, and how to compare.

From the release notes and commits of aws-controllers-k8s/lambda-controller; those whose fix came with its runtime
(aws-controllers-k8s/runtime) are under the first controller that has it.
"""

from __future__ import annotations

import re

from msgspec import Struct

# What a pre-release calls itself; anything else behind the number is somebody's own build, of which we know nothing.
_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(-(?:alpha|beta|pre|rc)[-.]?\d*)?(?:\+[-.\w]+)?", re.ASCII)

# Major, minor, patch, and whether it is the release itself, which comes after its pre-releases.
Version = tuple[int, int, int, bool]


class Bug(Struct, frozen=True):
    """One bug: where it is written up, what is seen of it, and the first version without it.

    `fixed` is None where no release that we know of has the fix; `last` is then the newest that is known to lack it.
    """

    reference: str
    symptom: str
    fixed: str | None
    last: str = ""


KNOWN_BUGS: tuple[Bug, ...] = (
    Bug("community#1842", "a container image that does not exist yet is not waited for", "1.1.1"),
    Bug("community#1835", "a role that cannot be assumed yet makes the object Terminal for good", "1.2.1"),
    Bug("community#1550", "a new package under the same S3 key is not deployed", "1.5.0"),
    Bug("community#2431", "fields beside a nested reference are overwritten", "1.6.2"),
    Bug("community#2446", "an Inactive function is never synced", "1.6.3"),
    Bug("community#2433", "the object stays at \"function in 'Pending' state\" though Lambda is ready", "1.7.4"),
    Bug("community#2406", "a create that fails leaves ACK's finalizer behind", "1.7.5"),
    Bug("community#2551", "a changed zipFile is not deployed", "1.7.6"),
    Bug("community#2736", "a call to AWS that never ends stops all Functions until a restart", "1.13.0"),
    Bug(
        "community#1968",
        "code and configuration changed together: the configuration is dropped from the spec",
        None,
        "1.14.1",
    ),
    Bug(
        "lambda-controller#228",
        "event invoke settings that are set in part make every pass panic, and no condition says so",
        None,
        "1.14.1",
    ),
)


def parse_version(text: str | None) -> Version | None:
    """Read an image tag such as `1.14.1` or `v1.7.4-rc.1`; None for what is no released version."""
    found = _VERSION.fullmatch(text or "")
    return (int(found[1]), int(found[2]), int(found[3]), found[4] is None) if found else None


def bugs_of(version: Version) -> tuple[Bug, ...]:
    """List the known bugs of a version, the latest fixed last."""
    return tuple(each for each in KNOWN_BUGS if _has(version, each))


def _has(version: Version, bug: Bug) -> bool:
    if bug.fixed is None:
        return version <= _known(bug.last)
    return version < _known(bug.fixed)


def _known(text: str) -> Version:
    found = parse_version(text)
    assert found is not None  # the table's own
    return found


def newest_fix(bugs: tuple[Bug, ...]) -> str:
    """Name the version that is free of all that have a fix; empty where none has."""
    fixes = [each.fixed for each in bugs if each.fixed is not None]
    return max(fixes, key=_known, default="")
