"""Events of events.k8s.io/v1: what is taken, what a second one of a name is told, and what may change in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import JSON_PATCH

if TYPE_CHECKING:
    from tests.bed.http import Reply
    from tests.contract.api.conftest import Functions

AT, LATER = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:05:00.000000Z"


class Events:
    """The Events of one namespace, by events.k8s.io/v1."""

    def __init__(self, functions: Functions) -> None:
        self.http, self.namespace = functions.http, functions.namespace
        self.path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"

    def regarding(self, **changes: Any) -> dict[str, Any]:
        about = {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "namespace": self.namespace,
            "name": "checkout",
            "uid": "b1f2",
        } | changes
        return {key: value for key, value in about.items() if value is not None}

    def create(self, **changes: Any) -> Reply:
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": "checkout.1"},
            "eventTime": AT,
            "reportingController": "ack-remediator.dev",
            "reportingInstance": "ack-remediator-0",
            "action": "Diagnose",
            "reason": "Found",
            "type": "Warning",
            "note": "FunctionPending: it is.",
            "regarding": self.regarding(),
        } | changes
        return self.http("POST", self.path, {key: value for key, value in event.items() if value is not None})

    def patch(self, *operations: dict[str, Any], name: str = "checkout.1") -> Reply:
        return self.http("PATCH", f"{self.path}/{name}", list(operations), kind=JSON_PATCH)


@pytest.fixture
def events(functions: Functions) -> Events:
    return Events(functions)


def added(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def test_an_event_is_taken_and_is_what_kubectl_describe_asks_for(events: Events) -> None:
    assert events.create().code == 201
    about = "involvedObject.kind=Function,involvedObject.name=checkout,involvedObject.uid=b1f2"
    core = events.http("GET", f"/api/v1/namespaces/{events.namespace}/events", fieldSelector=about)
    (seen,) = core.body["items"]
    assert (seen["type"], seen["reason"], seen["message"]) == ("Warning", "Found", "FunctionPending: it is.")
    assert (seen["reportingComponent"], seen["eventTime"], seen["source"]) == ("ack-remediator.dev", AT, {})
    assert (seen["firstTimestamp"], seen["lastTimestamp"]) == (None, None)


def test_a_second_one_of_a_name_is_refused(events: Events) -> None:
    events.create()
    again = events.create(note="another")
    assert (again.code, again.body["reason"]) == (409, "AlreadyExists")
    assert again.message == 'events.events.k8s.io "checkout.1" already exists'


def test_a_patch_of_nothing_reads_it_and_writes_nothing(events: Events) -> None:
    created = events.create().body
    seen = events.patch()
    assert seen.code == 200
    assert seen.body["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
    assert "series" not in seen.body
    absent = events.patch(name="nope")
    assert (absent.code, absent.message) == (404, 'events.events.k8s.io "nope" not found')


def test_a_series_counts_on_unless_somebody_else_did(events: Events) -> None:
    version = events.create().body["metadata"]["resourceVersion"]
    unmoved = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    counted = events.patch(unmoved, added("/series", {"count": 2, "lastObservedTime": LATER}))
    assert (counted.code, counted.body["series"]) == (200, {"count": 2, "lastObservedTime": LATER})
    assert events.patch(unmoved, added("/series", {"count": 3, "lastObservedTime": LATER})).code == 422
    core = events.http("GET", f"/api/v1/namespaces/{events.namespace}/events/checkout.1").body
    assert core["series"] == {"count": 2, "lastObservedTime": LATER}


@pytest.mark.parametrize(
    ("series", "reason", "field"),
    [
        ({"count": 1, "lastObservedTime": LATER}, "FieldValueInvalid", "series.count"),
        ({"count": 2}, "FieldValueRequired", "series.lastObservedTime"),
    ],
)
def test_a_series_has_two_at_least_and_says_when(
    events: Events, series: dict[str, Any], reason: str, field: str
) -> None:
    refused = events.create(series=series)
    assert (refused.code, refused.fields) == (422, {(reason, field)})
    events.create()
    refused = events.patch(added("/series", series))
    assert (refused.code, refused.fields) == (422, {(reason, field)})


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("/note", "another", "message"),
        ("/reason", "Resolved", "reason"),
        ("/action", "Resync", "action"),
        ("/type", "Normal", "type"),
        ("/eventTime", LATER, "eventTime"),
        ("/reportingController", "another", "reportingController"),
        ("/reportingInstance", "another", "reportingInstance"),
        ("/regarding/name", "another", "involvedObject"),
        ("/related", {"name": "another"}, "related"),
        ("/deprecatedCount", 2, "count"),
    ],
)
def test_nothing_else_of_it_may_change(events: Events, path: str, value: Any, field: str) -> None:
    events.create()
    refused = events.patch(added(path, value))
    assert (refused.code, refused.fields) == (422, {("FieldValueInvalid", field)})
    assert refused.message.startswith('Event "checkout.1" is invalid: ')


@pytest.mark.parametrize(
    ("field", "most"), [("note", 1024), ("reportingInstance", 128), ("action", 128), ("reason", 128)]
)
def test_texts_are_measured_in_bytes(events: Events, field: str, most: int) -> None:
    assert events.create(**{field: "é" * (most // 2)}).code == 201
    refused = events.create(metadata={"name": "checkout.2"}, **{field: "é" * (most // 2) + "e"})
    shown = "message" if field == "note" else field
    assert (refused.code, refused.fields) == (422, {("FieldValueInvalid", shown)})
    assert refused.message == (
        f'Event "checkout.2" is invalid: {shown}: Invalid value: "": can have at most {most} characters'
    )


@pytest.mark.parametrize("field", ["eventTime", "reportingController", "reportingInstance", "action", "reason"])
def test_what_it_must_have(events: Events, field: str) -> None:
    refused = events.create(**{field: None})
    assert refused.code == 422
    assert ("FieldValueRequired", field) in refused.fields


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "Odd"}, "type"),
        ({"type": None}, "type"),
        ({"reportingController": "no name"}, "reportingController"),
        ({"deprecatedCount": 1}, "count"),
        ({"deprecatedFirstTimestamp": "2026-01-01T00:00:00Z"}, "firstTimestamp"),
        ({"deprecatedLastTimestamp": "2026-01-01T00:00:00Z"}, "lastTimestamp"),
        ({"deprecatedSource": {"component": "us"}}, "source"),
        ({"regarding": None}, "involvedObject.namespace"),
    ],
)
def test_what_it_must_not_be(events: Events, change: dict[str, Any], field: str) -> None:
    refused = events.create(**change)
    assert (refused.code, refused.fields) == (422, {("FieldValueInvalid", field)})


def test_it_need_not_be_in_the_namespace_that_it_is_about_if_it_names_one(events: Events) -> None:
    """Core refuses that; here it is on the writer to put it where `kubectl describe` looks."""
    assert events.create(regarding=events.regarding(namespace="elsewhere")).code == 201
    refused = events.create(metadata={"name": "checkout.2"}, regarding=events.regarding(namespace=None))
    assert (refused.code, refused.fields) == (422, {("FieldValueInvalid", "involvedObject.namespace")})
    assert "does not match event.namespace" in refused.message
