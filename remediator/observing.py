"""Look: at resources, at their functions in AWS, at the controller. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from remediator.diagnosis import diagnose, is_suspect, is_worth_a_call
from remediator.execute import Look
from remediator.model.controller import ControllerFacts
from remediator.model.finding import Finding
from remediator.model.live import LiveState, unreadable
from remediator.model.observation import Observation
from remediator.model.reference import Link
from remediator.model.reference_text import complaint
from remediator.model.resource import Ref, Resource
from remediator.policy import Policy
from remediator.ports import Means

NOT_ASKED = "AWS was not asked"


class Observer:
    """Puts together what is known of resources at one moment."""

    def __init__(self, means: Means, policy: Policy) -> None:
        self._means = means
        self._policy = policy

    def observe(self, resources: Sequence[Resource], controller: ControllerFacts) -> Iterable[Observation]:
        """Observe them all; AWS is asked about suspects only."""
        now = self._means.clock.now()
        suspects = [each for each in resources if is_suspect(each, now, self._policy.timeouts)]
        live = self._probe([each for each in suspects if is_worth_a_call(each)])
        links = {each.ref: self._means.cluster.references(each) for each in suspects if complaint(each)}
        return [
            self.seen(each, live.get(each.ref, unreadable(NOT_ASKED)), controller, links.get(each.ref, ()))
            for each in resources
        ]

    def seen(
        self, resource: Resource, live: LiveState, controller: ControllerFacts, links: tuple[Link, ...] = ()
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
            references=links,
        )

    def controller(self, resources: Iterable[Resource]) -> ControllerFacts:
        """Find out how the controller is, heartbeats included.

        Not those of what it no longer looks at by itself: while an object is being deleted, and after a Terminal
        error, the heartbeat stands still, and says nothing about the controller.
        """
        moving = [each.heartbeat for each in resources if not (each.deleting or each.terminal)]
        known = [each for each in moving if each is not None]
        return self._means.cluster.controller(known, self._means.clock.now())

    def look(self, controller: ControllerFacts) -> Look:
        """Make the way to look at one resource again."""

        def look(resource: Resource) -> tuple[Observation, Finding | None]:
            seen = self.seen(resource, self._means.cloud.probe(resource), controller)
            return seen, diagnose(seen)

        return look

    def _probe(self, suspects: Sequence[Resource]) -> dict[Ref, LiveState]:
        """Ask AWS about each suspect, side by side; one failure concerns one resource."""
        if not suspects:
            return {}
        with ThreadPoolExecutor(max_workers=self._policy.aws.workers) as pool:
            asked = [pool.submit(copy_context().run, self._means.cloud.probe, each) for each in suspects]
            return {each.ref: answer.result() for each, answer in zip(suspects, asked, strict=True)}
