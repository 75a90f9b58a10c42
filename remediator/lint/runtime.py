"""`spec.runtime`: whether Lambda knows it, and for how long it still takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from remediator.lint.near import meant
from remediator.lint.problem import Around, Problem, Rule, Severity, key_of, problem
from remediator.lint.runtimes import AS_OF, RUNTIMES
from remediator.manifest.objects import Manifest

_PATH = ("spec", "runtime")
_SOON = timedelta(days=90)
# What a runtime that came after this list would be called.
_FAMILY = re.compile(r"(nodejs|python|java|ruby|dotnet)(\d{1,3})(?:\.(\d{1,3}|x))?(?:\.al\d{4})?")

RUNTIME_UNKNOWN = Rule(
    id="RuntimeUnknown",
    severity=Severity.ERROR,
    gist="Lambda has no such runtime",
    why="Lambda refuses the function, at every try.",
    fix="Take one from the list of the AWS Lambda Developer Guide, letter by letter: nodejs22.x, python3.13.",
    spares=("RuntimeRetired", "InvalidRequest"),
)
RUNTIME_RETIRED = Rule(
    id="RuntimeRetired",
    severity=Severity.ERROR,
    gist="the runtime is deprecated, or will be within 90 days",
    why="A deprecated runtime gets no fixes. From one day on Lambda creates no function with it, and from another on "
    "it updates none: neither code nor configuration, so that even a rollback is refused.",
    fix="Move to a newer runtime of the same language, and test the function with it; the dates are AWS's.",
    spares=("RuntimeRetired",),
)


def runtime_unknown(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a runtime that there is not; only a note where it can be one that came after our list."""
    name = manifest.at(*_PATH)
    if not isinstance(name, str) or not name or name in RUNTIMES:
        return
    if _can_be_newer(name):
        said = f"{name!r} is not among the runtimes of {AS_OF:%Y-%m}: newer than that, or misspelled"
        yield problem(RUNTIME_UNKNOWN, manifest, _PATH, said, Severity.NOTE)
        return
    yield problem(RUNTIME_UNKNOWN, manifest, _PATH, f"Lambda has no runtime {name!r}{meant(name, RUNTIMES)}")


def _can_be_newer(name: str) -> bool:
    found = _FAMILY.fullmatch(name)
    if found is None:
        return False
    known = [each for each in map(_FAMILY.fullmatch, RUNTIMES) if each is not None and each[1] == found[1]]
    shape = found[3] is None, found[3] == "x"
    return any(shape == (each[3] is None, each[3] == "x") for each in known) and _version(found) > max(
        map(_version, known)
    )


def _version(found: re.Match[str]) -> tuple[int, int]:
    return int(found[2]), int(found[3]) if found[3] and found[3].isdecimal() else 0


def runtime_retired(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find a runtime at its end: an error where Lambda refuses what the manifest asks for, else a warning.

    What creates the function is told from what updates it only where there is something to compare with.
    """
    name = manifest.at(*_PATH)
    dates = RUNTIMES.get(name) if isinstance(name, str) else None
    if dates is None or dates.deprecated is None or dates.no_create is None or dates.no_update is None:
        return
    today = around.now.date()
    new = around.before is not None and key_of(manifest, around) not in around.before
    if today >= dates.no_update:
        said = f"Lambda neither creates nor updates functions with {name} any more"
        yield problem(RUNTIME_RETIRED, manifest, _PATH, said)
    elif today >= dates.no_create:
        said = f"since {dates.no_create} Lambda creates no function with {name}; it updates none from {dates.no_update}"
        yield problem(RUNTIME_RETIRED, manifest, _PATH, said, Severity.ERROR if new else Severity.WARNING)
    elif today >= dates.deprecated:
        said = (
            f"{name} is deprecated since {dates.deprecated}; Lambda creates no function with it from "
            f"{dates.no_create}, and updates none from {dates.no_update}"
        )
        yield problem(RUNTIME_RETIRED, manifest, _PATH, said, Severity.WARNING)
    elif today >= dates.deprecated - _SOON:
        said = (
            f"{name} is deprecated from {dates.deprecated}; Lambda updates no function with it from {dates.no_update}"
        )
        yield problem(RUNTIME_RETIRED, manifest, _PATH, said, Severity.WARNING)
