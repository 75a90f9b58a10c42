"""YAML and JSON as a tree of nodes that know where they stand, read as kubectl reads them.

PyYAML's nodes are used as they are. What they are turned into is what JSON could say, since that is what kubectl sends:
times are texts, and `yes` is a boolean (kubectl reads YAML 1.1, sigs.k8s.io/yaml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from remediator.errors import InputError
from remediator.manifest.source import Source

__all__ = ["Mark", "Path", "Step", "documents", "dotted", "end_within", "mark_of", "plain", "steps"]

Path = tuple[str | int, ...]

_MERGE = "tag:yaml.org,2002:merge"
_MOST = 500_000  # values in a document; aliases of aliases can stand for any number of them
_TEMPLATE = re.compile(r"^[^#\n]*\{\{.*\}\}", re.MULTILINE)
# What PyYAML quotes of the text: a password that begins with * is an alias to it. Single characters tell what is wrong.
_QUOTED = re.compile(r""" (?:'(?!<)[^']{2,}'|"[^"]{2,}")""")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Mark(NamedTuple):
    """A place in a file: line and column, both from 1."""

    line: int
    column: int


class Step(NamedTuple):
    """A node on the way to a value. `borrowed`: it stands elsewhere in the file, and more than one place means it."""

    node: Node
    borrowed: bool


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Resolves plain scalars as kubectl does."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":int", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))
# Without YAML 1.1's base 60: kubectl takes 1:30 for a text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


def documents(source: Source) -> list[Node]:
    """Parse a file into the root nodes of its documents, empty ones left out; raise InputError where it is no YAML."""
    try:
        found = [node for node in yaml.compose_all(_readable(source), Loader=_Loader) if not _is_empty(node)]
    except RecursionError as error:
        raise InputError(f"{source.name}: is nested too deeply to be a manifest") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(_fault(source, error), hint=_hint(source)) from error
    return found


def _readable(source: Source) -> str:
    """Replace tabs, one by one, so that places stay: JSON may be indented by them, YAML may not."""
    text = source.text  # in JSON's strings none can stand
    return text.replace("\t", " ") if text.lstrip()[:1] in ("{", "[") else text


def end_within(source: Source, limit: int) -> int:
    """Find where the last thing before an offset ends, comments aside: a block's own mark is where the next begins."""
    tokens = yaml.scan(_readable(source), Loader=_Loader)
    ends: list[int] = [each.end_mark.index for each in tokens if each.start_mark.index < each.end_mark.index]
    return max(end for end in ends if end <= limit)


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and node.tag.endswith(":null"))


def _fault(source: Source, error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        said = _QUOTED.sub("", error.problem or error.context or "no YAML")
        return f"{source.name}{place}: {said}; expected YAML or JSON"
    return f"{source.name}: {(str(error).splitlines() or ['no YAML'])[0]}; expected YAML or JSON"


def _hint(source: Source) -> str:
    if _TEMPLATE.search(source.text):
        return "It is a template: render it first (helm template, kustomize build); - reads the result from stdin."
    return "`kubectl apply --dry-run=client -f FILE` says the same."


def dotted(path: Path) -> str:
    """Write a path as people do: `spec.layers[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def mark_of(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def steps(root: Node, path: Path, document: Node) -> Iterator[Step]:
    """Walk to a value as far as there is one, the root first; the way ends early where the path does.

    `document` is the root of all that anchors can be shared with.
    """
    shared = _shared(document)
    node, borrowed = root, id(root) in shared
    yield Step(node, borrowed)
    for part in path:
        found = _child(node, part)
        if found is None:
            return
        node, merged = found
        borrowed = borrowed or merged or id(node) in shared
        yield Step(node, borrowed)


def _shared(root: Node) -> set[int]:
    """Find the nodes that an anchor lets stand in several places."""
    seen: set[int] = set()
    twice: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            twice.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value
    return twice


def _child(node: Node, part: str | int) -> tuple[Node, bool] | None:
    """Find a value by key or index, and whether a merge key brought it in; its own keys come before merged ones."""
    if isinstance(node, SequenceNode) and isinstance(part, int):
        return (node.value[part], False) if 0 <= part < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    own = [value for key, value in node.value if key.tag != _MERGE and key.value == part]
    if own:
        return own[-1], False
    for merged in _merged(node):
        if (found := _child(merged, part)) is not None:
            return found[0], True
    return None


def _merged(node: MappingNode) -> Iterator[Node]:
    for key, value in node.value:
        if key.tag == _MERGE:
            yield from value.value if isinstance(value, SequenceNode) else (value,)


def plain(source: Source, root: Node) -> Any:
    """Turn a node into what JSON could say: dicts, lists, texts, numbers, booleans, None.

    Raise InputError for what kubectl would refuse, too (a key that stands twice), and for what has no end.
    """
    constructor = _Constructor(source)
    try:
        return constructor.value(root)
    except RecursionError as error:
        raise InputError(
            f"{source.name}: is nested too deeply to be a manifest, or an alias names what it is in"
        ) from error


class _Constructor:
    """One document; counts its values, so that aliases of aliases end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = _MOST
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: Node) -> Any:
        self._left -= 1
        if self._left < 0:
            raise InputError(f"{self._source.name}: its aliases stand for more than {_MOST} values")
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return [self.value(each) for each in node.value]
        return self._scalar(node)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            if not isinstance(key, ScalarNode):
                raise self._refused(key, "a key that is no text")
            if key.value in found:
                raise self._refused(key, f"the key {key.value!r} stands here twice")
            found[_text(key.value)] = self.value(value)
        for merged in _merged(node):
            if not isinstance(merged, MappingNode):
                raise self._refused(merged, "<< takes a mapping, or a list of them")
            found = self._mapping(merged) | found
        return found

    def _scalar(self, node: Node) -> Any:
        kind = node.tag.rpartition(":")[2]
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return node.value.lower() in ("y", "yes", "true", "on")
                case "int":
                    return self._scalars.construct_yaml_int(_octal(node))
                case "float":
                    return self._scalars.construct_yaml_float(node)
        except ValueError:
            return _text(node.value)
        return _text(node.value)

    def _refused(self, node: Node, why: str) -> InputError:
        mark = mark_of(node)
        hint = _hint(self._source)
        return InputError(f"{self._source.name}:{mark.line}:{mark.column}: {why}", hint=hint)


def _octal(node: Node) -> Node:
    """Write 0o17 as YAML 1.1 does: kubectl reads both."""
    return ScalarNode(node.tag, node.value.replace("0o", "0", 1)) if "0o" in node.value else node


def _text(value: str) -> str:
    """Put the halves together by which JSON writes a character beyond 16 bits."""
    if not _SURROGATES.search(value):
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
