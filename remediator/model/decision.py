"""What is decided about a finding, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from remediator.model.finding import Finding
from remediator.model.plan import Evidence, Plan


class GateName(StrEnum):
    """The rules that can hold an action back."""

    MODE = "mode"
    APPROVAL = "approval"
    IDENTITY = "identity"
    PROOFS = "proofs"
    UNCHANGED = "unchanged"
    OPT_OUT = "opt-out"
    BUDGET = "budget"
    BREAKER = "breaker"


class Ruling(StrEnum):
    """A gate's answer. `later`: it can only be answered right before the act."""

    ALLOWED = "allowed"
    HELD = "held"
    LATER = "later"


class Verdict(Struct, frozen=True):
    """What one gate, or one need of the action, says, and on what ground."""

    gate: str
    ruling: Ruling
    reason: str


class DecisionKind(StrEnum):
    """What happens next with a resource."""

    WAIT = "wait"
    REPORT = "report"
    PROPOSE = "propose"
    ACT = "act"
    BLOCKED = "blocked"


class Population(Struct, frozen=True):
    """How many resources were seen, and how many of them are stuck or cannot be judged."""

    total: int
    unwell: int


class Situation(Struct, frozen=True, kw_only=True):
    """Everything beside the proposal that gates look at.

    `approved` holds the digests that a person approved; `evidence` is there only right before the act; `population`
    is None where one resource was looked at alone.
    """

    now: datetime
    population: Population | None
    may_act: bool
    actions_per_run: int
    breaker_percent: int
    breaker_min_population: int
    breaker_objects: int
    acted: int = 0
    approved: frozenset[str] = frozenset()
    evidence: Evidence | None = None


class Proposal(Struct, frozen=True):
    """An action that would help, and the finding that it is for."""

    finding: Finding
    plan: Plan


class Decision(Struct, frozen=True):
    """What was decided, with every gate's verdict."""

    kind: DecisionKind
    verdicts: tuple[Verdict, ...] = ()
    proposal: Proposal | None = None

    @property
    def held(self) -> tuple[Verdict, ...]:
        return tuple(each for each in self.verdicts if each.ruling is Ruling.HELD)

    @property
    def held_by_fact(self) -> tuple[Verdict, ...]:
        """What holds it back beside a person's word, which a person can give."""
        return tuple(each for each in self.held if each.gate not in (GateName.MODE, GateName.APPROVAL))

    @property
    def awaits_person(self) -> bool:
        """Whether nothing but a person's word is missing."""
        return bool(self.proposal) and not self.held_by_fact
