"""Whether the object still speaks of the function that it once made, and ACK looks for it where it is."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.diagnosis.error_text import ErrorKind, kind_of, which_map
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation


def name_changed(seen: Observation) -> Finding | None:
    """Hold when `spec.name` is not the name in the recorded ARN.

    ACK asks AWS for `spec.name` alone. On deletion it finds nothing under the new name, drops its finalizer, and the
    old function stays in AWS, orphaned.
    """
    arn = seen.resource.arn
    if arn is None or arn.name == seen.resource.function_name:
        return None
    return timed(
        seen,
        FindingName.NAME_CHANGED,
        f"spec.name says {seen.resource.function_name!r}, the function that this object made is {arn.name!r}: "
        "deleting the object now would orphan it. Set spec.name back.",
        timeout=AT_ONCE,
    )


def identity_drift(seen: Observation) -> Finding | None:
    """Hold when annotations, namespace or the controller's flags name another account or region than was recorded.

    ACK then does nothing, a deletion included, and writes no condition: the object is green for ever (runtime,
    reconciler.go). Neither Resync nor Release has an effect. Where the place is not known, nothing differs.
    """
    placement = seen.placement
    if placement is None or not placement.drift:
        return None
    recorded = seen.resource.status.ack_resource_metadata if seen.resource.status else None
    return timed(
        seen,
        FindingName.IDENTITY_DRIFT,
        f"ACK would look for the function elsewhere than where it made it: {placement.drift.rstrip('.')}. "
        "Set back what was changed.",
        timeout=AT_ONCE,
        evidence={
            "drift": placement.drift,
            "because": placement.because,
            "account": placement.account or "",
            "region": placement.region or "",
            "recordedAccount": (recorded and recorded.owner_account_id) or "",
            "recordedRegion": (recorded and recorded.region) or "",
        },
    )


def role_unavailable(seen: Observation) -> Finding | None:
    """Hold when ACK finds no role for the account or team that the namespace names.

    It says so in ResourceSynced alone, and leaves every other condition as it was: Ready may say True, and Recoverable
    something old (runtime, reconciler.go). It looks again every 15 s.
    """
    synced = seen.resource.condition("ACK.ResourceSynced")
    if synced is None or synced.status == "True":
        return None
    if kind_of(synced.message or "") is not ErrorKind.NO_ROLE and kind_of(synced.reason or "") is not ErrorKind.NO_ROLE:
        return None
    known = seen.placement.role_missing.rstrip(".") if seen.placement else ""
    where = which_map(synced.reason or "")
    missing = f"{where['map']} has no role for {where['key']}" if where else "a role map lacks the account or the team"
    return timed(
        seen,
        FindingName.ROLE_UNAVAILABLE,
        f"The controller has no role to work with: {known or missing}. It goes on by itself within 15 s of the entry.",
        timeout=seen.timeouts.role_unavailable,
        evidence={"roleMissing": known, **where},
    )
