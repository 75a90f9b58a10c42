"""What can be done: pure builders of plans. Each says what it needs, what it writes, and how its effect is seen."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Plan

__all__ = ["plan_for"]

_Builder = Callable[[Observation, FindingName], Plan]
_ADVISED: dict[Remedy, _Builder] = {Remedy.RESYNC: resync, Remedy.CLEAR_FINALIZER: clear_finalizer}
_ON_REQUEST: dict[Remedy, _Builder] = {Remedy.RELEASE: release, Remedy.CLEAR_FINALIZER: clear_finalizer}


def plan_for(finding: Finding, seen: Observation, requested: ActionName | None = None) -> Plan | None:
    """Build the plan of the action that helps now; None where waiting or a person is what helps.

    `requested`: build what a person asked for by name, or nothing where the finding does not allow for it. A plan's
    texts are masked. Its steps are not: they carry no value of the spec. Of other kinds than Function there is none:
    their specs have other fields, and what AWS answers of them proves nothing.
    """
    if not seen.resource.is_function:
        return None
    builder = _builder(finding, finding.remedy if requested is None else Remedy(requested))
    if builder is None:
        return None
    plan, secrets = builder(seen, finding.name), seen.secrets
    return msgspec.structs.replace(
        plan,
        summary=mask(plan.summary, secrets),
        live=seen.live_state,
        notes=tuple(mask(note, secrets) for note in plan.notes),
        needs=tuple(msgspec.structs.replace(need, why=mask(need.why, secrets)) for need in plan.needs),
    )


def _builder(finding: Finding, remedy: Remedy) -> _Builder | None:
    if remedy is finding.remedy:
        return _ADVISED.get(remedy)
    return _ON_REQUEST.get(remedy) if remedy in finding.on_request else None
