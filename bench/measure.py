"""What a command takes, from its start to its end: time, CPU and memory of the whole process, as the kernel counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

from msgspec import Struct


class Cost(Struct, frozen=True):
    """Seconds of the clock and of CPU, and the most memory that was resident, in MB (10⁶ bytes).

    `began` is when it did, in seconds since 1970; `first` how many seconds later the API server had its first request,
    0 where that was not looked for.
    """

    wall: float
    cpu: float
    rss: float
    began: float
    first: float = 0.0


class Failed(RuntimeError):
    """A command that is measured did not do its work."""


# A new process begins with the most memory that its parent had before it (Linux keeps it over execve): so a small one
# starts what is measured. Nothing is imported for it but what the interpreter has in it.
_STARTER = """
import os, sys, time
today, began = time.time(), time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - began
code, cpu = os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
os.write(int(sys.argv[1]), f"{code} {wall} {cpu} {usage.ru_maxrss} {today}".encode())
"""


def cost(command: Sequence[str], environ: Mapping[str, str], output: Path) -> Cost:
    """Run a command to its end, its output into a file; raise Failed with the end of it where it fails.

    Threads and the processes that it waited for are part of it (wait4(2)).
    """
    told = output.with_suffix(".cost")
    with output.open("wb") as sink, told.open("wb") as answer:
        descriptor = answer.fileno()
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _STARTER, str(descriptor), *command],
            env=dict(environ),
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
            check=True,
        )
    code, wall, cpu, resident, began = told.read_text(encoding="utf-8").split()
    if code != "0":
        said = output.read_bytes()[-2000:].decode(errors="replace")
        raise Failed(f"{' '.join(command)} ended with {code}:\n{said}")
    return Cost(float(wall), float(cpu), int(resident) * 1024 / 1e6, float(began))


Measured = TypeVar("Measured", bound=Struct)


def medians(taken: Sequence[Measured]) -> Measured:
    """Take the median of each of their numbers, on its own."""
    kind = type(taken[0])
    return kind(*(median(getattr(each, field) for each in taken) for field in kind.__struct_fields__))
