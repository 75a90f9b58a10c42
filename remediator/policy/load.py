"""Read a policy file; say by line and column what is wrong with it, and what was expected."""

from __future__ import annotations

import difflib
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from remediator.errors import PolicyError
from remediator.policy import Policy

_HINT = "Nothing was done. Correct the file, or leave --policy out for the read-only defaults."


def load_policy(path: Path | None) -> Policy:
    """Read the file, or give the defaults where none is named; raise PolicyError with every fault that was found."""
    return Policy() if path is None else parse_policy(path, read_policy(path))


def read_policy(path: Path) -> str:
    """Read the text of a policy file; raise PolicyError where there is none to be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"{path}: cannot read the policy: {error.strerror}", hint=_HINT) from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: cannot read the policy: it is not UTF-8 text", hint=_HINT) from error


def parse_policy(path: Path, text: str) -> Policy:
    """Take the policy from the text of its file; raise PolicyError with every fault that was found."""
    document = _parse(path, text)
    for key, expected in (("apiVersion", "ack-remediator.dev/v1alpha1"), ("kind", "Policy")):
        if key not in document:
            raise PolicyError(f"{path}:1:1: {key} is missing; expected {key}: {expected}", hint=_HINT)
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        faults = sorted(_describe(document, fault) for fault in error.errors())
        raise PolicyError("\n".join(f"{path}:{each}" for each in faults), hint=_HINT) from error


def _parse(path: Path, text: str) -> CommentedMap:
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        problem = (error.problem or error.context or "is not YAML").split("\n")[0]
        problem = problem.split(" with value ")[0]  # of a duplicate key: it may be no policy, and the value a secret
        raise PolicyError(f"{path}:{place}: {problem}; expected a YAML mapping", hint=_HINT) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"{path}:1:1: {_first_line(error)}; expected a YAML mapping", hint=_HINT) from error
    if not isinstance(document, CommentedMap):
        raise PolicyError(f"{path}:1:1: the file is no mapping; expected apiVersion, kind, mode, …", hint=_HINT)
    return document


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class _Fault(NamedTuple):
    """One fault, in the order of the file."""

    line: int
    column: int
    said: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.said}"


def _describe(document: CommentedMap, fault: Any) -> _Fault:
    where: tuple[str | int, ...] = fault["loc"]
    if where[-1] == "[key]":  # pydantic's word for a key that is none of an enum's
        where = where[:-1]
    line, column = _position(document, where)
    dotted = ".".join(str(part) for part in where)
    wrong_key = where != fault["loc"] and fault["type"] != "value_error"
    if fault["type"] == "extra_forbidden" or wrong_key:
        known = _known_keys(where[:-1])
        near = difflib.get_close_matches(str(where[-1]), known, n=1)
        guess = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        return _Fault(line, column, f"unknown key {dotted}; {guess}")
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if where[0] == "webhook":
        return _Fault(line, column, f"{dotted}: {message}")  # the address of a chat is a secret
    return _Fault(line, column, f"{dotted}: {message}; found {fault['input']!r}")


def _known_keys(where: tuple[str | int, ...]) -> list[str]:
    """List the keys that a mapping of the file may have, by the types that it is read into."""
    kind: Any = Policy
    for part in where:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif isinstance(part, int):
            kind = get_args(kind)[0]
        else:
            kind = _section(next(each for each in kind.model_fields.values() if each.alias == part).annotation)
    if get_origin(kind) is dict:
        return sorted(get_args(kind)[0])
    return sorted(each.alias for each in kind.model_fields.values())


def _section(kind: Any) -> Any:
    """Take the section out of one that may be null."""
    if get_origin(kind) is UnionType:
        return next(each for each in get_args(kind) if each is not NoneType)
    return kind


def _position(document: CommentedMap, where: tuple[str | int, ...]) -> tuple[int, int]:
    """Find the line and column (from 1) of a key; of the nearest key above it where it is absent."""
    node: Any = document
    found = (1, 1)
    for part in where:
        if isinstance(node, CommentedMap) and part in node:
            if (place := (getattr(node.lc, "data", None) or {}).get(part)) is None:
                break  # it came in by a merge key: what is above it is the nearest place
            line, column = place[:2]
        elif isinstance(node, CommentedSeq) and isinstance(part, int):
            line, column = node.lc.item(part)
        else:
            break
        found = (line + 1, column + 1)
        node = node[part]
    return found
