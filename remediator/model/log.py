"""What the controller's log says of one resource."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from remediator.model.masking import mask


class LogLine(Struct, frozen=True):
    """One entry, cut down to what can be shown. `at` is as the controller wrote it; `times`, how often it said so."""

    at: str
    level: str
    text: str
    times: int = 1


class ControllerLog(Struct, frozen=True):
    """The last entries about a resource, the newest last; `why` says in a sentence why there are none, or not all."""

    lines: tuple[LogLine, ...] = ()
    why: str = ""

    def masked(self, secrets: Iterable[str]) -> ControllerLog:
        """Keep secrets out of it: messages of AWS can echo a function's environment."""
        known = frozenset(secrets)
        lines = tuple(msgspec.structs.replace(each, text=mask(each.text, known)) for each in self.lines)
        return ControllerLog(lines, mask(self.why, known))
