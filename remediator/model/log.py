"""What the controller's log says of one resource."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from remediator.model.masking import mask

LONGEST = 600  # characters of one entry that are shown


class LogLine(Struct, frozen=True):
    """One entry, in one line; whole until it was masked. `at` is as the controller wrote it; `times`, how often."""

    at: str
    level: str
    text: str
    times: int = 1


class ControllerLog(Struct, frozen=True):
    """The last entries about a resource, the newest last; `why` says in a sentence why there are none, or not all."""

    lines: tuple[LogLine, ...] = ()
    why: str = ""

    def masked(self, secrets: Iterable[str]) -> ControllerLog:
        """Keep secrets out of it: messages of AWS can echo a function's environment. Cut what is left, then."""
        known = frozenset(secrets)
        lines = tuple(msgspec.structs.replace(each, text=mask(each.text, known)) for each in self.lines)
        return ControllerLog(lines, mask(self.why, known)).cut()

    def cut(self) -> ControllerLog:
        """Cut entries that have no end. Only what is masked may be cut: of half a secret nobody knows what it is."""
        lines = tuple(msgspec.structs.replace(each, text=_cut(each.text)) for each in self.lines)
        return ControllerLog(lines, self.why)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
