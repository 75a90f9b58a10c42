"""What a run measured, as pictures: each ratio beside its promise, and how ours grows.

`python -m bench.plots FOLDER` draws anew what the results.json of a folder says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from bench.results import GROWTH, RATIOS, Promise, Results, read

_MET, _MISSED, _OTHER = "#2a6f97", "#c1440e", "#8d99ae"
_DPI = 120

mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})


def draw(results: Results, folder: Path) -> None:
    """Draw what was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    # Of what must be none at all there is no part to be drawn.
    drawn = [each for each in results.promises if each.most > 0 and each.least is None]
    if drawn:
        _ratios(drawn).savefig(folder / RATIOS, dpi=_DPI)
    if results.growth.taken:
        _growth(results).savefig(folder / GROWTH, dpi=_DPI)


def _ratios(promises: list[Promise]) -> Figure:
    """Draw each as a part of what is promised; what crosses the line is broken."""
    figure = Figure(figsize=(10, 0.8 + 0.36 * len(promises)), layout="constrained")
    axes = figure.add_subplot()
    parts = [each.value / each.most for each in promises]
    colors = [_MET if each.held else _MISSED for each in promises]
    axes.barh([each.what for each in promises], parts, color=colors, height=0.62)
    for place, (part, each) in enumerate(zip(parts, promises, strict=True)):
        label = f"{each.measured}  ({each.bound})"
        axes.annotate(label, (max(part, 1), place), (6, 0), textcoords="offset points", va="center", fontsize=9)
    axes.axvline(1, color="black", linewidth=1.2)
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.35, *(part * 1.3 for part in parts)))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)
    axes.set_title("Measured, as a part of what is promised (at the line: all of it)", loc="left")
    return figure


def _growth(results: Results) -> Figure:
    """Draw time and memory over the size of the fleet."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    time, memory = figure.subplots(1, 2)
    taken = results.growth.taken
    sizes = list(taken)
    walls, firsts = [each.wall for each in taken.values()], [each.first for each in taken.values()]
    time.plot(sizes, walls, "o-", color=_MET, label="whole process")
    time.plot(sizes, firsts, "s--", color=_OTHER, label="until its first request")
    time.set_yscale("log")
    time.set_title(f"Seconds of a scan: t = a·nᵇ, b = {results.growth.whole:.2f}", loc="left")
    time.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    memory.plot(sizes, [each.rss for each in taken.values()], "o-", color=_MET)
    memory.set_ylim(0, 1.25 * max(each.rss for each in taken.values()))
    memory.set_title("Peak RSS of a scan, MB", loc="left")
    for size, each in taken.items():
        time.annotate(f"{each.wall:.2f} s", (size, each.wall), (-6, 6), textcoords="offset points", ha="right")
        memory.annotate(f"{each.rss:.0f}", (size, each.rss), (0, 8), textcoords="offset points", ha="center")
    time.set_ylim(min(firsts) / 2, max(walls) * 2)
    time.legend(frameon=False, loc="upper left")
    for axes in (time, memory):
        _over_sizes(axes, sizes)
    return figure


def _over_sizes(axes: Axes, sizes: list[int]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 3, max(sizes) * 2)
    axes.set_xticks(sizes, [f"{size // 1_000}k" if size >= 1_000 else f"{size}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("Functions")
    axes.grid(axis="y", alpha=0.25)


def main() -> None:
    """Draw what is written in a folder."""
    folder = Path(sys.argv[1])
    draw(read(folder), folder)


if __name__ == "__main__":
    main()
