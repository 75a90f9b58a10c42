"""Backups as files that only their owner can read: function specs carry secrets."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from remediator.errors import NoPlace, RemediatorError
from remediator.model.resource import Ref
from remediator.ports import Backups

_log = structlog.get_logger(__name__)


class FileBackups:
    """The Backups port on a directory (0700), one file (0600) per object and moment."""

    def __init__(self, directory: Path | None = None) -> None:
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        self._directory = directory or Path(state, "ack-remediator", "backups")

    def save(self, ref: Ref, content: bytes) -> str:
        """Write the object; raise RemediatorError where that fails, so that nothing is done without a backup."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = self._directory / f"{ref.namespace}-{ref.name}-{ref.uid}-{moment}.json"
        try:
            path = path.expanduser()  # only now: a pod need not have a home, nor a file
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(content))
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # RuntimeError: expanduser() finds no home
            why = error.strerror if isinstance(error, OSError) else error
            raise RemediatorError(
                f"cannot save {ref} to {path}: {why}; without a backup nothing is done",
                hint="Name a directory that you may write with --backups.",
            ) from error
        return str(path)


class FallbackBackups:
    """The Backups port on a first choice, and on a second where the first has no right or no place to save.

    Only NoPlace, which holds until somebody changes it, leads to the second. An API server that does not
    answer, or fails, is no reason to leave a function's secrets somewhere else: then there is no backup, and no act.
    Where both fail, the error has both reasons.
    """

    def __init__(self, first: Backups, second: Backups) -> None:
        self._first = first
        self._second = second

    def save(self, ref: Ref, content: bytes) -> str:
        try:
            saved = self._first.save(ref, content)
        except NoPlace as why:
            try:
                saved = self._second.save(ref, content)
            except RemediatorError as error:
                raise RemediatorError(f"{why.message}; {error.message}", hint=error.hint) from error
            _log.warning("the backup is a file on this machine", target=str(ref), file=saved, why=why.message)
        return saved


class BothBackups:
    """The Backups port on two places, the first of which is told. Both must have it: no backup, no act."""

    def __init__(self, first: Backups, second: Backups) -> None:
        self._first = first
        self._second = second

    def save(self, ref: Ref, content: bytes) -> str:
        saved = self._first.save(ref, content)
        _log.info("the object is saved twice", target=str(ref), first=saved, second=self._second.save(ref, content))
        return saved
