"""Names as people type them."""

from __future__ import annotations

import re

from remediator.errors import UsageError

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
FUNCTION_KINDS = ("function", "functions", "functions.lambda.services.k8s.aws")


def check_name(what: str, name: str) -> None:
    """Refuse what no object can be called, before it becomes part of a URL."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a {what}", hint="Names have a-z, 0-9, - and . in them.")


def function_name(target: str, verb: str) -> str:
    """Read `[function/]NAME`; `verb` is what was to be done with it. Raises UsageError."""
    kind, slash, name = target.rpartition("/")
    if slash and kind.lower() not in FUNCTION_KINDS:
        raise UsageError(f"cannot {verb} a {kind!r}", hint=f"Only functions, so far: remediator {verb} function/NAME")
    check_name("Function", name)
    return name
