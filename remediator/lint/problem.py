"""The values that rules work on: a rule, a problem that it finds, and what is known beside one manifest."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from yaml.nodes import ScalarNode

from remediator.manifest.objects import Manifest
from remediator.manifest.tree import Mark, mark_of
from remediator.model.concurrency import Concurrency

__all__ = ["Around", "Before", "Check", "Exists", "Key", "Problem", "Rule", "Severity", "key_of", "problem"]

# As Helm and Go's templates write it; Flux, kro, envsubst and shells; kustomize.
_PLACEHOLDER = re.compile(r"\{\{.*\}\}|\$\{[^}]+\}|\$\([A-Za-z_]\w*\)|\$[A-Z_][A-Z0-9_]+", re.DOTALL)


class Severity(StrEnum):
    """How bad it is: an error goes wrong for sure, a warning very likely; a note is good to know, and fails nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def fails(self) -> bool:
        """Whether it makes the command exit 3."""
        return self is not Severity.NOTE


class Rule(Struct, frozen=True, kw_only=True):
    """One thing that can be wrong. `why` says what becomes of it, `fix` what to do, `spares` which findings it spares.

    A problem can be less bad than its rule, where the rule says so in its docstring.
    """

    id: str
    severity: Severity
    gist: str
    why: str
    fix: str
    spares: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """Where docs/lint.md tells of it."""
        return f"docs/lint.md#{self.id.lower()}"


class Problem(Struct, frozen=True, kw_only=True):
    """One finding in a file. `subject` is the object that it is about; empty where there is none.

    `unrendered`: it is about a value that something has yet to be put into, and is no problem until then.
    """

    rule: Rule
    severity: Severity
    file: str
    mark: Mark = Mark(1, 1)
    subject: str = ""
    said: str
    unrendered: bool = False


class Key(NamedTuple):
    """Which object a manifest is of. A namespace of None is whichever it is applied to."""

    group: str
    kind: str
    namespace: str | None
    name: str


class Before(Struct, frozen=True):
    """What an object was before the change: its value, and where that was read.

    `live`: it is the object in the cluster, with what ACK wrote into it and what it last read from AWS.
    """

    value: Mapping[str, Any]
    where: str
    live: bool = False


# Whether the cluster has an object: True, False, or in words why that is not known.
Exists = Callable[[Key], "bool | str"]


class Around(Struct, frozen=True):
    """What is known beside the manifest that is looked at: the others, what was before, and the present moment.

    `before` is None where nothing was to be compared with. Without `exists` no cluster may be asked. `objects` has the
    manifests again by group and kind, and `claims` the Functions by the name in AWS.
    """

    now: datetime
    manifests: Sequence[Manifest] = ()
    before: Mapping[Key, Before] | None = None
    exists: Exists | None = None
    account: Concurrency | None = None
    namespace: str | None = None
    objects: Mapping[tuple[str, str], Sequence[Manifest]] = {}
    claims: Mapping[str, Sequence[Manifest]] = {}

    def indexed(self) -> Around:
        """Fill `objects` and `claims`."""
        objects: defaultdict[tuple[str, str], list[Manifest]] = defaultdict(list)
        claims: defaultdict[str, list[Manifest]] = defaultdict(list)
        for each in self.manifests:
            objects[each.group, each.kind].append(each)
            if each.is_function and isinstance(name := each.at("spec", "name"), str):
                claims[name].append(each)
        return replace(self, objects=objects, claims=claims)


Check = Callable[[Manifest, Around], Iterator[Problem]]


def key_of(manifest: Manifest, around: Around | None = None) -> Key:
    """Tell which object a manifest is of; where it names no namespace, the one that is asked about."""
    elsewhere = around.namespace if around else None
    return Key(manifest.group, manifest.kind, manifest.namespace or elsewhere, manifest.name)


def problem(
    rule: Rule, manifest: Manifest, path: Sequence[str | int], said: str, severity: Severity | None = None
) -> Problem:
    """Find something wrong at a path of a manifest, or where it is missing from."""
    place = f"{manifest.namespace}/{manifest.name}" if manifest.namespace else manifest.name
    node = manifest.way(tuple(path))[-1].node
    return Problem(
        rule=rule,
        severity=severity or rule.severity,
        file=manifest.source.name,
        mark=mark_of(node),
        subject=f"{manifest.kind} {place}".rstrip(),
        said=said,
        unrendered=isinstance(node, ScalarNode) and _PLACEHOLDER.search(node.value) is not None,
    )
