"""Read the controller's log: which entries are about one object, and what of them may be shown.

An entry is JSON (zap), or, in development mode, text and JSON in one line. What it says beside its message is shown
only where we know what that is: `diff` has values of the spec and of AWS, secrets that nobody told us among them, and
some entries of debugging have the whole object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from remediator.model.log import LogLine
from remediator.model.masking import one_line, without_links
from remediator.model.resource import Ref, strip_request_ids

# `pkg/path.(*Type).method(0xc000…)`, the arguments only as Go itself prints it, and not as zap does; and, in the line
# after it, `\tpath/file.go:123 +0x1f`.
_CALL = re.compile(r"^(?:\S*/)?(?P<name>[^/\s]+?)(?:\((?:0x|\{0x|\.\.\.|\)).*)?$")
_PLACE = re.compile(r"^\s+(?:.*/)?(?P<file>[^/\s]+\.go:\d+)")
_OURS = "aws-controllers-k8s/"
_FRAMES = 3
_RECOVERED = "[recovered]"


class Entry(NamedTuple):
    """One entry that was understood."""

    at: str
    level: str
    message: str
    said: Mapping[str, Any]


def about(ref: Ref, log: Iterable[str]) -> tuple[LogLine, ...]:
    """Pick what is said of an object, in the order of time; what repeats itself is there once, where it was last said.

    A crash of the whole controller names no object: it is everybody's.
    """
    found: dict[tuple[str, str], LogLine] = {}
    for entry in sorted(_entries(log), key=lambda each: each.at):
        if not (entry.level == "fatal" or _is_about(entry.said, ref)):
            continue
        text = _shown(entry)
        if text:
            before = found.pop((entry.level, text), None)
            found[entry.level, text] = LogLine(entry.at, entry.level, text, before.times + 1 if before else 1)
    return tuple(found.values())


def _entries(log: Iterable[str]) -> Iterator[Entry]:
    last, crash = "", list[str]()
    for line in log:
        entry = _entry(line)
        if entry is not None:
            if crash:
                yield _crashed(last, crash)
                crash = []
            last = entry.at
            yield entry
        elif crash or line.startswith("panic: "):
            crash.append(line)
    if crash:
        yield _crashed(last, crash)


def _crashed(at: str, lines: list[str]) -> Entry:
    """Make one entry of what Go prints as it dies; it has no time of its own."""
    return Entry(
        at,
        "fatal",
        "the controller crashed",
        {"panic": lines[0].removeprefix("panic: "), "stacktrace": "\n".join(lines)},
    )


def _entry(line: str) -> Entry | None:
    if line.startswith("{"):
        said = _mapping(line)
        return Entry(_str(said, "ts"), _str(said, "level"), _str(said, "msg"), said) if said else None
    words = line.split("\t")
    if len(words) < 4 or not words[-1].startswith("{"):
        return None
    return Entry(words[0], words[1].lower(), words[-2], _mapping(words[-1]))


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _str(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _is_about(said: Mapping[str, Any], ref: Ref) -> bool:
    """Whether it names the object: as ACK does, or as controller-runtime does."""
    kind = said.get("kind") or said.get("controllerKind")
    return kind == ref.kind and (said.get("namespace"), said.get("name")) == (ref.namespace, ref.name)


def _shown(entry: Entry) -> str:
    """Write an entry in one line, whole: what is cut before it is masked keeps the half of a secret.

    Empty where another one says the same.
    """
    if entry.message[:1] in "<>":  # of debugging: enters and leaves a function
        return ""
    error = _str(entry.said, "error")
    if error.endswith(_RECOVERED):
        return ""
    parts = [entry.message, error, _paths(entry.said.get("diff")), _str(entry.said, "panic")]
    text = ": ".join(filter(None, parts)) + _frames(_str(entry.said, "stacktrace")) * ("panic" in entry.said)
    return without_links(strip_request_ids(one_line(text)))


def _paths(diff: object) -> str:
    """Name what differed, and nothing of the values: the old ones are secrets that nobody told us."""
    entries = diff if isinstance(diff, list) else []
    parts = [each["Path"]["Parts"] for each in entries if _has_path(each)]
    return ", ".join(".".join(str(name) for name in each) for each in parts)


def _has_path(entry: object) -> bool:
    path = entry.get("Path") if isinstance(entry, dict) else None
    return isinstance(path, dict) and isinstance(path.get("Parts"), list)


def _frames(trace: str) -> str:
    """Name the first calls of a stack trace that are ACK's own, innermost first; else the first of all."""
    lines = trace.split("\n")
    calls = [
        (_OURS in above, f"{call['name']} ({place['file']})")
        for above, below in pairwise(lines)
        if (call := _CALL.match(above)) and (place := _PLACE.match(below))
    ]
    ours = [text for own, text in calls if own] or [text for _, text in calls]
    return f", in {', called by '.join(ours[:_FRAMES])}" if ours else ""
