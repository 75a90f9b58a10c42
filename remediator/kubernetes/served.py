"""What the API server serves of a group."""

from __future__ import annotations

from msgspec import Struct

from remediator.kubernetes.transport import Transport, decoded


class _Served(Struct, frozen=True):
    name: str = ""


class _Discovery(Struct, frozen=True):
    resources: list[_Served] = []


def served(transport: Transport, group: str) -> set[str]:
    """Name what is served of a group's v1alpha1, subresources too; raise NotFound where nothing is, ClusterError."""
    return {each.name for each in decoded(transport.get(f"/apis/{group}/v1alpha1"), _Discovery).resources}
