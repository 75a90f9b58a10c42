"""Kinds that a test defines: how kubectl sees them, whose their fields are, and how they go away."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import MERGE_PATCH
from tests.bed.waiting import eventually
from tests.contract.api.conftest import Functions
from tests.contract.api.ownership import entries
from tests.contract.api.test_managed_fields import owners

if TYPE_CHECKING:
    from tests.bed.http import Http, Reply
    from tests.bed.plane import Plane

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
TEXT = {"type": "string"}
CONDITION = {"type": "object", "properties": {"type": TEXT, "status": TEXT}}
SPEC: dict[str, Any] = {
    "size": {"type": "integer", "minimum": 1, "default": 1},
    "mode": {**TEXT, "enum": ["a", "b"]},
    "on": {"type": "boolean"},
    "parts": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT, "value": TEXT}},
    },
    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
    "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": TEXT, "b": TEXT}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
STATUS = {"since": {"type": "string", "format": "date-time"}, "conditions": {"type": "array", "items": CONDITION}}
COLUMNS: list[dict[str, Any]] = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
    {"name": "On", "type": "boolean", "jsonPath": ".spec.on"},
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
        "description": "is it",
    },
    {"name": "First", "type": "string", "jsonPath": ".status.conditions[0].type", "priority": 1},
    {"name": "Every", "type": "string", "jsonPath": ".status.conditions[*].type"},
    {"name": "Whole", "type": "string", "jsonPath": ".spec.whole"},
    {"name": "Note", "type": "string", "jsonPath": ".metadata.annotations.a\\.example/note"},
    {"name": "Since", "type": "date", "jsonPath": ".status.since"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


@dataclass(frozen=True)
class Widgets(Functions):
    """The objects of a kind that tests define, in a group of its own."""

    group: str

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/v1/namespaces/{self.namespace}/widgets"

    @property
    def definition(self) -> str:
        return f"{CRDS}/widgets.{self.group}"

    def manifest(self, name: str, *, spec: Any = None, **metadata: Any) -> dict[str, Any]:
        described = {"apiVersion": f"{self.group}/v1", "kind": "Widget", "metadata": {"name": name, **metadata}}
        return {**described, "spec": spec or {}}

    def table(self, path: str = "", **query: str) -> Any:
        """Ask as `kubectl get` does."""
        self.http.headers["Accept"] = f"{TABLE},application/json"
        reply = self.http("GET", self.path + path, **query)
        del self.http.headers["Accept"]
        assert (reply.code, reply.body["kind"], reply.body["apiVersion"]) == (200, "Table", "meta.k8s.io/v1")
        return reply.body


def defined(group: str, *, status: bool = True, columns: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    properties = {
        "spec": {"type": "object", "properties": SPEC},
        "status": {"type": "object", "properties": STATUS},
    }
    version: dict[str, Any] = {"name": "v1", "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    version["additionalPrinterColumns"] = COLUMNS if columns is None else columns
    version["subresources"] = {"status": {}} if status else {}
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": spec,
    }


def define(functions: Functions, **options: Any) -> Widgets:
    """Define the kind in a group of its own and wait until it is served."""
    group = f"g-{uuid.uuid4().hex[:8]}.example"
    made = Widgets(functions.http, functions.plane, functions.namespace, group)
    assert functions.http("POST", CRDS, defined(made.group, **options)).code == 201
    eventually(
        lambda: functions.http("GET", made.path).code, lambda code: code == 200, "it is served", functions.plane.clock
    )
    return made


@pytest.fixture(scope="module")
def shared() -> list[str]:
    """The group that most tests share: a definition takes the real server a second or two."""
    return []


@pytest.fixture
def widgets(functions: Functions, shared: list[str]) -> Widgets:
    if not shared:
        shared.append(define(functions).group)
    return Widgets(functions.http, functions.plane, functions.namespace, shared[0])


def test_it_is_described(widgets: Widgets) -> None:
    crd = widgets.http("GET", widgets.definition).body
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert (conditions["NamesAccepted"], conditions["Established"]) == ("True", "True")
    assert crd["status"]["acceptedNames"] == {
        "plural": "widgets",
        "singular": "widget",
        "kind": "Widget",
        "listKind": "WidgetList",
        "shortNames": ["wd"],
    }
    assert crd["status"]["storedVersions"] == ["v1"]
    listed = eventually(
        lambda: widgets.http("GET", f"/apis/{widgets.group}/v1"),
        lambda reply: reply.code == 200,
        "it is listed",
        widgets.plane.clock,
    )
    entries = {entry["name"]: entry for entry in listed.body["resources"]}
    assert entries.keys() == {"widgets", "widgets/status"}
    assert entries["widgets"]["shortNames"] == ["wd"]


def test_its_schema_holds(widgets: Widgets) -> None:
    made = widgets.create("a", spec={"free": {"q": [1, None]}, "odd": 1})
    assert made["spec"] == {"free": {"q": [1, None]}, "size": 1}
    assert made["metadata"]["generation"] == 1
    wrong = widgets.http("POST", widgets.path, widgets.manifest("b", spec={"mode": "z", "size": 0}))
    assert (wrong.code, wrong.fields) == (
        422,
        {("FieldValueNotSupported", "spec.mode"), ("FieldValueInvalid", "spec.size")},
    )
    nameless = widgets.http("POST", widgets.path, widgets.manifest("b", spec={"parts": [{"value": "v"}]}))
    assert ("FieldValueRequired", "spec.parts[0].name") in nameless.fields


def test_lists_that_tell_their_items_apart_have_each_once(widgets: Widgets) -> None:
    twice = {"parts": [{"name": "n"}, {"name": "n", "value": "v"}], "tags": ["t", "t"]}
    reply = widgets.http("POST", widgets.path, widgets.manifest("a", spec=twice))
    assert (reply.code, reply.fields) == (
        422,
        {("FieldValueDuplicate", "spec.parts[1]"), ("FieldValueDuplicate", "spec.tags[1]")},
    )


def test_its_status_has_a_door_of_its_own(widgets: Widgets) -> None:
    widgets.create("a")
    assert "status" not in widgets.merge("a", {"status": {"since": "2026-01-01T00:00:00Z"}}).body
    told = widgets.merge("a/status", {"status": {"since": "2026-01-01T00:00:00Z"}, "spec": {"size": 9}}).body
    assert (told["status"], told["spec"]["size"]) == ({"since": "2026-01-01T00:00:00Z"}, 1)
    assert told["metadata"]["generation"] == 1


def test_without_the_subresource_status_is_a_field_like_others(functions: Functions) -> None:
    widgets = define(functions, status=False)
    made = widgets.http("POST", widgets.path, {**widgets.manifest("a"), "status": {"since": "2026-01-01T00:00:00Z"}})
    assert made.body["status"] == {"since": "2026-01-01T00:00:00Z"}
    assert widgets.merge("a/status", {"status": {}}).code == 404
    changed = widgets.merge("a", {"status": {"since": None}}).body
    assert (changed["status"], changed["metadata"]["generation"]) == ({}, 2)


def test_a_table_has_the_columns_of_the_definition(widgets: Widgets) -> None:
    widgets.create("a", spec={"size": 3, "on": False, "whole": {"a": "x"}}, annotations={"a.example/note": "noted"})
    widgets.create("b")
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]
    widgets.merge("a/status", {"status": {"since": "2020-01-01T00:00:00Z", "conditions": conditions}})
    table = widgets.table()
    columns = table["columnDefinitions"]
    assert [column["name"] for column in columns] == ["Name", *(column["name"] for column in COLUMNS)]
    assert columns[0]["format"] == "name"
    assert columns[3] == {"name": "Ready", "type": "string", "format": "", "description": "is it", "priority": 0}
    assert columns[4]["priority"] == 1
    assert columns[1]["description"] == "Custom resource definition column (in JSONPath format): .spec.size"
    first, second = table["rows"]
    *cells, since, age = first["cells"]
    assert cells == ["a", 3, False, "True", "Ready", "Ready", '{"a":"x"}', "noted"]
    assert since.partition("y")[0].isdigit() and age.endswith("s")
    assert second["cells"][:-1] == ["b", 1, *[None] * 7]
    stored = widgets.get("a").body["metadata"]
    assert first["object"] == {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored}
    assert int(table["metadata"]["resourceVersion"]) >= int(stored["resourceVersion"])


def test_a_table_can_leave_the_objects_out_or_show_them_whole(widgets: Widgets) -> None:
    made = widgets.create("a")
    (bare,) = widgets.table(includeObject="None")["rows"]
    assert bare.get("object") is None
    (whole,) = widgets.table(includeObject="Object")["rows"]
    assert whole["object"] == made
    (single,) = widgets.table("/a")["rows"]
    assert single["cells"][0] == "a"


def test_tables_come_in_pages(widgets: Widgets) -> None:
    for name in "abc":
        widgets.create(name)
    page = widgets.table(limit="1")
    assert (page["metadata"]["remainingItemCount"], len(page["rows"])) == (2, 1)
    rest = widgets.table(**{"continue": page["metadata"]["continue"]})
    assert [row["cells"][0] for row in rest["rows"]] == ["b", "c"]


def test_a_watch_tells_tables_too(widgets: Widgets) -> None:
    widgets.create("a")
    widgets.create("b")
    widgets.http.headers["Accept"] = TABLE
    first, second = widgets.http.stream(widgets.path, 2, watch="1", timeoutSeconds="9")
    assert [event["object"]["rows"][0]["cells"][0] for event in (first, second)] == ["a", "b"]
    assert first["object"]["columnDefinitions"] and not second["object"]["columnDefinitions"]


def test_without_columns_there_is_an_age(functions: Functions) -> None:
    widgets = define(functions, columns=[])
    widgets.create("a")
    table = widgets.table()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Age"]


def test_refusals_are_no_tables(widgets: Widgets) -> None:
    widgets.http.headers["Accept"] = TABLE
    reply = widgets.get("absent")
    assert (reply.code, reply.body["kind"]) == (404, "Status")


def test_items_are_owned_one_by_one_where_they_are_told_apart(widgets: Widgets) -> None:
    spec = {"size": 2, "parts": [{"name": "n", "value": "v"}], "tags": ["t"], "whole": {"a": "x"}, "free": {"l": [1]}}
    made = widgets.http("POST", widgets.path, widgets.manifest("a", spec=spec), fieldManager="user").body
    part = 'f:spec.f:parts.k:{"name":"n"}'
    first = {
        *("f:spec", "f:spec.f:size", "f:spec.f:parts", part, f"{part}.f:name", f"{part}.f:value"),
        *("f:spec.f:tags", 'f:spec.f:tags.v:"t"', "f:spec.f:whole", "f:spec.f:free", "f:spec.f:free.f:l"),
    }
    assert owners(made) == {("user", ""): first}
    edit = {
        "parts": [{"name": "n", "value": "w"}, {"name": "o"}],
        "tags": ["u"],
        "whole": {"a": "x", "b": "y"},
        "free": {"l": [2]},
    }
    seen = widgets.http("PATCH", f"{widgets.path}/a", {"spec": edit}, kind=MERGE_PATCH, fieldManager="other").body
    other = 'f:spec.f:parts.k:{"name":"o"}'
    taken = {f"{part}.f:value", "f:spec.f:whole", "f:spec.f:free.f:l"}
    new = {other, f"{other}.f:name", 'f:spec.f:tags.v:"u"'}
    assert owners(seen) == {("user", ""): first - taken - {'f:spec.f:tags.v:"t"'}, ("other", ""): taken | new}


def test_items_are_applied_one_by_one_where_they_are_told_apart(widgets: Widgets) -> None:
    free = {"l": [1], "m": {"x": 1}}
    spec = {"parts": [{"name": "n", "value": "v"}], "tags": ["t"], "whole": {"a": "x"}, "free": free}
    made = widgets.apply("b", widgets.manifest("b", spec=spec), by="m")
    assert (made.code, made.body["spec"]) == (201, {**spec, "size": 1})
    part = 'spec.parts.k:{"name":"n"}'
    mine = {part, f"{part}.name", f"{part}.value", 'spec.tags.v:"t"', "spec.whole"}
    mine |= {"spec.free.l", "spec.free.m", "spec.free.m.x"}
    assert entries(made.body) == {"m Apply": mine}
    more = {"parts": [{"name": "o", "value": "w"}], "tags": ["u"], "free": {"n": 2}, "size": 2}
    seen = widgets.apply("b", widgets.manifest("b", spec=more), by="n").body
    assert seen["spec"]["parts"] == [{"name": "n", "value": "v"}, {"name": "o", "value": "w"}]
    assert (seen["spec"]["tags"], seen["spec"]["free"], seen["spec"]["size"]) == (["t", "u"], {**free, "n": 2}, 2)
    wrong = {"parts": [{"name": "o", "value": "x"}], "tags": ["u"], "whole": {"b": "y"}, "free": {"n": 3}}
    refused = widgets.apply("b", widgets.manifest("b", spec=wrong), by="p")
    assert sorted((cause["message"], cause["field"]) for cause in refused.body["details"]["causes"]) == [
        ('conflict with "m"', ".spec.whole"),
        ('conflict with "n"', ".spec.free.n"),
        ('conflict with "n"', '.spec.parts[name="o"].value'),
    ]
    left = widgets.apply("b", widgets.manifest("b"), by="m").body
    assert left["spec"] == {**more, "size": 2}
    assert entries(left)["m Apply"] == {"spec"}


def test_a_status_without_the_subresource_is_applied_like_others(functions: Functions) -> None:
    widgets = define(functions, status=False)
    body = {**widgets.manifest("a", spec={"mode": "a"}), "status": {"since": "2026-01-01T00:00:00Z"}}
    made = widgets.apply("a", body, by="m").body
    assert (made["status"], entries(made)) == (body["status"], {"m Apply": {"spec.mode", "status.since"}})


def test_an_atomic_map_is_one_value(widgets: Widgets) -> None:
    widgets.apply("c", widgets.manifest("c", spec={"whole": {"a": "x"}}), by="m")
    seen = widgets.apply("c", widgets.manifest("c", spec={"whole": {"b": "y"}}), by="m").body
    assert seen["spec"]["whole"] == {"b": "y"}


@pytest.mark.parametrize("parts", [[{"name": "n"}, {"name": "n", "value": "v"}], [3]])
def test_items_that_cannot_be_told_apart_are_not_applied(widgets: Widgets, parts: list[Any]) -> None:
    reply = widgets.apply("d", widgets.manifest("d", spec={"parts": parts}), by="m")
    said = f"failed to create typed patch object (/d; {widgets.group}/v1, Kind=Widget): "
    assert (reply.code, reply.message[: len(said)]) == (500, said)
    if parts != [3]:
        assert reply.message == f'{said}.spec.parts: duplicate entries for key [name="n"]'


def test_objects_go_with_their_definition(functions: Functions) -> None:
    widgets = define(functions)
    widgets.create("a", finalizers=["f.example/x"])
    widgets.create("b")
    assert widgets.http("DELETE", widgets.definition).code == 200

    def marked() -> Reply:
        return widgets.get("a")

    clock = functions.plane.clock
    eventually(marked, lambda reply: "deletionTimestamp" in reply.body["metadata"], "it is being deleted", clock)
    late = widgets.http("POST", widgets.path, widgets.manifest("c"))
    why = "create not allowed while custom resource definition is terminating"
    assert (late.code, late.message) == (403, f'widgets.{widgets.group} "c" is forbidden: {why}')
    widgets.merge("a", {"metadata": {"finalizers": None}})
    gone = eventually(lambda: widgets.http("GET", widgets.path), lambda reply: reply.code == 404, "it is gone", clock)
    assert gone.body == "404 page not found\n"


def test_openapi_tells_kubectl_what_it_asks(http_client: Http, api_server: Plane) -> None:
    root = http_client("GET", "/openapi/v3").body
    found = (json.loads(root) if isinstance(root, str) else root)["paths"]["apis/lambda.services.k8s.aws/v1alpha1"]
    document = http_client("GET", found["serverRelativeURL"]).body
    home = "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/{namespace}/functions/{name}"
    patch = document["paths"][home]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    kind = {"group": "lambda.services.k8s.aws", "kind": "Function", "version": "v1alpha1"}
    assert patch["x-kubernetes-group-version-kind"] == kind
    (schema,) = [
        each
        for each in document["components"]["schemas"].values()
        if each.get("x-kubernetes-group-version-kind") == [kind]
    ]
    assert schema["properties"]["spec"]["properties"]["publish"]["type"] == "boolean"
