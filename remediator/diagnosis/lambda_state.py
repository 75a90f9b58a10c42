"""What Lambda itself says of the function: State and LastUpdateStatus, whatever the conditions show."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.diagnosis.build import AT_ONCE, next_try, since, timed, until
from remediator.diagnosis.error_text import is_busy, says_pending
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.observation import Observation

# Reason codes that a second try can cure; every other one needs a person (AWS Lambda API reference, and the
# documentation of each code). Unknown codes are taken as permanent: better to report than to retry for ever.
_TRANSIENT = frozenset(
    {
        "InternalError",
        "EC2RequestLimitExceeded",
        "InsufficientCapacity",
        "EFSIOError",
        "EFSMountConnectivityError",
        "EFSMountFailure",
        "EFSMountTimeout",
        "FunctionError.InitTimeout",
    }
)
_FRESH_HEARTBEAT = timedelta(seconds=60)


def _explained(code: str | None, reason: str | None) -> str:
    return ": ".join(part for part in (code, reason) if part) or "no reason given"


def update_failed(seen: Observation) -> Finding | None:
    """Hold when AWS rolled the last update back. ACK does not look at this: the object can be green."""
    live = seen.live
    if not live.present or live.last_update_status != "Failed":
        return None
    code = live.last_update_status_reason_code
    retry = code in _TRANSIENT and not seen.history.resync_without_effect
    green = ", although the object shows Synced=True" if seen.resource.synced else ""
    runs = "cannot be run at all (State Failed)" if live.state == "Failed" else "runs the old version"
    return timed(
        seen,
        FindingName.UPDATE_FAILED,
        f"AWS rolled back the last update; the function {runs}{green}: "
        f"{_explained(code, live.last_update_status_reason)}",
        timeout=AT_ONCE,
        remedy=Remedy.RESYNC if retry else Remedy.REPORT,
        evidence={"reasonCode": code or ""},
    )


def create_failed(seen: Observation) -> Finding | None:
    """Hold when Lambda could not bring the function up, or lost its image. ACK retries for ever, and cannot help."""
    live = seen.live
    if not live.present or live.state != "Failed":
        return None
    return timed(
        seen,
        FindingName.CREATE_FAILED,
        f"Lambda could not bring the function up (State Failed): "
        f"{_explained(live.state_reason_code, live.state_reason)}",
        timeout=AT_ONCE,
        evidence={"reasonCode": live.state_reason_code or ""},
    )


def function_pending(seen: Observation) -> Finding | None:
    """Hold while Lambda is still bringing the function up. How long is normal depends on what it is made of."""
    live = seen.live
    if not live.present or live.state != "Pending":
        return None
    timeout, kind = _pending_budget(seen)
    # LastModified is when the creation began; for Restoring it is weeks old, and says nothing.
    started = live.last_modified if live.state_reason_code in (None, "Creating") else None
    return timed(
        seen,
        FindingName.FUNCTION_PENDING,
        f"Lambda is still bringing the function up ({kind}): {_explained(live.state_reason_code, live.state_reason)}",
        timeout=timeout,
        started=started,
        heals=True,
        evidence={"reasonCode": live.state_reason_code or ""},
    )


def _pending_budget(seen: Observation) -> tuple[timedelta, str]:
    live, limits = seen.live, seen.timeouts
    if live.snap_start:
        return limits.function_pending_snap_start, "SnapStart"
    if live.in_vpc or seen.resource.in_vpc:
        return limits.function_pending_vpc, "in a VPC"
    if live.package_type == "Image":
        return limits.function_pending_image, "container image"
    return limits.function_pending, "zip package"


def stale_pending(seen: Observation) -> Finding | None:
    """Hold when the controller says Pending and Lambda says ready: the next pass, within seconds, should see it."""
    if seen.resource.synced or not says_pending(seen.resource.error_text):
        return None
    if not seen.live.present or seen.live.state not in ("Active", "Inactive") or seen.live.busy:
        return None
    heartbeat = seen.resource.heartbeat
    resting = heartbeat is None or seen.now - heartbeat > _FRESH_HEARTBEAT
    return timed(
        seen,
        FindingName.STALE_PENDING,
        f"The controller still says Pending, but Lambda says {seen.live.state}; controllers older than 1.7.4 can "
        "stay so for good (aws-controllers-k8s/community#2433).",
        timeout=seen.timeouts.stale_pending,
        remedy=Remedy.RESYNC if resting else Remedy.REPORT,
        heals=True,
        evidence={"controllerVersion": seen.controller.version or "unknown"},
    )


def update_in_progress(seen: Observation) -> Finding | None:
    """Hold while AWS applies an update: any other is refused with 409 meanwhile."""
    live = seen.live
    if not live.present or live.last_update_status != "InProgress":
        return None
    in_vpc = live.in_vpc or seen.resource.in_vpc
    waits = "; the controller's next change is refused with 409 until then" if is_busy(seen.resource.error_text) else ""
    return timed(
        seen,
        FindingName.UPDATE_IN_PROGRESS,
        f"AWS is applying an update{waits}.",
        timeout=seen.timeouts.update_in_progress_vpc if in_vpc else seen.timeouts.update_in_progress,
        started=live.last_modified,
        heals=True,
    )


def conflict_backoff(seen: Observation) -> Finding | None:
    """Hold when the last try met a 409 and AWS has settled since: the controller waits for its next try."""
    text = seen.resource.error_text
    if seen.resource.synced or not is_busy(text) or says_pending(text):
        return None
    if not seen.live.present or seen.live.busy:
        return None
    begin = since(seen)
    return until(
        seen,
        FindingName.CONFLICT_BACKOFF,
        "The last try met a 409 while AWS was busy; AWS has settled, and the controller waits out its back-off.",
        deadline=_next_pass(seen),
        begin=begin,
        remedy=Remedy.RESYNC,
    )


def _next_pass(seen: Observation) -> datetime:
    known = seen.history.given or seen.history.since
    return next_try(min(seen.resource.heartbeat or seen.now, seen.now), known)
