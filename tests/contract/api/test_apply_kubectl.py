"""Server-side apply by kubectl, of what it applied from its own side before (client-side apply)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api.ownership import entries

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

VERSION = "lambda.services.k8s.aws/v1alpha1"
LAST = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE = "kubectl-client-side-apply"
USING = f'conflict with "{BEFORE}" using {VERSION}'


def applied_by_kubectl(functions: Functions, spec: dict[str, Any], last: str | None = None) -> None:
    """Create `a` as `kubectl apply` does."""
    text = json.dumps(functions.manifest("a", spec=spec, annotations={})) if last is None else last
    body = functions.manifest("a", spec=spec, annotations={LAST: text, "a.example/b": "c"})
    assert functions.http("POST", functions.path, body, fieldManager=BEFORE).code == 201


def test_kubectl_takes_over_what_it_applied(functions: Functions) -> None:
    applied_by_kubectl(functions, {"timeout": 3})
    body = functions.manifest("a", spec={"timeout": 5, "description": "a & <b> ü"})
    seen = functions.apply("a", body, by="kubectl")
    assert (seen.code, seen.body["spec"]["timeout"]) == (200, 5)
    ours = {"spec.name", "spec.code.s3Bucket", "spec.code.s3Key"}
    annotations = {"metadata.annotations", f"metadata.annotations.{LAST}", "metadata.annotations.a.example/b"}
    assert entries(seen.body) == {
        "kubectl Apply": {*ours, "spec.timeout", "spec.description"},
        f"{BEFORE} Update": {*ours, *annotations, "spec", "spec.code"},
    }
    assert seen.body["metadata"]["annotations"] == {
        "a.example/b": "c",
        LAST: '{"apiVersion":"lambda.services.k8s.aws/v1alpha1","kind":"Function","metadata":{"name":"a"},"spec":'
        '{"code":{"s3Bucket":"b","s3Key":"k"},"description":"a \\u0026 \\u003cb\\u003e ü","name":"a","timeout":5}}\n',
    }
    assert functions.apply("a", body, by="kubectl").body == seen.body


def test_the_annotation_does_not_hold_itself(functions: Functions) -> None:
    applied_by_kubectl(functions, {})
    annotations = {LAST: "old", "x.example/y": "z"}
    seen = functions.apply("a", functions.manifest("a", annotations=annotations), by="kubectl", force="true").body
    kept = json.loads(seen["metadata"]["annotations"][LAST])
    assert kept == functions.manifest("a", annotations={"x.example/y": "z"})


def test_others_do_not_take_over_what_kubectl_applied(functions: Functions) -> None:
    applied_by_kubectl(functions, {"timeout": 3})
    reply = functions.apply("a", functions.manifest("a", spec={"timeout": 5}), by="kubectl-2")
    assert (reply.code, reply.message) == (409, f"Apply failed with 1 conflict: {USING}: .spec.timeout")
    seen = functions.apply("a", functions.manifest("a", spec={"timeout": 3, "handler": "h"}), by="kubectl-2").body
    assert "handler" not in seen["metadata"]["annotations"][LAST]


def test_kubectl_takes_over_only_what_is_still_so(functions: Functions) -> None:
    applied_by_kubectl(functions, {"timeout": 3, "handler": "h"})
    functions.merge("a", {"spec": {"timeout": 4}}, fieldManager="editor")
    body = functions.manifest("a", spec={"timeout": 5, "handler": "i"})
    reply = functions.apply("a", body, by="kubectl")
    said = f'conflict with "editor" using {VERSION}: .spec.timeout'
    assert (reply.code, reply.message) == (409, f"Apply failed with 1 conflict: {said}")
    assert functions.apply("a", functions.manifest("a", spec={"timeout": 4, "handler": "i"}), by="kubectl").code == 200


@pytest.mark.parametrize(
    "last",
    ["garbage", "[]", '{"apiVersion": "v1", "kind": "Function", "spec": {"timeout": 3}}'],
)
def test_an_annotation_that_cannot_be_read_allows_nothing(functions: Functions, last: str) -> None:
    applied_by_kubectl(functions, {"timeout": 3}, last=last)
    reply = functions.apply("a", functions.manifest("a", spec={"timeout": 5}), by="kubectl")
    assert (reply.code, reply.message) == (409, f"Apply failed with 1 conflict: {USING}: .spec.timeout")
    seen = functions.apply("a", functions.manifest("a", spec={"timeout": 3}), by="kubectl").body
    assert json.loads(seen["metadata"]["annotations"][LAST]) == functions.manifest("a", spec={"timeout": 3})


def test_an_annotation_with_unknown_fields_allows_nothing(functions: Functions) -> None:
    last = functions.manifest("a", spec={"timeout": 3, "bogus": 1})
    applied_by_kubectl(functions, {"timeout": 3}, last=json.dumps(last))
    reply = functions.apply("a", functions.manifest("a", spec={"timeout": 5}), by="kubectl")
    assert (reply.code, reply.message) == (409, f"Apply failed with 1 conflict: {USING}: .spec.timeout")


def test_kubectl_adds_no_annotation(functions: Functions) -> None:
    functions.create("a")
    seen = functions.apply("a", functions.manifest("a", labels={"a": "b"}), by="kubectl").body
    assert "annotations" not in seen["metadata"]
