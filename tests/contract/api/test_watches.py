"""Watches: what happens from a version on, also as a list that never ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

AS_A_LIST = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
FORBIDDEN = ("FieldValueForbidden", "resourceVersionMatch")
UNSUPPORTED = ("FieldValueNotSupported", "resourceVersionMatch")


def test_a_watch_tells_what_happened_since(functions: Functions) -> None:
    version = functions.create("a")["metadata"]["resourceVersion"]
    functions.merge("a", {"spec": {"timeout": 1}})
    functions.create("b", finalizers=["x/y"], labels={"k": "1"})
    functions.delete("b")
    functions.merge("b", {"metadata": {"labels": {"k": "2"}}})
    functions.merge("b", {"metadata": {"finalizers": None}})
    seen = [(kind, obj["metadata"]["name"]) for kind, obj in functions.watch(version, 5)]
    assert seen == [
        ("MODIFIED", "a"),
        ("ADDED", "b"),
        ("MODIFIED", "b"),
        ("MODIFIED", "b"),
        ("DELETED", "b"),
    ]
    selected = [kind for kind, _ in functions.watch(version, 3, labelSelector="k=1")]
    assert selected == ["ADDED", "MODIFIED", "DELETED"]


def test_without_a_version_it_begins_with_what_is_there(functions: Functions) -> None:
    functions.create("a")
    for version in ("", "0"):
        assert [(kind, obj["metadata"]["name"]) for kind, obj in functions.watch(version, 1)] == [("ADDED", "a")]


def test_a_deletion_shows_the_last_state_in_a_new_version(functions: Functions) -> None:
    made = functions.create("a", spec={"timeout": 3})
    functions.delete("a")
    ((kind, last),) = functions.watch(made["metadata"]["resourceVersion"], 1)
    assert (kind, last["spec"]["timeout"]) == ("DELETED", 3)
    assert int(last["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


def test_a_watch_that_begins_too_early_says_so(functions: Functions) -> None:
    ((kind, status),) = functions.watch("1")
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


def test_a_watch_outlives_a_compaction(functions: Functions) -> None:
    version = functions.create("a")["metadata"]["resourceVersion"]
    functions.merge("a", {"spec": {"timeout": 1}})
    functions.plane.compact()
    assert [kind for kind, _ in functions.watch(version, 1)] == ["MODIFIED"]


def test_a_watch_of_the_future_waits(functions: Functions) -> None:
    functions.create("a")
    assert functions.watch("99999999") == []


def test_a_list_as_a_watch(functions: Functions) -> None:
    functions.create("a", labels={"k": "1"})
    functions.create("b")
    version = functions.http("GET", functions.path).body["metadata"]["resourceVersion"]
    for begin in ("", "0", version):
        events = functions.watch(begin, 3, **AS_A_LIST)
        assert [kind for kind, _ in events] == ["ADDED", "ADDED", "BOOKMARK"]
        end = events[-1][1]
        assert (end["kind"], end["metadata"]["annotations"]) == ("Function", {"k8s.io/initial-events-end": "true"})
        assert int(end["metadata"]["resourceVersion"]) >= int(version)
        assert "spec" not in end
    assert [kind for kind, _ in functions.watch("", 2, labelSelector="k=1", **AS_A_LIST)] == ["ADDED", "BOOKMARK"]


def test_of_nothing_only_the_end_is_told(functions: Functions) -> None:
    assert [kind for kind, _ in functions.watch("", 1, **AS_A_LIST)] == ["BOOKMARK"]


def test_without_bookmarks_the_end_is_not_told(functions: Functions) -> None:
    functions.create("a")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    assert [kind for kind, _ in functions.watch("", **query)] == ["ADDED"]
    assert functions.watch("", **{**query, "sendInitialEvents": "false"}) == []


def test_a_list_as_a_watch_of_the_future_is_an_error(functions: Functions) -> None:
    ((kind, status),) = functions.watch("99999999", **AS_A_LIST)
    assert (kind, status["code"], status["reason"]) == ("ERROR", 504, "Timeout")
    assert status["message"].startswith("Timeout: Too large resource version: 99999999, current: ")


@pytest.mark.parametrize(
    ("query", "code", "fields"),
    [
        ({"sendInitialEvents": "true"}, 422, {FORBIDDEN}),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, 422, {FORBIDDEN, UNSUPPORTED}),
        ({"resourceVersionMatch": "NotOlderThan"}, 422, {FORBIDDEN}),
        ({"resourceVersion": "abc"}, 500, set()),
        ({"timeoutSeconds": "x"}, 400, set()),
        ({"fieldSelector": "spec.x=1"}, 400, set()),
        ({"labelSelector": "a in ("}, 400, set()),
    ],
)
def test_watches_refuse(functions: Functions, query: dict[str, str], code: int, fields: set[tuple[str, str]]) -> None:
    reply = functions.http("GET", functions.path, watch="1", **{"timeoutSeconds": "1", **query})
    assert (reply.code, reply.fields if fields else set()) == (code, fields)


def test_a_list_is_no_watch(functions: Functions) -> None:
    reply = functions.http("GET", functions.path, sendInitialEvents="true")
    assert (reply.code, reply.fields) == (422, {("FieldValueForbidden", "sendInitialEvents")})
