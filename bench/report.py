"""What a run measured, as a page for people: bench/results/results.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.contenders import KUBECTL, OURS
from bench.measure import Cost
from bench.results import GROWTH, RATIOS, Asking, Growth, Results, Traffic

_TRAFFIC = ("", "requests", "received MB", "sent kB", "API server CPU s")


def page(results: Results) -> str:
    """Write the page. What was not measured is left out."""
    parts = [_head(results), _promises(results)]
    size = f"{results.functions:,} healthy Functions"
    if results.warm:
        title = f"{size}, one run after the other"
        parts.append(_section(title, _costs(results.warm, results.rounds), _memory(results.warm)))
    if results.idle:
        title = f"{size}, long after the last write, each run after {results.pause:g} s without a request"
        parts.append(_section(title, _costs(results.idle, results.rounds)))
    if results.traffic:
        parts.append(_section("What the API server is asked, and what that costs it", _traffic(results)))
    if results.idle_traffic:
        rows = [(name, *_counts(each)) for name, each in results.idle_traffic.items()]
        parts.append(_section("The same, long after the last write", table(_TRAFFIC, rows)))
    if results.growth.taken:
        parts.append(_section("Growth of ours", _growth(results.growth), _drawn("Growth", GROWTH)))
    if results.asking:
        parts.append(_section("What AWS is asked", _asking(results.asking)))
    parts.append(_machine(results))
    return "\n\n".join(parts) + "\n"


def _head(results: Results) -> str:
    machine, broken = results.machine, results.broken
    held = "all promises are met" if not broken else f"{len(broken)} of {len(results.promises)} promises are MISSED"
    if results.broke_off:
        held = f"it BROKE OFF ({results.broke_off}); until then {held}"
    return (
        "# Results\n\n"
        f"`{results.command}`, {machine.date}, commit {machine.commit}: {held}. Written by the program; what it means "
        "is in [docs/performance.md](../../docs/performance.md)."
    )


def _promises(results: Results) -> str:
    rows = [(each.what, each.measured, each.bound, "met" if each.held else "**MISSED**") for each in results.promises]
    told = table(("what", "measured", "promised", ""), rows)
    return _section("What is promised", told, _drawn("Measured, as a part of what is promised", RATIOS))


def _costs(taken: dict[str, Cost], rounds: int) -> str:
    """Tell costs. Ratios are of the medians that stand here."""
    ours = taken[OURS]
    rows = [
        (
            f"`{name}`" if name in (OURS, KUBECTL) else name,
            *(f"{each.wall:.2f}", f"{each.cpu:.2f}", f"{each.rss:.0f}", f"{each.first:.2f}"),
            *(f"{ours.wall / each.wall:.2f}", f"{ours.cpu / each.cpu:.2f}", f"{ours.rss / each.rss:.2f}"),
        )
        for name, each in taken.items()
    ]
    ratios = ("ours / it: wall", "CPU", "RSS")
    told = table(("", "wall s", "CPU s", "peak RSS MB", "first request after s", *ratios), rows)
    return f"Medians of {rounds}, whole processes, start-up included.\n\n{told}"


def _memory(taken: dict[str, Cost]) -> str:
    ours = taken[OURS]
    return f"Of our {ours.wall:.2f} s, {ours.first:.2f} s pass before the API server is asked anything."


def _traffic(results: Results) -> str:
    rows = [(name, *_counts(each)) for name, each in results.traffic.items()]
    told = table(_TRAFFIC, rows)
    if results.listed is None:
        return told
    plain, count = results.listed.plain, results.listed.count
    size = (
        f"The list is {plain / 1e6:.1f} MB of JSON, {plain / count:,.0f} bytes a Function, which the server's gzip "
        f"packs 1:{plain / results.listed.packed:.1f} for who takes it."
    )
    return f"{told}\n\n{size}"


def _counts(each: Traffic) -> Sequence[str]:
    received, sent = each.received / 1e6, each.sent / 1e3
    return f"{each.requests:.0f}", f"{received:.2f}", f"{sent:.1f}", f"{each.server_cpu:.2f}"


def _growth(growth: Growth) -> str:
    rows = [
        (
            *(f"{size:,}", f"{each.wall:.2f}", f"{each.cpu:.2f}", f"{each.rss:.0f}", f"{each.first:.2f}"),
            f"{growth.server[size]:,.0f}",
        )
        for size, each in growth.taken.items()
    ]
    head = ("Functions", "wall s", "CPU s", "peak RSS MB", "first request after s", "the API server's RSS MB")
    told = table(head, rows)
    if len(rows) < 2:
        return told
    fits = f"t = a·nᵇ has b = {growth.whole:.2f}; counted from the first request on, {growth.from_first:.2f}."
    return f"{told}\n\n{fits}"


def _asking(it: Asking) -> str:
    rows = [
        (name, f"{about}", f"{calls}")
        for name, about, calls in zip(("first pass", "second pass"), it.about, it.calls, strict=True)
    ]
    told = table(("", "Functions asked about", "calls"), [("healthy fleet", "0", f"{it.healthy}"), *rows])
    return (
        f"{it.functions:,} Functions, {it.stuck} of them stuck; AWS does not have {it.gone} of those, and says of "
        f"{it.fine} that nothing is the matter. Two passes of one process, at one call a second: {it.seconds:.0f} s."
        "\n\n"
        f"{told}\n\n"
        "That a function is gone takes a second question, by its name. The second pass asks again about what is still "
        f"stuck, and about {it.fine_again} of those that AWS said are fine. {it.records} records were kept, of "
        f"{it.record:,.0f} bytes each."
    )


def _machine(results: Results) -> str:
    it = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in it.versions.items())
    return _section(
        "The machine",
        f"{it.cores} cores ({it.processor}), {it.memory:g} GB, {it.kernel}; load {it.load:g} in the minute before. "
        f"API server, etcd, AWS and all that is measured were on it. The run took {results.took / 60:.0f} minutes.",
        f"{versions}.",
    )


def _drawn(what: str, file: str) -> str:
    return f"![{what}]({file})"


def _section(title: str, *parts: str) -> str:
    return "\n\n".join((f"## {title}", *parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table, its first column left, the others right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
