"""A shell on a terminal of its own, at which a test types."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_PATIENCE = 30.0
# Colours, cursor movements and titles: what is left is what a person reads.
_CONTROL = re.compile(
    r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>]|[\r\x07\x08]"
)


class Terminal:
    """The other end of a terminal; `screen` is all that was shown on it so far."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._shown = b""

    @property
    def screen(self) -> str:
        return _CONTROL.sub("", self._shown.decode(errors="replace"))

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until something is on the screen, so many times; fail where it does not come."""
        late = time.monotonic() + _PATIENCE
        while self.screen.count(text) < times:
            assert time.monotonic() < late, f"{text!r} did not come; on the screen: {self.screen!r}"
            if select.select([self._end], [], [], 0.2)[0]:
                self._shown += os.read(self._end, 65536)


@contextmanager
def terminal(program: list[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program as the leader of a session with a terminal, and end it afterwards."""
    process, end = pty.fork()
    if process == 0:
        try:
            os.execvpe(program[0], program, dict(environment))
        finally:
            os._exit(127)
    try:
        yield Terminal(end)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(end)
