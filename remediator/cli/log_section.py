"""What the controller's log says of a resource, for people and for machines."""

from __future__ import annotations

from typing import Any

import msgspec

from remediator.cli.render import Page
from remediator.model.log import ControllerLog, LogLine


def tell(page: Page, log: ControllerLog) -> None:
    """Print the section: the entries, the newest last, or why there are none. They are masked already."""
    page.heading("The controller's log says")
    if log.why:
        page.hanging("  ", log.why)
    for each in log.lines:
        page.hanging(f"  {_moment(each)}  ", f"{each.text} ({each.times} times)" if each.times > 1 else each.text)


def document(log: ControllerLog) -> dict[str, Any]:
    """Build the same for `-o json`."""
    return {"lines": [msgspec.to_builtins(each) for each in log.lines], "why": log.why}


def _moment(line: LogLine) -> str:
    """Cut a time to the second: its entries are seconds apart, or repeat themselves."""
    return line.at[:19] + "Z" if line.at.endswith("Z") else line.at
