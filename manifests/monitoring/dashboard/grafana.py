"""How a dashboard is written down for Grafana: panels, where they lie, and the JSON that Grafana imports."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from msgspec import Struct

Json = dict[str, Any]

WIDTH = 24  # columns that Grafana has
_SCHEMA = 39  # what Grafana 10.4 writes; later ones read it
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Of the browser's theme; red is kept for what somebody has to look at.
CALM, NOTABLE, BAD = "green", "orange", "red"


class Shape(StrEnum):
    """What a panel looks like, by Grafana's name for it."""

    STAT = "stat"
    TABLE = "table"
    LINES = "timeseries"
    BARS = "bargauge"


class Query(Struct, frozen=True):
    """What is asked, and how each series of the answer is called."""

    expr: str
    legend: str = ""


class Word(Struct, frozen=True):
    """What to say, in a colour, in the place of a value."""

    value: int
    text: str
    colour: str


class Panel(Struct, frozen=True, kw_only=True):
    """One panel. `steps` are (value, colour) from which on it has that colour; it is calm below the first.

    `columns` names and orders those of a table: by label, `Value` for the number.
    """

    title: str
    says: str
    shape: Shape
    queries: tuple[Query, ...]
    width: int
    height: int = 8
    unit: str = "short"
    steps: tuple[tuple[float, str], ...] = ()
    words: tuple[Word, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    stacked: bool = False


class Row(Struct, frozen=True):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def variable(name: str, label: str, metric: str) -> Json:
    """Let people choose among a label's values. `All` takes what has no such label, too."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # whenever the time range changes: what is stuck comes and goes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def dashboard(title: str, uid: str, says: str, rows: tuple[Row, ...], variables: tuple[Json, ...]) -> Json:
    """Write a dashboard as Grafana imports it: the same for the same rows, whenever it is written."""
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": uid,
        "title": title,
        "description": says,
        "tags": ["ack-remediator", "kubernetes", "aws"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,  # one crosshair in all panels
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [source, *variables]},
        "panels": list(_placed(rows)),
    }


def _placed(rows: tuple[Row, ...]) -> Iterator[Json]:
    """Lay panels out from left to right, and below where they do not fit; the heights of a line are those of its first.

    Raises ValueError where a line has holes: Grafana would move panels up into them.
    """
    number, y = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        }
        y, x, height = y + 1, 0, row.panels[0].height
        for panel in row.panels:
            number += 1
            if x == WIDTH:
                y, x, height = y + height, 0, panel.height
            if x + panel.width > WIDTH or panel.height != height:
                raise ValueError(f"{panel.title!r} does not fit into its line")
            yield _written(panel) | {"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}}
            x += panel.width
        if x != WIDTH:
            raise ValueError(f"the last line of {row.title!r} has a hole")
        y += height


def _written(panel: Panel) -> Json:
    made: Json = {
        "type": panel.shape.value,
        "title": panel.title,
        "description": panel.says,
        "datasource": _DATASOURCE,
        "targets": [_target(query, chr(ord("A") + place), panel.shape) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.shape],
    }
    if panel.shape is Shape.TABLE:
        made["transformations"] = [_columns(panel)]
        made["options"] = made["options"] | {"sortBy": [{"displayName": panel.columns[-1][1], "desc": True}]}
    return made


def _target(query: Query, letter: str, shape: Shape) -> Json:
    """Ask for how it was, or for how it is now."""
    made: Json = {"refId": letter, "expr": query.expr, "datasource": _DATASOURCE}
    if query.legend:
        made["legendFormat"] = query.legend
    if shape is Shape.LINES:
        return made | {"range": True}
    return made | {"instant": True, "range": False, "format": "table" if shape is Shape.TABLE else "time_series"}


def _defaults(panel: Panel) -> Json:
    steps = [{"color": CALM, "value": None}, *({"color": colour, "value": value} for value, colour in panel.steps)]
    made: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "min": 0}
    if panel.words:
        words = {str(word.value): {"text": word.text, "color": word.colour} for word in panel.words}
        made["mappings"] = [{"type": "value", "options": words}]
    if panel.shape is Shape.LINES:
        made["color"] = {"mode": "palette-classic"}
        made["custom"] = {
            "fillOpacity": 60 if panel.stacked else 0,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "showPoints": "never",
        }
    else:
        made["color"] = {"mode": "thresholds"}
    return made


def _columns(panel: Panel) -> Json:
    names = dict(panel.columns)
    return {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True, "__name__": True},
            "includeByName": dict.fromkeys(names, True),
            "indexByName": {name: place for place, name in enumerate(names)},
            "renameByName": names,
        },
    }


_OPTIONS: dict[Shape, Json] = {
    Shape.STAT: {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "textMode": "auto",
    },
    Shape.TABLE: {"showHeader": True, "cellHeight": "sm"},
    Shape.LINES: {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Shape.BARS: {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "horizontal",
        "displayMode": "basic",
    },
}
