"""Names as people type them."""

from __future__ import annotations

import re

from remediator.errors import UsageError
from remediator.model.kind import FUNCTION, LAMBDA_KINDS
from remediator.model.resource import Ref

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
# As kubectl takes them.
_KINDS = {
    spelling: each.name
    for each in LAMBDA_KINDS
    for spelling in (each.name.lower(), each.plural, each.collection, f"{each.plural}.v1alpha1.{each.group}")
}
FUNCTION_KINDS = tuple(spelling for spelling, kind in _KINDS.items() if kind == FUNCTION)


def check_name(what: str, name: str) -> None:
    """Refuse what no object can be called, before it becomes part of a URL."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a {what}", hint="Names have a-z, 0-9, - and . in them.")


def check_places(namespace: str | None, home: str | None, *, all_namespaces: bool) -> None:
    """Refuse -n together with -A, and names that no namespace has. Raises UsageError."""
    if namespace and all_namespaces:
        raise UsageError("-n and -A exclude each other", hint="Leave one of them out.")
    for each in (namespace, home):
        if each is not None:
            check_name("namespace", each)


def kind_called(spelling: str) -> str | None:
    """Find the kind that is meant by `alias`, `aliases` or `aliases.lambda.services.k8s.aws`; None where none is."""
    return _KINDS.get(spelling.lower())


def kind_and_name(target: str, verb: str) -> tuple[str, str]:
    """Read `[KIND/]NAME`, a Function where no kind is named. Raises UsageError."""
    kind, slash, name = target.rpartition("/")
    found = kind_called(kind) if slash else FUNCTION
    if found is None:
        known = ", ".join(each.name.lower() for each in LAMBDA_KINDS)
        hint = f"Say function/NAME, or another kind of ACK's lambda-controller: {known}."
        raise UsageError(f"cannot {verb} a {kind!r}", hint=hint)
    check_name(found, name)
    return found, name


def typed(ref: Ref) -> str:
    """Write which resource is meant, as it is typed: `alias/live`."""
    return f"{ref.kind.lower()}/{ref.name}"


def named(ref: Ref) -> str:
    """Write a name for a column of names: of what is no Function with its kind, as `kubectl get all` does."""
    return ref.name if ref.kind == FUNCTION else typed(ref)


def function_name(target: str, verb: str) -> str:
    """Read `[function/]NAME`; `verb` is what was to be done with it. Raises UsageError."""
    kind, slash, name = target.rpartition("/")
    if slash and kind.lower() not in FUNCTION_KINDS:
        raise UsageError(f"cannot {verb} a {kind!r}", hint=f"Only functions, so far: remediator {verb} function/NAME")
    check_name("Function", name)
    return name
