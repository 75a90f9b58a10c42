"""How ACK's lambda-controller is: by its Deployment, its Lease, or the heartbeats of what it works on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from remediator.errors import ClusterError, Forbidden
from remediator.kubernetes.ack_lease import ACK_LEASE, ack_leases
from remediator.kubernetes.controller_pods import trouble_of
from remediator.kubernetes.controllers import Controller, controllers
from remediator.kubernetes.deployment import Deployment
from remediator.kubernetes.transport import Transport
from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.kind import FUNCTION
from remediator.model.observation import LONGEST_BACKOFF
from remediator.model.times import format_duration, format_time, parse_time

_MARGIN = timedelta(seconds=60)
_ELSEWHERE = "no Deployment of the lambda-controller is seen: perhaps ACK is managed by EKS"


def discover(
    transport: Transport, heartbeats: Sequence[datetime], now: datetime, *, everywhere: bool
) -> ControllerFacts:
    """Tell whether the controller works, by its Deployment first, by its Lease next; and how it was started.

    What may not be read is not held against it: an EKS-managed ACK has no Deployment at all. Silence condemns it only
    when `heartbeats` are those of every object there is: one namespace can be quiet by chance. Nor does it where a
    better witness could not be heard: a fault of the API server is no evidence, and a Deployment that may not be
    looked at can have a longer resync period.
    """
    latest = max(heartbeats, default=None)
    heard, seen = everywhere, _ELSEWHERE
    try:
        found, unread = controllers(transport, FUNCTION)
        if found:
            facts = _by_deployment(transport, found, latest)
            return _unless_silent(facts, latest, now) if everywhere and len(heartbeats) > 1 else facts
        if unread:
            heard, seen = False, f"{unread} of the Deployments make no sense"
    except Forbidden:
        heard, seen = False, "Deployments may not be listed"
    except ClusterError as error:
        heard, seen = False, f"Deployments could not be listed: {error.message}"
    try:
        if _lease_is_fresh(transport, now):
            return ControllerFacts(Health.ALIVE, f"its Lease {ACK_LEASE} is fresh ({seen})")
    except Forbidden:
        pass  # as with Deployments: not everybody may read them
    except ClusterError:
        heard = False
    return _by_heartbeat(latest, now, seen, everywhere=heard)


def _by_deployment(transport: Transport, found: Sequence[Controller], latest: datetime | None) -> ControllerFacts:
    working = [each for each in found if each.deployment.available]
    counting = working or found
    chosen = next((each for each in counting if each.deployment.restarting), counting[0]).deployment
    installs = tuple(_install(transport, each) for each in found)
    told = next(each for each in installs if each.deployment == chosen.name)
    health, why = told.health, told.why
    passed_since = told.since is not None and latest is not None and latest > told.since + _MARGIN
    if not working and not chosen.restarting and passed_since:
        # Somebody else reconciles: another cluster member, or the EKS capability after a migration.
        health = Health.ALIVE
        why = f"{_named(chosen)} is not available, but a pass was finished at {format_time(latest)}"
    return msgspec.structs.replace(
        _started_with(counting),
        health=health,
        why=why,
        version=told.version,
        restarting=chosen.restarting,
        deployment=chosen.name,
        installs=installs,
    )


def _install(transport: Transport, found: Controller) -> Install:
    deployment = found.deployment
    name, available, since = _named(deployment), deployment.available, deployment.since
    if deployment.restarting:
        why = f"{name} is being rolled out"
    elif available:
        why = f"{name} is available"
    else:
        trouble = trouble_of(transport, deployment)
        told = f" since {format_time(since)}" if since else ""
        why = f"{name} is not available{told}{f'; {trouble}' if trouble else ''}"
    return Install(
        deployment=deployment.name,
        health=Health.ALIVE if available else Health.DOWN,
        why=why,
        since=since,
        version=found.version,
        watched_namespaces=found.flags.watched_namespaces,
        watch_selector=found.flags.watch_selector,
    )


def _named(deployment: Deployment) -> str:
    return f"Deployment {deployment.name}"


def _started_with(found: Sequence[Controller]) -> ControllerFacts:
    """Sum up how several controllers were started, one per team perhaps. One that watches everything is enough.

    Of what they differ in nothing is claimed where there is a way to say so, else the first one's is told.
    """
    flags = [each.flags for each in found]
    first = flags[0]
    watched = [each.watched_namespaces for each in flags]
    names = ("watch_selector", "resync", "feature_gates", "deletion_policy", "region", "carm", "system_namespace")
    differing = [name for name in names if any(getattr(each, name) != getattr(first, name) for each in flags)]
    doubts = sorted({f"{name} cannot be read" for each in flags for name in each.unknown})
    doubts += [f"{len(flags)} Deployments differ in {name.replace('_', ' ')}" for name in differing]
    return ControllerFacts(
        watched_namespaces=() if () in watched else tuple(dict.fromkeys(name for each in watched for name in each)),
        watch_selector="" if "watch_selector" in differing else first.watch_selector,
        concurrency=max(each.concurrency for each in flags),
        resync=max(each.resync for each in flags),
        feature_gates=first.feature_gates,
        deletion_policy=first.deletion_policy,
        region=None if "region" in differing else first.region,
        carm=first.carm,
        system_namespace=first.system_namespace,
        unsure="; ".join(doubts),
    )


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


def _lease_is_fresh(transport: Transport, now: datetime) -> bool:
    leases = ack_leases(transport)
    return any(
        renewed is not None and now - renewed < timedelta(seconds=2 * each.lease_duration_seconds)
        for each in leases
        for renewed in [parse_time(each.renew_time)]
    )


def _by_heartbeat(latest: datetime | None, now: datetime, seen: str, *, everywhere: bool) -> ControllerFacts:
    """Judge by passes alone, with the resync that ACK has by default, and EKS always."""
    if latest is None:
        return ControllerFacts(Health.UNKNOWN, f"there is no heartbeat to judge it by ({seen})")
    seen = f"{seen}; judged by heartbeats"
    age = now - latest
    if age < LONGEST_BACKOFF + _MARGIN:
        return ControllerFacts(Health.ALIVE, f"a pass was finished {format_duration(age)} ago ({seen})")
    if age > _longest_rest(ControllerFacts().resync) and everywhere:
        return ControllerFacts(Health.DOWN, f"no pass was finished anywhere for {format_duration(age)} ({seen})")
    return ControllerFacts(Health.UNKNOWN, f"the last pass was finished {format_duration(age)} ago ({seen})")
