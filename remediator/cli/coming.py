"""What ACK's next pass over a resource would change, for people and for machines; no value of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remediator.cli.render import Page
from remediator.model.differences import NOT_COMPARED, Call, NextPass, next_pass, shown
from remediator.model.masking import mask
from remediator.model.observation import Observation

_WHY_NOT = "other calls tell them"


def tell(page: Page, seen: Observation, *, wide: bool) -> None:
    """Print the section: which call, and each field with both sides; nothing of a kind that is not compared."""
    coming = next_pass(seen)
    if coming is None:
        return
    page.heading("The next pass would change")
    page.fields([(name, mask(value, seen.secrets)) for name, value in _facts(coming, wide=wide)])


def document(seen: Observation) -> dict[str, Any] | None:
    """Build the same for `-o json`."""
    coming = next_pass(seen)
    if coming is None:
        return None

    def masked(text: str | None) -> str | None:
        return None if text is None else mask(text, seen.secrets)

    return {
        "call": coming.call.value,
        "why": masked(coming.why),
        "differences": [
            {"field": each.field, "spec": masked(each.spec), "aws": masked(each.live), "note": each.note}
            for each in coming.differences
        ],
        "environment": {
            "added": list(coming.variables.added),
            "removed": list(coming.variables.removed),
            "changed": list(coming.variables.changed),
        },
        "lost": list(coming.lost),
        "unknown": list(coming.unknown),
        "notCompared": list(NOT_COMPARED),
    }


def _facts(coming: NextPass, *, wide: bool) -> Iterator[tuple[str, str]]:
    yield "call", {Call.NONE: "none", Call.UNKNOWN: "cannot be told"}.get(coming.call, coming.call.value)
    yield "why", coming.why
    for each in coming.differences:
        sides = f"{shown(each.spec)} in the spec, {shown(each.live)} in AWS"
        yield each.field, f"{sides} ({each.note})" if each.note else sides
    changes = coming.variables
    named = (("adds", changes.added), ("removes", changes.removed), ("changes", changes.changed))
    if changes.names:
        yield "environment", "; ".join(f"{verb} {', '.join(names)}" for verb, names in named if names)
    if coming.unknown:
        yield "not known", "; ".join(coming.unknown)
    if wide:
        yield "not compared", f"{', '.join(NOT_COMPARED)}: {_WHY_NOT}"
