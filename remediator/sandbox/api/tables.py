"""Tables, which `kubectl get` asks for: a row for each object, by the columns that a definition prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from remediator.sandbox.api.messages import Request
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.values import Object

API_VERSION = "meta.k8s.io/v1"
AGE: Object = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
"""The column of a definition that has none."""

_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\\])+)|\[(?P<index>\d+|\*)]|\[\?\(@\.(?P<key>\w+)==["'](?P<value>.*?)["']\)]"""
)


def wanted(request: Request, resource: Resource) -> bool:
    """Tell whether the answer shall be a table. Built-in kinds have none here: kubectl then prints names and ages."""
    first = request.header("accept").partition(",")[0].replace(" ", "")
    return resource.custom and first == "application/json;as=Table;v=v1;g=meta.k8s.io"


def table(body: Object, resource: Resource, include: str, now: datetime, *, headed: bool = True) -> Object:
    """Return an object or a list as a table. `include` is `Metadata`, `Object` or `None`."""
    found = body.get("items", [body])
    kept = ("resourceVersion", "continue", "remainingItemCount")
    return {
        "kind": "Table",
        "apiVersion": API_VERSION,
        "metadata": {name: body["metadata"][name] for name in kept if body["metadata"].get(name)},
        "columnDefinitions": list(_headings(resource)) if headed else None,
        "rows": [_row(obj, resource, include, now) for obj in found],
    }


def _headings(resource: Resource) -> Iterator[Object]:
    yield {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}
    for column in resource.columns or (AGE,):
        usual = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
        yield {
            "name": column["name"],
            "type": column["type"],
            "format": column.get("format", ""),
            "description": column.get("description", usual),
            "priority": column.get("priority", 0),
        }


def _row(obj: Object, resource: Resource, include: str, now: datetime) -> Object:
    cells = [_cell(obj, column, now) for column in resource.columns or (AGE,)]
    row: Object = {"cells": [obj["metadata"]["name"], *cells]}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": API_VERSION, "metadata": obj["metadata"]}
    return row if include == "None" else {**row, "object": obj if include == "Object" else partial}


def _cell(obj: Object, column: Object, now: datetime) -> Any:
    """Return what a column shows, None for nothing: the first of what its path finds."""
    value = next(_found(obj, list(_STEP.finditer(column["jsonPath"]))), None)
    if value is None:
        return None
    if column["type"] == "date":
        return age(now, value)
    if column["type"] == "string" and not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    return value


def _found(value: Any, steps: list[re.Match[str]]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    name, index, key = step["name"], step["index"], step["key"]
    if name is not None:
        name = name.replace("\\", "")
        following = [value[name]] if isinstance(value, dict) and name in value else []
    elif not isinstance(value, list):
        following = []
    elif key is not None:
        following = [item for item in value if item.get(key) == step["value"]]
    else:
        following = value if index == "*" else value[int(index) :][:1]
    for each in following:
        yield from _found(each, rest)


def age(now: datetime, since: Any) -> str:
    """Return how long ago that was, in the two largest units that tell (apimachinery `pkg/util/duration`)."""
    try:
        seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    except (TypeError, ValueError):
        return "<invalid>"
    if seconds < -1:
        return "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 2:
        return f"{max(0, seconds)}s"
    if hours < 3:
        return _joined(minutes, "m", seconds % 60, "s") if minutes < 10 else f"{minutes}m"
    if hours < 48:
        return _joined(hours, "h", minutes % 60, "m") if hours < 8 else f"{hours}h"
    if days < 730:
        return _joined(days, "d", hours % 24, "h") if days < 8 else f"{days}d"
    return _joined(days // 365, "y", days % 365, "d") if days < 8 * 365 else f"{days // 365}y"


def _joined(large: int, unit: str, small: int, below: str) -> str:
    return f"{large}{unit}{small}{below}" if small else f"{large}{unit}"
