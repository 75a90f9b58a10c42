"""Run a program in the background, its output in a file, and end it by its own process id."""

import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_LINE = 800  # characters


class Process:
    """One background program."""

    def __init__(self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        # A session of its own: Ctrl-C must reach pytest only, which then ends its programs in order.
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Tell whether it still runs."""
        return self._child.poll() is None

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to end, and after `patience` seconds make it."""
        self._child.terminate()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def tail(log: Path, lines: int = 40, since: int = 0) -> str:
    """Show the last lines of a log, of what was written after its byte `since`; overlong ones are cut."""
    if not log.exists():
        return ""
    with log.open("rb") as written:
        written.seek(since)
        last = written.read().decode(errors="replace").splitlines()[-lines:]
    # The JSON lines of a controller end in a stack trace of its framework.
    return "\n".join(line if len(line) <= _LINE else f"{line[:_LINE]} …" for line in last)


def free_port() -> int:
    """Find a free TCP port on loopback, for a program that cannot be asked which one it took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
