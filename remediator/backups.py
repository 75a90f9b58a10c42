"""Backups as files that only their owner can read: function specs carry secrets."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from remediator.errors import RemediatorError
from remediator.model.resource import Ref
from remediator.model.times import format_time


class FileBackups:
    """The Backups port on a directory (0700), one file (0600) per object and moment."""

    def __init__(self, directory: Path | None = None) -> None:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        self._directory = directory or state / "ack-remediator" / "backups"

    def save(self, ref: Ref, content: bytes) -> str:
        """Write the object; raise RemediatorError where that fails, so that nothing is done without a backup."""
        return self._write(ref, "", msgspec.json.format(content))

    def orphaned(self, ref: Ref, arn: str, at: datetime) -> str:
        record = {"arn": arn, "namespace": ref.namespace, "name": ref.name, "uid": ref.uid, "at": format_time(at)}
        return self._write(ref, "orphan-", msgspec.json.encode(record))

    def _write(self, ref: Ref, prefix: str, content: bytes) -> str:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = self._directory / f"{prefix}{ref.namespace}-{ref.name}-{ref.uid}-{moment}.json"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RemediatorError(
                f"cannot save {ref} to {path}: {error.strerror}; without a backup nothing is done",
                hint="Name a directory that you may write with --backups.",
            ) from error
        return str(path)
