"""What a page says, in the order in which it does: values, and sentences that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

# A name and a value, which can be a moment: rows of a list of facts.
Fact = tuple[str, str | datetime]


class Tone(StrEnum):
    """How a moment of a timeline is drawn: each has a shape of its own, so that colour tells nothing alone."""

    BAD = "bad"
    WORD = "word"
    ACT = "act"
    GOOD = "good"
    COMING = "coming"


class Moment(Struct, frozen=True, kw_only=True):
    """One thing that happened, or is to. `head` is a word or two, `sentences` what is known of it."""

    at: datetime
    tone: Tone
    head: str
    sentences: Sequence[str] = ()


class Command(Struct, frozen=True):
    """What to type, and what it is for."""

    does: str
    text: str


class GateRow(Struct, frozen=True):
    """One gate: its ruling in a word, its name, and why."""

    ruling: str
    gate: str
    reason: str


class Section(Struct, frozen=True):
    """Facts under a heading."""

    heading: str
    facts: Sequence[Fact]


class ClusterItem(Struct, frozen=True, kw_only=True):
    """One finding about the cluster as a whole."""

    name: str
    state: str
    said: str
    facts: Sequence[Fact] = ()


class Item(Struct, frozen=True, kw_only=True):
    """One resource that is unwell.

    `anchor` is of a-z, 0-9 and - alone: links lead to it. `since` is when the finding began to hold, None where it was
    first seen at this look; `decision` is the word of it, `remedy` what would help, `hints` what an approver should
    know, `word` what a person said of it.
    """

    anchor: str
    title: str
    namespace: str
    name: str
    finding: str
    state: str
    said: str
    since: datetime | None
    decision: str
    remedy: str
    facts: Sequence[Fact] = ()
    hints: Sequence[str] = ()
    word: str = ""
    commands: Sequence[Command] = ()
    sections: Sequence[Section] = ()
    gates: Sequence[GateRow] = ()
    timeline: Sequence[Moment] = ()

    @property
    def held_by(self) -> int:
        """Count the gates that hold it back."""
        return sum(each.ruling == "held" for each in self.gates)


class Ended(Struct, frozen=True, kw_only=True):
    """One resource that is well again."""

    anchor: str
    title: str
    namespace: str
    finding: str
    said: str
    at: datetime
    timeline: Sequence[Moment] = ()


class Page(Struct, frozen=True, kw_only=True):
    """All of it, as it is read at `now`. `looked` is when the last pass looked; None: none did yet.

    `warnings` come first, loudly; `counts` are states with how many resources are in each; `unwell` is how many have a
    finding, and `left_out` says where those are that have no item, as they are too many. `live`: asked again, it can
    say something else.
    """

    place: str
    scope: str
    version: str
    now: datetime
    looked: datetime | None = None
    mode: str = ""
    warnings: Sequence[str] = ()
    totals: str = ""
    counts: Sequence[tuple[str, int]] = ()
    controller: str = ""
    notes: Sequence[str] = ()
    cluster: Sequence[ClusterItem] = ()
    items: Sequence[Item] = ()
    left_out: str = ""
    ended: Sequence[Ended] = ()
    ended_left_out: str = ""
    unwell: int = 0
    live: bool = False
