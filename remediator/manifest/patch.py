"""Change one text of a file where it stands, and no other byte.

The text is spliced in at the offsets of the nodes; what is written is parsed again before anybody gets to see it. So
comments, order, anchors, quotes and line ends stay, and an edit that would mean anything else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode

from remediator.errors import InputError
from remediator.manifest.objects import Manifest
from remediator.manifest.source import Source
from remediator.manifest.spelling import entry, spelled
from remediator.manifest.tree import Path, documents, dotted, end_within, mark_of, plain

_DOUBLE = '"'
_STRING = "tag:yaml.org,2002:str"
_BREAK = re.compile(r"\r\n|\r|\n")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)*")
# What another tool fills in: Helm and Jinja, envsubst and Flux, make and kustomize.
_TEMPLATE = re.compile(r"\{\{.*\}\}|\$\{.+\}|\$\(.+\)", re.DOTALL)


class _Edit(NamedTuple):
    """What is to stand between two offsets of a text."""

    begin: int
    end: int
    text: str


class _Unsafe(Exception):
    """Why an edit is not made, and the node that it is about."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(why)
        self.node = node


def set_text(source: Source, manifest: Manifest, path: Path, value: str) -> Source:
    """Write a text at a path of an object: over what is there, or as a new key beside its siblings.

    `manifest` has to be of this `source`. What has the value already is given back as it is. Raise InputError, with
    the place, where what is there is used in other places, too (anchors, aliases, merge keys), is filled in by another
    tool, is no single value, or where what it would belong to is not there.
    """
    if manifest.at(*path) == value:
        return source
    try:
        return _proven(source, manifest, path, value)
    except _Unsafe as unsafe:
        line, column = mark_of(unsafe.node)
        raise InputError(
            f"{source.name}:{line}:{column}: {dotted(path)} cannot be changed here: {unsafe}",
            hint="The file is as it was. Edit it by hand.",
        ) from unsafe


def _proven(source: Source, manifest: Manifest, path: Path, value: str) -> Source:
    """Make the first edit that changes nothing else."""
    for edit in _edits(source, manifest, path, value):
        text = source.text[: edit.begin] + edit.text + source.text[edit.end :]
        changed = Source(source.name, text, bom=source.bom)
        if _changes_only(source, changed, path, value):
            return changed
    raise _Unsafe(manifest.way(path)[-1].node, "no way was found to write it that leaves all else as it is")


def _edits(source: Source, manifest: Manifest, path: Path, value: str) -> Iterator[_Edit]:
    """Propose edits, the one that changes least of the style first."""
    way = manifest.way(path)
    node, found = way[-1].node, len(way) - 1
    if any(step.borrowed for step in way):
        what = dotted(path) if found == len(path) else f"what it belongs to, {dotted(path[:found])},"
        raise _Unsafe(node, f"{what} is used in more than one place, by an anchor, an alias or <<")
    if found == len(path):
        parent = way[-2].node
        yield from _over(source, parent, node, value)
    elif found == len(path) - 1 and isinstance(node, MappingNode) and isinstance(path[-1], str):
        insert = _into_flow if node.flow_style else _into_block
        yield from insert(source, node, path[-1], value)
    else:
        raise _Unsafe(node, f"there is no {dotted(path[:-1])} with other values in it")


def _over(source: Source, parent: Node, node: Node, value: str) -> Iterator[_Edit]:
    """Write over a value, in its own quotes."""
    if not isinstance(node, ScalarNode):
        raise _Unsafe(node, "what stands there is no single value")
    if _TEMPLATE.search(node.value):
        raise _Unsafe(node, "what stands there is a template, which another tool fills in: render the file first")
    begin, end = node.start_mark.index, node.end_mark.index
    written = source.text[begin:end]
    properties = _properties(node, written)
    begin += len(properties)
    style = node.style
    if style in ("|", ">"):
        if "#" in written.splitlines()[0]:
            raise _Unsafe(node, "a comment stands between it and its text")
        end = begin + len(written[len(properties) :].rstrip())
        style = None
    if not style and _is_like_json(parent):
        style = _DOUBLE
    gap = " " if begin == end and not properties else ""
    for each in dict.fromkeys((style, _DOUBLE)):
        yield _Edit(begin, end, gap + spelled(value, each))


def _properties(node: ScalarNode, written: str) -> str:
    """Cut off the anchor and the tag that a value is written with: they stay."""
    properties = _PROPERTIES.match(written)
    found = properties[0] if properties else ""
    if any(each.startswith("!") for each in found.split()) and node.tag != _STRING:
        raise _Unsafe(node, f"it is written with the tag {node.tag}")
    return found


def _is_like_json(parent: Node) -> bool:
    return (
        isinstance(parent, MappingNode) and parent.flow_style and any(key.style == _DOUBLE for key, _ in parent.value)
    )


def _into_block(source: Source, parent: MappingNode, key: str, value: str) -> Iterator[_Edit]:
    """Add a line beneath the last one of a block, in its indentation and with its line end."""
    text, last = source.text, parent.value[-1][0]
    indentation = " " * parent.value[0][0].start_mark.column
    end = end_within(source, parent.end_mark.index)
    for style in (None, _DOUBLE):
        line = indentation + entry(key, value, last.style, style)
        if text[end - 1] in "\r\n":  # behind a block scalar, whose breaks are its own
            yield _Edit(end, end, line + ("\r\n" if text[:end].endswith("\r\n") else text[end - 1]))
            continue
        rest = _REST_OF_LINE.match(text, end)
        at = rest.end() if rest else end
        if ends := _BREAK.match(text, at):
            yield _Edit(ends.end(), ends.end(), line + ends[0])
        else:
            first = _BREAK.search(text)
            yield _Edit(at, at, (first[0] if first else "\n") + line)


def _into_flow(source: Source, parent: MappingNode, key: str, value: str) -> Iterator[_Edit]:
    """Add a pair before the closing brace, spaced and quoted as the last one is."""
    text, end = source.text, end_within(source, parent.end_mark.index - 1)
    if not parent.value:
        for style in (None, _DOUBLE):
            yield _Edit(end, end, entry(key, value, style, style))
        return
    last = parent.value[-1][0]
    begin, after = last.start_mark.index, last.end_mark.index
    compact = last.style is not None and text[after : after + 1] == ":" and not text[after + 1 : after + 2].isspace()
    gap = text[len(text[:begin].rstrip()) : begin]
    if not gap and len(parent.value) == 1 and not compact:
        gap = " "
    comma = "" if text[end - 1] == "," else ","
    for style in dict.fromkeys((_DOUBLE if _is_like_json(parent) else None, _DOUBLE)):
        pair = entry(key, value, last.style, style, ":" if compact else ": ")
        yield _Edit(end, end, f"{comma}{gap}{pair}")


# ---- the proof -------------------------------------------------------------------------------------------------------


def _changes_only(before: Source, after: Source, path: Path, value: str) -> bool:
    """Whether a text is all in which two files differ to who reads them, and JSON is still JSON."""
    old = [plain(before, root) for root in documents(before)]
    try:
        new = [plain(after, root) for root in documents(after)]
    except InputError:
        return False
    changes = [(where[-len(path) :], is_now) for where, is_now in _changes(old, new)]
    return changes == [(path, value)] and (_is_json(after) or not _is_json(before))


_ABSENT = object()


def _changes(old: Any, new: Any) -> Iterator[tuple[Path, Any]]:
    """List the places that are not the same, with what is there now."""
    waiting: list[tuple[Path, Any, Any]] = [((), old, new)]
    while waiting:
        where, was, is_now = waiting.pop()
        if isinstance(was, dict) and isinstance(is_now, dict):
            keys = dict.fromkeys((*was, *is_now))
            waiting += [((*where, key), was.get(key, _ABSENT), is_now.get(key, _ABSENT)) for key in keys]
        elif isinstance(was, list) and isinstance(is_now, list) and len(was) == len(is_now):
            waiting += [((*where, index), *pair) for index, pair in enumerate(zip(was, is_now, strict=True))]
        elif type(was) is not type(is_now) or repr(was) != repr(is_now):  # not a number is not equal to itself
            yield where, is_now


def _is_json(source: Source) -> bool:
    try:
        json.loads(source.text)
    except (ValueError, RecursionError):
        return False
    return True
