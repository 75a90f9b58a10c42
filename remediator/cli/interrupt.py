"""Signals that ask a command to end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from remediator.cli import INTERRUPTED

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


def end_on_signals(end: Callable[[], None], grace: float) -> None:
    """Let the first SIGTERM or Ctrl-C call `end`, and a second one, or the end of `grace` seconds, end the process.

    It ends at once then, threads in the middle of a request included: nothing waits for what does not answer.
    """
    asked = False

    def handle(signum: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            _end_now()
        asked = True
        # In a thread: what the signal interrupted can hold the very lock that `end` waits for.
        threading.Thread(target=_end_within, args=(end, grace), daemon=True).start()

    for each in _ASKING:
        signal.signal(each, handle)


def _end_within(end: Callable[[], None], grace: float) -> None:
    end()
    time.sleep(grace)
    _end_now()


def _end_now() -> NoReturn:
    os._exit(INTERRUPTED)
