"""Lists and watches: selectors, pages of one moment, and the changes after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bed.http import Reply
    from tests.contract.api.conftest import Functions


@pytest.fixture
def five(functions: Functions) -> Functions:
    for number in range(5):
        labels = {"n": str(number), "odd": str(number % 2)} | ({"two": "y"} if number == 2 else {})
        functions.create(f"f{number}", labels=labels)
    return functions


def names(reply: Reply) -> list[str]:
    assert reply.code == 200, reply.body
    return [item["metadata"]["name"] for item in reply.body["items"]]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", "01234"),
        ("n=1", "1"),
        ("n==1", "1"),
        ("n!=1", "0234"),
        ("n in (1,2)", "12"),
        ("n notin (1, 2)", "034"),
        ("two", "2"),
        ("!two", "0134"),
        ("absent!=x", "01234"),
        ("odd=0,n!=0", "24"),
        ("odd in (0),two", "2"),
        (" n = 1 , odd = 1 ", "1"),
        ("n>2", "34"),
        ("n<1", "0"),
        ("n=", ""),
    ],
)
def test_label_selectors(five: Functions, selector: str, found: str) -> None:
    assert names(five.http("GET", five.path, labelSelector=selector)) == [f"f{digit}" for digit in found]


@pytest.mark.parametrize("selector", ["n in (1", "n=1=2", "=x", "a b", "n=1,", "n=x y"])
def test_label_selectors_that_cannot_be_parsed(five: Functions, selector: str) -> None:
    assert five.http("GET", five.path, labelSelector=selector).code == 400


def test_field_selectors(five: Functions) -> None:
    assert names(five.http("GET", five.path, fieldSelector="metadata.name=f1")) == ["f1"]
    assert names(five.http("GET", five.path, fieldSelector="metadata.name!=f1")) == ["f0", "f2", "f3", "f4"]
    everywhere = "/apis/lambda.services.k8s.aws/v1alpha1/functions"
    here = f"metadata.namespace={five.namespace}"
    assert len(names(five.http("GET", everywhere, fieldSelector=here))) == 5
    unknown = five.http("GET", five.path, fieldSelector="spec.x=1")
    assert (unknown.code, unknown.message) == (400, "field label not supported: spec.x")


def test_pages_show_one_moment(five: Functions) -> None:
    first = five.http("GET", five.path, limit="2")
    assert (names(first), first.body["metadata"]["remainingItemCount"]) == (["f0", "f1"], 3)
    five.delete("f3")
    five.create("f25")
    five.merge("f4", {"metadata": {"labels": {"n": "new"}}})
    second = five.http("GET", five.path, limit="2", **{"continue": first.body["metadata"]["continue"]})
    assert names(second) == ["f2", "f3"]
    third = five.http("GET", five.path, limit="9", **{"continue": second.body["metadata"]["continue"]})
    assert names(third) == ["f4"]
    assert third.body["items"][0]["metadata"]["labels"]["n"] == "4"
    versions = {page.body["metadata"]["resourceVersion"] for page in (first, second, third)}
    assert len(versions) == 1
    assert third.body["metadata"].get("continue", "") == ""
    assert names(five.http("GET", five.path)) == ["f0", "f1", "f2", "f25", "f4"]


def test_a_list_as_it_was(five: Functions) -> None:
    version = five.http("GET", five.path).body["metadata"]["resourceVersion"]
    five.delete("f0")
    exact = five.http("GET", five.path, resourceVersion=version, resourceVersionMatch="Exact")
    assert "f0" in names(exact)
    assert "f0" not in names(five.http("GET", five.path, resourceVersion="0"))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"continue": "xxx"}, 400),
        ({"limit": "x"}, 400),
        ({"resourceVersion": "abc"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
    ],
)
def test_lists_refuse(functions: Functions, query: dict[str, str], code: int) -> None:
    assert functions.http("GET", functions.path, **query).code == code


def test_an_empty_list(functions: Functions) -> None:
    reply = functions.http("GET", functions.path)
    assert (names(reply), reply.body["kind"]) == ([], "FunctionList")


def watch(functions: Functions, version: str, **query: str) -> list[tuple[str, Any]]:
    reply = functions.http("GET", functions.path, watch="1", timeoutSeconds="1", resourceVersion=version, **query)
    assert reply.code == 200, reply.body
    return [(event["type"], event["object"]) for event in reply.body]


def test_a_watch_tells_what_happened_since(functions: Functions) -> None:
    version = functions.create("a")["metadata"]["resourceVersion"]
    functions.merge("a", {"spec": {"timeout": 1}})
    functions.create("b", finalizers=["x/y"], labels={"k": "1"})
    functions.delete("b")
    functions.merge("b", {"metadata": {"labels": {"k": "2"}}})
    functions.merge("b", {"metadata": {"finalizers": None}})
    seen = [(kind, obj["metadata"]["name"]) for kind, obj in watch(functions, version)]
    assert seen == [
        ("MODIFIED", "a"),
        ("ADDED", "b"),
        ("MODIFIED", "b"),
        ("MODIFIED", "b"),
        ("DELETED", "b"),
    ]
    selected = [kind for kind, _ in watch(functions, version, labelSelector="k=1")]
    assert selected == ["ADDED", "MODIFIED", "DELETED"]


def test_a_list_as_a_watch(functions: Functions) -> None:
    functions.create("a")
    functions.create("b")
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    events = watch(functions, "", **query)
    assert [kind for kind, _ in events] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[-1][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
