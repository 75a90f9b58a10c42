"""Approvals: whether the API server holds them to their rules, tried by a forged one; and who leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from remediator.doctor.check import Check, Level, Patient
from remediator.kubernetes.approvals import HOW_TO_FIX, approvals_guard
from remediator.kubernetes.leader import live_leader
from remediator.model.times import format_time


def look(patient: Patient) -> Iterator[Check]:
    """Try a forged approval as a dry run, as every pass does that reads approvals."""
    guard = approvals_guard(patient.transport, patient.home)
    if guard.holds:
        yield Check("approvals", Level.OK, f"{guard.why}, as it is since {format_time(guard.since)}")
        return
    worse = Level.FAILURE if guard.forged or patient.acts else Level.WARNING
    fix = HOW_TO_FIX
    if not guard.forged:
        fix = (
            "Apply manifests/base. Who asks needs its Role ack-remediator-records and ClusterRole ack-remediator-read."
        )
    yield Check("approvals", worse, guard.why.removesuffix(f". {HOW_TO_FIX}"), fix)


def leader(patient: Patient) -> Iterator[Check]:
    """Say which daemon leads, if one does."""
    now = patient.clock.now() - timedelta(seconds=patient.transport.skew or 0.0)
    name = live_leader(patient.transport, patient.home, now)
    said = f"{name} leads" if name else "none leads here: right for a CronJob, and where people run it by hand"
    yield Check("daemon", Level.OK if name else Level.NOTE, said)
