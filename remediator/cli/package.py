"""The package as a file: its digest, read once from begin to end, in constant memory."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from remediator.errors import InputError
from remediator.manifest.source import STDIN

_CHUNK = 1024 * 1024  # bytes
_LARGEST = 8 * 1024**3  # bytes; Lambda takes 250 MB. What has no end must end
# A zip ends with its directory's end: 22 bytes, the last two the length of a comment that follows.
_DIRECTORY_END = re.compile(rb"PK\x05\x06.{16}(..)", re.DOTALL)
_LONGEST_END = 22 + 0xFFFF


class Package(NamedTuple):
    """What is known of a package. `is_zip`: it has what every zip ends with."""

    name: str
    digest: bytes
    is_zip: bool


def read_package(name: str) -> Package:
    """Read a file, a pipe, or stdin for `-`; raise InputError where there is nothing to be had."""
    shown = "<stdin>" if name == STDIN else name
    digest, size, end = hashlib.sha256(), 0, b""
    try:
        for chunk in _chunks(name):
            digest.update(chunk)
            size += len(chunk)
            end = (chunk if len(chunk) >= _LONGEST_END else end + chunk)[-_LONGEST_END:]
            if size > _LARGEST:
                raise InputError(f"{shown}: is larger than {_LARGEST // 1024**3} GiB, and no package")
    except IsADirectoryError as error:
        raise InputError(
            f"{shown}: is a directory, and no package", hint="Zip what is in it first, and give the zip."
        ) from error
    except OSError as error:
        raise InputError(
            f"{shown}: cannot be read: {error.strerror}",
            hint="Name the zip that is uploaded, - for stdin, or where it is in S3: --s3 s3://bucket/key.",
        ) from error
    if not size:
        raise InputError(f"{shown}: is empty, and no package", hint="Did what was to write it fail?")
    return Package(shown, digest.digest(), _is_whole(end))


def _is_whole(end: bytes) -> bool:
    found = _DIRECTORY_END.finditer(end)
    return any(each.end() + int.from_bytes(each[1], "little") <= len(end) for each in found)


def _chunks(name: str) -> Iterator[bytes]:
    if name == STDIN:
        if sys.stdin is None:
            raise InputError("<stdin>: is closed", hint="Pipe the package into it, or name the file.")
        yield from _all_of(sys.stdin.buffer)
        return
    with Path(name).open("rb", buffering=0) as file:
        yield from _all_of(file)


def _all_of(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
