"""References to objects that there are not: `roleRef`, `functionRef` and their like, of all of Lambda's kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediator.lint.near import meant
from remediator.lint.problem import Around, Key, Problem, Rule, Severity, key_of, problem
from remediator.manifest.objects import Manifest
from remediator.manifest.tree import dotted
from remediator.model.kind import KINDS, LAMBDA_GROUP

REFERENCE_UNRESOLVED = Rule(
    id="ReferenceUnresolved",
    severity=Severity.ERROR,
    gist="a reference names an object that there is not",
    why="ACK waits for it for ever: the object gets no further than ACK.ReferencesResolved, and shows neither Synced "
    "nor an error.",
    fix="Correct name and namespace (without one it is that of who refers), or apply what is referred to, and its "
    "controller, first.",
    spares=("ReferencesUnresolved",),
)


def reference_unresolved(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find references that lead nowhere.

    With a cluster at hand the object has to be there, or in the files; where that may not be asked, it is a note.
    Without one, what is not in the files can be anywhere, and only what looks like a slip is told: the name of an
    object in another namespace, as a warning, and a name that is nearly that of one in the files, as a note.
    """
    if manifest.group != LAMBDA_GROUP or manifest.kind not in KINDS:
        return
    own = key_of(manifest, around)
    for field, kind in KINDS[manifest.kind].references:
        for path, target in _targets(manifest, field):
            name = target.get("name")
            if not isinstance(name, str) or not name:
                yield problem(REFERENCE_UNRESOLVED, manifest, path, f"{dotted(path)} names no object")
                continue
            namespace = target.get("namespace") or own.namespace
            key = Key(KINDS[kind].group, kind, namespace if isinstance(namespace, str) else None, name)
            yield from _judged(manifest, around, path, key)


def _judged(manifest: Manifest, around: Around, path: tuple[str | int, ...], key: Key) -> Iterator[Problem]:
    alike = [key_of(each, around) for each in around.objects.get((key.group, key.kind), ())]
    if key in alike:
        return
    what = f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
    if around.exists is not None and key.namespace is not None:
        there = around.exists(key)
        if there is False:
            said = f"there is no {what}, neither in the files nor in the cluster"
            yield problem(REFERENCE_UNRESOLVED, manifest, path, said)
        elif isinstance(there, str):
            said = f"whether there is a {what} is not known: {there}"
            yield problem(REFERENCE_UNRESOLVED, manifest, path, said, Severity.NOTE)
        return
    elsewhere = next((each.namespace for each in alike if each.name == key.name and each.namespace), None)
    if elsewhere is not None and key.namespace is not None:
        said = f"there is no {what} in the files, but one in the namespace {elsewhere}"
        yield problem(REFERENCE_UNRESOLVED, manifest, path, said, Severity.WARNING)
    elif guess := meant(key.name, (each.name for each in alike if each.namespace == key.namespace)):
        said = f"there is no {what} in the files{guess}"
        yield problem(REFERENCE_UNRESOLVED, manifest, path, said, Severity.NOTE)


def _targets(manifest: Manifest, field: str) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Find what a field names, `[]` for every entry of a list."""
    several = field.endswith("[]")
    path: tuple[str | int, ...] = ("spec", *field.removesuffix("[]").split("."))
    value = manifest.at(*path)
    entries = list(enumerate(value)) if several and isinstance(value, list) else [(None, value)]
    for index, each in entries:
        inner = each.get("from") if isinstance(each, dict) else None
        if isinstance(inner, dict):
            yield (*path, "from") if index is None else (*path, index, "from"), inner
