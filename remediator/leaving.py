"""Leave one resource alone until a moment, because a person says so: their own mark, and not an action of ours.

It goes by no gate, and needs none: it changes nothing that ACK or AWS look at, and only ever holds us back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.actions.toggle import annotation
from remediator.errors import Changed, ClusterError, UsageError
from remediator.model.plan import Operation
from remediator.model.resource import IGNORE_UNTIL, Ref, Resource
from remediator.model.times import format_time, parse_duration, parse_time
from remediator.ports import Cluster

_TRIES = 3
_LONGEST = timedelta(days=365)


def read_until(text: str, now: datetime) -> datetime:
    """Read `12h`, or a moment in RFC 3339, as until when; raise UsageError where it is not within a year."""
    try:
        until: datetime | None = now + parse_duration(text)
    except ValueError:
        until = parse_time(text)
    if until is None:
        raise UsageError(f"{text!r} is neither a duration nor a time", hint="Write 12h, or 2026-11-23T07:00:00Z.")
    if not now < until <= now + _LONGEST:
        raise UsageError(
            f"{text!r} is not within the year to come", hint="What is to stay so belongs into the policy's selection."
        )
    return until


def leave_alone(ref: Ref, until: datetime, cluster: Cluster) -> str:
    """Write `ack-remediator.dev/ignore-until` on an object, and return its value as the API server has it.

    Raises ClusterError; NotFound and Changed among it, where it is another object by now, or changes all the time.
    """
    value = format_time(until) or ""
    for _ in range(_TRIES):
        found = cluster.get(ref.namespace, ref.name)
        if found.metadata.uid != ref.uid:
            raise Changed(f"{ref} was deleted and created anew; nothing was written")
        try:
            written = cluster.patch(ref, _mark(found, value))
        except Changed:
            continue  # ACK writes to some every 5 s
        if written.annotations.get(IGNORE_UNTIL) != value:
            raise ClusterError(
                f"the API server took it for {ref}, and does not show it: nothing says now to leave it alone",
                hint="Does a webhook drop annotations?",
            )
        return value
    raise Changed(f"{ref} is written to all the time; nothing was written", hint="Try again.")


def kubectl_undo(ref: Ref) -> str:
    """Write the command that takes the mark away again."""
    return f"kubectl annotate functions.lambda.services.k8s.aws {ref.name} -n {ref.namespace} {IGNORE_UNTIL}-"


def _mark(found: Resource, value: str) -> tuple[Operation, ...]:
    """Annotate just the object that was read, as it was read."""
    add: Operation = {"op": "add", "path": annotation(IGNORE_UNTIL), "value": value}
    if found.metadata.annotations is None:
        add = {"op": "add", "path": "/metadata/annotations", "value": {IGNORE_UNTIL: value}}
    return (
        {"op": "test", "path": "/metadata/uid", "value": found.metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": found.metadata.resource_version},
        add,
    )
