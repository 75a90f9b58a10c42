"""Which daemons are at work in this cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from remediator.errors import ClusterError
from remediator.kubernetes.leading import LEADER_LEASES
from remediator.kubernetes.lease import LEADER_LEASE
from remediator.kubernetes.lease_object import KubernetesLeases
from remediator.kubernetes.transport import Transport
from remediator.model.lease import Record
from remediator.model.shard import MOST, WHOLE, Shard, signature
from remediator.model.times import parse_time


class Leaders(Struct, frozen=True):
    """Who leads, by the share that they look after; mostly one for all there is, or none."""

    by: Mapping[Shard, str] = {}

    def of(self, uid: str) -> str:
        """Name who looks after a resource; empty where nobody does."""
        return next((holder for shard, holder in self.by.items() if shard.owns(uid)), "")

    @property
    def missing(self) -> tuple[Shard, ...]:
        """The shards that nobody looks after, beside some that somebody does."""
        counts = {each.count for each in self.by}
        every = (Shard(index, count) for count in sorted(counts) for index in range(count))
        return tuple(each for each in every if each not in self.by)


def live_leaders(transport: Transport, namespace: str, now: datetime) -> Leaders:
    """Find who holds a leader Lease and has renewed it lately; nobody where nobody did, or nobody can tell.

    By clocks that may differ: it decides who is asked to act, and not whether anybody may. The action lock does. Who
    leads for one run has looked already, and acts on nothing that is approved from now on.
    """
    try:
        found = KubernetesLeases(transport, namespace, LEADER_LEASES).read()
    except ClusterError:
        return Leaders()
    held = ((_shard(name, each.record), each.record) for name, each in sorted(found.items()) if _live(each.record, now))
    return Leaders({shard: record.holder_identity or "" for shard, record in held if shard is not None})


def _live(record: Record, now: datetime) -> bool:
    renewed = parse_time(record.renew_time)
    if not record.holder_identity or renewed is None:
        return False
    return now - renewed <= timedelta(seconds=record.lease_duration_seconds or 0)


def _shard(name: str, record: Record) -> Shard | None:
    """Say which share a Lease is held for; None where that is no daemon's."""
    signed = signature(record.holder_identity or "")
    if name == LEADER_LEASE:
        return WHOLE if signed is None else None
    index = int(name.removeprefix(f"{LEADER_LEASE}-"))
    if signed is None or signed.passing or not index < signed.count <= MOST:
        return None
    return Shard(index, signed.count)
