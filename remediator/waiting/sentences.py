"""What is told of a look, in sentences: both sides, when it heals, and what became of a function."""

from __future__ import annotations

from datetime import datetime

from remediator.model.differences import retained
from remediator.model.finding import Finding, State
from remediator.model.observation import Observation
from remediator.model.times import format_time
from remediator.observing import NOT_ASKED
from remediator.waiting.verdict import Sight, unsettled, unsynced


def sentence(finding: Finding) -> str:
    """End what a finding says with a full stop."""
    return finding.summary if finding.summary.endswith((".", "!", "?")) else f"{finding.summary}."


def healing(finding: Finding, sight: Sight, until: datetime | None = None) -> str:
    """Say by when a finding should have passed by itself, and whether that is later than anybody waits."""
    at, now = finding.self_heals_at, sight.seen.now
    if at is None or at <= now:
        stuck = finding.stuck_at
        counts = finding.state is State.WAITING and stuck is not None
        return f"Counts as stuck from {format_time(stuck)}." if counts else ""
    late = f", after the time-out at {format_time(until)}" if until is not None and at > until else ""
    return f"Should heal by itself by {format_time(at)}{late}."


def kubernetes_says(sight: Sight) -> str:
    """Say what was seen on Kubernetes' side."""
    resource = sight.resource
    if resource.deleting:
        return f"being deleted since {format_time(resource.deleted_at)}, held by {', '.join(resource.finalizers)}"
    return unsynced(resource, sight.paid) or f"synced at generation {resource.metadata.generation}"


def both_sides(missing: str, sight: Sight, *, short: bool = False) -> list[str]:
    """Say what is missing, and beside it what else either side says; `short`: of Kubernetes' side no more."""
    kubernetes = "" if short else f"Kubernetes: {kubernetes_says(sight)}"
    aws = "" if short and sight.live.why == NOT_ASKED else aws_says(sight.seen)
    return [missing, *(each for each in (kubernetes, aws) if each and missing not in each)]


def aws_says(seen: Observation) -> str:
    """Say what was seen on AWS's side."""
    live = seen.live_state
    if live.why == NOT_ASKED:
        return NOT_ASKED
    return unsettled(live) or f"AWS says {live.state}, {live.last_update_status}"


def fate(seen: Observation) -> str:
    """Say what became of the function of an object that is gone."""
    live = seen.live_state
    if live.gone:
        return "AWS has no such function any more"
    if not live.present:
        return f"what became of the function in AWS cannot be told: {live.why}"
    if live.state == "Deleting":
        return "AWS is still deleting the function"
    return "AWS keeps the function, as the deletion policy says" if retained(seen) else "AWS still has the function"


def orphaned(seen: Observation) -> str:
    """Warn of a function that its object left behind, though nobody said that it is to stay; empty where none is."""
    live = seen.live_state
    if not live.present or live.state == "Deleting" or retained(seen):
        return ""
    return f"{live.arn or 'the function'} is still in AWS, and no object of this name manages it"
