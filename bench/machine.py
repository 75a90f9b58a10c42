"""On what was measured: without it no number of a table means anything."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from tests.bed.toolchain import Toolchain

_ROOT = Path(__file__).parents[1]
_LIBRARIES = ("kubernetes", "msgspec", "urllib3", "boto3", "moto")


class Machine(Struct, frozen=True):
    """What a run stands on. `memory` is in GB (10⁹ bytes), `load` what else it did in the minute before."""

    date: str
    commit: str
    cores: int
    processor: str
    memory: float
    kernel: str
    load: float
    versions: dict[str, str]


def this_machine(tools: Toolchain) -> Machine:
    """Look at the machine, the checkout and the programs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    programs = {tool.name: tool.version for tool in (tools.apiserver, tools.etcd, tools.kubectl) if tool is not None}
    return Machine(
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        commit=_commit(),
        cores=os.cpu_count() or 0,
        processor=_processor(),
        memory=round(memory, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load=round(os.getloadavg()[0], 1),
        versions=programs | {"Python": platform.python_version()} | {each: version(each) for each in _LIBRARIES},
    )


def _commit() -> str:
    """Name the commit, and whether the checkout is another; what the last run wrote does not count."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
    return f"{commit}, changed" if changed else commit


def _git(*words: str) -> str:
    try:
        told = subprocess.run(("git", "-C", str(_ROOT), *words), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""  # a copy without its history, or no git
    return told.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
