"""Metrics as a file for node_exporter's textfile collector, from a process that ends."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from remediator.telemetry.families import LAST_SUCCESS
from remediator.telemetry.metrics import Metrics

_FOR_ALL_TO_READ = 0o644  # it runs as another user


def write(metrics: Metrics, file: Path) -> str:
    """Replace the file at once, so that nobody reads a half of it; say in a sentence why not, empty if it was.

    When everything was last seen is kept from the file before, where this process does not know better.
    """
    try:
        former = _last_success(file)
        if former is not None:
            metrics.succeeded_before(former)
        _replace(file, metrics.exposition())
    except OSError as error:
        return f"metrics could not be written to {file}: {error.strerror or error}"
    return ""


def _replace(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), _FOR_ALL_TO_READ)
            stream.write(content)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _last_success(file: Path) -> float | None:
    """Read when everything was last seen; None where the file does not tell, or is none of ours."""
    try:
        for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
            if family.name == LAST_SUCCESS.name:
                return family.samples[0].value
    except (FileNotFoundError, ValueError, IndexError):  # ValueError: not UTF-8, or not the text format
        return None
    return None
