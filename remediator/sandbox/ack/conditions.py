"""The conditions that ACK writes, with its texts (runtime pkg/condition/condition.go)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from remediator.sandbox.ack.errors import PassError, TerminalState
from remediator.sandbox.ack.resource import Resource

SYNCED = "ACK.ResourceSynced"
READY = "Ready"
TERMINAL = "ACK.Terminal"
RECOVERABLE = "ACK.Recoverable"
LATE_INITIALIZED = "ACK.LateInitialized"
REFERENCES_RESOLVED = "ACK.ReferencesResolved"

SYNCED_MESSAGE = "Resource synced successfully"
NOT_SYNCED_MESSAGE = "Resource not synced"
UNKNOWN_MESSAGE = "Unable to determine if desired resource state matches latest observed state"
NOT_MANAGED_MESSAGE = "Resource already exists"
NOT_MANAGED_REASON = (
    "This resource already exists but is not managed by ACK. "
    "To bring the resource under ACK management, you should explicitly adopt "
    "the resource by enabling the ResourceAdoption feature gate and populating "
    "the `services.k8s.aws/adoption-policy` and `services.k8s.aws/adoption-fields` annotations."
)
_SYNCED_STATES = ("Active", "Inactive")


class Conditions:
    """Write conditions into a resource's status, stamped with `now` in whole seconds."""

    def __init__(self, resource: Resource, now: datetime) -> None:
        self._status: dict[str, Any] = resource.setdefault("status", {})
        self._now = f"{now:%Y-%m-%dT%H:%M:%SZ}"

    def clear(self) -> None:
        """Forget them all, as each pass begins."""
        self._status["conditions"] = []

    def set(self, kind: str, status: str, message: str | None = None, reason: str | None = None) -> None:
        """Set a condition with the time of now, whether or not it changed: the time is a heartbeat."""
        self._replace(kind, status, self._now, message, reason)

    def recoverable(self, message: str | None) -> None:
        """Set ACK.Recoverable, which has neither time nor reason; without a message, False where it is there."""
        if message is not None:
            self._replace(RECOVERABLE, "True", None, message, None)
        elif self.find(RECOVERABLE):
            self._replace(RECOVERABLE, "False", None, None, None)

    def terminal(self, message: str) -> None:
        """Set ACK.Terminal from an error, which has neither time nor reason either."""
        self._replace(TERMINAL, "True", None, message, None)

    def find(self, kind: str) -> dict[str, Any] | None:
        """Return the condition of a kind."""
        return next((one for one in self._status.get("conditions") or [] if one["type"] == kind), None)

    def close(self, error: PassError | None) -> None:
        """End a pass: ResourceSynced and Ready from how it ended (runtime reconciler.go, ensureConditions)."""
        if self.find(SYNCED) is None:
            if isinstance(error, TerminalState):
                self.set(SYNCED, "False", NOT_SYNCED_MESSAGE, error.text)
            elif error is not None:
                self.set(SYNCED, "Unknown", UNKNOWN_MESSAGE, error.text)
            elif self._status.get("state") in _SYNCED_STATES:
                self.set(SYNCED, "True", SYNCED_MESSAGE, "")
            else:
                self.set(SYNCED, "False", NOT_SYNCED_MESSAGE, "")
        for kind in (TERMINAL, RECOVERABLE):
            if (cause := self.find(kind)) and cause["status"] == "True":
                self.set(READY, "False", cause.get("message"), kind)
                return
        synced = self.find(SYNCED) or {}
        self.set(READY, synced["status"], synced.get("message"), synced.get("reason"))

    def _replace(self, kind: str, status: str, at: str | None, message: str | None, reason: str | None) -> None:
        fields = {
            "lastTransitionTime": at,
            "message": message,
            "reason": reason,
            "status": status,
            "type": kind,
        }
        condition = {key: value for key, value in fields.items() if value is not None}
        conditions = list(self._status.get("conditions") or [])
        for index, one in enumerate(conditions):
            if one["type"] == kind:
                conditions[index] = condition
                break
        else:
            conditions.append(condition)
        self._status["conditions"] = conditions
