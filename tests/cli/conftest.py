"""The command line in this process, with what it prints and how it ends."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import structlog

from remediator.cli import main
from tests.cli.shop import (
    attended_shop,
    empty_shop,
    machine,
    models_read_once,
    shop,
    signals_as_before,
    typed_anywhere,
)

__all__ = [
    "attended_shop",
    "empty_shop",
    "machine",
    "models_read_once",
    "shop",
    "signals_as_before",
    "typed_anywhere",
]


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Remediator = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what a command configures for its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def remediator(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Remediator:
    """Run a command on a wide terminal that is none: with `stdin` as its input, and no prompt possible."""
    monkeypatch.setenv("COLUMNS", "400")

    def run(*args: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in args])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)

    return run
