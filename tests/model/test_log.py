"""What the controller's log says, without secrets."""

from __future__ import annotations

from remediator.model.log import LONGEST, ControllerLog, LogLine


def test_secrets_are_masked_in_every_text() -> None:
    line = LogLine("2026-11-22T09:31:00Z", "error", 'no stage: {"DB": "hunter2"}', 3)
    masked = ControllerLog((line,), "no hunter2").masked({"hunter2"})
    assert masked == ControllerLog((LogLine(line.at, "error", 'no stage: {"DB": "•••"}', 3),), "no •••")


def test_a_text_without_end_is_cut_once_nothing_secret_can_be_cut_in_two() -> None:
    secret = "hunter2-" * 20
    text = "x" * (LONGEST - 10) + secret + "y" * 50
    [masked] = ControllerLog((LogLine("2026-11-22T09:31:00Z", "error", text),)).masked({secret}).lines
    assert masked.text == "x" * (LONGEST - 10) + "•••" + "y" * 7 + "…"
    assert ControllerLog((masked,)).cut().lines == (masked,)
