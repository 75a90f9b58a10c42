"""Lists and watches: selectors, pages of one moment, and the changes after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bed.waiting import eventually

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
    # Version 0 is whatever the server remembers, which may be a moment behind.
    eventually(lambda: five.names(resourceVersion="0"), lambda found: "f0" not in found, "f0 is gone", five.plane.clock)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"continue": "xxx"}, 400),
        ({"limit": "x"}, 400),
        ({"resourceVersion": "abc"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
        ({"resourceVersionMatch": "Odd", "resourceVersion": "1"}, 422),
        ({"resourceVersion": "99999999"}, 504),
    ],
)
def test_lists_refuse(functions: Functions, query: dict[str, str], code: int) -> None:
    assert functions.http("GET", functions.path, **query).code == code


def test_an_empty_list(functions: Functions) -> None:
    reply = functions.http("GET", functions.path)
    assert (names(reply), reply.body["kind"]) == ([], "FunctionList")


def test_a_version_from_the_future_is_to_be_tried_again(functions: Functions) -> None:
    reply = functions.http("GET", functions.path, resourceVersion="99999999")
    assert (reply.body["reason"], reply.headers["Retry-After"]) == ("Timeout", "1")
    assert reply.message.startswith("Timeout: Too large resource version: 99999999, current: ")


def test_pages_of_a_selection_do_not_count_the_rest(five: Functions) -> None:
    page = five.http("GET", five.path, limit="1", labelSelector="odd=0").body["metadata"]
    assert page["continue"] and "remainingItemCount" not in page
    rest = five.names(labelSelector="odd=0", **{"continue": page["continue"]})
    assert rest == ["f2", "f4"]


def test_a_whole_list_ignores_the_limit(five: Functions) -> None:
    """Version 0 is answered from memory, in one piece, as soon as that knows of them all."""
    eventually(
        lambda: five.names(limit="2", resourceVersion="0"),
        lambda found: len(found) == 5,
        "all are there, in one piece",
        five.plane.clock,
    )
    assert len(five.names(limit="-1")) == 5


def test_after_a_compaction_lists_go_on_inconsistently(five: Functions) -> None:
    first = five.http("GET", five.path, limit="2").body["metadata"]
    five.create("f9")
    five.plane.compact()

    def late() -> Reply:
        return five.http("GET", five.path, limit="2", **{"continue": first["continue"]})

    refused = eventually(late, lambda reply: reply.code != 200, "the token has expired", five.plane.clock)
    assert (refused.code, refused.body["reason"]) == (410, "Expired")
    assert refused.message.startswith("The provided continue parameter is too old to display a consistent list result")
    rest = five.http("GET", five.path, **{"continue": refused.body["metadata"]["continue"]})
    assert names(rest) == ["f2", "f3", "f4", "f9"]
    assert int(rest.body["metadata"]["resourceVersion"]) > int(first["resourceVersion"])
    exact = five.http("GET", five.path, resourceVersion=first["resourceVersion"], resourceVersionMatch="Exact")
    assert (exact.code, exact.message) == (410, "The resourceVersion for the provided list is too old.")
