"""RestartController: give a controller that hangs new pods, as `kubectl rollout restart` does.

It ends every work of the old ones, forgets every back-off, and makes ACK look at everything anew, at AWS's expense. So
it is for where most of what is unwell waits for the controller, never for one alone (community#2062, #2497, #2011).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.limits import Restarts
from remediator.model.live import unreadable
from remediator.model.plan import ActionName, Need, Operation, Plan, Step, Verification, digest
from remediator.model.resource import Resource
from remediator.model.times import format_duration, format_time, parse_time
from remediator.model.workload import RESTARTED_AT, Workload

# What a controller that hangs, or that has lost an object, shows as. Not what waits for a person, or for AWS.
HELPED = (
    FindingName.CONTROLLER_SILENT,
    FindingName.NEVER_RECONCILED,
    FindingName.DELETION_UNATTENDED,
    FindingName.STALE_PENDING,
)
NO_CREATE = "no create is in flight"

_TEMPLATE = "/spec/template/metadata/annotations"
# Seconds in which one account and region takes so many calls of Lambda's API, but for GetFunction and Invoke
# (docs.aws.amazon.com/lambda, "Lambda quotas").
_CALLS_A_SECOND = 15
# Of a pass on a Function: concurrency, event invoke config, code signing (sdk.go); since 1.12.0 all of it twice.
_CALLS, _CALLS_SINCE_1_12 = 3, 6
# Of a pass on any other kind: itself, and its tags or its policy. A guess on the high side.
_CALLS_OF_OTHERS = 2
# A create that was begun so long ago is over, one way or the other (community#2497: an object made again).
_CREATE_LASTS = timedelta(minutes=10)
# Where ACK tries again sooner than that, it can be at it right now.
_AT_IT = timedelta(seconds=60)
_WITNESSES = 10
_NAMED = 3
_NOT_ASKED = unreadable("AWS has nothing to say of a Deployment")


class Waiting(Struct, frozen=True):
    """A resource that waits for the controller: as it was, and with which finding."""

    resource: Resource
    finding: FindingName


class Ground(Struct, frozen=True, kw_only=True):
    """What a restart is decided on.

    `resources` is all that the controller looks at; `unseen` says, in sentences, what else there may be; `waiting` are
    those that a restart helps, `unwell` is how many are stuck or unreadable. `hangs` says how it is known that it works
    on nothing at all, though its pods run; empty where it is not. `recorded` is when we restarted it last.
    """

    workload: Workload
    controller: ControllerFacts
    resources: tuple[Resource, ...]
    unseen: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    unwell: int
    hangs: str
    recorded: datetime | None
    terms: Restarts
    now: datetime


def restart_controller(on: Ground) -> tuple[Finding, Plan]:
    """Plan the restart of a controller's Deployment, and say of what it is a remedy."""
    resource, finding = on.workload.resource, _finding(on)
    return finding, Plan(
        action=ActionName.RESTART_CONTROLLER,
        resource=resource,
        finding=finding.name,
        digest=digest(resource, finding.name, ActionName.RESTART_CONTROLLER, _NOT_ASKED),
        summary=f"restart Deployment {on.workload.name}, so that ACK looks at everything anew",
        needs=tuple(_needs(on)),
        steps=(Step("write the time of the restart on the template of its pods", _restart(on)),),
        verification=Verification.CONTROLLER_PASSES,
        notes=(
            "This cannot be undone: what the controller is at ends half-way, and every back-off is forgotten.",
            f"{_cost(on)[1]}; whoever else deploys functions there shares that quota.",
        ),
        witnesses=_witnesses(on),
    )


def creates(resources: Sequence[Resource], now: datetime) -> list[Resource]:
    """List what the controller may be making in AWS right now, and has not noted yet.

    Killed between the two it would make it again, or find it there and take it for somebody else's (community#2062,
    #2497, #2671). Of what has failed for long nothing is made: only a try that is under way counts then.
    """
    return [each for each in resources if not (each.deleting or each.terminal or _noted(each)) and _fresh(each, now)]


def _noted(resource: Resource) -> bool:
    """Whether ACK has written down what it made: a Function's ARN; of other kinds, which may have none, a pass."""
    return resource.arn_text is not None if resource.is_function else resource.synced or resource.arn_text is not None


def _fresh(resource: Resource, now: datetime) -> bool:
    made, beat = resource.created_at, resource.heartbeat
    return made is None or now - made < _CREATE_LASTS or (beat is not None and now - beat < _AT_IT)


def _finding(on: Ground) -> Finding:
    """Sum up what waits for the controller, as one finding about it."""
    counted = Counter(each.finding for each in on.waiting)
    name = min(counted, key=lambda each: (-counted[each], HELPED.index(each)), default=FindingName.CONTROLLER_SILENT)
    beats = [each.resource.heartbeat or each.resource.created_at or on.now for each in on.waiting]
    total = len(on.waiting)
    return Finding(
        name=name,
        state=State.STUCK,
        summary=f"{total} {'resource waits' if total == 1 else 'resources wait'} for the controller",
        since=min(beats, default=on.now),
        remedy=Remedy.RESTART_CONTROLLER,
    )


def _restart(on: Ground) -> tuple[Operation, ...]:
    metadata = on.workload.resource.metadata
    none_yet: tuple[Operation, ...] = () if on.workload.annotated else ({"op": "add", "path": _TEMPLATE, "value": {}},)
    return (
        {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
        *none_yet,
        {"op": "add", "path": f"{_TEMPLATE}/{RESTARTED_AT.replace('/', '~1')}", "value": format_time(on.now)},
    )


def _needs(on: Ground) -> Iterator[Need]:
    workload = on.workload
    yield Need(
        "everything was seen",
        not on.unseen,
        on.unseen[0] if on.unseen else f"{len(on.resources)} resources in all namespaces",
    )
    yield _helps(on)
    begun = creates(on.resources, on.now)
    yield Need(NO_CREATE, not begun, f"ACK may be making {named(begun)}" if begun else "all that ACK made has its ARN")
    yield _rested(on)
    seconds, said = _cost(on)
    yield Need(
        "AWS's quota bears it",
        timedelta(seconds=seconds) <= on.terms.quota_time,
        f"{said}; the policy allows {format_duration(on.terms.quota_time)}",
    )
    yield Need(
        "its pods run",
        workload.available > 0,
        f"{workload.available} of {workload.desired} available{f'; {workload.trouble}' if workload.trouble else ''}",
    )
    still = not (workload.rolling or workload.paused)
    told = "it is paused: nothing would come of it" if workload.paused else "its pods are being replaced already"
    yield Need("it can be rolled out", still, "so" if still else told)


def _helps(on: Ground) -> Need:
    """Most of what is unwell has to wait for the controller, and more than one, where there are more.

    Unless nothing is looked at any more: then all that is green is so because nobody looks.
    """
    if on.hangs:
        return Need("it helps", met=True, why=on.hangs)
    waiting, known = len(on.waiting), len(on.resources)
    said = f"{waiting} of {on.unwell} that are unwell wait for the controller"
    alone = waiting == 1 and known > 1
    if alone:
        said = f"{said}: for one alone a Resync is enough, and a restart would stop the work on all others"
    return Need("it helps", bool(waiting) and not alone and waiting * 2 >= on.unwell, said)


def _rested(on: Ground) -> Need:
    """Whoever started its pods last, and however: a person's restart counts as ours does."""
    name, workload = "it has run long enough", on.workload
    annotated = parse_time(workload.restarted_at)
    if workload.unknown or (workload.restarted_at and annotated is None):
        why = workload.unknown or f"{RESTARTED_AT} is no time"
        return Need(name, met=False, why=f"when it was started last is not known: {why}")
    starts = [on.recorded, annotated, workload.rolled_out, workload.started]
    last = max((each for each in starts if each is not None), default=None)
    if last is None:
        return Need(name, met=False, why="when it was started last is not known: it has no pods")
    until = last + on.terms.interval
    said = f"it was started last at {format_time(last)}"
    if on.now < until:
        return Need(name, met=False, why=f"{said}; it is not restarted again before {format_time(until)}")
    return Need(name, met=True, why=said)


def _cost(on: Ground) -> tuple[int, str]:
    """Reckon for how many seconds looking at everything keeps the quota of the busiest account and region busy.

    What has no ARN yet can be anywhere, so that it counts there, too.
    """
    before = on.controller.older_than("1.12.0")
    each_function = _CALLS if before else _CALLS_SINCE_1_12
    places: Counter[tuple[str, str]] = Counter()
    anywhere = 0
    for each in on.resources:
        calls = each_function if each.is_function else _CALLS_OF_OTHERS
        if each.arn is None:
            anywhere += calls
        else:
            places[each.arn.account, each.arn.region] += calls
    calls = max(places.values(), default=0) + anywhere
    seconds = math.ceil(calls / _CALLS_A_SECOND)
    said = f"about {calls} calls to Lambda, which take {format_duration(timedelta(seconds=seconds))} of its quota"
    return seconds, said


def _witnesses(on: Ground) -> tuple[Resource, ...]:
    """Choose on whom to see that it works: first who was well, else who waits; none of those that nothing moves on."""
    waiting = {each.resource.ref for each in on.waiting}
    moving = [
        each
        for each in on.resources
        if each.is_function and each.heartbeat is not None and not (each.deleting or each.terminal)
    ]
    return tuple(sorted(moving, key=lambda each: (each.ref in waiting, each.ref))[:_WITNESSES])


def named(resources: Sequence[Resource]) -> str:
    """Name the first of them, and say how many more there are."""
    rest = len(resources) - _NAMED
    named = ", ".join(str(each.ref) for each in resources[:_NAMED])
    return f"{named} and {rest} more" if rest > 0 else named
