"""The audit log as a file: appended to, for its owner's eyes only, on the disk before what it tells of is done."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from remediator.errors import Unaudited

STDERR = "-"


class AuditFile:
    """Takes lines. Opened anew for each write, so that whoever rotates just moves it away.

    `-` is stderr. A last line that a crash tore off is left as it is, and what is written next begins a line of its
    own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, lines: bytes) -> None:
        """Write lines, and see them to the disk; raise Unaudited where they may be lost."""
        try:
            if str(self._path) == STDERR:
                _print(lines)
            else:
                self._append(lines)
        except (OSError, RuntimeError, ValueError) as error:  # expanduser() finds no home; a NUL; stderr was closed
            why = getattr(error, "strerror", None) or error
            raise Unaudited(
                f"the audit log {self._path} cannot be written: {why}",
                hint="Name a file that you may append to with --audit-log.",
            ) from error

    def _append(self, lines: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
        descriptor = os.open(self._path.expanduser(), flags, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(0, "it is no regular file")
            size = os.fstat(file.fileno()).st_size
            torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
            left = memoryview(b"\n" + lines if torn else lines)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())


def _print(lines: bytes) -> None:
    """Write to stderr, as text: that is ASCII, and stderr may be somebody's wrapper."""
    sys.stderr.write(lines.decode("ascii"))
    sys.stderr.flush()
