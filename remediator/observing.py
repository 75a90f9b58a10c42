"""Look: at resources, at their functions in AWS, at the controller. Nothing is decided here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import datetime

from msgspec import Struct

from remediator.diagnosis import diagnose, is_suspect, is_worth_a_call
from remediator.execute import Look
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding
from remediator.model.heartbeat import Heartbeats, heard
from remediator.model.identities import Identities
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import Observation
from remediator.model.placement import Placement, place
from remediator.model.reference import Link
from remediator.model.reference_text import complaint
from remediator.model.resource import Ref, Resource
from remediator.policy import Policy
from remediator.ports import Means

NOT_ASKED = "AWS was not asked"

# Finds the other objects that are for the same function.
Claimed = Callable[[Resource], tuple[Ref, ...]]


def _by_nobody(_: Resource) -> tuple[Ref, ...]:
    return ()


_NOTHING_READ = Identities()


class _Well(Struct, frozen=True):
    """AWS's answer about a suspect that nothing was wrong with, and what it was an answer to."""

    seen: tuple[datetime | None, int]
    live: LiveState


class Observer:
    """Puts together what is known of resources at one moment.

    It remembers, as long as the process lives, which suspects AWS said were fine: their status is a snapshot that can
    stay as it is for ten hours, and each scan would ask anew.
    """

    def __init__(self, means: Means, policy: Policy) -> None:
        self._means = means
        self._policy = policy
        self._well: dict[str, _Well] = {}

    def observe(
        self,
        resources: Sequence[Resource],
        controller: ControllerFacts,
        known: Identities = _NOTHING_READ,
        claimed: Claimed = _by_nobody,
    ) -> Iterable[Observation]:
        """Observe them all; AWS is asked about suspects only, and not about those that it said were fine."""
        now = self._means.clock.now()
        live = self._remembered(resources, controller, known)
        suspects = [each for each in resources if each.ref not in live and is_suspect(each, now, self._policy.timeouts)]
        worth = [each for each in suspects if is_worth_a_call(each)]
        asked = self._probe(worth, {each.ref: place(each, known, controller) for each in worth})
        live |= asked
        links = {each.ref: self._means.cluster.references(each) for each in suspects if complaint(each)}
        seen = [
            self.seen(
                each,
                live.get(each.ref, unreadable(NOT_ASKED)),
                controller,
                known,
                links=links.get(each.ref, ()),
                claims=claimed(each),
            )
            for each in resources
        ]
        self._remember(seen, asked)
        return seen

    def identities(self, resources: Iterable[Resource], controller: ControllerFacts) -> Identities:
        """Read what says for which account, role and region these resources are."""
        namespaces = {each.metadata.namespace for each in resources}
        return self._means.cluster.identities(sorted(namespaces), controller) if namespaces else _NOTHING_READ

    def seen(
        self,
        resource: Resource,
        live: LiveState,
        controller: ControllerFacts,
        known: Identities = _NOTHING_READ,
        *,
        links: tuple[Link, ...] = (),
        claims: tuple[Ref, ...] = (),
    ) -> Observation:
        """Add to a resource, to AWS's answer about it and to what it refers to, what is known from before."""
        now = self._means.clock.now()
        return Observation(
            resource=resource,
            live_state=live,
            now=now,
            controller=controller,
            history=self._means.episodes.history(resource.metadata.uid, now),
            timeouts=self._policy.timeouts,
            placement=place(resource, known, controller),
            namespace=known.namespaces.get(resource.metadata.namespace),
            references=links,
            claims=claims,
        )

    def asked(
        self,
        resource: Resource,
        controller: ControllerFacts,
        *,
        follow: bool = False,
        claims: tuple[Ref, ...] = (),
    ) -> Observation:
        """Observe one resource, AWS included, whatever was said of it before; `follow` its references, too.

        `claims` are those that it shares its function with, where they are known.
        """
        known = self.identities([resource], controller)
        live = self._means.cloud.probe(resource, place(resource, known, controller))
        links = self._means.cluster.references(resource) if follow or complaint(resource) else ()
        return self.seen(resource, live, controller, known, links=links, claims=claims)

    def controller(self, beats: Heartbeats) -> ControllerFacts:
        """Find out how the controller is, heartbeats included."""
        return self.heard(self._means.cluster.controller(self._means.clock.now()), beats)

    def heard(self, controller: ControllerFacts, beats: Heartbeats) -> ControllerFacts:
        """Add to what is known of the controller what heartbeats say of it."""
        everywhere = self._means.cluster.saw_everything()
        return heard(controller, beats, self._means.clock.now(), everywhere=everywhere)

    def look(self, controller: ControllerFacts) -> Look:
        """Make the way to look at one resource again."""

        def look(resource: Resource) -> tuple[Observation, Finding | None]:
            seen = self.asked(resource, controller)
            return seen, diagnose(seen)

        return look

    def _probe(self, suspects: Sequence[Resource], placements: dict[Ref, Placement]) -> dict[Ref, LiveState]:
        """Ask AWS about each suspect, side by side; one failure concerns one resource.

        Each account and region has threads of its own: one that is slow to answer, or slowed down, holds up nobody
        else's.
        """
        lanes: defaultdict[tuple[str | None, str | None], list[Resource]] = defaultdict(list)
        for each in suspects:
            placement, arn = placements[each.ref], each.arn
            lanes[(arn.account, arn.region) if arn else (placement.account, placement.region)].append(each)
        futures: dict[Ref, Future[LiveState]] = {}
        with ExitStack() as pools:
            for lane in lanes.values():
                workers = min(self._policy.aws.workers, len(lane))
                pool = pools.enter_context(ThreadPoolExecutor(max_workers=workers))
                for each in lane:
                    probe, placement = self._means.cloud.probe, placements[each.ref]
                    futures[each.ref] = pool.submit(copy_context().run, probe, each, placement)
        return {each.ref: futures[each.ref].result() for each in suspects}

    # ---- those that AWS said were fine -----------------------------------------------------------------------------

    def _remembered(
        self, resources: Sequence[Resource], controller: ControllerFacts, known: Identities
    ) -> dict[Ref, LiveState]:
        """Give the answers that still hold: nothing moved on the object, and they still make no finding."""
        found = {}
        for each in resources:
            well = self._well.get(each.metadata.uid)
            if (
                well is not None
                and well.seen == _moves(each)
                and diagnose(self.seen(each, well.live, controller, known)) is None
            ):
                found[each.ref] = well.live
        return found

    def _remember(self, seen: Iterable[Observation], asked: dict[Ref, LiveState]) -> None:
        """Keep what was said of the suspects that are there; on what is being deleted nothing moves that would tell."""
        well = {}
        for each in seen:
            resource = each.resource
            uid, before = resource.metadata.uid, self._well.get(resource.metadata.uid)
            if resource.ref in asked:
                if each.live_state.present and not resource.deleting and diagnose(each) is None:
                    well[uid] = _Well(_moves(resource), each.live_state)
            elif before is not None and before.seen == _moves(resource):
                well[uid] = before
        self._well = well


def _moves(resource: Resource) -> tuple[datetime | None, int]:
    """Say what moves on an object when the controller looks at it, or somebody changes it."""
    return resource.heartbeat, resource.metadata.generation
