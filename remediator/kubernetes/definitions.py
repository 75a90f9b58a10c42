"""Read whether the definitions of ACK's Lambda kinds are being deleted."""

from __future__ import annotations

from msgspec import Struct

from remediator.errors import ClusterError, Forbidden, NotFound
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.definition import Definition, Definitions
from remediator.model.kind import FUNCTION, KINDS, OTHER_KINDS
from remediator.model.times import parse_time

# Functions are never done without, so that theirs is asked for first.
_KINDS = (KINDS[FUNCTION], *OTHER_KINDS)
_API = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class _Condition(Struct, frozen=True):
    type: str = ""
    status: str = ""
    message: str = ""


class _Status(Struct, frozen=True):
    conditions: list[_Condition] | None = None


class _Names(Struct, frozen=True):
    kind: str = ""


class _Spec(Struct, frozen=True):
    names: _Names = _Names()


class _Metadata(Struct, frozen=True, rename="camel"):
    name: str
    deletion_timestamp: str | None = None


class _Definition(Struct, frozen=True):
    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()


def read_definitions(transport: Transport) -> Definitions:
    """Find those that are being deleted; what is not installed is none. Never raises ClusterError: it says so."""
    deleting: list[Definition] = []
    for kind in _KINDS:  # each by name, so that the right to read these is enough
        try:
            found = decoded(transport.get(f"{_API}/{kind.collection}"), _Definition)
        except NotFound:
            continue
        except ClusterError as error:
            unknown = f"{kind.collection} cannot be read: {error.message}"
            return Definitions(tuple(deleting), unknown, faulty=not isinstance(error, Forbidden))
        if found.metadata.deletion_timestamp is not None:
            deleting.append(_told(found))
    return Definitions(tuple(deleting))


def _told(found: _Definition) -> Definition:
    said = [each.message for each in found.status.conditions or () if each.type == "Terminating" and each.message]
    return Definition(
        name=found.metadata.name,
        kind=found.spec.names.kind,
        since=parse_time(found.metadata.deletion_timestamp),
        why="; ".join(said),
    )
