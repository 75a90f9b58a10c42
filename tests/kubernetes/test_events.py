"""Events as the API server takes them: one for each thing, and a count where it is told again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from remediator.errors import Changed, ClusterError, Forbidden
from remediator.kubernetes.events import KubernetesEvents
from remediator.kubernetes.transport import Transport
from remediator.model.event import Event, EventReason, EventType
from remediator.model.resource import Ref
from remediator.sandbox.apiserver import ApiServer
from tests.fakes import FakeClock
from tests.kubernetes.stored import Json

REF = Ref("shop", "checkout", "uid-1")


def event(**changes: Any) -> Event:
    base: Json = {
        "ref": REF,
        "reason": EventReason.FOUND,
        "action": "Diagnose",
        "type": EventType.WARNING,
        "note": "FunctionPending: it is.",
        "about": ("FunctionPending",),
    }
    return Event(**(base | changes))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def events(api: ApiServer, transport: Transport, clock: FakeClock) -> KubernetesEvents:
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    return KubernetesEvents(transport, clock, "pod@host/1/ab")


def described(transport: Transport) -> list[Json]:
    """Read what `kubectl describe function checkout` shows."""
    about = "involvedObject.kind=Function,involvedObject.name=checkout,involvedObject.uid=uid-1"
    answer = transport.get("/api/v1/namespaces/shop/events", {"fieldSelector": about})
    items: list[Json] = msgspec.json.decode(answer)["items"]
    return items


def test_it_stands_where_kubectl_describe_looks(events: KubernetesEvents, transport: Transport) -> None:
    events.publish(event())
    (seen,) = described(transport)
    assert (seen["type"], seen["reason"], seen["message"]) == ("Warning", "Found", "FunctionPending: it is.")
    assert (seen["reportingComponent"], seen["reportingInstance"]) == ("ack-remediator.dev", "pod@host/1/ab")
    assert (seen["action"], seen["metadata"]["name"]) == ("Diagnose", event().name)
    assert seen["involvedObject"]["apiVersion"] == "lambda.services.k8s.aws/v1alpha1"
    assert "series" not in seen


def test_told_again_it_is_counted_by_another_process_too(
    events: KubernetesEvents, transport: Transport, clock: FakeClock
) -> None:
    events.publish(event())
    clock.slept += 300
    for _ in range(2):
        KubernetesEvents(transport, clock, "another").publish(event(note="in other words"))
    (seen,) = described(transport)
    assert seen["series"] == {"count": 3, "lastObservedTime": "2026-11-21T12:05:00.000000Z"}
    assert (seen["message"], seen["reportingInstance"]) == ("FunctionPending: it is.", "pod@host/1/ab")


def test_another_thing_is_another_event(events: KubernetesEvents, transport: Transport) -> None:
    for each in (event(), event(about=("UpdateFailed",)), event(reason=EventReason.RESOLVED)):
        events.publish(each)
    assert len(described(transport)) == 3


def test_two_at_the_same_moment_are_one_count(
    events: KubernetesEvents, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.publish(event())
    patch, patches = transport.patch, 0

    def with_another_between(path: str, operations: Any, **more: Any) -> bytes:
        nonlocal patches
        patches += 1
        if operations:
            patch(path, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
        return patch(path, operations, **more)

    monkeypatch.setattr(transport, "patch", with_another_between)
    events.publish(event())
    (seen,) = described(transport)
    assert (patches, "series" in seen) == (2, False)


def test_what_is_invalid_says_why(events: KubernetesEvents) -> None:
    with pytest.raises(Changed, match="can have at most 1024"):
        events.publish(event(note="x" * 1025))


def test_a_long_name_of_ours_is_cut_to_what_is_taken(
    events: KubernetesEvents, transport: Transport, clock: FakeClock
) -> None:
    KubernetesEvents(transport, clock, "é" * 100).publish(event())
    (seen,) = described(transport)
    assert seen["reportingInstance"] == "é" * 64


def test_a_namespace_on_its_way_out_takes_none(events: KubernetesEvents, transport: Transport, api: ApiServer) -> None:
    api.seed(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "shop", "deletionTimestamp": "2026-11-21T12:00:00Z"},
            "status": {"phase": "Terminating"},
        }
    )
    with pytest.raises(Forbidden, match="being terminated"):
        events.publish(event())


def test_an_answer_that_makes_no_sense_is_told_as_that(
    events: KubernetesEvents, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.publish(event())
    monkeypatch.setattr(transport, "patch", lambda *_: b"<html>")
    with pytest.raises(ClusterError, match="makes no sense"):
        events.publish(event())
