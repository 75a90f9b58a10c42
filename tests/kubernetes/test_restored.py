"""What of a backup is created again: the spec to the last byte, and nothing that belonged to the old object."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.errors import ClusterError, InputError
from remediator.kubernetes.restored import adopting, answered, read, stripped
from tests.builders import function

Json = dict[str, Any]


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def saved(raw: Json) -> Any:
    return read(json.dumps(raw).encode(), "the backup")


def restored(raw: Json) -> Json:
    return stripped(saved(raw)).object


leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63, max_value=2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
anything = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
# Names that the product reads itself have types; all others are open, as in a CRD of tomorrow.
fields = st.dictionaries(st.text(max_size=8).map(lambda key: f"x-{key}"), anything, max_size=5)


@given(fields, st.dictionaries(st.text(max_size=8), st.text(max_size=8)))
def test_the_spec_stays_as_it_was_to_the_last_byte(more: Json, variables: dict[str, str]) -> None:
    raw = function(spec={"environment": {"variables": variables}, **more})
    assert canonical(restored(raw)["spec"]) == canonical(raw["spec"])


@given(fields)
def test_reading_changes_nothing(more: Json) -> None:
    raw = function(spec=more)
    before = canonical(raw)
    one = saved(raw)
    stripped(one)
    assert canonical(one.object) == before


def test_what_belonged_to_the_old_object_is_left_out() -> None:
    raw = function(
        metadata={
            "finalizers": ["finalizers.lambda.services.k8s.aws/Function", "example.com/audit"],
            "deletionTimestamp": "2026-11-21T11:00:00Z",
            "deletionGracePeriodSeconds": 0,
            "managedFields": [{"manager": "kubectl"}],
            "selfLink": "/apis/…",
            "generateName": "check-",
            "ownerReferences": [{"kind": "App", "name": "shop", "uid": "gone", "apiVersion": "example.com/v1"}],
            "labels": {"team": "shop"},
            "annotations": {"services.k8s.aws/adopted": "true", "services.k8s.aws/deletion-policy": "retain"},
        }
    )
    new = stripped(saved(raw))
    assert new.object == {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "labels": {"team": "shop"},
            "annotations": {"services.k8s.aws/deletion-policy": "retain"},
        },
        "spec": raw["spec"],
    }
    told = "\n".join(new.left_out)
    assert "finalizers finalizers.lambda.services.k8s.aws/Function, example.com/audit" in told
    assert "ownerReferences to App/shop" in told
    assert "services.k8s.aws/adopted" in told


def test_opt_outs_are_their_authors_and_stay() -> None:
    marks = {"ack-remediator.dev/ignore": "true", "ack-remediator.dev/ignore-until": "2031-01-01T00:00:00Z"}
    assert restored(function(metadata={"annotations": marks}))["metadata"]["annotations"] == marks


def test_what_an_interrupted_resync_left_is_not_brought_back() -> None:
    before = function(metadata={"annotations": {"team": "shop"}})
    left = copy.deepcopy(before)
    left["metadata"]["annotations"]["ack-remediator.dev/resync"] = "0a1b2c3d"
    left["spec"]["publish"] = False
    new = stripped(saved(left))
    assert new.object == restored(before)
    assert "what an interrupted action of the remediator had left on it" in new.left_out


def test_a_publish_that_is_the_users_stays() -> None:
    assert restored(function(spec={"publish": False}))["spec"]["publish"] is False


def test_adoption_names_the_function_and_keeps_other_annotations() -> None:
    obj = restored(function(metadata={"annotations": {"services.k8s.aws/adoption-policy": "adopt", "a": "b"}}))
    before = copy.deepcopy(obj)
    assert adopting(obj)["metadata"]["annotations"] == {
        "a": "b",
        "services.k8s.aws/adoption-policy": "adopt-or-create",
        "services.k8s.aws/adoption-fields": '{"name": "checkout"}',
    }
    assert obj == before


SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (f"kind: Function\nspec: {{key: {SECRET}}}\n".encode(), "is no JSON"),
        (f'{{"spec": "{SECRET}"'.encode(), "is no JSON"),
        (SECRET.encode() + b"\xff", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (json.dumps(function()).replace("256", "NaN").encode(), "is no JSON"),
        (json.dumps(function()).replace("256", "1e999").encode(), "is no JSON"),
        (
            json.dumps(function()).replace('"memorySize": 256', '"memorySize": 1, "memorySize": 2').encode(),
            "is no JSON",
        ),
        (b"[]", "is no object of Kubernetes"),
        (f'{{"kind": "List", "apiVersion": "v1", "items": ["{SECRET}"]}}'.encode(), "but List of v1"),
        (json.dumps(function() | {"kind": "Alias"}).encode(), "but Alias of lambda.services.k8s.aws"),
        (json.dumps(function() | {"kind": [SECRET]}).encode(), "but something else"),
        (
            json.dumps(function() | {"apiVersion": "lambda.services.k8s.aws/v1beta1"}).encode(),
            "a Function of lambda.services.k8s.aws/v1beta1; this version knows lambda.services.k8s.aws/v1alpha1",
        ),
        (json.dumps(function() | {"apiVersion": "serving.knative.dev/v1"}).encode(), "but Function of serving"),
        (json.dumps(function(spec={"environment": {"variables": SECRET}})).encode(), "no Function as this version"),
        (json.dumps(function(metadata={"uid": None})).encode(), "was never in a cluster"),
        (json.dumps({k: v for k, v in function().items() if k != "spec"}).encode(), "has no spec"),
        (json.dumps({k: v for k, v in function().items() if k != "metadata"}).encode(), "no Function as this version"),
    ],
)
def test_what_is_no_backup_is_refused_without_a_word_of_it(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(content, "notes.json")
    assert refused.value.message.startswith("notes.json ")
    assert said in refused.value.message
    assert refused.value.hint
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"{}", b'{"metadata": 7}', b"[" * 100_000])
def test_an_answer_that_shows_no_object_is_told(content: bytes) -> None:
    with pytest.raises(ClusterError, match="makes no sense"):
        answered(content)
