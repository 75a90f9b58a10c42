"""Findings and plans as episodes need them, with only what a test is about said otherwise."""

from __future__ import annotations

from typing import Any

from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.plan import ActionName, Plan, Step, Verification
from tests.builders import NOW, decoded, function

DIGEST = "ab" * 32
OTHER_DIGEST = "cd" * 32


def finding(**changes: Any) -> Finding:
    base: dict[str, Any] = {
        "name": FindingName.FUNCTION_PENDING,
        "state": State.STUCK,
        "summary": "Lambda keeps the function Pending.",
        "since": NOW,
        "remedy": Remedy.RESYNC,
    }
    return Finding(**(base | changes))


def plan(**changes: Any) -> Plan:
    base: dict[str, Any] = {
        "action": ActionName.RESYNC,
        "resource": decoded(function()),
        "finding": FindingName.FUNCTION_PENDING,
        "digest": DIGEST,
        "summary": "Make the controller look again.",
        "needs": (),
        "steps": (Step("looks", ({"op": "add", "path": "/spec/publish", "value": False},)),),
        "verification": Verification.HEARTBEAT,
    }
    return Plan(**(base | changes))
