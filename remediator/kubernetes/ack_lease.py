"""The Lease that ACK's lambda-controller elects its leader by, where it is started with --enable-leader-election."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from remediator.kubernetes.transport import Transport, decoded

ACK_LEASE = "ack-lambda.services.k8s.aws"


class AckLease(Struct, frozen=True, rename="camel"):
    """Its spec: who holds it, as `<pod>_<id>`, and how fresh it is."""

    holder_identity: str = ""
    renew_time: str | None = None
    lease_duration_seconds: int = 15


class _Lease(Struct, frozen=True):
    spec: AckLease = AckLease()


class _Leases(Struct, frozen=True):
    items: list[_Lease] = []


def ack_leases(transport: Transport, namespace: str | None = None) -> list[AckLease]:
    """List them, in one namespace or in all; raise ClusterError where that is not possible."""
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    query = {"fieldSelector": f"metadata.name={ACK_LEASE}"}
    listed = decoded(transport.get(f"/apis/coordination.k8s.io/v1{where}/leases", query), _Leases)
    return [each.spec for each in listed.items]
