"""Write a text as YAML does, and as JSON does where it is in double quotes."""

from __future__ import annotations

import re

# What neither may hold as it is: controls, the halves of characters, and what YAML 1.1 takes for an end of the line.
_UNPRINTABLE = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"\\\\]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spelled(value: str, style: str | None) -> str:
    """Write a text in PyYAML's style: double quotes, single ones, or as it is (None), which may mean another value."""
    if style == '"':
        return f'"{_UNPRINTABLE.sub(_escaped, value)}"'
    if style == "'":
        return "'{}'".format(value.replace("'", "''"))
    return value


def entry(key: str, value: str, key_style: str | None, value_style: str | None, between: str = ": ") -> str:
    """Write a key with its value."""
    return f"{spelled(key, key_style)}{between}{spelled(value, value_style)}"


def _escaped(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"
