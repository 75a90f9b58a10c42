"""What the controller's log says, without secrets."""

from __future__ import annotations

from remediator.model.log import ControllerLog, LogLine


def test_secrets_are_masked_in_every_text() -> None:
    line = LogLine("2026-11-22T09:31:00Z", "error", 'no stage: {"DB": "hunter2"}', 3)
    masked = ControllerLog((line,), "no hunter2").masked({"hunter2"})
    assert masked == ControllerLog((LogLine(line.at, "error", 'no stage: {"DB": "•••"}', 3),), "no •••")
