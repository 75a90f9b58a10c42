"""The files that manifests are read from: one, a directory of them, or stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

from msgspec import Struct

from remediator.errors import InputError

STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_LARGEST = 32 * 1024 * 1024  # bytes; the API server takes objects of 3 MiB
_BOM = "\ufeff"


class Source(Struct, frozen=True):
    """The text of one file, without the byte order mark that it may begin with; `name` is how the user named it."""

    name: str
    text: str
    bom: bool = False

    @property
    def encoded(self) -> bytes:
        """The file's bytes."""
        return ((_BOM if self.bom else "") + self.text).encode()


def read_source(name: str) -> Source:
    """Read one file, or stdin for `-`; raise InputError where there is no text to be had."""
    shown = "<stdin>" if name == STDIN else name
    try:
        content = _limited(name)
    except OSError as error:
        raise InputError(
            f"{shown}: cannot be read: {error.strerror}", hint="Name a file with a manifest, or - for stdin."
        ) from error
    if len(content) > _LARGEST:
        raise InputError(f"{shown}: is larger than {_LARGEST // 2**20} MiB, and no manifest")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{shown}: is not UTF-8 text (byte {error.start})", hint="Is it a manifest? Save it as UTF-8."
        ) from error
    return Source(shown, text.removeprefix(_BOM), bom=text.startswith(_BOM))


def _limited(name: str) -> bytes:
    if name == STDIN:
        if sys.stdin is None:
            raise InputError("<stdin>: is closed", hint="Pipe the manifest into it, or name the file.")
        return sys.stdin.buffer.read(_LARGEST + 1)
    with Path(name).open("rb") as file:
        return file.read(_LARGEST + 1)


def files_of(name: str) -> Iterator[str]:
    """List the manifests under a directory, in order, hidden ones left out; a file, or `-`, is itself."""
    path = Path(name)
    if name == STDIN or not path.is_dir():
        yield name
        return
    for each in sorted(path.rglob("*")):
        if is_manifest_name(each.relative_to(path)) and each.is_file():
            yield str(each)


def is_manifest_name(inner: PurePath) -> bool:
    """Whether a file of that name under a directory is read as a manifest: hidden ones are not."""
    hidden = any(part.startswith(".") for part in inner.parts)
    return not hidden and inner.suffix.lower() in _SUFFIXES
