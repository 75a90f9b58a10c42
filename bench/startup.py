"""`remediator --help` against importing click and rich, which it cannot do without."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_ROUNDS = 15


def startup() -> float:
    """Measure both in turn, and answer the ratio of their medians."""
    ours = (str(Path(sys.executable).with_name("remediator")), "--help")
    imports = (sys.executable, "-c", "import click, rich")
    times: dict[Sequence[str], list[float]] = {ours: [], imports: []}
    for _ in range(_ROUNDS):
        for command, taken in times.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken.append(time.perf_counter() - began)
    return statistics.median(times[ours]) / statistics.median(times[imports])
