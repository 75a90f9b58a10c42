"""Files in, problems out: every check over every manifest, in the order in which they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from remediator.errors import InputError
from remediator.lint.catalogue import CHECKS, CHECKS_OF_ALL, NOT_A_MANIFEST, UNREADABLE_FILE, UNRENDERED
from remediator.lint.ignoring import ignored
from remediator.lint.problem import Around, Problem, Rule, Severity
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.source import STDIN, Source, files_of, read_source
from remediator.manifest.tree import Mark
from remediator.model.resource import FUNCTION_GROUP

_KUSTOMIZE = "kustomize.config.k8s.io"
_PLACE = re.compile(r":(\d+):(\d+): ")


class File(Struct, frozen=True):
    """One file: its objects, or what is the matter with it. `source` is None where it could not be read at all."""

    name: str
    source: Source | None = None
    manifests: Sequence[Manifest] = ()
    fault: Problem | None = None

    @property
    def unreadable(self) -> bool:
        return self.fault is not None and self.fault.rule is UNREADABLE_FILE


class Judgement(Struct, frozen=True):
    """What came of it: the files, the problems in order, and how many more a comment let pass."""

    files: Sequence[File]
    problems: Sequence[Problem]
    ignored: int = 0

    @property
    def functions(self) -> int:
        return sum(each.is_function for file in self.files for each in file.manifests)

    @property
    def unreadable(self) -> bool:
        return any(each.unreadable for each in self.files)

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.problems)

    @property
    def failed(self) -> bool:
        return any(each.severity.fails for each in self.problems)


def read_files(names: Sequence[str]) -> list[File]:
    """Read what is named, each file once: what is under a directory need not be a manifest, what is named has to be."""
    found: dict[str, File] = {}
    for name in names:
        for file in files_of(name):
            found.setdefault(file, _read(file, named=file == name))
    return list(found.values())


def _read(name: str, *, named: bool) -> File:
    try:
        source = read_source(name)
    except InputError as error:
        return File(name, fault=_fault(UNREADABLE_FILE, name, error.message))
    try:
        objects = manifests(source)
    except InputError as error:
        # Whoever mistypes a manifest must not have it passed over; what is to be rendered first is another matter.
        bad = named or (FUNCTION_GROUP in source.text and "{{" not in source.text)
        return File(source.name, source, fault=_fault(UNREADABLE_FILE if bad else NOT_A_MANIFEST, name, error.message))
    if not any(each.kind and each.at("apiVersion") for each in objects):
        rule = UNREADABLE_FILE if named else NOT_A_MANIFEST
        return File(source.name, source, fault=_fault(rule, name, "there is no Kubernetes object in it"))
    if not named and any(each.group == _KUSTOMIZE for each in objects):
        said = "it is a kustomization: what is beside it may be half of what is applied"
        return File(source.name, source, fault=_fault(NOT_A_MANIFEST, name, said))
    return File(source.name, source, objects)


def _fault(rule: Rule, name: str, said: str) -> Problem:
    """Tell what is the matter with a file; the error begins with its name, and with the place where that is known."""
    shown = "<stdin>" if name == STDIN else name
    rest = said.removeprefix(shown)
    place = _PLACE.match(rest)
    mark = Mark(int(place[1]), int(place[2])) if place else Mark(1, 1)
    return Problem(
        rule=rule,
        severity=rule.severity,
        file=shown,
        mark=mark,
        said=rest[place.end() :] if place else rest.removeprefix(": "),
    )


def judge(files: Sequence[File], around: Around) -> Judgement:
    """Ask every check about every manifest that it is for."""
    around = around.indexed()
    problems: list[Problem] = []
    passed = 0
    for file in files:
        found = [each for manifest in file.manifests for each in _found(manifest, around)]
        if file.fault is not None:
            found.append(file.fault)
        elif file.source is not None:
            found, count = ignored(file.source, list(_rendered(found)))
            passed += count
        problems += sorted(found, key=lambda each: (each.mark, each.rule.id))
    return Judgement(files, problems, passed)


def _rendered(found: Sequence[Problem]) -> Iterator[Problem]:
    """Leave out what is about placeholders, and tell once for each line that there are any."""
    lines = set()
    for each in found:
        if not each.unrendered:
            yield each
        elif each.mark.line not in lines:
            lines.add(each.mark.line)
            said = f"not judged: something is yet to be put in here ({each.rule.id})"
            yield replace(each, rule=UNRENDERED, severity=UNRENDERED.severity, said=said, unrendered=False)


def _found(manifest: Manifest, around: Around) -> Iterator[Problem]:
    if manifest.group != FUNCTION_GROUP:
        return
    for check in (*(CHECKS if manifest.is_function else ()), *CHECKS_OF_ALL):
        yield from check(manifest, around)
