"""Signals that ask a command to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

_ASKING = (signal.SIGINT, signal.SIGTERM)


def take_sigterm_as_interrupt() -> None:
    """Take the end of a CronJob's time, or a `kill`, as Ctrl-C: what is half done is still undone."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(signum: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def signals_given_back() -> Iterator[None]:
    """Let signals be handled afterwards as they were before."""
    before = [(each, signal.getsignal(each)) for each in _ASKING]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def ignore_impatience() -> None:
    """Ignore a second Ctrl-C: what it would break off is the tidying up."""
    for each in _ASKING:
        signal.signal(each, signal.SIG_IGN)
