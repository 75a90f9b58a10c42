"""What fleets of any size take, worked out from what a run measured: the tables of docs/scale.md.

`python -m bench.scale` writes them anew, from bench/results/results.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench.contenders import OURS
from bench.report import table
from bench.results import Results, read

_RESULTS = Path(__file__).with_name("results")
PAPER = Path(__file__).parents[1] / "docs" / "scale.md"
_BEGIN, _END = "<!-- computed by python -m bench.scale -->\n", "<!-- end of what is computed -->\n"

_MEASURED = 100_000  # Functions: the largest fleet that was; what is beyond is marked
_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_FLEETS = (
    (1, 1_000),
    (1, 100_000),
    (1, 1_000_000),
    (10, 1_000),
    (10, 10_000),
    (10, 100_000),
    (1_000, 1_000),
    (1_000, 10_000),
)
_INTERVAL = 300  # seconds: the policy's, and the CronJob's
_DAY = 86_400
_STUCK = (0.001, 0.01, 0.1)  # of all: an ordinary day, a bad one, an incident

# Calls a second in each account and region (remediator/aws/live.py), and AWS's quotas there.
_CONFIGURATION, _FUNCTION, _SHARED, _OWN = 1, 5, 15, 100
# What a pod asks for (manifests/cronjob, manifests/daemon), and what a month of it costs: of a vCPU and of a GiB, in
# dollars an hour, by Fargate's list price in us-east-1.
_CPU, _MEMORY = 0.05, 0.125
_CPU_HOUR, _GIB_HOUR, _HOURS = 0.04048, 0.004445, 730
_DAEMONS = 2  # one leads, one stands by


class Line(Struct, frozen=True):
    """Something that grows with the fleet: what it takes of none, and of each Function more."""

    base: float
    each: float

    def at(self, count: int) -> float:
        return self.base + self.each * count


class Constants(Struct, frozen=True):
    """What everything is worked out from. Seconds and bytes; memory in MB."""

    wall: Line
    cpu: Line
    rss: Line
    server_memory: Line
    server_cpu: float  # a Function
    plain: float
    packed: float
    requests: float
    record: float


def constants(results: Results) -> Constants:
    """Take them from a run; lines go through its smallest and its largest fleet."""
    assert results.listed is not None and results.asking is not None
    growth, traffic = results.growth, results.traffic[OURS]
    taken = growth.taken
    return Constants(
        wall=_line({size: each.wall for size, each in taken.items()}),
        cpu=_line({size: each.cpu for size, each in taken.items()}),
        rss=_line({size: each.rss for size, each in taken.items()}),
        server_memory=_line(growth.server),
        server_cpu=traffic.server_cpu / results.functions,
        plain=results.listed.plain / results.listed.count,
        packed=traffic.received / results.functions,
        requests=traffic.requests,
        record=results.asking.record,
    )


def _line(points: dict[int, float]) -> Line:
    few, many = min(points), max(points)
    each = (points[many] - points[few]) / (many - few)
    return Line(points[few] - each * few, each)


def tables(it: Constants) -> str:
    """Write all of them."""
    return "\n\n".join(
        (
            _section("The constants", _constants(it)),
            _section("One scan of one cluster", _scans(it)),
            _section("What AWS is asked", _asked()),
            _section("Fleets of clusters", _fleets(it)),
        )
    )


def _constants(it: Constants) -> str:
    ten = 10_000
    rows = [
        ("a Function in the list, as JSON", f"{it.plain:,.0f} bytes", "measured"),
        ("the same on the wire, packed", f"{it.packed:,.0f} bytes", "measured"),
        ("requests of a scan, however large the fleet", f"{it.requests:.0f}", "measured"),
        ("wall time of a scan", f"{it.wall.base:.2f} s + {it.wall.each * ten:.2f} s per 10,000", "measured"),
        ("CPU of a scan", f"{it.cpu.base:.2f} s + {it.cpu.each * ten:.2f} s per 10,000", "measured"),
        ("peak RSS of a scan", f"{it.rss.base:.0f} MB + {it.rss.each * ten:.1f} MB per 10,000", "measured"),
        ("API server CPU of a scan", f"{it.server_cpu * ten:.2f} s per 10,000", "measured"),
        (
            "API server memory, its cache of Functions most of it",
            f"{it.server_memory.base:,.0f} MB + {it.server_memory.each * ten:.0f} MB per 10,000",
            "measured",
        ),
        ("a record of a stuck resource (Remediation), as JSON", f"{it.record:,.0f} bytes", "measured"),
        ("AWS calls by default, in each account and region", f"{_CONFIGURATION} a second", "our choice"),
        ("AWS calls with `aws.call: GetFunction`", f"{_FUNCTION} a second", "our choice"),
        ("quota of Lambda's control plane, shared", f"{_SHARED} a second", "AWS's"),
        ("quota of `GetFunction`", f"{_OWN} a second", "AWS's"),
        ("interval of passes", f"{_INTERVAL} s", "our choice"),
        ("a pod's requests", f"{_CPU:g} vCPU, {_MEMORY * 1024:.0f} MiB", "our choice"),
        ("a vCPU, a GiB", f"${_CPU_HOUR:g}, ${_GIB_HOUR:g} an hour", "Fargate's list price"),
    ]
    return table(("what", "is", "from"), rows)


def _scans(it: Constants) -> str:
    rows = [
        (
            _size(count),
            *(f"{it.wall.at(count):,.1f}", f"{it.cpu.at(count):,.1f}", f"{it.rss.at(count):,.0f}"),
            f"{it.packed * count / 1e6:,.1f}",
            f"{it.server_cpu * count:,.1f}",
            f"{it.server_cpu * count / _INTERVAL:.1%}",
            f"{it.server_memory.at(count) / 1e3:,.1f}",
            f"{it.plain * count / 1e9:,.2f}",
        )
        for count in _SIZES
    ]
    head = ("Functions", "wall s", "CPU s", "peak RSS MB", "received MB", "API server CPU s", "of a core, every 5 min")
    return table((*head, "API server memory GB", "in etcd GB"), rows)


def _asked() -> str:
    rows = [
        (
            f"{count:,}",
            f"{share:.1%}",
            f"{stuck:,}",
            *(f"{stuck / rate:,.0f}" for rate in (_CONFIGURATION, _FUNCTION)),
            "yes"
            if stuck / _CONFIGURATION <= _INTERVAL
            else "with GetFunction"
            if stuck / _FUNCTION <= _INTERVAL
            else "no",
        )
        for count in _SIZES
        for share in _STUCK
        if (stuck := round(count * share))
    ]
    head = ("Functions in one account and region", "stuck", "suspects", "s at 1 a second", "s at 5 a second")
    return table((*head, "within 5 min"), rows)


def _fleets(it: Constants) -> str:
    rows = [_fleet(it, clusters, count) for clusters, count in _FLEETS]
    head = ("clusters", "Functions in each", "our CPU, cores", "their API servers' CPU, cores", "received GB a day")
    return table((*head, "records MB, 1 % stuck", "pods' requests", "$ a month"), rows)


def _fleet(it: Constants, clusters: int, count: int) -> Sequence[str]:
    pods = clusters * _DAEMONS
    dollars = pods * _HOURS * (_CPU * _CPU_HOUR + _MEMORY * _GIB_HOUR)
    return (
        f"{clusters:,}",
        _size(count),
        f"{clusters * (it.cpu.at(count) - it.cpu.base) / _INTERVAL:,.2f}",  # a daemon starts once
        f"{clusters * it.server_cpu * count / _INTERVAL:,.2f}",
        f"{clusters * it.packed * count * _DAY / _INTERVAL / 1e9:,.1f}",
        f"{clusters * it.record * count * 0.01 / 1e6:,.1f}",
        f"{pods * _CPU:,.1f} vCPU, {pods * _MEMORY:,.2f} GiB",
        f"{dollars:,.0f}",
    )


def _size(count: int) -> str:
    return f"{count:,}" if count <= _MEASURED else f"{count:,} *"


def _section(title: str, text: str) -> str:
    return f"### {title}\n\n{text}"


def computed(text: str, it: Constants) -> str:
    """Put the tables where the paper has them."""
    before, _, rest = text.partition(_BEGIN)
    _, found, after = rest.partition(_END)
    assert found, f"there is no {_BEGIN.strip()} in it, or no end of it"
    return f"{before}{_BEGIN}\n{tables(it)}\n\n{_END}{after}"


def main() -> None:
    """Write the paper's tables anew."""
    text = PAPER.read_text(encoding="utf-8")
    PAPER.write_text(computed(text, constants(read(_RESULTS))), encoding="utf-8")


if __name__ == "__main__":
    main()
