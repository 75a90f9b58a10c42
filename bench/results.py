"""What a run measured, as it is kept in results.json, and what of it was promised."""

from __future__ import annotations

import math
from pathlib import Path

import click
import msgspec
from msgspec import Struct, field

from bench.machine import Machine
from bench.measure import Cost

JSON, PAGE, RATIOS, GROWTH = "results.json", "results.md", "ratios.png", "growth.png"


def say(line: str = "") -> None:
    """Tell whoever runs it."""
    click.echo(line)


class Promise(Struct, frozen=True):
    """A number, and how large it may be; where `least` is given, how small, too."""

    what: str
    value: float
    most: float
    least: float | None = None

    @property
    def held(self) -> bool:
        return (self.least is None or self.value >= self.least) and self.value <= self.most

    @property
    def bound(self) -> str:
        return f"= {self.most:,g}" if self.least == self.most else f"≤ {self.most:,g}"

    @property
    def measured(self) -> str:
        """Write the number: a count as it is, a measured one with as many digits as mean something."""
        return f"{self.value:,.0f}" if float(self.value).is_integer() else f"{self.value:.3g}"


class Traffic(Struct, frozen=True):
    """What one run asks of the API server: requests, bytes either way (TLS, as packed), its CPU in seconds."""

    requests: float
    sent: float
    received: float
    server_cpu: float


class Listed(Struct, frozen=True):
    """How large the list is: bytes of JSON, and of the same as the API server packs it by gzip."""

    count: int
    plain: int
    packed: int


class Growth(Struct):
    """What ours takes of fleets of so many Functions, and the exponents of its wall time: whole, and from the first
    request on. `server` is what the API server then has in memory, in MB: most of it is its own cache of them.
    """

    taken: dict[int, Cost] = {}
    server: dict[int, float] = {}
    whole: float = 0.0
    from_first: float = 0.0


class Asking(Struct, frozen=True):
    """What AWS was asked about a fleet of which some are stuck, in two passes of one process.

    `gone` of the `stuck` are not there in AWS, which takes a second question each, and AWS says of `fine` that nothing
    is the matter. `about` are the Functions that were asked about in each pass, `calls` the questions; `in_ten` is the
    most of them in any ten seconds. `healthy` counts the questions before any was stuck. `record` is the median of the
    bytes of a record.
    """

    functions: int
    healthy: int
    stuck: int
    gone: int
    fine: int
    about: tuple[int, int]
    calls: tuple[int, int]
    fine_again: int
    in_ten: int
    seconds: float
    records: int
    record: float


class Results(Struct):
    """All of a run. What is not measured yet is empty; `broke_off` says why it never was."""

    machine: Machine
    functions: int
    rounds: int
    pause: float
    command: str = "make bench"
    took: float = 0.0
    startup: dict[str, float] = {}
    warm: dict[str, Cost] = {}
    idle: dict[str, Cost] = {}
    traffic: dict[str, Traffic] = {}
    idle_traffic: dict[str, Traffic] = {}
    listed: Listed | None = None
    growth: Growth = field(default_factory=Growth)
    asking: Asking | None = None
    promises: list[Promise] = []
    broke_off: str = ""

    def promise(self, what: str, value: float, most: float, least: float | None = None) -> None:
        """Keep a number and what was promised of it, and tell it."""
        promise = Promise(what, value, most, least)
        self.promises.append(promise)
        say(f"  {what:<62} {promise.measured:>8}   {promise.bound:<8} {'met' if promise.held else 'MISSED'}")

    @property
    def broken(self) -> list[str]:
        return [each.what for each in self.promises if not each.held]

    def write(self, folder: Path) -> None:
        """Write it down, for programs."""
        folder.mkdir(parents=True, exist_ok=True)
        written = msgspec.json.format(msgspec.json.encode(self), indent=1)
        (folder / JSON).write_bytes(written + b"\n")


def read(folder: Path) -> Results:
    """Read what was written."""
    return msgspec.json.decode((folder / JSON).read_bytes(), type=Results)


def tell(title: str, taken: dict[str, Cost]) -> None:
    """Tell costs as a table."""
    say(f"\n{title}")
    say(f"  {'':<24} {'wall s':>8} {'CPU s':>8} {'RSS MB':>8} {'first request s':>16}")
    for name, each in taken.items():
        say(f"  {name:<24} {each.wall:8.2f} {each.cpu:8.2f} {each.rss:8.1f} {each.first:16.2f}")


def exponent(seconds: dict[int, float]) -> float:
    """Fit t = a·nᵇ by least squares over the logarithms, and answer b."""
    points = [(math.log(size), math.log(taken)) for size, taken in seconds.items()]
    x, y = (sum(each[axis] for each in points) / len(points) for axis in (0, 1))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
