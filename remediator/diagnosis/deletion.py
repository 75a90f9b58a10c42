"""Resources that are being deleted and still carry ACK's finalizer.

The delete path writes almost nothing: conditions stay as they were, even green, and the heartbeat is frozen. So
these rules lean on deletionTimestamp and on AWS's own answer.
"""

from __future__ import annotations

from remediator.diagnosis.build import next_try, since, timed, until
from remediator.diagnosis.controller import why_unwatched
from remediator.diagnosis.error_text import ErrorKind, hint_of, is_busy, kind_of, state_reason_code
from remediator.diagnosis.reason_codes import reason_of
from remediator.model.controller import Health
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.live import Vouched
from remediator.model.observation import Observation


def finalizer_left(seen: Observation) -> Finding | None:
    """Hold when AWS no longer has the function: only ACK's finalizer keeps the object.

    A working controller drops it at its next look, so a Resync comes first. ClearFinalizer is advised only where no
    controller is there to do it, or where a Resync had no effect, and the function is proven gone: else a person looks.
    """
    if not seen.live.gone:
        return None
    nobody = seen.controller.health is Health.DOWN
    last_resort = Remedy.CLEAR_FINALIZER if seen.live.proven_gone else Remedy.REPORT
    proof = "" if seen.live.vouched is Vouched.PROVEN else f" ({seen.live.why or 'unproven'})"
    because = "no controller is there to remove it" if nobody else "the controller has not removed it"
    return timed(
        seen,
        FindingName.FINALIZER_LEFT,
        f"AWS no longer has the function{proof}, but ACK's finalizer still holds the object: {because}.",
        timeout=seen.timeouts.deletion,
        remedy=last_resort if nobody or seen.history.resync_without_effect else Remedy.RESYNC,
        evidence={"gone": seen.live.vouched.value},
    )


def deletion_in_progress(seen: Observation) -> Finding | None:
    """Hold while AWS is still busy with the function; nothing that anyone does now can help."""
    if not (seen.live.present and seen.live.busy):
        return None
    draining = "" if seen.live.state_reason_code != _DRAINING else ", which can take days: durable executions run on"
    doing = seen.live.state if seen.live.state in ("Deleting", "Pending") else "updating (InProgress)"
    return timed(
        seen,
        FindingName.DELETION_IN_PROGRESS,
        f"AWS is still {doing}: the deletion goes on when that has ended{draining}.",
        timeout=seen.timeouts.deletion,
        remedy=Remedy.WAIT,
        heals=not draining,
        evidence={"reasonCode": seen.live.state_reason_code or ""},
    )


def replicated_function(seen: Observation) -> Finding | None:
    """Hold while CloudFront has replicas of a Lambda@Edge function: it lets go of them in its own time.

    That takes hours, and has taken days, from when the last distribution gave the function up (aws-cdk#15010).
    """
    if kind_of(seen.resource.error_text) is not ErrorKind.REPLICATED or not seen.live.present:
        return None
    return timed(
        seen,
        FindingName.REPLICATED_FUNCTION,
        "CloudFront still has replicas of the function, and lets go of them within hours or days from when no "
        "distribution uses it any more; the controller tries again every 17 minutes.",
        timeout=seen.timeouts.edge_replica,
        remedy=Remedy.WAIT,
        heals=True,
    )


def deletion_backoff(seen: Observation) -> Finding | None:
    """Hold when AWS refused the deletion as busy and has settled since: the controller waits for its next try.

    The heartbeat is frozen, so the last try is not known: the longest wait is allowed for, from the later of the
    deletion and AWS's last change on, which was not later than now, whatever AWS's clock says.
    """
    if not (is_busy(seen.resource.error_text) and seen.live.present and not seen.live.busy):
        return None
    begin = since(seen)
    settled = min(max(begin, seen.live.last_modified or begin), seen.now)
    return until(
        seen,
        FindingName.DELETION_BACKOFF,
        "AWS refused the deletion while it was busy and has settled since; the controller waits out its back-off.",
        deadline=next_try(settled, None),
        begin=begin,
        remedy=Remedy.RESYNC,
    )


def deletion_blocked(seen: Observation) -> Finding | None:
    """Hold when AWS refuses the deletion for a reason that waiting does not remove."""
    said = refusal(seen)
    if not said or not seen.live.present:
        return None
    code = state_reason_code(said)
    hint = reason_of(code).advice if code else _SIGNING_HINT if _SIGNING in said else hint_of(said)
    return timed(
        seen,
        FindingName.DELETION_BLOCKED,
        f"The function exists and its deletion is refused{f' ({hint})' if hint else ''}: {said}",
        timeout=seen.timeouts.deletion,
        evidence={"reasonCode": code},
    )


# Texts that have a row of their own, or are not AWS's.
_NO_REFUSAL = (
    ErrorKind.PENDING,
    ErrorKind.BUSY,
    ErrorKind.REPLICATED,
    ErrorKind.DENIED,
    ErrorKind.NO_ROLE,
    ErrorKind.KUBERNETES_CONFLICT,
)
# ACK cannot even read such an object, on its way out included (lambda-controller, function/hooks.go).
_SIGNING = "cannot set function code signing config when package type is Image"
_SIGNING_HINT = "remove spec.codeSigningConfigARN: a change of the spec counts while the object is being deleted, too"
_DRAINING = "DrainingDurableExecutions"


def refusal(seen: Observation) -> str:
    """Return what AWS refuses the deletion with; empty for what passes, for a missing permission, and for silence."""
    text, terminal = seen.resource.error_text, seen.resource.condition("ACK.Terminal")
    if terminal is not None and seen.resource.terminal:
        return terminal.message or text or "no message"
    return "" if kind_of(text) in _NO_REFUSAL else text


def deletion_unattended(seen: Observation) -> Finding | None:
    """Hold when the function exists and no controller looks at the object."""
    because = nobody_deletes(seen)
    if not seen.live.present or not because:
        return None
    return timed(
        seen,
        FindingName.DELETION_UNATTENDED,
        f"The function exists and nobody deletes it: {because}. Bring the controller back; it will finish.",
        timeout=seen.timeouts.deletion,
    )


def nobody_deletes(seen: Observation) -> str:
    """Say why no controller looks at the object; empty where one may."""
    return why_unwatched(seen) or (seen.controller.why if seen.controller.health is Health.DOWN else "")


def deletion_unexplained(seen: Observation) -> Finding | None:
    """Hold when the function exists, AWS is idle, and nothing says why the deletion does not go on.

    Seen where the controller may not read the function: it then writes no condition at all.
    """
    if not seen.live.present:
        return None
    text = seen.resource.error_text
    said = (
        f"what the controller says does not explain it: {text}" if text else "no condition says why it is not deleted"
    )
    return timed(
        seen,
        FindingName.DELETION_UNEXPLAINED,
        f"The function exists, AWS is idle, and {said}; the controller may lack the right to read it (its log tells).",
        timeout=seen.timeouts.deletion,
        remedy=Remedy.RESYNC,
    )
