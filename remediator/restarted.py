"""See what came of a controller's restart: its pods are new and work, and resources are looked at again.

New pods alone are no success: what hung can hang again at the first thing that it does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from remediator.errors import ClusterError, NotFound
from remediator.model.plan import Plan, Result
from remediator.model.times import format_time, parse_time
from remediator.model.workload import RESTARTED_AT, Workload
from remediator.ports import Means

# Seconds. Kubernetes itself gives up on a rollout after ten minutes; with an image that is there it takes one.
_ROLLOUT = 300.0
# A new leader waits for the old one's Lease first, and everything is looked at one by one.
_FIRST_PASS = 240.0
_POLL = 2.0

T = TypeVar("T")


def restarted(plan: Plan, means: Means) -> tuple[Result, str]:
    """Watch for the effect of a restart; raise ClusterError where the API server does not answer to the last."""
    written = plan.steps[0].patch[-1]["value"]
    found = _until(means, _ROLLOUT, lambda: _rolled(plan, written, means))
    if isinstance(found, str):
        return Result.UNKNOWN, found
    if not found.rolled:
        pods = f"{found.updated} of {found.desired} are new, {found.available} available"
        told = f"{pods}{f'; {found.trouble}' if found.trouble else ''}"
        return Result.STILL_STUCK, f"its pods were not replaced within {_ROLLOUT:.0f} s: {told}"
    ready = f"its pods are new since {written}, and available"
    since = found.started or parse_time(written)
    if not plan.witnesses or since is None:
        return Result.UNKNOWN, f"{ready}; there is no resource by which to see whether it works"
    beat = _until(means, _FIRST_PASS, lambda: _passed(plan, since, means))
    if beat is None:
        named = ", ".join(str(each.ref) for each in plan.witnesses)
        return Result.STILL_STUCK, f"{ready}, but it finished no pass within {_FIRST_PASS:.0f} s on any of {named}"
    return Result.RESOLVED, f"{ready}; it finished a pass at {format_time(beat)}"


def _rolled(plan: Plan, written: str, means: Means) -> tuple[bool, Workload | str]:
    """Say how far it is; a sentence where it is no more what we restarted."""
    try:
        found = means.cluster.workload(plan.target.namespace, plan.target.name)
    except NotFound:
        return True, "the Deployment is gone"
    if found.ref.uid != plan.target.uid:
        return True, "the Deployment was deleted and created anew"
    if found.restarted_at != written:
        return True, f"{RESTARTED_AT} on it is not ours any more: somebody restarted it since, or put it back"
    return found.rolled, found


def _passed(plan: Plan, since: datetime, means: Means) -> tuple[bool, datetime | None]:
    """Find a pass that was finished since; the heartbeats of before are the old pods' own."""
    for each in plan.witnesses:
        try:
            beat = means.cluster.get(each.ref.namespace, each.ref.name, each.ref.kind).heartbeat
        except NotFound:
            continue
        if beat is not None and beat > since and beat != each.heartbeat:
            return True, beat
    return False, None


def _until(means: Means, seconds: float, look: Callable[[], tuple[bool, T]]) -> T:
    """Look until it says that it is done, or time is up; the last look counts."""
    deadline = means.clock.monotonic() + seconds
    while True:
        late = means.clock.monotonic() >= deadline
        try:
            done, found = look()
        except ClusterError:
            if late:
                raise
        else:
            if done or late:
                return found
        means.clock.sleep(_POLL)
