"""Events of events.k8s.io/v1, in the namespace of what they are about, where `kubectl describe` finds them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from msgspec import Struct

from remediator.errors import Changed, NotFound
from remediator.kubernetes.remediation_object import GROUP
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.event import Event
from remediator.model.kind import LAMBDA_GROUP
from remediator.model.times import format_micro_time
from remediator.ports import Clock

_API = "events.k8s.io/v1"
_LONGEST_INSTANCE = 128


class _Series(Struct, frozen=True):
    count: int = 1


class _Metadata(Struct, frozen=True, rename="camel"):
    resource_version: str


class _Told(Struct, frozen=True):
    metadata: _Metadata
    series: _Series | None = None


class KubernetesEvents:
    """Writes Events, in the name of one process of the remediator: `by`."""

    def __init__(self, transport: Transport, clock: Clock, by: str) -> None:
        self._transport = transport
        self._clock = clock
        self._instance = by.encode()[:_LONGEST_INSTANCE].decode(errors="ignore")

    def publish(self, event: Event) -> None:
        """Write an Event, or count on in the one that is there; raise ClusterError where that cannot be."""
        where = f"/apis/{_API}/namespaces/{quote(event.ref.namespace, safe='')}/events"
        try:
            self._transport.create(where, self._object(event))
        except Changed as refused:
            try:
                self._again(f"{where}/{quote(event.name, safe='')}")
            except NotFound:
                raise refused from None  # it was not that one of its name is there

    def _object(self, event: Event) -> dict[str, Any]:
        ref = event.ref
        return {
            "apiVersion": _API,
            "kind": "Event",
            "metadata": {"name": event.name, "namespace": ref.namespace},
            "eventTime": format_micro_time(self._clock.now()),
            "reportingController": GROUP,
            "reportingInstance": self._instance,
            "action": event.action,
            "reason": event.reason.value,
            "type": event.type.value,
            "note": event.note,
            "regarding": {
                "apiVersion": f"{LAMBDA_GROUP}/v1alpha1",
                "kind": ref.kind,
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": ref.uid,
            },
        }

    def _again(self, path: str) -> None:
        """Count on. A patch of nothing tells the count so far: who may only create and patch may read no Events."""
        known = decoded(self._transport.patch(path, []), _Told)
        count = known.series.count if known.series else 1
        series = {"count": count + 1, "lastObservedTime": format_micro_time(self._clock.now())}
        try:
            self._transport.patch(
                path,
                [
                    {"op": "test", "path": "/metadata/resourceVersion", "value": known.metadata.resource_version},
                    {"op": "add", "path": "/series", "value": series},
                ],
            )
        except Changed:
            return  # another told the same at this very moment
