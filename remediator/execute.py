"""Run a plan that every gate let through: intent, backup, steps, verification. The only code that writes to a target.

An accepted patch is no success. The outcome is what was seen afterwards, and `unknown` where nothing was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec import Struct

from remediator.actions.leftover import undo_leftover, unpublish
from remediator.errors import Changed, ClusterError, NotFound, Refused, RemediatorError
from remediator.gates import Approved
from remediator.model.attempt import Answered
from remediator.model.finding import Finding, State
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Operation, Outcome, Plan, Result, Verification
from remediator.model.resource import FUNCTION_FINALIZER, Resource
from remediator.model.times import format_time
from remediator.ports import Cluster, Hold, Means
from remediator.restarted import restarted

_log = structlog.get_logger(__name__)

_STEP_DEADLINE = 30.0
_VERIFY_DEADLINE = 60.0
_POLL = 0.5
_SECONDS_TO_ORPHAN_CHECK = 60.0
_AGAIN = "; the next run undoes what is left of it"
# What was decided is written at once, or not at all: a machine can sleep between two lines of this program.
_DECISION_LASTS = timedelta(seconds=60)
_STALE = "it took too long since it was decided: the evidence is of then"
_LOCK_LOST = "the action lock was lost meanwhile: the API server did not answer in time, or another has it"
# As ACK says it while AWS is at it (lambda-controller, hooks.go); by now AWS may have done it.
_DELETING = "function in 'Deleting' state"
# What AWS was told right before ACK let go is to be seen by then.
_SECONDS_TO_KEPT_CHECK = 5.0

# Read, probe and diagnose one resource again. None for the finding means that nothing is wrong any more.
Look = Callable[[Resource], tuple[Observation, Finding | None]]
# Say what is still to be taken back from a resource, as it is now.
Left = Callable[[Resource], tuple[Operation, ...]]


class _Effect(Struct, frozen=True):
    """What was seen of an action's effect; `secrets` are those of everything that the detail may quote.

    `orphan` is the ARN of a function that it left in AWS.
    """

    result: Result
    detail: str
    secrets: frozenset[str] = frozenset()
    orphan: str = ""


class Begun(Struct, frozen=True):
    """An action whose writes are out, and whose effect is still to be seen.

    `lost`: why it is not known whether the first write was taken; empty where it was.
    """

    plan: Plan
    accepted: datetime
    backup: str | None
    lost: str = ""


def begin(approved: Approved[Plan], means: Means, hold: Hold, approved_by: str = "") -> Begun | Outcome:
    """Write the intent down, and carry the plan's writes out; to be called while the action lock is held.

    Raises Changed or NotFound when the guarded first step found another object than was approved: nothing was written
    then, and the caller decides anew. Every other trouble is told in the outcome. `approved_by` is on whose word.
    """
    plan = approved.value
    accepted = means.clock.now()
    backup = None
    try:
        if plan.backup:
            backup = means.backups.save(plan.target, means.cluster.raw(plan.target))
    except NotFound:
        raise
    except RemediatorError as error:
        return _conclude(Begun(plan, accepted, None), means, _untouched(error.message))
    if not hold.keep():
        return _conclude(Begun(plan, accepted, backup), means, _untouched(_LOCK_LOST))
    means.episodes.intend(plan, accepted, approved_by, backup or "")
    _log.info("acting", action=plan.action.value, target=str(plan.target), proposal=plan.proposal_id)
    try:
        ended = _write(plan, means, hold, accepted)
    except (Changed, NotFound) as error:
        _conclude(Begun(plan, accepted, backup), means, _untouched(error.message))
        raise
    if isinstance(ended, _Effect):
        return _conclude(Begun(plan, accepted, backup), means, ended)
    return Begun(plan, accepted, backup, ended)


def finish(begun: Begun, means: Means, look: Look) -> Outcome:
    """See what came of an action, and write it down. Takes a minute or two; needs no lock."""
    try:
        effect = _verify(begun.plan, means, look)
    except ClusterError as error:
        again = _AGAIN if begun.plan.verification is Verification.RELEASED else ""
        why = begun.lost or "the API server failed us midway"
        effect = _Effect(Result.UNKNOWN, f"{why}: {error.message}{again}")
    else:
        if begun.lost and effect.result is not Result.RESOLVED:
            detail = f"{begun.lost}; {effect.detail}"
            effect = msgspec.structs.replace(effect, result=Result.UNKNOWN, detail=detail)
    return _conclude(begun, means, effect)


def _untouched(why: str) -> _Effect:
    return _Effect(Result.SKIPPED, f"nothing was written: {why}")


def _conclude(begun: Begun, means: Means, effect: _Effect) -> Outcome:
    """Write down what came of it."""
    plan = begun.plan
    outcome = Outcome(
        action=plan.action,
        target=plan.target,
        result=effect.result,
        detail=mask(effect.detail, plan.secrets | effect.secrets),
        proposal_id=plan.proposal_id,
        # Whether the first write was taken must be known: a Resync that may never have been proves nothing.
        accepted=None if effect.result is Result.SKIPPED or begun.lost else begun.accepted,
        backup=begun.backup,
        orphan=effect.orphan,
    )
    means.episodes.conclude(plan.target.uid, outcome, means.clock.now())
    return outcome


def _write(plan: Plan, means: Means, hold: Hold, decided: datetime) -> str | _Effect:
    """Carry the steps out; return why it is not known whether the first was taken, or what it ended with."""
    first, *rest = plan.steps
    lost, answer = "", None
    if not hold.keep():
        return _untouched(_LOCK_LOST)
    if abs(means.clock.now() - decided) > _DECISION_LASTS:
        return _untouched(_STALE)
    try:
        taken = means.cluster.patch(plan.target, first.patch).metadata
        answer = Answered(taken.resource_version, taken.generation)
    except (Changed, NotFound):
        raise
    except Refused as error:
        return _untouched(error.message)
    except ClusterError as error:
        lost = f"whether the write was taken is not known ({error.message})"
    try:
        # Not asked for the lock again: these remove our own mark, and nothing but that. Left there it would be worse.
        for step in rest:
            # A Release takes back just this: the retain has to stay until ACK has seen it.
            left = unpublish if plan.action is ActionName.RELEASE else undo_leftover
            if _repeat(plan, step.patch, means, left):
                lost = ""  # our mark was there
    except ClusterError as error:
        why = lost or "the API server failed us midway"
        return _Effect(Result.UNKNOWN, f"{why}: {error.message}{_AGAIN}")
    if not lost:
        means.episodes.accepted(plan.target.uid, means.clock.now(), answer)
    return lost


def undo(resource: Resource, cluster: Cluster) -> bool:
    """Remove what an interrupted Resync or Release left on a resource; whether there was anything."""
    operations = undo_leftover(resource)
    if not operations:
        return False
    try:
        cluster.patch(resource.ref, operations)
    except ClusterError as error:
        # Somebody else was quicker, or the API server refuses: the next pass looks again.
        _log.warning(
            "could not undo an interrupted action", target=str(resource.ref), why=mask(error.message, resource.secrets)
        )
        return False
    _log.info("undid an interrupted action", target=str(resource.ref))
    return True


def _repeat(plan: Plan, patch: Sequence[Operation], means: Means, left: Left) -> bool:
    """Repeat a step until it is done: between two of them the object must not be left as it is.

    Returns whether there was something to be done. `left` says what is still to be done where the object is another
    one by now.
    An interruption in between still gets one last try before it goes on its way.
    """
    deadline = means.clock.monotonic() + _STEP_DEADLINE
    try:
        while (found := _done(plan, patch, means, left, last=means.clock.monotonic() >= deadline)) is None:
            means.clock.sleep(_POLL)
        return found
    except (KeyboardInterrupt, SystemExit):
        with suppress(ClusterError):
            _done(plan, patch, means, left, last=True)
        raise


def _done(plan: Plan, patch: Sequence[Operation], means: Means, left: Left, *, last: bool) -> bool | None:
    """Try a step once, and where the object is another one by now, what is left of it; raise on the last try.

    Returns whether there was something to be done; None where it is not done.
    """
    try:
        try:
            means.cluster.patch(plan.target, patch)
        except Changed:
            operations = left(_read(plan, means))
            if operations:
                means.cluster.patch(plan.target, operations)
            return bool(operations)
    except NotFound:
        return False  # the object went meanwhile: nothing is left to undo
    except ClusterError:
        if last:
            raise
        return None
    return True


def _read(plan: Plan, means: Means) -> Resource:
    """Read the target again; another object of the same name is not it."""
    resource = means.cluster.get(plan.target.namespace, plan.target.name)
    if resource.metadata.uid != plan.target.uid:
        raise NotFound(f"{plan.target} was recreated")
    return resource


def _verify(plan: Plan, means: Means, look: Look) -> _Effect:
    match plan.verification:
        case Verification.HEARTBEAT:
            return _heartbeat_moved(plan, means, look)
        case Verification.DELETION_PROGRESS:
            return _deletion_moved(plan, means)
        case Verification.OBJECT_GONE:
            return _object_gone(plan, means)
        case Verification.RELEASED:
            return _released(plan, means)
        case Verification.CONTROLLER_PASSES:
            return _Effect(*restarted(plan, means))


def _poll(plan: Plan, means: Means, seen: Callable[[Resource], bool]) -> Resource | None:
    """Read until `seen` says yes; return the last reading, or None once the object is gone."""
    deadline = means.clock.monotonic() + _VERIFY_DEADLINE
    while True:
        late = means.clock.monotonic() >= deadline
        try:
            resource = _read(plan, means)
        except NotFound:
            return None
        except ClusterError:
            if late:
                raise
        else:
            if late or seen(resource):
                return resource
        means.clock.sleep(_POLL)


def _heartbeat_moved(plan: Plan, means: Means, look: Look) -> _Effect:
    """A pass has run when the heartbeat has another value than right before (whole seconds, another clock)."""
    before = plan.resource.heartbeat
    resource = _poll(plan, means, lambda each: each.heartbeat not in (None, before))
    if resource is None:
        return _Effect(Result.RESOLVED, "the object is gone")
    if resource.heartbeat in (None, before):
        return _Effect(Result.UNKNOWN, f"the controller did not finish a pass within {_VERIFY_DEADLINE:.0f} s")
    seen, finding = look(resource)
    ran = f"the controller ran a pass at {format_time(resource.heartbeat)}"
    if finding is None:
        return _Effect(Result.RESOLVED, f"{ran}, and nothing is wrong any more")
    if finding.state is State.WAITING and finding.name is not plan.finding:
        return _Effect(Result.RESOLVED, f"{ran}; now {finding.name}: {finding.summary}", seen.secrets)
    return _Effect(Result.STILL_STUCK, f"{ran}, but {finding.name} holds: {finding.summary}", seen.secrets)


def _deletion_moved(plan: Plan, means: Means) -> _Effect:
    """On an object that is being deleted the heartbeat is frozen: gone, or another error, or no one knows."""
    before = plan.resource.error_text
    resource = _poll(plan, means, lambda each: each.error_text != before)
    if resource is None:
        return _Effect(Result.RESOLVED, "the controller looked again, and the object is gone")
    if resource.error_text != before:
        said = resource.error_text or "no error"
        live = means.cloud.probe(resource)  # for its secrets: AWS's messages can echo them
        secrets = resource.secrets | frozenset(live.environment.values())
        if live.state == "Deleting" or _DELETING in said:
            return _Effect(Result.RESOLVED, "the controller tried again, and AWS is deleting the function now", secrets)
        return _Effect(Result.STILL_STUCK, f"the controller tried again, and now says: {said}", secrets)
    return _Effect(Result.UNKNOWN, f"the object is still there after {_VERIFY_DEADLINE:.0f} s, nothing tells of a try")


def _object_gone(plan: Plan, means: Means) -> _Effect:
    resource = _poll(plan, means, lambda each: FUNCTION_FINALIZER not in each.finalizers)
    if resource is not None and resource.managed:
        return _Effect(Result.UNKNOWN, "ACK's finalizer is still there, or there again")
    told = "the object is gone" if resource is None else _waits_for(resource)
    means.clock.sleep(_SECONDS_TO_ORPHAN_CHECK)
    live = means.cloud.probe(plan.resource)
    if live.present:
        detail = f"ORPHAN: {told}, but AWS shows {plan.resource.arn_text} again, and nobody manages it"
        return _Effect(Result.STILL_STUCK, detail, orphan=plan.resource.arn_text or "")
    if resource is not None:
        return _Effect(Result.STILL_STUCK, told)
    if live.gone:
        return _Effect(Result.RESOLVED, f"{told}, and AWS still says that the function is gone")
    return _Effect(Result.UNKNOWN, f"{told}; whether AWS still has none could not be asked once more ({live.why})")


def _released(plan: Plan, means: Means) -> _Effect:
    """ACK let go, and AWS still has the function. What was written does not outlive the wait for it.

    A retain that stayed would keep the function whenever ACK comes by, long after anybody remembers why.
    """
    resource = _poll(plan, means, lambda each: not each.managed)
    if resource is not None and resource.managed:
        _put_back(plan, resource, means)
        try:
            resource = _read(plan, means)
        except NotFound:
            resource = None  # at the last moment
    if resource is None:
        return _kept(plan, "the object is gone", means)
    if resource.managed:
        told = (
            f"the controller did not let go of it within {_VERIFY_DEADLINE:.0f} s, and the object is put back as it was"
        )
        like = "a wrong region or account on it or its namespace looks like this, or a controller that hangs"
        return _Effect(Result.STILL_STUCK, f"{told}; {like}")
    with suppress(ClusterError):  # whatever stays of our marks means nothing any more, and the next run removes it
        _put_back(plan, resource, means)
    return _kept(plan, _waits_for(resource), means)


def _put_back(plan: Plan, resource: Resource, means: Means) -> None:
    if operations := undo_leftover(resource):
        _repeat(plan, operations, means, undo_leftover)


def _kept(plan: Plan, told: str, means: Means) -> _Effect:
    """Ask whether the function is still there: a pass that was under way may have deleted it all the same."""
    means.clock.sleep(_SECONDS_TO_KEPT_CHECK)
    arn, live = plan.resource.arn_text or "", means.cloud.probe(plan.resource)
    if live.proven_gone or live.state == "Deleting":
        said = "AWS no longer has it" if live.gone else "AWS is deleting it"
        why = "a pass that was under way, or somebody else, deleted it"
        return _Effect(Result.UNKNOWN, f"{told}, but {arn} was not kept: {said}; {why}")
    if live.present:
        return _Effect(Result.RESOLVED, f"{told}; ORPHAN: {arn} stays in AWS, and nobody manages it", orphan=arn)
    doubt = f"whether AWS still has {arn} could not be asked ({live.why})"
    return _Effect(Result.UNKNOWN, f"{told}; {doubt}, so it counts as an orphan", orphan=arn)


def _waits_for(resource: Resource) -> str:
    others = ", ".join(resource.finalizers)
    return f"ACK's finalizer is gone; the object now waits for {others}, which is not ours"
