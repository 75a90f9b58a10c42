"""What can be done: pure builders of plans. Each says what it needs, what it writes, and how its effect is seen."""

from __future__ import annotations

import msgspec

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.resync import resync
from remediator.model.finding import Finding, Remedy
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import Plan

__all__ = ["plan_for"]

_BUILDERS = {Remedy.RESYNC: resync, Remedy.CLEAR_FINALIZER: clear_finalizer}


def plan_for(finding: Finding, seen: Observation) -> Plan | None:
    """Build the plan of the action that helps now; None where waiting or a person is what helps.

    Its texts are masked. Its steps are not: they carry no value of the spec.
    """
    builder = _BUILDERS.get(finding.remedy)
    if builder is None:
        return None
    plan, secrets = builder(seen, finding.name), seen.secrets
    return msgspec.structs.replace(
        plan,
        notes=tuple(mask(note, secrets) for note in plan.notes),
        needs=tuple(msgspec.structs.replace(need, why=mask(need.why, secrets)) for need in plan.needs),
    )
