"""How ACK's lambda-controller is, by its Deployment or its Lease, and how it was started."""

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
from remediator.model.times import format_time, parse_time

_ELSEWHERE = "no Deployment of the lambda-controller is seen: perhaps ACK is managed by EKS"


def discover(transport: Transport, now: datetime) -> ControllerFacts:
    """Tell whether the controller works, by its Deployment first, by its Lease next; and how it was started.

    Where neither tells, heartbeats have to (`model.heartbeat`). What may not be read is not held against it: an
    EKS-managed ACK has no Deployment at all. Nor does silence condemn it where a better witness could not be heard: a
    fault of the API server is no evidence, and a Deployment that may not be looked at can have a longer resync period.
    """
    unheard, seen = False, _ELSEWHERE
    try:
        found, unread = controllers(transport, FUNCTION)
        if found:
            return _by_deployment(transport, found)
        if unread:
            unheard, seen = True, f"{unread} of the Deployments make no sense"
    except Forbidden:
        unheard, seen = True, "Deployments may not be listed"
    except ClusterError as error:
        unheard, seen = True, f"Deployments could not be listed: {error.message}"
    try:
        if _lease_is_fresh(transport, now):
            return ControllerFacts(Health.ALIVE, f"its Lease {ACK_LEASE} is fresh ({seen})")
    except Forbidden:
        pass  # as with Deployments: not everybody may read them
    except ClusterError:
        unheard = True
    return ControllerFacts(Health.UNKNOWN, seen, unwitnessed=seen, unheard=unheard)


def _by_deployment(transport: Transport, found: Sequence[Controller]) -> ControllerFacts:
    working = [each for each in found if each.deployment.available]
    counting = working or found
    chosen = next((each for each in counting if each.deployment.restarting), counting[0]).deployment
    installs = tuple(_install(transport, each) for each in found)
    told = next(each for each in installs if each.deployment == chosen.name)
    return msgspec.structs.replace(
        _started_with(counting),
        health=told.health,
        why=told.why,
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


def _lease_is_fresh(transport: Transport, now: datetime) -> bool:
    leases = ack_leases(transport)
    return any(
        renewed is not None and now - renewed < timedelta(seconds=2 * each.lease_duration_seconds)
        for each in leases
        for renewed in [parse_time(each.renew_time)]
    )
