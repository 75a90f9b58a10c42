"""Read namespaces: who may list them reads all at once, who may not reads one at a time."""

from __future__ import annotations

from msgspec import Struct

from remediator.kubernetes.pages import listed
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.namespace import Namespace


class _Condition(Struct, frozen=True):
    type: str = ""
    status: str = ""
    message: str = ""


class _Status(Struct, frozen=True):
    phase: str = ""
    conditions: list[_Condition] | None = None


class _Metadata(Struct, frozen=True):
    name: str
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class _Namespace(Struct, frozen=True):
    metadata: _Metadata
    status: _Status = _Status()

    def told(self) -> Namespace:
        said = [each.message for each in self.status.conditions or () if each.status == "True" and each.message]
        return Namespace(
            name=self.metadata.name,
            annotations=self.metadata.annotations or {},
            labels=self.metadata.labels or {},
            terminating=self.status.phase == "Terminating",
            why="; ".join(said),
        )


def list_namespaces(transport: Transport) -> dict[str, Namespace]:
    """List all of them, by name; raise ClusterError where that is not possible."""
    found = [decoded(bytes(each), _Namespace).told() for each in listed(transport, "/api/v1/namespaces")]
    return {each.name: each for each in found}


def read_namespace(transport: Transport, path: str) -> Namespace:
    """Read one, by its path; raise ClusterError where that is not possible."""
    return decoded(transport.get(path), _Namespace).told()
