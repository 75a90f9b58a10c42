"""What is too large, too much, or no text at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import JSON_PATCH, MERGE_PATCH

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

MEGABYTE = 1_000_000


def conditions(count: int, size: int) -> dict[str, Any]:
    condition = {"status": "True", "message": "x" * size}
    return {"status": {"conditions": [{"type": f"T{number}", **condition} for number in range(count)]}}


@pytest.mark.parametrize(("count", "size"), [(1, MEGABYTE), (10_000, 1)])
def test_a_status_may_be_long(functions: Functions, count: int, size: int) -> None:
    functions.create("a")
    assert functions.merge("a/status", conditions(count, size)).code == 200
    stored = functions.get("a").body["status"]["conditions"]
    assert (len(stored), len(stored[-1]["message"])) == (count, size)
    assert len(functions.http("GET", functions.path).body["items"][0]["status"]["conditions"]) == count


def test_more_than_etcd_takes(functions: Functions) -> None:
    made = functions.create("a")
    reply = functions.merge("a/status", conditions(1, 1_600_000))
    assert (reply.code, reply.message) == (500, "etcdserver: request is too large")
    assert "reason" not in reply.body
    new = functions.http("POST", functions.path, functions.manifest("b", spec={"description": "x" * 1_600_000}))
    assert (new.code, new.message) == (500, "etcdserver: request is too large")
    assert functions.get("a").body == made and functions.get("b").code == 404


def test_more_than_the_server_reads(functions: Functions) -> None:
    functions.create("a")
    for reply in (
        functions.merge("a/status", conditions(1, 3_200_000)),
        functions.http("POST", functions.path, functions.manifest("b", spec={"description": "x" * 3_200_000})),
    ):
        assert (reply.code, reply.body["reason"]) == (413, "RequestEntityTooLarge")
        assert reply.message == "Request entity too large: limit is 3145728"


def test_a_patch_may_not_add_up_to_too_much(functions: Functions) -> None:
    functions.create("a", spec={"description": "x" * 900_000})
    assert functions.merge("a", {"spec": {"handler": "y" * 900_000}}).code == 500


@pytest.mark.parametrize(
    ("plural", "content", "field"), [("configmaps", "data", "[]"), ("secrets", "stringData", "data")]
)
def test_maps_end_at_a_mebibyte(functions: Functions, plural: str, content: str, field: str) -> None:
    body = {"metadata": {"name": "m"}, content: {"a": "x" * (1024 * 1024 + 1)}}
    reply = functions.http("POST", f"/api/v1/namespaces/{functions.namespace}/{plural}", body)
    assert (reply.code, reply.fields) == (422, {("FieldValueTooLong", field)})


def test_annotations_end_at_a_quarter_of_it(functions: Functions) -> None:
    body = functions.manifest("a", annotations={"a": "x" * 256 * 1024})
    reply = functions.http("POST", functions.path, body)
    assert reply.code == 422
    assert ("FieldValueTooLong", "metadata.annotations") in reply.fields


def test_bytes_that_are_no_text_are_replaced(functions: Functions) -> None:
    body = json.dumps(functions.manifest("a", spec={"description": "HERE"})).encode().replace(b"HERE", b"a\xff\xfeb")
    made = functions.http("POST", functions.path, body)
    assert (made.code, made.body["spec"]["description"]) == (201, "a\ufffd\ufffdb")
    merged = functions.http("PATCH", f"{functions.path}/a", b'{"spec":{"description":"\xc3("}}', kind=MERGE_PATCH)
    assert merged.body["spec"]["description"] == "\ufffd("
    operation = b'[{"op":"add","path":"/spec/description","value":"\xff"}]'
    patched = functions.http("PATCH", f"{functions.path}/a", operation, kind=JSON_PATCH)
    assert patched.body["spec"]["description"] == "\ufffd"
    config = b'{"metadata":{"name":"c"},"data":{"a":"\xff"}}'
    made = functions.http("POST", f"/api/v1/namespaces/{functions.namespace}/configmaps", config)
    assert made.body["data"] == {"a": "\ufffd"}


@pytest.mark.parametrize("generation", [-5, 0, 99])
def test_a_generation_is_not_the_clients_to_say(functions: Functions, generation: int) -> None:
    made = functions.create("a", generation=generation)
    assert made["metadata"]["generation"] == 1
    patched = functions.merge("a", {"metadata": {"generation": generation}})
    assert (patched.code, patched.body["metadata"]["generation"]) == (200, 1)
    again = functions.http("PUT", f"{functions.path}/a", {**made, "spec": {**made["spec"], "timeout": 3}})
    assert again.body["metadata"]["generation"] == 2


def test_markup_is_text(functions: Functions) -> None:
    said = "[red]<b>&amp;\x1b[31m\u202e]"
    functions.create("a", spec={"description": said}, annotations={"a": said})
    stored = functions.get("a").body
    assert (stored["spec"]["description"], stored["metadata"]["annotations"]["a"]) == (said, said)
