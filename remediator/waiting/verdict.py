"""What one look means for what is waited for: it is reached, waiting does not help, or what is still missing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from remediator.model.cluster import ClusterFindingName
from remediator.model.controller import Health
from remediator.model.differences import Call, next_pass
from remediator.model.finding import Finding, FindingName
from remediator.model.live import LiveState
from remediator.model.observation import Observation
from remediator.model.resource import READ_ONLY, Resource
from remediator.model.times import format_time
from remediator.waiting.attention import Attention, Looked
from remediator.waiting.goal import Ending, Goal, GoalKind
from remediator.waiting.hopeless import is_hopeless, nobody_works

_READY = ("Active", "Inactive")
# A pass that is on its way has come by then: from there on ACK leaves a synced object alone until its resync.
_RESTS = timedelta(seconds=60)
# Where not everything can be compared: a pass that was under way during the change, and the one after it, are over.
_BLIND_SECOND = timedelta(seconds=3)


class Verdict(Struct, frozen=True):
    """What a look means. `ending` None: waiting goes on, and `why` says what for.

    `asks_aws`: nothing but AWS's answer is missing any more. `page` names the runbook where waiting does not help.
    """

    why: str
    ending: Ending | None = None
    asks_aws: bool = False
    page: str = ""


class Sight(Struct, frozen=True):
    """One look: both sides, what is wrong, and how fresh the object's conditions are. `until` is when patience ends."""

    seen: Observation
    finding: Finding | None
    paid: Attention
    until: datetime

    @property
    def resource(self) -> Resource:
        return self.seen.resource

    @property
    def live(self) -> LiveState:
        return self.seen.live_state


def judge(goal: Goal, sight: Sight) -> Verdict:
    """Say what a look at an object that is there means."""
    return _BY_KIND[goal.kind](goal, sight)


def _synced(goal: Goal, sight: Sight) -> Verdict:
    """Judge whether both sides agree.

    Bad news first: an edit that ACK took back leaves an object that is green, and as AWS has it.
    """
    resource = sight.resource
    if resource.deleting:
        since = format_time(resource.deleted_at)
        return Verdict(f"it is being deleted since {since}, and will not be synced any more", Ending.HOPELESS)
    if resource.metadata.generation < goal.generation:
        return Verdict(f"its generation is {resource.metadata.generation}, and {goal.generation} is waited for")
    if doom := _doomed(goal, sight):
        return doom
    if missing := unsynced(sight.resource, sight.paid):
        return _left_alone(sight, missing) or Verdict(missing)
    if missing := unsettled(sight.live):
        gone = sight.live.gone and _left_alone(sight, missing)
        return gone or Verdict(missing, asks_aws=True)
    return _compared(sight)


def _compared(sight: Sight) -> Verdict:
    """Judge by what ACK would still write, where either side by itself is as it should be."""
    told = next_pass(sight.seen)
    left = _left(sight.seen)
    if left:
        differing = f"the spec and AWS differ in {', '.join(left)}"
        unseen = sight.paid.looked is Looked.BEFORE
        missing = f"{_not_looked(sight.paid)}, and {differing}" if unseen else differing
        return _left_alone(sight, missing) or _resting(sight, missing) or Verdict(missing, asks_aws=True)
    unknown = told is None or told.call is Call.UNKNOWN or bool(told.unknown)
    if unknown and sight.paid.looked is Looked.SAME and sight.paid.quiet < _BLIND_SECOND:
        return Verdict("ACK looked at it in the second of its last change", asks_aws=True)
    generation, live = sight.resource.metadata.generation, sight.live
    said = f"synced at generation {generation}: AWS says {live.state}, {live.last_update_status}"
    if sight.paid.looked is Looked.BEFORE:
        changed = format_time(sight.paid.changed)
        return Verdict(
            f"{said}, and nothing differs; ACK has not looked at it since it was written to at {changed}",
            Ending.REACHED,
        )
    return Verdict(f"{said}, and ACK has nothing left to write", Ending.REACHED)


def _left(seen: Observation) -> tuple[str, ...]:
    """Name what ACK would still write; nothing of an object that it only looks at, nor what no call of it changes."""
    told = next_pass(seen)
    if told is None or seen.resource.annotations.get(READ_ONLY, "").lower() == "true":
        return ()
    fields = (each.field for each in told.differences if not each.note)
    variables = (f"environment.variables.{each}" for each in told.variables.names)
    return (*fields, *variables)


def _resting(sight: Sight, missing: str) -> Verdict | None:
    """Give up where ACK is content, and looks again too late: AWS was changed behind it, more often than not."""
    heartbeat, resync = sight.resource.heartbeat, sight.seen.controller.resync
    passed = sight.paid.passed
    if heartbeat is None or passed is None or sight.paid.looked is Looked.BEFORE:
        return None
    if sight.paid.quiet < _RESTS or sight.seen.now - passed < _RESTS:
        return None
    again = heartbeat + resync
    if again <= sight.until:
        return None
    return Verdict(
        f"{missing}, ACK says that it is synced, and looks again at {format_time(again)} only; "
        "a Resync, or any change of the spec, makes it look now",
        Ending.HOPELESS,
    )


def _settled(goal: Goal, sight: Sight) -> Verdict:
    live = sight.live
    missing = unsettled(live)
    if not missing:
        return Verdict(f"settled: AWS says {live.state}, {live.last_update_status}", Ending.REACHED)
    if doom := _doomed(goal, sight):
        return doom
    if live.gone and sight.resource.deleting:
        return Verdict("it is being deleted, and AWS has no such function any more", Ending.HOPELESS)
    at_rest = live.gone or (live.present and not live.busy)
    return (at_rest and _left_alone(sight, missing)) or Verdict(missing, asks_aws=True)


def _deleted(goal: Goal, sight: Sight) -> Verdict:
    resource = sight.resource
    if not resource.deleting:
        return Verdict("nobody has deleted it yet")
    since = format_time(resource.deleted_at)
    if not resource.managed:
        others = ", ".join(resource.finalizers) or "nothing that can be seen"
        return Verdict(f"being deleted since {since}: ACK is done with it, and it waits for {others}")
    missing = f"being deleted since {since}"
    if resource.error_text and sight.paid.looked in (Looked.SINCE, Looked.SAME):
        missing = f"{missing}; ACK says: {resource.error_text}"
    return _doomed(goal, sight) or _left_alone(sight, missing) or Verdict(missing)


_BY_KIND: Mapping[GoalKind, Callable[[Goal, Sight], Verdict]] = {
    GoalKind.SYNCED: _synced,
    GoalKind.GENERATION: _synced,
    GoalKind.SETTLED: _settled,
    GoalKind.DELETED: _deleted,
}


def unsynced(resource: Resource, paid: Attention) -> str:
    """Say what Kubernetes' side lacks; empty where it is well, by a look that is newer than the last change."""
    if not resource.conditions:
        return "no controller has looked at it yet"
    if not paid.vouches:
        return _not_looked(paid)
    terminal = resource.condition("ACK.Terminal")
    if terminal is not None and terminal.status == "True":
        return f"ACK has given up: {terminal.message or 'no message'}"
    if resource.synced and not resource.holds("ACK.Recoverable"):
        return ""
    references = resource.condition("ACK.ReferencesResolved")
    if references is not None and references.status != "True":
        return f"its references are not resolved: {references.reason or references.message or 'no reason given'}"
    return f"ACK says that it is not synced{': ' if resource.error_text else ''}{resource.error_text}"


def _not_looked(paid: Attention) -> str:
    return f"ACK has not looked at it since its last change at {format_time(paid.changed)}"


def unsettled(live: LiveState) -> str:
    """Say what AWS's side lacks; empty where the function is there, at rest and well."""
    if live.gone:
        return "AWS has no such function"
    if not live.present:
        return f"AWS cannot be asked: {live.why}"
    if live.state not in _READY:
        return f"AWS says {_with_reason(live.state, live.state_reason_code)}"
    # Functions from before there were states answer without any.
    if live.last_update_status not in (None, "Successful"):
        status = _with_reason(live.last_update_status, live.last_update_status_reason_code)
        return f"AWS says {live.state}, its last update {status}"
    return ""


def _with_reason(word: str | None, code: str | None) -> str:
    return f"{word or 'nothing'} ({code})" if code else word or "nothing"


def _doomed(goal: Goal, sight: Sight) -> Verdict | None:
    if sight.finding is None or not is_hopeless(goal, sight.finding, sight.seen, sight.paid):
        return None
    return Verdict(sight.finding.summary, Ending.HOPELESS, page=sight.finding.name.value)


def _left_alone(sight: Sight, missing: str) -> Verdict | None:
    """Give up where nobody is there to do what is missing."""
    why = nobody_works(sight.seen)
    if not why:
        return None
    down = sight.seen.controller.health is Health.DOWN
    page = ClusterFindingName.CONTROLLER_DOWN.value if down else FindingName.NEVER_RECONCILED.value
    return Verdict(f"{missing}, and nobody works on it: {why}", Ending.HOPELESS, page=page)
