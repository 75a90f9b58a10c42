"""YAML files as the tests read them: by libyaml, and once a process. Most of a run's time went into reading them."""

from __future__ import annotations

import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Takes `Off` for a word, as YAML 1.2 does."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, found) for tag, found in resolvers if tag != _BOOL]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read(path: Path) -> Any:
    """Return a file's one document, as a value of the caller's own."""
    [document] = read_all(path)
    return document


def read_all(path: Path) -> list[Any]:
    """Return a file's documents, as values of the caller's own."""
    documents: list[Any] = pickle.loads(_documents(path.resolve()))
    return documents


def parsed(text: str) -> list[Any]:
    """Read documents that are in no file."""
    return list(yaml.load_all(text, Loader=_Loader))


@cache
def _documents(path: Path) -> bytes:
    """Read a file that no test writes. A copy of what was read is made much quicker from this than from values."""
    return pickle.dumps(parsed(path.read_text(encoding="utf-8")))
