"""A policy file with every key at its default, each with what it is for: a commented start that changes nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from remediator.policy import Policy
from remediator.policy.sections import Section, write_duration

_WIDTH = 100
_HEAD = """\
# What ack-remediator may do, and when. These are the defaults: it reads everything and changes nothing.
# Every key but apiVersion and kind may be left out. Check a file with: remediator validate FILE
"""


def sample_policy() -> str:
    """Write the sample. It is made from the types that the file is read into, and so has every key there is."""
    return _HEAD + "\n".join(_lines(Policy(), "")) + "\n"


def _lines(section: Section, indent: str) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), field.alias or name
        if not indent and key not in ("apiVersion", "kind"):
            yield ""
        if key not in ("apiVersion", "kind"):
            width = _WIDTH - len(indent) - 2
            yield from (f"{indent}# {line}" for line in textwrap.wrap(field.description or "", width))
        if isinstance(value, Section):
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return str(value) if value != "" else '""'
