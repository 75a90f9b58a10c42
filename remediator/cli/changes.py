"""How two objects differ, line by line, with no secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from remediator.cli.render import shortened
from remediator.model.masking import MASK, mask
from remediator.model.resource import LAST_APPLIED

Path = tuple[str | int, ...]

_ENVIRONMENT = ("spec", "environment", "variables")
_CODE = ("spec", "code", "zipFile")
# It has the whole spec in it, quoted once more.
_LAST_APPLIED = ("metadata", "annotations", LAST_APPLIED)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 200
_NOTHING = object()


def changes(before: Any, after: Any, secrets: frozenset[str]) -> Iterator[str]:
    """Yield `- path: value` and `+ path: value` for what differs; values of the environment are never shown."""
    old, new = dict(leaves(before)), dict(leaves(after))
    for path in sorted(old.keys() | new.keys(), key=_order):
        was, now = old.get(path, _NOTHING), new.get(path, _NOTHING)
        if same(was, now):
            continue
        for sign, value in (("-", was), ("+", now)):
            if value is not _NOTHING:
                yield f"{sign} {written(path)}: {_shown(path, value, secrets)}"


def lost(sent: Any, answered: Any) -> list[str]:
    """Name what was sent and did not arrive, or not as it was; null is Kubernetes' word for absent."""
    there = dict(leaves(answered))
    return [
        written(path)
        for path, value in leaves(sent)
        if value not in (None, {}, []) and not same(value, there.get(path, _NOTHING))
    ]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield what has nothing beneath it, each with its path."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from leaves(each, (*path, index))
    elif path:
        yield path, value


def same(one: Any, other: Any) -> bool:
    """Whether two leaves are the same in JSON: 1 and 1.0 are, true and 1 are not."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def written(path: Path) -> str:
    """Write a path as kubectl's jsonpath has it."""
    text = ""
    for each in path:
        if isinstance(each, int):
            text += f"[{each}]"
        elif _PLAIN.fullmatch(each):
            text += f".{each}"
        else:
            text += f"[{json.dumps(each)}]"
    return text.removeprefix(".")


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((each, "") if isinstance(each, int) else (-1, each) for each in path)


def _shown(path: Path, value: Any, secrets: frozenset[str]) -> str:
    if path[:3] == _ENVIRONMENT and value not in (None, {}):
        return MASK
    if path == _CODE:
        return f"({len(str(value)):,} characters)"
    if path == _LAST_APPLIED:
        return "(not shown)"
    told = mask(value, secrets) if isinstance(value, str) else value
    return shortened(json.dumps(told, ensure_ascii=False), _LONGEST, elsewhere="")
