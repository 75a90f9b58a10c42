"""Which findings end the waiting at once, since it is known that waiting does not help."""

from __future__ import annotations

from datetime import timedelta

from remediator.diagnosis.controller import why_unwatched
from remediator.diagnosis.error_text import may_pass
from remediator.diagnosis.lambda_state import COUNTS_INACTIVE
from remediator.model.controller import Health
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.observation import Observation
from remediator.waiting.attention import Attention
from remediator.waiting.goal import Goal, GoalKind

# A controller's pod can be moved to another node: that is over by then.
_REPLACED_WITHIN = timedelta(seconds=60)

# Nothing is stuck, and yet an edit is lost, or never gets through.
_LOSING = frozenset({FindingName.CHECKSUM_MISMATCH, FindingName.LOST_UPDATE})
# It ends when others ask AWS for less, at any time, however long it has lasted.
_MAY_END = frozenset({FindingName.THROTTLED})
# The object goes all the same; that its function stays is told when it has gone.
_NO_MATTER = {GoalKind.DELETED: frozenset({FindingName.NAME_CHANGED})}
# Of now, whatever the controller's last pass was about: no change of the spec that it has not seen yet is its cure.
_OF_NOW = frozenset(
    {
        FindingName.ADOPTED_GONE,
        FindingName.IDENTITY_DRIFT,
        FindingName.LOST_UPDATE,
        FindingName.NAME_CHANGED,
        FindingName.NEVER_RECONCILED,
    }
)
# What AWS says of an update that is over: the next one, which the controller may be about to try again, can cure it.
_OF_THE_LAST_UPDATE = frozenset({FindingName.CHECKSUM_MISMATCH, FindingName.UPDATE_FAILED, FindingName.CREATE_FAILED})
# What it then tries again in vain.
_REFUSED = frozenset(
    {
        FindingName.PERMISSION_DENIED,
        FindingName.CONCURRENCY_REFUSED,
        FindingName.RUNTIME_RETIRED,
        FindingName.INVALID_REQUEST,
    }
)


def is_hopeless(goal: Goal, finding: Finding | None, seen: Observation, paid: Attention) -> bool:
    """Whether waiting cannot help while this finding holds."""
    if finding is None or finding.name in _NO_MATTER.get(goal.kind, ()) or not _stays(finding, seen):
        return False
    if goal.kind is GoalKind.SETTLED and seen.live_state.busy:
        return False  # what AWS is at ends, whatever becomes of the object
    if finding.name in _OF_NOW or _can_never_match(finding):
        return True
    if finding.name in _OF_THE_LAST_UPDATE and _is_tried_again(finding, seen):
        return False
    return paid.condemns


def nobody_works(seen: Observation) -> str:
    """Say why no controller looks at the object, nor will in a moment; empty where one may."""
    facts = seen.controller
    if unwatched := why_unwatched(seen):
        return unwatched
    since = next((each.since for each in facts.installs if each.deployment == facts.deployment), None)
    lately = since is not None and seen.now - since < _REPLACED_WITHIN
    return "" if facts.health is not Health.DOWN or facts.restarting or lately else facts.why


def _stays(finding: Finding, seen: Observation) -> bool:
    if finding.state is State.ADVISORY:
        # Newer controllers count a function that sleeps as synced, at their next look.
        sleeps = finding.name is FindingName.FUNCTION_INACTIVE
        return finding.name in _LOSING or (sleeps and seen.controller.older_than(COUNTS_INACTIVE) is True)
    return (
        finding.state is State.STUCK
        and finding.self_heals_at is None
        and finding.remedy is not Remedy.WAIT
        and finding.name not in _MAY_END
    )


def _is_tried_again(finding: Finding, seen: Observation) -> bool:
    """Whether the controller is still at an update that can cure it."""
    retried = seen.resource.holds("ACK.Recoverable") and may_pass(seen.resource.error_text)
    return retried and _REFUSED.isdisjoint(finding.also)


def _can_never_match(finding: Finding) -> bool:
    """Whether a checksum has a form that Lambda's never has: it is in the spec as that is now."""
    return finding.name is FindingName.CHECKSUM_MISMATCH and finding.evidence.get("variant") in ("hex", "malformed")
