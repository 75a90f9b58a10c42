"""Whether somebody has nothing done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from remediator.doctor.check import Check, Level, Patient
from remediator.kubernetes.pauses import KubernetesPauses

_AREA = "pauses"


def look(patient: Patient) -> Iterator[Check]:
    """Tell of each pause that stands; where they cannot be read, nobody who acts would."""
    found = KubernetesPauses(patient.transport, patient.home).read()
    if found.unknown:
        level = Level.FAILURE if patient.acts else Level.NOTE
        fix = "Role ack-remediator-locks has the right to list Leases (manifests/base/role-locks.yaml)."
        yield Check(_AREA, level, f"whether somebody paused is not known: {found.unknown}", fix)
        return
    now = patient.clock.now() - timedelta(seconds=patient.transport.skew or 0.0)
    standing = found.standing(now)
    for each in standing:
        yield Check(_AREA, Level.WARNING, each.said, "`remediator resume` ends it, if nobody relies on it any more.")
    if not standing:
        yield Check(_AREA, Level.OK, "nobody paused")
