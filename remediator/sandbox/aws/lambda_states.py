"""The states that AWS Lambda moves a function through and moto does not, timed by the sandbox's clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.sandbox.aws.errors import AwsError

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


@dataclass(frozen=True, slots=True)
class Phase:
    """A value of State or LastUpdateStatus; at `until` (seconds of the clock, None: never) it becomes `then`."""

    value: str
    reason_code: str | None = None
    reason: str | None = None
    until: float | None = None
    then: str | None = None

    def at(self, now: float) -> Phase:
        """Return the phase that holds at `now`."""
        if self.until is None or now < self.until or self.then is None:
            return self
        return Phase(self.then)


@dataclass(slots=True)
class FunctionState:
    """All that is laid over one of moto's functions. Not thread-safe: its owner holds a lock."""

    modified: datetime
    state: Phase = Phase("Active")
    update: Phase = Phase("Successful")
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    kept: dict[str, Any] = field(default_factory=dict)

    def settle(self, now: float) -> None:
        """Let the transitions that are due happen. Each gives a new revision, as AWS does when a function settles."""
        state, update = self.state.at(now), self.update.at(now)
        if (state, update) != (self.state, self.update):
            self.state, self.update = state, update
            self.revision = str(uuid.uuid4())

    def change(self, at: datetime) -> None:
        """Note an accepted change of code or configuration."""
        self.modified = at
        self.revision = str(uuid.uuid4())

    def keep(self, parameters: dict[str, Any]) -> None:
        """Remember what moto would forget of a create or an update."""
        for name in _KEPT:
            if name in parameters:
                self.kept[name] = parameters[name]

    def conflict(self, arn: str) -> AwsError | None:
        """Return the 409 that Lambda gives to a write while it is busy with the function."""
        if self.state.value in ("Pending", "Deleting"):
            what = f"The function is currently in the following state: {self.state.value}"
        elif self.update.value == "InProgress":
            what = f"An update is in progress for resource: {arn}"
        else:
            return None
        return AwsError("ResourceConflictException", f"The operation cannot be performed at this time. {what}", 409)

    def lay_over(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """Return moto's configuration of the function as AWS would give it now."""
        laid = {**configuration, **{name: value for name, value in self.kept.items() if not _empty(value)}}
        if self.kept.get("KMSKeyArn") == "":
            laid["KMSKeyArn"] = None
        if self.kept.get("SnapStart"):
            laid["SnapStart"] = {"OptimizationStatus": "Off", **self.kept["SnapStart"]}
        laid |= {"LastModified": _aws_time(self.modified), "RevisionId": self.revision}
        laid |= _phase_fields("State", self.state)
        # A function that was only just created has no LastUpdateStatus yet; moto knows when.
        if "LastUpdateStatus" in laid:
            laid |= _phase_fields("LastUpdateStatus", self.update)
        return {name: value for name, value in laid.items() if value is not None}


def _phase_fields(name: str, phase: Phase) -> dict[str, str]:
    fields = {name: phase.value, f"{name}Reason": phase.reason, f"{name}ReasonCode": phase.reason_code}
    return {key: value for key, value in fields.items() if value is not None}


def _empty(value: object) -> bool:
    """Tell whether a parameter takes a setting away: AWS then leaves it out of its answers."""
    return value in (None, "", [], {}) or (isinstance(value, dict) and all(_empty(part) for part in value.values()))


def _aws_time(at: datetime) -> str:
    """Render Lambda's own time format, as `2026-11-21T10:00:00.000+0000`."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
