"""Finish or undo what a killed process left: marks on objects, attempts without a result.

Only under the action lock, so that nobody can still be at them; a Release that is undone under its own process's hands
would be a deletion.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from remediator.actions.leftover import undo_leftover
from remediator.errors import ClusterError, NotFound
from remediator.execute import undo
from remediator.model.attempt import Attempt
from remediator.model.episode import UNDER_WAY_LASTS
from remediator.model.live import LiveState
from remediator.model.masking import mask
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import POLICY_BEFORE_ANNOTATION, Ref, Resource
from remediator.model.scan import Scan
from remediator.model.times import parse_time
from remediator.ports import Means

_HALF_WAY = "its process ended half-way; what it left on the object is undone"
_UNTOUCHED = "nothing was written: its process ended before that"
_UNSEEN = "its process ended before anyone saw what came of it"


def recover(means: Means, scan: Scan, say: Callable[[str], None]) -> tuple[str, ...]:
    """Finish or undo what is left, and say what was; nothing where nothing is."""
    if not scan.leftovers and not _begun(means, scan):
        return ()
    try:
        with means.lock.held(say) as hold:
            means.episodes.load(means.clock.now())
            told: list[str] = []
            for ref, attempt in _begun(means, scan):
                told += _end(ref, attempt, means) if hold.keep() else ()
            for each in scan.leftovers:
                told += _clear(each.ref, means) if hold.keep() else ()
            return tuple(told)
    except ClusterError as error:
        return (f"What an interrupted run left is left for the next one: {error.message}",)


def _begun(means: Means, scan: Scan) -> tuple[tuple[Ref, Attempt], ...]:
    """List what was begun in the shard that looked, and never concluded: its siblings finish theirs."""
    unfinished = means.episodes.unfinished(means.clock.now())
    return tuple((ref, each) for ref, each in unfinished if scan.shard.owns(ref.uid))


def _watched(found: Resource, means: Means) -> bool:
    """Whether a Release has written all it had to, and its process may still look, without the lock, what comes of it.

    Its marks stay that long: whoever is killed while watching leaves a retain that can be told from anybody else's.
    A person may have no right to write records; then the date of our last write to the object has to tell.
    """
    now, uid = means.clock.now(), found.metadata.uid
    if means.episodes.history(uid, now).own_retain:
        return all(ref.uid != uid for ref, _ in means.episodes.unfinished(now))
    if POLICY_BEFORE_ANNOTATION not in found.annotations or _on_record(uid, means, now):
        return False
    wrote = _last_write(found)
    return wrote is not None and now - wrote < UNDER_WAY_LASTS


def _on_record(uid: str, means: Means, now: datetime) -> bool:
    """Whether a Release that can have left marks just now is recorded: then the record says that it is over."""
    episode = means.episodes.episode(uid)
    return episode is not None and any(
        each.action is ActionName.RELEASE and now - each.intended < UNDER_WAY_LASTS for each in episode.attempts
    )


def _last_write(found: Resource) -> datetime | None:
    ours = (each for each in found.metadata.managed_fields or () if each.manager == "ack-remediator")
    return max((moment for each in ours if (moment := parse_time(each.time))), default=None)


def _clear(ref: Ref, means: Means) -> tuple[str, ...]:
    """Undo a mark, as it is now, unless its process may still be at it."""
    found = _read(ref, means)
    if found is None or _watched(found, means) or not undo(found, means.cluster):
        return ()
    return (f"Undid an interrupted action on {ref}.",)


def _end(ref: Ref, attempt: Attempt, means: Means) -> tuple[str, ...]:
    """Write down what came of an attempt whose process is gone; what cannot be told yet is left for the next run."""
    try:
        found = _read(ref, means)
        undone = found is not None and undo(found, means.cluster)
        if found is not None and not undone and undo_leftover(found):
            return ()  # it could not be undone now
    except ClusterError:
        return ()
    result, detail, orphan = _what_came_of(ref, attempt, found, means, undone=undone)
    outcome = Outcome(
        action=attempt.action,
        target=ref,
        result=result,
        detail=mask(detail, found.secrets if found else ()),
        # Our mark alone proves a first write that nobody noted: an edit of somebody's moves generations, too.
        accepted=attempt.accepted or (attempt.intended if undone else None),
        orphan=orphan,
    )
    means.episodes.conclude(ref.uid, outcome, means.clock.now())
    if attempt.action is ActionName.RESTART_CONTROLLER:
        means.episodes.ended(ref, means.clock.now(), None)
    return (f"{attempt.action} of {ref}, begun at {attempt.intended:%Y-%m-%dT%H:%M:%SZ}: {result}: {outcome.detail}.",)


def _what_came_of(
    ref: Ref, attempt: Attempt, found: Resource | None, means: Means, *, undone: bool
) -> tuple[Result, str, str]:
    let_go = attempt.action is ActionName.RELEASE and found is not None and not found.managed
    if undone and not let_go:
        return Result.UNKNOWN, _HALF_WAY, ""
    if attempt.action is ActionName.CLEAR_FINALIZER:
        untouched = found is not None and found.managed
    else:
        untouched = found is not None and found.metadata.generation == attempt.generation
    if untouched:
        return Result.SKIPPED, _UNTOUCHED, ""
    if attempt.action is ActionName.RESTART_CONTROLLER:
        return Result.UNKNOWN, _UNSEEN if found is not None else f"{_UNSEEN}; the Deployment is gone", ""
    if found is not None and (found.managed or attempt.action is ActionName.RESYNC):
        return Result.UNKNOWN, _UNSEEN, ""
    if attempt.action is ActionName.RESYNC:
        return Result.RESOLVED, f"{_UNSEEN}; the object is gone", ""
    live = means.cloud.probe(_remnant(ref, attempt.arn))
    return _left_in_aws(attempt, live)


def _left_in_aws(attempt: Attempt, live: LiveState) -> tuple[Result, str, str]:
    """Tell by AWS's answer what became of the function of an object that ACK no longer holds."""
    released = attempt.action is ActionName.RELEASE
    said = "the object was let go"
    if live.present:
        kept = f"{said}, and AWS has {attempt.arn} as an orphan"
        result = Result.RESOLVED if released else Result.STILL_STUCK
        return result, kept if released else f"ORPHAN: {kept}", attempt.arn
    if live.gone:
        gone = f"{said}, and AWS has no such function"
        return (Result.UNKNOWN if released else Result.RESOLVED), gone, ""
    orphan = attempt.arn if released else ""
    return Result.UNKNOWN, f"{said}; whether AWS has the function could not be asked ({live.why})", orphan


def _read(ref: Ref, means: Means) -> Resource | None:
    """Read a target again; None where it is gone, or another object has its name."""
    try:
        found = means.cluster.get(ref.namespace, ref.name, ref.kind)
    except NotFound:
        return None
    return found if found.metadata.uid == ref.uid else None


def _remnant(ref: Ref, arn: str) -> Resource:
    """Put together what is known of an object that is gone: enough to ask AWS about its function."""
    *_, region, account, _, name = arn.split(":") if arn.count(":") == 6 else ("", "", "", "")
    place = {"arn": arn, "ownerAccountID": account, "region": region}
    known = {
        "metadata": {"namespace": ref.namespace, "name": ref.name, "uid": ref.uid},
        "spec": {"name": name},
        "status": {"ackResourceMetadata": place},
    }
    return msgspec.convert(known, Resource)
