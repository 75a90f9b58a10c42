"""Whether the controller has looked at an object since its spec was last changed: are its conditions of now?

ACK has no observedGeneration (aws-controllers-k8s/community#1583), so that a green object may be green from before. Who
wrote what, and when, stands in `metadata.managedFields`: the last write to `spec` that was not ACK's own, and the last
write to `status`, which ACK makes at the end of every pass, since it rewrites a time in it. Both are told by the API
server's clock, in whole seconds; the heartbeat beside them is told by the controller's.

Two things cannot be told so. A change that only takes fields away leaves no time behind. A change of a label or an
annotation by who also wrote the spec looks like a change of the spec, and no pass comes of it: after a while without
one the conditions count all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct

from remediator.model.applied import changed_at
from remediator.model.resource import Resource
from remediator.model.times import parse_time

# How long a change must be ago for conditions to count that are of the same second, or of before. Good news is held
# against AWS's side, too. Bad news ends the waiting, so that a controller that is slow gets more time.
_GOOD_IN_THE_SAME_SECOND = timedelta(seconds=1)
_GOOD_FROM_BEFORE = timedelta(seconds=20)
_BAD_IN_THE_SAME_SECOND = timedelta(seconds=10)
_BAD_FROM_BEFORE = timedelta(seconds=60)
# A pass that was under way during the change ends after it, and speaks of what was before.
_UNDER_WAY = timedelta(seconds=3)


class Looked(Enum):
    """When the controller last looked, against the last change. `SAME`: both in one second."""

    NEVER = "never"
    BEFORE = "before"
    SAME = "same"
    SINCE = "since"


class Attention(Struct, frozen=True):
    """What is known of the last change and the last pass; `quiet` is how long the change is ago, at the least."""

    looked: Looked
    changed: datetime | None
    passed: datetime | None
    quiet: timedelta

    @property
    def vouches(self) -> bool:
        """Whether conditions that are good are to be believed."""
        match self.looked:
            case Looked.SINCE:
                return True
            case Looked.SAME:
                return self.quiet >= _GOOD_IN_THE_SAME_SECOND
            case Looked.BEFORE:
                return self.quiet >= _GOOD_FROM_BEFORE
            case Looked.NEVER:
                return False

    @property
    def condemns(self) -> bool:
        """Whether what is wrong is to be believed: what was just applied may be its cure."""
        match self.looked:
            case Looked.SINCE:
                return self.quiet >= _UNDER_WAY
            case Looked.SAME:
                return self.quiet >= _BAD_IN_THE_SAME_SECOND
            case Looked.BEFORE:
                return self.quiet >= _BAD_FROM_BEFORE
            case Looked.NEVER:
                return False


def attention(resource: Resource, now: datetime, watched: timedelta) -> Attention:
    """Compare the last pass with the last change.

    `now` is by the API server's clock; `watched` is how long the object has been as it is before our eyes. Of what is
    being deleted the deletion is the last change.
    """
    changed, passed = changed_at(resource), passed_at(resource)
    quiet = watched if changed is None else max(watched, now - changed)
    if passed is None:
        looked = Looked.BEFORE if resource.deleting else Looked.NEVER
    elif changed is None or passed > changed:
        looked = Looked.SINCE
    else:
        looked = Looked.SAME if passed == changed else Looked.BEFORE
    return Attention(looked, changed, passed, quiet)


def passed_at(resource: Resource) -> datetime | None:
    """Say when ACK last ended a pass; None where it never wrote a condition.

    The heartbeat stands in where managedFields do not tell: somebody can have cleared them.
    """
    if not resource.conditions:
        return None
    entries = resource.metadata.managed_fields or ()
    times = (parse_time(each.time) for each in entries if each.subresource == "status")
    return max((each for each in times if each is not None), default=resource.heartbeat)
