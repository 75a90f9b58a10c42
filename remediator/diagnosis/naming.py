"""How resources are counted and named in what concerns many of them."""

from __future__ import annotations

from collections.abc import Sequence

from remediator.model.scan import Judged

_NAMED = 10


def counted(number: int, noun: str) -> str:
    """Write `1 finding`, `2 findings`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def naming(results: Sequence[Judged], more: int = 0) -> str:
    """Name them, as namespace/name in order; say how many more there are than anybody reads, or than were kept."""
    refs = sorted(each.seen.resource.ref for each in results)
    told = ", ".join(f"{each.namespace}/{each.name}" for each in refs[:_NAMED])
    left = max(0, len(refs) - _NAMED) + more
    return (f"{told}, and {left} more" if told else f"{left} that look healthy") if left else told
