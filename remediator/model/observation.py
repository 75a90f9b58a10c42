"""Everything known about one resource at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.live import LiveState, Presence
from remediator.model.namespace import Namespace
from remediator.model.placement import Placement
from remediator.model.plan import ActionName
from remediator.model.reference import Link
from remediator.model.resource import Ref, Resource
from remediator.model.timeouts import Timeouts
from remediator.model.word import Approval, Rejection

# The longest wait between two tries of ACK's work queue (controller-runtime, controller.go: 5 ms·2ⁿ, capped).
LONGEST_BACKOFF = timedelta(seconds=1000)


class History(Struct, frozen=True):
    """What earlier sightings of this resource tell, in this spell. The defaults mean that nothing is known of any.

    `since` is when it was first seen unhealthy; `given` is the same, said by a person, and beats all evidence;
    `resync_without_effect` is whether an accepted Resync, at least 60 s ago, changed nothing. `sightings` are those in
    a row, this one included. `attempts` are, per action, the times of those that count: of the last day, since one
    helped or a person released the resource from quarantine; the newest last. `own_retain`: the deletion-policy on the
    object was written by a Release of ours that is under way.
    """

    since: datetime | None = None
    given: datetime | None = None
    resync_without_effect: bool = False
    sightings: int = 0
    attempts: Mapping[ActionName, tuple[datetime, ...]] = {}
    approval: Approval | None = None
    rejection: Rejection | None = None
    own_retain: bool = False


class LiveStateNeeded(Exception):
    """A rule needs AWS's answer, and there is none: the walk ends in `Unreadable`."""


class Observation(Struct, frozen=True):
    """A resource, AWS's answer, the controller, the past, and the moment that all of it holds for.

    `placement` is where ACK looks for the resource, `namespace` what is known of its namespace: None where that was
    not looked for, or could not be read. `references` are what its references lead to, where they were followed.
    `claims` are the other objects that name the same function.
    """

    resource: Resource
    live_state: LiveState
    now: datetime
    controller: ControllerFacts = ControllerFacts()
    history: History = History()
    timeouts: Timeouts = Timeouts()
    placement: Placement | None = None
    namespace: Namespace | None = None
    references: tuple[Link, ...] = ()
    claims: tuple[Ref, ...] = ()

    @property
    def live(self) -> LiveState:
        """AWS's answer; raises LiveStateNeeded where there is none, so that no rule can take silence for an answer."""
        if self.live_state.presence is Presence.UNREADABLE:
            raise LiveStateNeeded
        return self.live_state

    @property
    def silent(self) -> bool:
        """Whether the controller has stopped retrying: not synced, not Terminal, and no pass for too long.

        A failing resource is retried at least every 1000 s. While an object is being deleted the heartbeat never
        moves, so there silence proves nothing.
        """
        heartbeat = self.resource.heartbeat
        return (
            heartbeat is not None
            and not (self.resource.synced or self.resource.terminal or self.resource.deleting)
            and self.now - heartbeat > self.timeouts.controller_silent
        )

    @property
    def secrets(self) -> frozenset[str]:
        return self.resource.secrets | frozenset(value for value in self.live_state.environment.values() if value)
