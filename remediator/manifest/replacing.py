"""Put a changed file in the place of the one that was read: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from remediator.errors import InputError
from remediator.manifest.source import Source

_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def replace(name: str, before: Source, after: Source) -> None:
    """Write a file anew, as its owner's and with its mode; a symbolic link stays one, and what it leads to is written.

    Who reads it meanwhile sees the one or the other. Raise InputError, and leave it as it is, where it is no longer
    what was read, where it is protected from writing, or where it has other names, of which it would be taken away.
    """
    try:
        _replace(Path(name).resolve(strict=True), before, after)
    except OSError as error:
        raise InputError(
            f"{name}: cannot be written: {error.strerror}", hint="It is as it was. Files are replaced whole, so that "
            "its directory has to be writable, too.",
        ) from error  # fmt: skip


def _replace(file: Path, before: Source, after: Source) -> None:
    state = file.stat()
    _check(file, state, before)
    handle, made = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    beside = Path(made)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(after.encoded)
            ours = os.fstat(handle)
            if (ours.st_uid, ours.st_gid) != (state.st_uid, state.st_gid):
                os.fchown(handle, state.st_uid, state.st_gid)
            shutil.copystat(file, beside)
            os.utime(beside)
            written.flush()
            os.fsync(handle)
        _check(file, file.stat(), before)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    _keep(file.parent)


def _check(file: Path, state: os.stat_result, before: Source) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{before.name}: is no regular file, and cannot be changed in place")
    if not state.st_mode & _ANY_WRITE or not os.access(file, os.W_OK):
        raise InputError(f"{before.name}: is read-only", hint="It is as it was. Allow its owner to write, with chmod.")
    if state.st_nlink > 1:
        raise InputError(
            f"{before.name}: has {state.st_nlink} names (hard links), and would be changed under one of them only",
            hint="It is as it was. Copy it, and put the copy in its place.",
        )
    if file.read_bytes() != before.encoded:
        raise InputError(f"{before.name}: was changed by somebody else meanwhile", hint="Say it again.")


def _keep(directory: Path) -> None:
    """Let the file's new content be found after a power failure, too."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
