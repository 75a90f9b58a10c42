"""What Lambda itself says of the function: State and LastUpdateStatus, whatever the conditions show."""

from __future__ import annotations

from datetime import timedelta

from remediator.diagnosis.build import AT_ONCE, advisory, next_pass, since, timed, until
from remediator.diagnosis.error_text import ErrorKind, is_busy, kind_of
from remediator.diagnosis.reason_codes import ReasonClass, reason_of
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.observation import Observation

_FRESH_HEARTBEAT = timedelta(seconds=60)


def _explained(code: str | None, reason: str | None) -> str:
    """Quote AWS's reason, with what helps against it where waiting does not."""
    said = ": ".join(part for part in (code, reason) if part) or "no reason given"
    known = reason_of(code)
    return f"{said.rstrip('.')}. What helps: {known.advice}." if known.takes_a_person else said


def _reason(code: str | None, kind: ReasonClass | None = None) -> dict[str, str]:
    """Put a reason code, its class and what helps into evidence."""
    known = reason_of(code)
    return {"reasonCode": known.code, "reasonClass": (kind or known.kind).value, "reasonAdvice": known.advice}


def update_failed(seen: Observation) -> Finding | None:
    """Hold when AWS rolled the last update back. ACK does not look at this: the object can be green."""
    live = seen.live
    if not live.present or live.last_update_status != "Failed":
        return None
    code = live.last_update_status_reason_code
    # In its first minutes a role that was just made, or given a permission, is not known everywhere yet.
    begin = since(seen, live.last_modified)
    kind = reason_of(code).of_update(young=seen.now - begin < seen.timeouts.role_not_assumable)
    retry = kind is ReasonClass.TRANSIENT and not seen.history.resync_without_effect
    green = ", although the object shows Synced=True" if seen.resource.synced else ""
    runs = "cannot be run at all (State Failed)" if live.state == "Failed" else "runs the old version"
    return timed(
        seen,
        FindingName.UPDATE_FAILED,
        f"AWS rolled back the last update; the function {runs}{green}: "
        f"{_explained(code, live.last_update_status_reason)}",
        timeout=AT_ONCE,
        remedy=Remedy.RESYNC if retry else Remedy.REPORT,
        evidence=_reason(code, kind),
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
        evidence=_reason(live.state_reason_code),
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
        evidence=_reason(live.state_reason_code),
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
    if seen.resource.synced or kind_of(seen.resource.error_text) is not ErrorKind.PENDING:
        return None
    if not seen.live.present or seen.live.state not in ("Active", "Inactive") or seen.live.busy:
        return None
    heartbeat = seen.resource.heartbeat
    resting = heartbeat is None or seen.now - heartbeat > _FRESH_HEARTBEAT
    return timed(
        seen,
        FindingName.STALE_PENDING,
        f"The controller still says Pending, but Lambda says {seen.live.state}"
        f"{_STALE[seen.controller.older_than(_FIXED)]}",
        timeout=seen.timeouts.stale_pending,
        remedy=Remedy.RESYNC if resting else Remedy.REPORT,
        heals=True,
        evidence={"controllerVersion": seen.controller.version or "unknown"},
    )


# By whether the controller is older than the release that mended it.
_FIXED = "1.7.4"
_STALE = {
    True: f"; this controller is older than {_FIXED} and can stay so for good (community#2433): upgrade it.",
    False: ".",
    None: f"; controllers older than {_FIXED} can stay so for good (aws-controllers-k8s/community#2433).",
}


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
    if seen.resource.synced or kind_of(seen.resource.error_text) is not ErrorKind.BUSY:
        return None
    if not seen.live.present or seen.live.busy:
        return None
    return until(
        seen,
        FindingName.CONFLICT_BACKOFF,
        "The last try met a 409 while AWS was busy; AWS has settled, and the controller waits out its back-off.",
        deadline=next_pass(seen),
        begin=since(seen),
        remedy=Remedy.RESYNC,
    )


def function_inactive(seen: Observation) -> Finding | None:
    """Hold when the object is not synced and Lambda says Inactive: the function idles, and that is all.

    Controllers older than 1.6.3 never count that as synced (community#2446). A re-read that failed is another matter.
    """
    synced, initialised = seen.resource.condition("ACK.ResourceSynced"), seen.resource.condition("ACK.LateInitialized")
    if synced is None or synced.status != "False" or (initialised is not None and initialised.status == "False"):
        return None
    if not seen.live.present or seen.live.state != "Inactive":
        return None
    older = seen.controller.older_than(COUNTS_INACTIVE)
    upgrade = "" if older is False else f" Upgrade the controller to {COUNTS_INACTIVE} or later."
    return advisory(
        seen,
        FindingName.FUNCTION_INACTIVE,
        "Lambda has put the function to sleep, since nobody used it for weeks; that is harmless, though the object is "
        f"not synced. Its next use wakes it: do not invoke it for that.{upgrade}",
        {"controllerVersion": seen.controller.version or "unknown", **_reason(seen.live.state_reason_code)},
    )


COUNTS_INACTIVE = "1.6.3"
