"""Run a plan that every gate let through: intent, backup, steps, verification. The only code that writes to a target.

An accepted patch is no success. The outcome is what was seen afterwards, and `unknown` where nothing was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from remediator.actions.resync import undo_leftover
from remediator.errors import Changed, ClusterError, Forbidden, NotFound, Unauthorized
from remediator.gates import Approved
from remediator.model.finding import Finding, State
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import Operation, Outcome, Plan, Result, Verification
from remediator.model.resource import FUNCTION_FINALIZER, Resource
from remediator.model.times import format_time
from remediator.ports import Backups, Clock, Cloud, Cluster, Episodes

_log = structlog.get_logger(__name__)

_STEP_DEADLINE = 30.0
_VERIFY_DEADLINE = 60.0
_POLL = 0.5
_SECONDS_TO_ORPHAN_CHECK = 60.0

# Read, probe and diagnose one resource again. None for the finding means that nothing is wrong any more.
Look = Callable[[Resource], tuple[Observation, Finding | None]]


class Means(Struct, frozen=True):
    """The ports that an execution needs."""

    cluster: Cluster
    cloud: Cloud
    episodes: Episodes
    backups: Backups
    clock: Clock


def execute(approved: Approved[Plan], means: Means, look: Look) -> Outcome:
    """Carry a plan out and see what came of it.

    Raises Changed or NotFound when the guarded first step found another object than was approved: nothing was written
    then, and the caller decides anew. Every other trouble is told in the outcome.
    """
    plan = approved.value
    backup = means.backups.save(plan.target, means.cluster.raw(plan.target)) if plan.backup else None
    accepted = means.clock.now()
    means.episodes.intend(plan.target.uid, plan.action, accepted)
    _log.info("acting", action=plan.action.value, target=str(plan.target), proposal=plan.proposal_id)
    result, detail = _carry_out(plan, means, look)
    outcome = Outcome(
        action=plan.action,
        target=plan.target,
        result=result,
        detail=mask(detail, plan.resource.secrets),
        proposal_id=plan.proposal_id,
        accepted=accepted,
        backup=backup,
    )
    means.episodes.conclude(plan.target.uid, outcome)
    return outcome


def _carry_out(plan: Plan, means: Means, look: Look) -> tuple[Result, str]:
    first, *rest = plan.steps
    lost = ""
    try:
        means.cluster.patch(plan.target, first.patch)
    except (Changed, NotFound):
        raise
    except (Forbidden, Unauthorized) as error:
        return Result.SKIPPED, f"nothing was written: {error.message}"
    except ClusterError as error:
        lost = f"whether the first write was taken is not known ({error.message})"
    try:
        for step in rest:
            _repeat(plan, step.patch, means)
        if lost:
            return Result.UNKNOWN, f"{lost}; nothing of it is left on the object"
        return _verify(plan, means, look)
    except ClusterError as error:
        again = "; `remediator run --approve` undoes what is left of it" if rest else ""
        return Result.UNKNOWN, f"{lost or 'the API server failed us midway'}: {error.message}{again}"


def undo(resource: Resource, cluster: Cluster) -> bool:
    """Remove what an interrupted Resync left on a resource; whether there was anything."""
    operations = undo_leftover(resource)
    if not operations:
        return False
    try:
        cluster.patch(resource.ref, operations)
    except (Changed, NotFound):
        return False  # somebody else was quicker; the next pass looks again
    _log.info("undid an interrupted Resync", target=str(resource.ref))
    return True


def _repeat(plan: Plan, patch: Sequence[Operation], means: Means) -> None:
    """Repeat a step until it is done: between two of them the object must not be left as it is.

    An interruption in between still gets one last try before it goes on its way.
    """
    deadline = means.clock.monotonic() + _STEP_DEADLINE
    try:
        while True:
            try:
                means.cluster.patch(plan.target, patch)
                return
            except NotFound:
                return  # the object went meanwhile: nothing is left to undo
            except ClusterError as error:
                if isinstance(error, Changed):
                    patch = undo_leftover(_read(plan, means))
                    if not patch:
                        return  # already undone, by another process
                if means.clock.monotonic() >= deadline:
                    raise
            means.clock.sleep(_POLL)
    except (KeyboardInterrupt, SystemExit):
        means.cluster.patch(plan.target, patch)
        raise


def _read(plan: Plan, means: Means) -> Resource:
    """Read the target again; another object of the same name is not it."""
    resource = means.cluster.get(plan.target.namespace, plan.target.name)
    if resource.metadata.uid != plan.target.uid:
        raise NotFound(f"{plan.target} was recreated")
    return resource


def _verify(plan: Plan, means: Means, look: Look) -> tuple[Result, str]:
    verify = {
        Verification.HEARTBEAT: _heartbeat_moved,
        Verification.DELETION_PROGRESS: _deletion_moved,
        Verification.OBJECT_GONE: _object_gone,
    }[plan.verification]
    return verify(plan, means, look)


def _poll(plan: Plan, means: Means, seen: Callable[[Resource], bool]) -> Resource | None:
    """Read until `seen` says yes; return the last reading, or None once the object is gone."""
    deadline = means.clock.monotonic() + _VERIFY_DEADLINE
    while True:
        try:
            resource = _read(plan, means)
        except NotFound:
            return None
        if seen(resource) or means.clock.monotonic() >= deadline:
            return resource
        means.clock.sleep(_POLL)


def _heartbeat_moved(plan: Plan, means: Means, look: Look) -> tuple[Result, str]:
    """A pass has run when the heartbeat has another value than right before (whole seconds, another clock)."""
    before = plan.resource.heartbeat
    resource = _poll(plan, means, lambda each: each.heartbeat not in (None, before))
    if resource is None:
        return Result.RESOLVED, "the object is gone"
    if resource.heartbeat in (None, before):
        return Result.UNKNOWN, f"the controller did not finish a pass within {_VERIFY_DEADLINE:.0f} s"
    _, finding = look(resource)
    ran = f"the controller ran a pass at {format_time(resource.heartbeat)}"
    if finding is None:
        return Result.RESOLVED, f"{ran}, and nothing is wrong any more"
    if finding.state is State.WAITING and finding.name is not plan.finding:
        return Result.RESOLVED, f"{ran}; now {finding.name}: {finding.summary}"
    return Result.STILL_STUCK, f"{ran}, but {finding.name} holds: {finding.summary}"


def _deletion_moved(plan: Plan, means: Means, look: Look) -> tuple[Result, str]:
    """On an object that is being deleted the heartbeat is frozen: gone, or another error, or no one knows."""
    before = plan.resource.error_text
    resource = _poll(plan, means, lambda each: each.error_text != before)
    if resource is None:
        return Result.RESOLVED, "the controller looked again, and the object is gone"
    if resource.error_text != before:
        return Result.STILL_STUCK, f"the controller tried again, and now says: {resource.error_text or 'no error'}"
    return Result.UNKNOWN, f"the object is still there after {_VERIFY_DEADLINE:.0f} s, and nothing tells of a try"


def _object_gone(plan: Plan, means: Means, look: Look) -> tuple[Result, str]:
    resource = _poll(plan, means, lambda each: FUNCTION_FINALIZER not in each.finalizers)
    if resource is not None:
        others = ", ".join(resource.finalizers)
        if resource.managed:
            return Result.UNKNOWN, "the API server took the patch, but ACK's finalizer is there (again?)"
        return Result.STILL_STUCK, f"ACK's finalizer is gone; the object now waits for {others}, which is not ours"
    means.clock.sleep(_SECONDS_TO_ORPHAN_CHECK)
    live = means.cloud.probe(plan.resource)
    if live.present:
        record = means.backups.orphaned(plan.target, plan.resource.arn_text or "", means.clock.now())
        return Result.STILL_STUCK, f"ORPHAN: the object is gone, but AWS shows the function again; recorded in {record}"
    if live.gone:
        return Result.RESOLVED, "the object is gone, and AWS still says that the function is gone"
    return Result.RESOLVED, f"the object is gone; AWS could not be asked once more ({live.why})"
