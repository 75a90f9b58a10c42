"""What is decided about a finding, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.definition import Definitions
from remediator.model.finding import Finding
from remediator.model.limits import Ceilings, Limits
from remediator.model.observation import History
from remediator.model.pause import Pauses
from remediator.model.placement import Placement
from remediator.model.plan import Evidence, Plan
from remediator.model.selection import Selection
from remediator.model.window import Windows


class GateName(StrEnum):
    """The rules that can hold an action back, in the order in which they are shown."""

    MODE = "mode"
    APPROVAL = "approval"
    GUARD = "guard"
    SELECTION = "selection"
    OPT_OUT = "opt-out"
    PAUSE = "pause"
    IDENTITY = "identity"
    PROOFS = "proofs"
    UNCHANGED = "unchanged"
    EVIDENCE_AGE = "evidence-age"
    SIGHTINGS = "sightings"
    OWNER = "owner"
    CONTROLLER = "controller"
    CRD = "crd"
    PERMISSION = "permission"
    REHEARSAL = "rehearsal"
    WINDOW = "window"
    BUDGET = "budget"
    BREAKER = "breaker"
    COOL_DOWN = "cool-down"
    QUARANTINE = "quarantine"
    CLOCK_SKEW = "clock-skew"
    ACTION_LOCK = "action-lock"


class Ruling(StrEnum):
    """A gate's answer. `later`: it can only be answered right before the act."""

    ALLOWED = "allowed"
    HELD = "held"
    LATER = "later"


class Verdict(Struct, frozen=True):
    """What one gate, or one need of the action, says, and on what ground.

    `asks`: what holds it back is that a person is missing, by a word or with rights of their own; nothing else is.
    """

    gate: str
    ruling: Ruling
    reason: str
    asks: bool = False


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


class Rehearsed(StrEnum):
    """How the first write of an action fared as a server-side dry run."""

    VERIFIED = "verified"
    REFUSED = "refused"
    NOT_VERIFIED = "not-verified"


class Rehearsal(Struct, frozen=True):
    """A server-side dry run of an action's first write, and what was answered."""

    result: Rehearsed
    why: str


class Overrides(Struct, frozen=True):
    """The gates that a person tells to let an action through, and why. `parse_override` makes one."""

    gates: frozenset[GateName] = frozenset()
    by: str = ""
    reason: str = ""


class Situation(Struct, frozen=True, kw_only=True):
    """Everything beside the proposal that gates look at.

    `guarded_by` says why the cluster is guarded, empty where it is not. `population` is None where one resource was
    looked at alone. `approved` holds the digests that a person at the terminal approved in this run; `approver` and
    `ticket` are theirs. `evidence` is there only right before the act. None for `placement`, `namespace_annotations`
    and `skew` means that they are not known; for `permitted`, `locked` and `rehearsal`, that nobody asked yet. `skew`
    is how many seconds our clock is ahead of the API server's.
    """

    now: datetime
    population: Population | None
    ceilings: Ceilings = Ceilings()
    limits: Limits = Limits()
    selection: Selection = Selection()
    windows: Windows = Windows()
    guarded_by: str = ""
    history: History = History()
    controller: ControllerFacts = ControllerFacts()
    definitions: Definitions = Definitions(unknown="nobody asked")
    pauses: Pauses = Pauses(unknown="nobody asked")
    placement: Placement | None = None
    namespace_annotations: Mapping[str, str] | None = None
    acted_in_run: int = 0
    acted_today: int = 0
    under_way_in_namespace: int = 0
    breaker_opened_at: datetime | None = None
    approved: frozenset[str] = frozenset()
    approver: str = "a person at the terminal"
    ticket: str = ""
    overrides: Overrides = Overrides()
    evidence: Evidence | None = None
    permitted: bool | None = None
    permitted_why: str = ""
    locked: bool | None = None
    locked_why: str = ""
    rehearsal: Rehearsal | None = None
    skew: float | None = None

    def approved_by(self, digest: str) -> str:
        """Say who approved just this, under which ticket, and which gates they passed by; empty where nobody did."""
        if digest in self.approved:
            return _word(self.approver, self.ticket, self.overrides.gates, self.overrides.reason)
        stored = self.history.approval
        if stored is not None and stored.covers(digest, self.now):
            return _word(stored.approved_by, stored.ticket, stored.override, stored.reason)
        return ""


def _word(who: str, ticket: str, gates: Iterable[str], reason: str) -> str:
    told = f"{who}, ticket {ticket}" if ticket else who
    passed = ", ".join(sorted(str(each) for each in gates))
    return f"{told}, passing by {passed}: {reason}" if passed else told


class Standing(Struct, frozen=True):
    """What was done to all resources together: actions of the last 24 h, and those under way, per namespace.

    `breaker_opened_at` is when so many were last unwell at once that it was an incident.
    """

    acted_today: int = 0
    under_way: Mapping[str, int] = {}
    breaker_opened_at: datetime | None = None


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
        """What holds it back beside a person, whom it may only wait for."""
        return tuple(each for each in self.held if not each.asks)

    @property
    def awaits_person(self) -> bool:
        """Whether nothing but a person is missing."""
        return bool(self.proposal) and not self.held_by_fact

    @property
    def awaits_time(self) -> frozenset[str]:
        """The gates that open by themselves, where nothing else is missing but a person; empty where something is."""
        gates = frozenset(each.gate for each in self.held_by_fact)
        return gates if gates <= {GateName.WINDOW, GateName.PAUSE} else frozenset()

    @property
    def awaits_window(self) -> bool:
        """Whether a window is closed, and nothing else is missing but a person: approved now, it is done then."""
        return self.awaits_time == {GateName.WINDOW}
