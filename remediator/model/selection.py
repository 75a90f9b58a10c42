"""Which resources the remediator may act on: by namespace, name and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct

from remediator.model.resource import Resource

# Left alone unless `include` names them exactly: a wildcard must not reach what the cluster itself lives on.
RESERVED_NAMESPACES = ("kube-*", "ack-system")


class Operator(StrEnum):
    """How a label is compared, in kubectl's words."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"


class Requirement(Struct, frozen=True):
    """One part of a label selector."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def met_by(self, labels: Mapping[str, str]) -> bool:
        """Compare as Kubernetes does: `!=` and `notin` hold where there is no such label."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case _:
                return self.key not in labels


class Selector(Struct, frozen=True):
    """Globs and labels; what is empty says nothing."""

    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    labels: tuple[Requirement, ...] = ()

    def verdicts(self, resource: Resource) -> dict[str, bool]:
        """Say for each part that is given whether it matches."""
        metadata = resource.metadata
        found = {}
        if self.namespaces:
            found["namespace"] = _matches(metadata.namespace, self.namespaces)
        if self.names:
            found["name"] = _matches(metadata.name, self.names)
        if self.labels:
            found["labels"] = all(each.met_by(resource.labels) for each in self.labels)
        return found


class Selection(Struct, frozen=True):
    """What is included, but for what is excluded: exclude wins.

    To be included, every part that `include` has must match; to be excluded, one part of `exclude` is enough. Both
    err on the side of doing nothing.
    """

    include: Selector = Selector()
    exclude: Selector = Selector()

    def why_not(self, resource: Resource) -> str:
        """Say what keeps a resource out; empty where nothing does."""
        namespace = resource.metadata.namespace
        excluded = [part for part, matched in self.exclude.verdicts(resource).items() if matched]
        if excluded:
            return f"the policy excludes it by {' and '.join(excluded)}"
        if _matches(namespace, RESERVED_NAMESPACES) and namespace not in self.include.namespaces:
            return f"namespace {namespace} is left alone unless selection.include.namespaces names it exactly"
        missed = [part for part, matched in self.include.verdicts(resource).items() if not matched]
        if missed:
            return f"the policy does not include it by {' and '.join(missed)}"
        return ""


def _matches(text: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(text, each) for each in globs)
