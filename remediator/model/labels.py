"""Label selectors, as kubectl's `-l` takes them."""

from __future__ import annotations

import re

from remediator.model.selection import Operator, Requirement

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = rf"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"

_COMMA = re.compile(r",(?![^(]*\))")
_ABSENT = re.compile(rf"!\s*({_KEY})")
_EXISTS = re.compile(rf"({_KEY})")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Read `team=shop,tier in (gold,silver),!canary`; raise ValueError for what is none. Empty text asks nothing."""
    if not text.strip():
        return ()
    return tuple(_requirement(part.strip()) for part in _COMMA.split(text))


def _requirement(text: str) -> Requirement:
    if match := _ABSENT.fullmatch(text):
        return Requirement(match[1], Operator.ABSENT)
    if match := _EXISTS.fullmatch(text):
        return Requirement(match[1], Operator.EXISTS)
    if match := _EQUAL.fullmatch(text):
        operator = Operator.NOT_IN if match[2] == "!=" else Operator.IN
        return Requirement(match[1], operator, frozenset({match[3]}))
    if match := _SET.fullmatch(text):
        values = [value.strip() for value in match[3].split(",")]
        if all(re.fullmatch(_VALUE, value) for value in values):
            return Requirement(match[1], Operator(match[2]), frozenset(values))
    raise ValueError(f"{text!r} is no label selector; write it as team=shop, team!=shop, team in (a,b), team or !team")
