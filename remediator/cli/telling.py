"""The webhook at the end of a command: it is given a moment, and the person is told what did not arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from remediator.cli.render import narration

if TYPE_CHECKING:
    from remediator.ports import Counters
    from remediator.webhook import Deliveries

# In seconds.
_PATIENCE = 5.0


@contextmanager
def telling(counters: Counters | None = None) -> Iterator[Deliveries]:
    """Give what sends messages during a block, and wait a little for it afterwards, whatever comes of the block."""
    from remediator.telemetry.uncounted import Uncounted
    from remediator.webhook import Deliveries

    deliveries = Deliveries((counters or Uncounted()).told)
    try:
        yield deliveries
    finally:
        if lost := deliveries.close(_PATIENCE):
            messages = "1 message" if lost == 1 else f"{lost} messages"
            narration().line(f"The webhook did not take {messages} within {_PATIENCE:.0f} s; not sent again.")
