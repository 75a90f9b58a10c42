"""What the panels are made of: how each metric is asked for, and the shapes that a panel may have."""

from __future__ import annotations

from manifests.monitoring.dashboard.grafana import Panel, Query, Shape, Word

# Of the daemons one leads, and only that one tells what it saw. A pod that took over goes on where the former was.
_POD = "instance, pod, container, endpoint"
HERE = 'cluster=~"$cluster"'
CHOSEN = 'namespace=~"$namespace"'


def last(metric: str, *selectors: str) -> str:
    """Select a gauge of the last pass, whoever made it."""
    return f"max without ({_POD}) ({_selected(metric, selectors)})"


def count(metric: str, by: str, window: str, *selectors: str) -> str:
    """Count what happened within a window before each point of the graph.

    Not within $__rate_interval: passes are minutes apart, and most points would be without any.
    """
    return f"sum by ({by}) (increase({_selected(metric, selectors)}[{window}]))"


def rate(metric: str, by: str) -> str:
    """Tell how often something happens in a second, over as long as it takes from one pass to the next."""
    return f"sum by ({by}) (rate({_selected(metric, ())}[5m]))"


def or_zero(expr: str) -> str:
    """Say 0 where a pass saw none, and nothing where no pass is known: no news is not good news."""
    return f"{expr} or 0 * max(remediator:last_scan_timestamp_seconds:max{{{HERE}}})"


def _selected(metric: str, selectors: tuple[str, ...]) -> str:
    return f"{metric}{{{', '.join((HERE, *selectors))}}}"


def stat(
    title: str,
    says: str,
    expr: str,
    *steps: tuple[float, str],
    unit: str = "short",
    words: tuple[Word, ...] = (),
) -> Panel:
    return Panel(
        title=title,
        says=says,
        shape=Shape.STAT,
        queries=(Query(expr, title),),
        width=3,
        height=4,
        unit=unit,
        steps=steps,
        words=words,
    )


def lines(title: str, says: str, *queries: Query, unit: str = "short", stacked: bool = False, width: int = 12) -> Panel:
    return Panel(title=title, says=says, shape=Shape.LINES, queries=queries, width=width, unit=unit, stacked=stacked)


def table(title: str, says: str, expr: str, width: int, *columns: tuple[str, str], unit: str = "short") -> Panel:
    return Panel(
        title=title, says=says, shape=Shape.TABLE, queries=(Query(expr),), width=width, unit=unit, columns=columns
    )
