"""`remediator --help` against importing click and rich, which it cannot do without."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

_ROUNDS = 15
HELP, IMPORTS = "remediator --help", "import click, rich"


def startup() -> dict[str, float]:
    """Measure both in turn, and answer the medians: seconds until their first byte, which is when they are done."""
    commands: dict[str, Sequence[str]] = {
        HELP: (str(Path(sys.executable).with_name("remediator")), "--help"),
        IMPORTS: (sys.executable, "-c", "import click, rich; print()"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, command in commands.items():
            times[name].append(_until_the_first_byte(command))
    return {name: median(taken) for name, taken in times.items()}


def _until_the_first_byte(command: Sequence[str]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.read(1)
        taken = time.perf_counter() - began
        child.stdout.read()
    assert first and child.returncode == 0, command
    return taken
