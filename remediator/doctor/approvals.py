"""Approvals: whether the API server holds them to their rules, tried by a forged one; and who leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from remediator.doctor.check import Check, Level, Patient
from remediator.kubernetes.approvals import HOW_TO_FIX, approvals_guard
from remediator.kubernetes.leader import live_leaders
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
    """Say which daemon leads, if one does; of shards, all of them, and which nobody looks after."""
    now = patient.clock.now() - timedelta(seconds=patient.transport.skew or 0.0)
    leaders = live_leaders(patient.transport, patient.home, now)
    names = ", ".join(leaders.by.values())
    said = f"{names} lead{'s' if len(leaders.by) == 1 else ''}"
    if not leaders.by:
        none = "none leads here: right for a CronJob, and where people run it by hand"
        yield Check("daemon", Level.NOTE, none)
    elif leaders.missing:
        left = ", ".join(str(each) for each in leaders.missing)
        fix = "Look at the pods of these shards: each waits until those of another number are gone."
        yield Check("daemon", Level.WARNING, f"{said}; nobody looks after the shards {left}", fix)
    else:
        yield Check("daemon", Level.OK, said)
