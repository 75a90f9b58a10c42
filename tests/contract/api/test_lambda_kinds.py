"""The seven kinds of ACK's lambda-controller: served by their names, listed apart, with a status of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bed.http import Http
    from tests.contract.api.conftest import Functions

GROUP = "/apis/lambda.services.k8s.aws/v1alpha1"
TO_FUNCTION = {"functionRef": {"from": {"name": "checkout"}}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Alias": ("aliases", {"name": "live", "functionVersion": "1", **TO_FUNCTION}),
    "CodeSigningConfig": ("codesigningconfigs", {"allowedPublishers": {"signingProfileVersionARNs": ["arn:x"]}}),
    "EventSourceMapping": (
        "eventsourcemappings",
        {"queueRefs": [{"from": {"name": "mq", "namespace": "queues"}}], **TO_FUNCTION},
    ),
    "FunctionURLConfig": ("functionurlconfigs", {"authType": "NONE", **TO_FUNCTION}),
    "LayerVersion": ("layerversions", {"layerName": "shared", "content": {"s3Bucket": "b", "s3Key": "k"}}),
    "Version": ("versions", {"description": "first", **TO_FUNCTION}),
}


def test_discovery_names_them(http_client: Http) -> None:
    found = http_client("GET", GROUP).body["resources"]
    served = {entry["name"]: entry["kind"] for entry in found if "/" not in entry["name"]}
    assert served == {"functions": "Function", **{plural: kind for kind, (plural, _) in KINDS.items()}}
    assert {f"{plural}/status" for plural in served} <= {entry["name"] for entry in found}


@pytest.mark.parametrize("kind", KINDS)
def test_one_is_stored_and_listed_among_its_own(functions: Functions, kind: str) -> None:
    plural, spec = KINDS[kind]
    functions.create("live")
    path = f"{GROUP}/namespaces/{functions.namespace}/{plural}"
    body = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": kind, "metadata": {"name": "live"}, "spec": spec}
    made = functions.http("POST", path, body)
    assert (made.code, made.body["spec"], made.body["metadata"]["generation"]) == (201, spec, 1)
    (listed,) = functions.http("GET", path).body["items"]
    assert (listed["kind"], listed["metadata"]["uid"]) == (kind, made.body["metadata"]["uid"])
    assert functions.names() == ["live"]
    assert functions.get("live").body["kind"] == "Function"
    conditions = [{"type": "ACK.ReferencesResolved", "status": "Unknown", "reason": "why"}]
    patch = {"status": {"conditions": conditions, "ackResourceMetadata": {"ownerAccountID": "1", "region": "r"}}}
    told = functions.http("PATCH", f"{path}/live/status", patch, kind="application/merge-patch+json")
    assert (told.code, told.body["status"]) == (200, patch["status"])
    missing = functions.http("GET", f"{path}/another")
    assert (missing.code, missing.message) == (404, f'{plural}.lambda.services.k8s.aws "another" not found')


@pytest.mark.parametrize(
    ("kind", "field"),
    [("Alias", "functionVersion"), ("FunctionURLConfig", "authType"), ("LayerVersion", "layerName")],
)
def test_what_is_required_is_required(functions: Functions, kind: str, field: str) -> None:
    plural, spec = KINDS[kind]
    rest = {key: value for key, value in spec.items() if key != field}
    body = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": kind, "metadata": {"name": "live"}, "spec": rest}
    refused = functions.http("POST", f"{GROUP}/namespaces/{functions.namespace}/{plural}", body)
    assert refused.code == 422
    assert f"spec.{field}: Required value" in refused.message
