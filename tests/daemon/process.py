"""A daemon in a process of its own, as a pod would run it: what it logs, serves, and ends with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

Json = dict[str, Any]

# For a hang; all of it takes a few seconds on a machine that has nothing else to do.
_PATIENCE = 50.0


class Process:
    """One daemon. Its log is read as it comes."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._changed = threading.Condition()
        self.log: list[Json] = []
        self.odd: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def told(self, event: str, holds: Callable[[Json], bool] = lambda _: True, *, within: float = _PATIENCE) -> Json:
        """Wait for a line of the log, and return it."""
        deadline = time.monotonic() + within
        with self._changed:
            while True:
                found = next((each for each in self.log if each["event"] == event and holds(each)), None)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                assert left > 0 and self._child.poll() is None, f"never told {event!r}: {self.log} {self.odd}"
                self._changed.wait(min(left, 0.5))

    def get(self, path: str) -> tuple[int, str]:
        """Ask its server, as Prometheus or a kubelet does."""
        address = f"http://127.0.0.1:{self.told('serving')['port']}{path}"
        try:
            with urlopen(address, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def page(self) -> str:
        """Read its page, as a browser on this machine does."""
        with urlopen(f"http://127.0.0.1:{self.told('serving the page')['port']}/", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def is_ready(self) -> bool:
        """Wait until its first pass is over; whether it then is ready, and alive."""
        deadline = time.monotonic() + _PATIENCE
        while (told := self.get("/readyz"))[0] != 200:
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        return self.get("/healthz")[0] == 200

    def terminate(self) -> None:
        self._child.send_signal(signal.SIGTERM)

    def ends(self, within: float = _PATIENCE) -> int:
        """Wait for its end, and return its exit code."""
        code = self._child.wait(within)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """End it whatever it is at; nothing is left open."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self._reader.join(5)
        assert self._child.stderr is not None
        self._child.stderr.close()

    def _read(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            with self._changed:
                try:
                    self.log.append(json.loads(line))
                except ValueError:
                    self.odd.append(line)
                self._changed.notify_all()


@contextmanager
def started(
    *words: str, page: Sequence[str] = ("--page-port", "0"), before: str = "", **environment: str
) -> Iterator[Process]:
    """Start `remediator daemon` on ports that are free. `before` is Python that the process runs before it."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-c", f"{before}\nfrom remediator.cli import main; main()"),
            *("daemon", "--metrics-port", "0", *page, *words),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    process = Process(child)
    try:
        yield process
    finally:
        process.kill()
