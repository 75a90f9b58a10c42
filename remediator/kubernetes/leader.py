"""Whether a daemon is at work in this cluster."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.errors import ClusterError
from remediator.kubernetes.lease import LEADER_LEASE
from remediator.kubernetes.lease_object import KubernetesLease
from remediator.kubernetes.transport import Transport
from remediator.model.times import parse_time


def live_leader(transport: Transport, namespace: str, now: datetime) -> str:
    """Name who holds the leader Lease and has renewed it lately; empty where nobody did, or nobody can tell.

    By clocks that may differ: it decides who is asked to act, and not whether anybody may. The action lock does.
    """
    try:
        found = KubernetesLease(transport, namespace, LEADER_LEASE).read()
    except ClusterError:
        return ""
    if found is None or not found.record.holder_identity:
        return ""
    renewed = parse_time(found.record.renew_time)
    if renewed is None or now - renewed > timedelta(seconds=found.record.lease_duration_seconds or 0):
        return ""
    return found.record.holder_identity
