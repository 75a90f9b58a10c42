"""When the controller finished its passes, by what it works on, and what that says of the controller. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from remediator.model.controller import ControllerFacts, Health
from remediator.model.observation import LONGEST_BACKOFF
from remediator.model.resource import Resource
from remediator.model.times import format_duration, format_time

_MARGIN = timedelta(seconds=60)


class Heartbeats(Struct, frozen=True):
    """The heartbeats of many objects, summed up: each is a few bytes, and a cluster can have a million.

    `latest` is the last that tells of the controller, `count` how many do. `in_namespace` is the last of any Function
    in each namespace, whatever it is worth.
    """

    latest: datetime | None = None
    count: int = 0
    in_namespace: Mapping[str, datetime] = {}


class Pulse:
    """Sums heartbeats up, one object at a time."""

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self._count = 0
        self._in_namespace: dict[str, datetime] = {}

    def take(self, resource: Resource) -> None:
        """Add an object's.

        Not to those that tell of the controller where it no longer looks at the object by itself: while that is being
        deleted, and after a Terminal error, its heartbeat stands still. Those of other kinds count nowhere: they can
        have another controller, and a resync period of their own.
        """
        beat = resource.heartbeat if resource.is_function else None
        if beat is None:
            return
        namespace = resource.metadata.namespace
        before = self._in_namespace.get(namespace)
        if before is None or before < beat:
            self._in_namespace[namespace] = beat
        if resource.deleting or resource.terminal:
            return
        self._count += 1
        if self._latest is None or self._latest < beat:
            self._latest = beat

    def felt(self) -> Heartbeats:
        return Heartbeats(self._latest, self._count, self._in_namespace)


def heartbeats(resources: Iterable[Resource]) -> Heartbeats:
    """Sum up the heartbeats of what is at hand."""
    pulse = Pulse()
    for each in resources:
        pulse.take(each)
    return pulse.felt()


def heard(facts: ControllerFacts, beats: Heartbeats, now: datetime, *, everywhere: bool) -> ControllerFacts:
    """Add to what else is known of a controller what heartbeats say of it.

    Silence condemns it only when they are those of every object there is (`everywhere`): one namespace can be quiet by
    chance.
    """
    if facts.unwitnessed:
        return _by_heartbeat(facts, beats.latest, now, everywhere=everywhere and not facts.unheard)
    if facts.deployment is None:
        return facts
    facts = _somebody_else(facts, beats.latest)
    return _unless_silent(facts, beats.latest, now) if everywhere and beats.count > 1 else facts


def _somebody_else(facts: ControllerFacts, latest: datetime | None) -> ControllerFacts:
    """Take it for alive where passes go on without it: by another cluster member, or EKS after a migration."""
    since = next((each.since for each in facts.installs if each.deployment == facts.deployment), None)
    works = facts.restarting or any(each.health is Health.ALIVE for each in facts.installs)
    if works or since is None or latest is None or latest <= since + _MARGIN:
        return facts
    why = f"Deployment {facts.deployment} is not available, but a pass was finished at {format_time(latest)}"
    return msgspec.structs.replace(facts, health=Health.ALIVE, why=why)


def _unless_silent(facts: ControllerFacts, latest: datetime | None, now: datetime) -> ControllerFacts:
    """Take it for down where its Deployment is there and nothing is looked at any more, though all would have to be.

    A worker that hangs is as good as none (runtime before 0.59 waits for AWS without end), and a pod that is there says
    nothing of it. Not where some objects are not watched: they would be those that were not looked at. Nor by one
    object alone: ACK leaves one without a word where its region is another now, or its adopted function is gone.
    """
    rest = _longest_rest(facts.resync)
    started = next((each.since for each in facts.installs if each.deployment == facts.deployment), None)
    everything = not (facts.watched_namespaces or facts.watch_selector or facts.unsure)
    if facts.health is not Health.ALIVE or facts.restarting or not everything or latest is None or started is None:
        return facts
    if now - latest <= rest or now - started <= LONGEST_BACKOFF + _MARGIN:
        return facts
    silence, period = format_duration(now - latest), format_duration(facts.resync)
    why = f"{facts.why}, but no pass was finished anywhere for {silence}, and one is due every {period}"
    return msgspec.structs.replace(facts, health=Health.DOWN, why=why)


def _longest_rest(resync: timedelta) -> timedelta:
    """Say how long a working controller can go without a pass: a period of its resync and a tenth, or a back-off."""
    return max(resync * 1.1, LONGEST_BACKOFF + _MARGIN)


def _by_heartbeat(
    facts: ControllerFacts, latest: datetime | None, now: datetime, *, everywhere: bool
) -> ControllerFacts:
    """Judge by passes alone, with the resync that ACK has by default, and EKS always."""
    seen = facts.unwitnessed
    if latest is None:
        return _judged(facts, Health.UNKNOWN, f"there is no heartbeat to judge it by ({seen})")
    seen = f"{seen}; judged by heartbeats"
    age = now - latest
    if age < LONGEST_BACKOFF + _MARGIN:
        return _judged(facts, Health.ALIVE, f"a pass was finished {format_duration(age)} ago ({seen})")
    if age > _longest_rest(facts.resync) and everywhere:
        return _judged(facts, Health.DOWN, f"no pass was finished anywhere for {format_duration(age)} ({seen})")
    return _judged(facts, Health.UNKNOWN, f"the last pass was finished {format_duration(age)} ago ({seen})")


def _judged(facts: ControllerFacts, health: Health, why: str) -> ControllerFacts:
    return msgspec.structs.replace(facts, health=health, why=why)
