"""What is waited for, and what came of it."""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from remediator.model.finding import Finding
from remediator.model.observation import Observation

_GENERATION = re.compile(r"generation=([1-9][0-9]{0,17})")


class GoalKind(StrEnum):
    """What can be waited for."""

    SYNCED = "synced"
    SETTLED = "settled"
    DELETED = "deleted"
    GENERATION = "generation"


class Goal(Struct, frozen=True):
    """What is waited for; `generation` is the least that `metadata.generation` must be, and 0 where any will do."""

    kind: GoalKind
    generation: int = 0

    def __str__(self) -> str:
        return f"{self.kind.value}={self.generation}" if self.generation else self.kind.value


def goal_called(text: str) -> Goal:
    """Read `synced`, `settled`, `deleted` or `generation=N`; raise ValueError for anything else."""
    if found := _GENERATION.fullmatch(text):
        return Goal(GoalKind.GENERATION, int(found[1]))
    if text in (GoalKind.SYNCED, GoalKind.SETTLED, GoalKind.DELETED):
        return Goal(GoalKind(text))
    raise ValueError(f"{text!r} is nothing to wait for; say synced, settled, deleted or generation=N")


class Ending(StrEnum):
    """How waiting ended."""

    REACHED = "reached"
    HOPELESS = "hopeless"
    TIMED_OUT = "timed-out"


class Waited(Struct, frozen=True, kw_only=True):
    """What came of waiting.

    `why` is one sentence about the end, with nothing secret in it; `kubernetes` and `aws` are what was last seen on
    either side, in words. `finding` is what was last found wrong, None where nothing was. `page` names the runbook that
    helps where waiting does not. `warning` is what a person should know though the goal is reached. `seen` is the last
    look; None where there never was such an object. `seconds` is how long it took.
    """

    goal: Goal
    ending: Ending
    why: str
    seconds: float
    kubernetes: str = ""
    aws: str = ""
    seen: Observation | None = None
    finding: Finding | None = None
    page: str = ""
    warning: str = ""

    @property
    def reached(self) -> bool:
        return self.ending is Ending.REACHED
