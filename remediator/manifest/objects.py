"""The Kubernetes objects of a file, each with the place where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yaml.nodes import Node

from remediator.errors import InputError
from remediator.manifest.source import Source
from remediator.manifest.tree import Mark, Path, Step, documents, mark_of, plain, steps
from remediator.model.kind import FUNCTION
from remediator.model.resource import FUNCTION_GROUP


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file. `value` is what kubectl would send of it."""

    source: Source
    document: Node
    node: Node
    value: dict[str, Any]

    @property
    def kind(self) -> str:
        return _text(self.value.get("kind"))

    @property
    def group(self) -> str:
        return _text(self.value.get("apiVersion")).rpartition("/")[0]

    @property
    def is_function(self) -> bool:
        """Whether it is a Function of ACK's lambda-controller."""
        return self.kind == FUNCTION and self.group == FUNCTION_GROUP

    @property
    def namespace(self) -> str | None:
        """The namespace that it names; None: whichever it is applied to."""
        return _text(self.at("metadata", "namespace")) or None

    @property
    def name(self) -> str:
        return _text(self.at("metadata", "name"))

    @property
    def encoded(self) -> bytes:
        """The object as JSON."""
        return json.dumps(self.value).encode()

    def at(self, *path: str | int) -> Any:
        """The value at a path; None where there is none, or where what is above it is something else."""
        value: Any = self.value
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
                value = value[part]
            else:
                return None
        return value

    def mark(self, *path: str | int) -> Mark:
        """Where a value stands; where there is none, the nearest thing above it."""
        return mark_of(self.way(path)[-1].node)

    def way(self, path: Path) -> list[Step]:
        """The nodes from this object to a value, as far as there are any."""
        return list(steps(self.node, path, self.document))


def manifests(source: Source) -> list[Manifest]:
    """Read every object of a file; Lists are taken apart, what is no object is left out.

    Raise InputError where the file is no YAML or JSON at all.
    """
    return [each for root in documents(source) for each in _objects(source, root)]


def _objects(source: Source, root: Node) -> Iterator[Manifest]:
    value = plain(source, root)
    inner: Path = ()
    if isinstance(value, list):
        items: Any = value
    elif isinstance(value, dict) and _text(value.get("kind")).endswith("List") and "items" in value:
        inner, items = ("items",), value["items"]
        if not isinstance(items, list):
            raise InputError(f"{source.name}: the items of its {value['kind']} are no list")
    elif isinstance(value, dict):
        yield Manifest(source, root, root, value)
        return
    else:
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            *_, last = steps(root, (*inner, index), root)
            yield Manifest(source, root, last.node, item)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
