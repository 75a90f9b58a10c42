"""The states that AWS Lambda moves a function through and moto does not, timed by the sandbox's clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.sandbox.aws.errors import AwsError
from remediator.sandbox.aws.wording import busy

CREATING = "The function is being created."

# Parameters of CreateFunction and UpdateFunctionConfiguration that moto drops on one of the two, though AWS answers
# with them ever after. A controller that does not see its own update would repeat it without end.
_KEPT = (
    "DeadLetterConfig",
    "DurableConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "KMSKeyArn",
    "LoggingConfig",
    "SnapStart",
    "TenancyConfig",
    "TracingConfig",
)

# Lambda API Reference, ListFunctions: the fields that it leaves to GetFunction.
_NOT_LISTED = (
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RuntimeVersionConfig",
)


@dataclass(frozen=True, slots=True)
class Phase:
    """A value of State or LastUpdateStatus, with its reason; it holds for `seconds` of the clock, or for good."""

    value: str
    reason_code: str | None = None
    reason: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """Phases one after the other; the first began at `since` (seconds of the clock)."""

    phases: tuple[Phase, ...]
    since: float

    def __post_init__(self) -> None:
        """Raise ValueError unless every phase but the last says how long it is."""
        if not self.phases or any(phase.seconds is None for phase in self.phases[:-1]):
            raise ValueError("a course needs a phase, and each but the last needs its seconds")
        if self.phases[-1].seconds is not None:
            raise ValueError(f"nothing comes after {self.phases[-1].value}: its last phase has no seconds")

    @property
    def now(self) -> Phase:
        """The phase that holds."""
        return self.phases[0]

    def advanced(self, to: float) -> Course:
        """Return what is left of the course at a moment."""
        left, since = self.phases, self.since
        while (seconds := left[0].seconds) is not None and to >= since + seconds:
            left, since = left[1:], since + seconds
        return Course(left, since)


@dataclass(frozen=True, slots=True)
class Before:
    """What a function was before the update that is under way: moto's settings of it, and ours."""

    settings: dict[str, Any]
    kept: dict[str, Any]


@dataclass(slots=True)
class FunctionState:
    """All that is laid over one of moto's functions. Not thread-safe: its owner holds a lock.

    `update` is None until the function has been Active: LastUpdateStatus is first set after creation completes (Lambda
    API Reference, FunctionConfiguration). `next_failure` is how the next update shall end.
    """

    modified: datetime
    state: Course
    update: Course | None
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    kept: dict[str, Any] = field(default_factory=dict)
    before: Before | None = None
    next_failure: Phase | None = None

    def settle(self, now: float) -> Before | None:
        """Let the transitions that are due happen; return what is to be restored, if an update failed by them.

        Each gives a new revision, and leaves LastModified alone: only an accepted update moves that.
        """
        restored = None
        state = self.state.advanced(now)
        if state != self.state:
            self.put_state(state)
        if self.update is not None and self.update.advanced(now) != self.update:
            while self.update != self.update.advanced(now):
                # One phase at a time: an update that failed is rolled back, whatever the script says of it next.
                passed, *left = self.update.phases
                assert passed.seconds is not None
                restored = self.put_update(Course(tuple(left), self.update.since + passed.seconds)) or restored
        return restored

    def put_state(self, course: Course) -> None:
        """Take another course of State."""
        self.state = course
        self.revision = str(uuid.uuid4())
        if self.update is None and course.now.value == "Active":
            self.update = Course((Phase("Successful"),), course.since)

    def put_update(self, course: Course) -> Before | None:
        """Take another course of LastUpdateStatus; return what is to be restored, if an update under way failed by it.

        Lambda gives up an update that failed: the code and configuration of before stay (Lambda Developer Guide,
        "Lambda function states").
        """
        self.update = course
        self.revision = str(uuid.uuid4())
        if course.now.value == "InProgress":
            return None
        before, self.before = self.before, None
        if before is None or course.now.value != "Failed":
            return None
        self.kept = before.kept
        return before

    def accept(self, at: datetime, before: Before, course: Course) -> None:
        """Note an accepted update of code or configuration."""
        self.modified = at
        self.before = before
        self.put_update(course)

    def keep(self, parameters: dict[str, Any]) -> None:
        """Remember what moto would forget of a create or an update."""
        self.kept = {**self.kept, **{name: parameters[name] for name in _KEPT if name in parameters}}

    def conflict(self, arn: str) -> AwsError | None:
        """Return the 409 that Lambda gives to a write while it is busy with the function."""
        if self.state.now.value in ("Pending", "Deleting"):
            return busy(arn, self.state.now.value)
        return busy(arn) if self.update is not None and self.update.now.value == "InProgress" else None

    def lay_over(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """Return moto's configuration of the function as AWS would give it now."""
        laid = {**configuration, **{name: value for name, value in self.kept.items() if not _empty(value)}}
        if self.kept.get("KMSKeyArn") == "":
            laid["KMSKeyArn"] = None
        if self.kept.get("SnapStart"):
            laid["SnapStart"] = {"OptimizationStatus": "Off", **self.kept["SnapStart"]}
        laid |= {"LastModified": _aws_time(self.modified), "RevisionId": self.revision}
        laid |= _phase_fields("State", self.state.now)
        # A function that was only just created has no LastUpdateStatus yet; moto knows when.
        if "LastUpdateStatus" in laid:
            laid["LastUpdateStatus"] = None
            laid |= _phase_fields("LastUpdateStatus", self.update.now) if self.update else {}
        return {name: value for name, value in laid.items() if value is not None}

    def listed(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """Return what ListFunctions gives of it."""
        return {name: value for name, value in self.lay_over(configuration).items() if name not in _NOT_LISTED}


def _phase_fields(name: str, phase: Phase) -> dict[str, str]:
    fields = {name: phase.value, f"{name}Reason": phase.reason, f"{name}ReasonCode": phase.reason_code}
    return {key: value for key, value in fields.items() if value is not None}


def _empty(value: object) -> bool:
    """Tell whether a parameter takes a setting away: AWS then leaves it out of its answers."""
    return value in (None, "", [], {}) or (isinstance(value, dict) and all(_empty(part) for part in value.values()))


def _aws_time(at: datetime) -> str:
    """Render Lambda's own time format, as `2026-11-21T10:00:00.000+0000`."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
