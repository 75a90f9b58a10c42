"""Run an image as a pod does: as its own user, as PID 1, on a file system that is read-only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.daemon.process import Process

_ENTER = Path(__file__).parent / "enter"
# Nothing runs here for longer, but for what hangs.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Image:
    """A built image: its file system, mounted, and what it says of itself."""

    root: Path
    described: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.described["config"]
        return config

    def command(
        self, words: Sequence[str], environment: Mapping[str, str], entrypoint: Sequence[str] | None = None
    ) -> list[str]:
        """Put together what starts a container of it in namespaces of its own."""
        own = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        program = [*(self.config["Entrypoint"] if entrypoint is None else entrypoint), *words]
        namespaces = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork"]
        return [*namespaces, str(_ENTER), str(self.root), self.config["User"], *own, *program]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run its entrypoint with these words to its end."""
        return _finished(self.command(words, environment))

    def python(self, code: str) -> str:
        """Run a program on its Python, and answer what it prints."""
        ran = _finished(self.command(["-c", code], {}, ["/opt/ack-remediator/bin/python"]))
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self, *words: str, **environment: str) -> Running:
        """Start its entrypoint with these words; the caller ends it."""
        return Running(
            subprocess.Popen(
                self.command(words, environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def provide(self, path: str, files: Mapping[str, str]) -> None:
        """Put files where a pod would mount them."""
        folder = self.root / path.lstrip("/")
        # A link in there is meant for who sees nothing else: from here it would lead into this machine.
        assert folder.resolve().is_relative_to(self.root.resolve()), folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")


class Running(Process):
    """A container that runs, and logs on its standard error."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        super().__init__(child)
        self._outer = child.pid

    def terminate(self) -> None:
        """Send SIGTERM to PID 1 in there, as a kubelet does."""
        _signal_first(self._outer, signal.SIGTERM)

    def kill(self) -> None:
        """End it whatever it is at: it does not go with what started it, for it is another user."""
        _signal_first(self._outer, signal.SIGKILL)
        super().kill()


def _finished(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            out, err = child.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            _signal_first(child.pid, signal.SIGKILL)
            raise
    sys.stderr.write(err)  # shown with a test that fails
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def _signal_first(outer: int, number: signal.Signals) -> None:
    """Signal the first process of the container that a process started, if that still runs."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in Path(f"/proc/{outer}/task/{outer}/children").read_text(encoding="ascii").split():
            os.kill(int(child), number)
