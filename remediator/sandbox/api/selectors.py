"""Label and field selectors (apimachinery `pkg/labels`, `pkg/fields`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.status import bad_request
from remediator.sandbox.api.values import Object

Matcher = Callable[[Object], bool]

_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_SIGNS = frozenset(("==", "=", "!=", "!", "<", ">", "(", ")", ","))


def label_matcher(selector: str) -> Matcher:
    """Return what tells whether an object's labels fit the selector.

    Raises 400 for one that cannot be parsed.
    """
    requirements = _Parser(selector).requirements()

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement(labels) for requirement in requirements)

    return matches


def field_matcher(selector: str, resource: Resource) -> Matcher:
    """Return what tells whether an object's fields fit.

    Raises 400 for an unknown field or an unknown operator.
    """
    known = ("metadata.name", "metadata.namespace", *resource.fields)
    terms: list[tuple[list[str], str, bool]] = []
    for part in filter(None, selector.split(",")):
        found = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
        if found is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
        name, operator, value = found.groups()
        if name not in known:
            raise bad_request(_unknown_field(name, known, resource))
        terms.append((name.split("."), value, operator != "!="))

    def matches(obj: Object) -> bool:
        return all((_field(obj, path) == value) is wanted for path, value, wanted in terms)

    return matches


def _unknown_field(name: str, known: tuple[str, ...], resource: Resource) -> str:
    if resource.custom or len(known) > 2:
        return f"field label not supported: {name}"
    listed = ", ".join(f'"{field}"' for field in known)
    return f'"{name}" is not a known field selector: only {listed}'


def _field(obj: Any, path: list[str]) -> str:
    for step in path:
        obj = obj.get(step) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj)


Requirement = Callable[[dict[str, str]], bool]


class _Parser:
    """Read a label selector from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if not self._tokens:
            return found
        while True:
            found.append(self._requirement())
            separator = self._next()
            if separator == "":
                return found
            if separator != ",":
                raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
            if not self._tokens or self._tokens[0] in _SIGNS - {"!"}:
                raise bad_request(f"found '{self._next()}', expected: identifier after ','")

    def _next(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""

    def _requirement(self) -> Requirement:
        key = self._next()
        if key == "!":
            absent = self._next()
            return lambda labels: absent not in labels
        if key in _SIGNS:
            raise bad_request(f"found '{key}', expected: !, identifier, or 'end of string'")
        if not self._tokens or self._tokens[0] == ",":
            return lambda labels: key in labels
        return self._comparison(key, self._next())

    def _comparison(self, key: str, operator: str) -> Requirement:
        if operator in ("=", "=="):
            value = self._value()
            return lambda labels: labels.get(key) == value
        if operator == "!=":
            value = self._value()
            return lambda labels: labels.get(key) != value
        if operator == "in":
            among = self._values()
            return lambda labels: labels.get(key) in among
        if operator == "notin":
            among = self._values()
            return lambda labels: labels.get(key) not in among
        if operator in ("<", ">"):
            return self._ordering(key, operator)
        expected = "in, notin, =, ==, !=, gt, lt"
        raise bad_request(f"unable to parse requirement: found '{operator}', expected: {expected}")

    def _ordering(self, key: str, operator: str) -> Requirement:
        text = self._value()
        if not re.fullmatch(r"-?\d+", text):
            why = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise bad_request(f'unable to parse requirement: values[0][{key}]: Invalid value: "{text}": {why}')
        limit = int(text)

        def compared(labels: dict[str, str]) -> bool:
            found = labels.get(key, "")
            if not re.fullmatch(r"-?\d+", found):
                return False
            return int(found) > limit if operator == ">" else int(found) < limit

        return compared

    def _value(self) -> str:
        return self._next() if self._tokens and self._tokens[0] not in _SIGNS else ""

    def _values(self) -> set[str]:
        if self._next() != "(":
            raise bad_request("unable to parse requirement: found '', expected: '('")
        values = {self._value()}
        while (separator := self._next()) == ",":
            values.add(self._value())
        if separator != ")":
            raise bad_request(f"unable to parse requirement: found '{separator}', expected: ',' or ')'")
        return values
