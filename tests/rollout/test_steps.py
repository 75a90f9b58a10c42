"""Which part of a manifest comes first."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from remediator.rollout.steps import Part, Step, changed_fields, steps

ME = "kubectl"


def function(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {
            "name": "checkout",
            "code": {"s3Bucket": "b", "s3Key": "v1", "sha256": "one"},
            "memorySize": 128,
            "environment": {"variables": {"LEVEL": "info"}},
        }
        | spec,
    }


def there(manager: str = ME, owned: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    """The object in the cluster: what was applied, and what ACK wrote into it."""
    found = function(**({"packageType": "Zip", "architectures": ["x86_64"]} | spec))
    found["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "managedFields": [
            {"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {f"f:{key}": {} for key in owned}}}
        ],
    }
    return found


def merged(current: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What the API server would make of it: the manifest's own values, over what is there."""
    result = copy.deepcopy(current)
    result["spec"] |= wanted["spec"]
    result["metadata"] |= wanted["metadata"]
    return result


def first(wanted: dict[str, Any], current: dict[str, Any]) -> Step:
    return steps(wanted, current, merged(current, wanted), ME)[0]


CODE = {"s3Bucket": "b", "s3Key": "v2", "sha256": "two"}


def test_nothing_is_left_where_all_is_as_it_is_wanted() -> None:
    wanted, current = function(), there()
    assert steps(wanted, current, merged(current, wanted), ME) == ()


def test_code_goes_first_beside_the_configuration_that_is_there() -> None:
    wanted, current = function(code=CODE, memorySize=256, timeout=9, architectures=["arm64"]), there()
    step = first(wanted, current)
    assert step.part is Part.CODE
    assert step.fields == ("spec.code.s3Key", "spec.code.sha256", "spec.architectures")
    spec = step.body["spec"]
    assert (spec["code"], spec["architectures"]) == (CODE, ["arm64"])
    assert spec["memorySize"] == 128
    assert "timeout" not in spec
    assert "packageType" not in spec, "what ACK wrote into the object stays ACK's"


def test_after_the_code_all_of_it_is_applied() -> None:
    wanted, current = function(code=CODE, memorySize=256), there(code=CODE)
    step = first(wanted, current)
    assert (step.part, step.fields, step.body) == (Part.REST, ("spec.memorySize",), wanted)


def test_code_alone_is_one_step_and_so_is_configuration_alone() -> None:
    for wanted, part in ((function(code=CODE), Part.CODE), (function(memorySize=256), Part.REST)):
        current = there()
        (step,) = steps(wanted, current, merged(current, wanted), ME)
        assert (step.part, step.body) == (part, wanted)


def test_a_label_beside_the_code_makes_no_second_step() -> None:
    wanted, current = function(code=CODE), there()
    wanted["metadata"]["labels"] = {"team": "shop"}
    step = first(wanted, current)
    assert (step.part, step.body) == (Part.CODE, wanted)
    assert "metadata.labels.team" in step.fields


def test_what_an_earlier_apply_set_and_this_one_leaves_out_goes_with_the_configuration() -> None:
    wanted, current = function(code=CODE), there(owned=("timeout", "memorySize"), timeout=3)
    after = merged(current, wanted)
    del after["spec"]["timeout"]
    step, last = steps(wanted, current, after, ME)
    assert step.part is Part.CODE
    assert step.body["spec"]["timeout"] == 3, "left out, the API server would remove it together with the code"
    assert (last.part, last.fields, last.body) == (Part.REST, ("spec.timeout",), wanted)


def test_what_another_manager_set_is_not_taken_over() -> None:
    wanted, current = function(code=CODE, memorySize=256), there("terraform", owned=("timeout",), timeout=3)
    step = first(wanted, current)
    assert "timeout" not in step.body["spec"]


def test_labels_and_annotations_stay_as_they_are_until_the_last_step() -> None:
    wanted, current = function(code=CODE, memorySize=256), there()
    current["metadata"] |= {
        "labels": {"release": "1"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "owner": "me"},
    }
    wanted["metadata"]["labels"] = {"release": "2"}
    step = first(wanted, current)
    assert step.body["metadata"] == {
        "name": "checkout",
        "namespace": "shop",
        "labels": {"release": "1"},
        "annotations": {"owner": "me"},
        "uid": "u",
        "resourceVersion": "7",
    }, "and it is for the object as it was read alone"


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"spec": {"a": {"b": 1, "c": 2}}}, {"spec": {"a": {"b": 1, "c": 3}}}, ["spec.a.c"]),
        ({"spec": {"a": {"b": 1}}}, {"spec": {}}, ["spec.a"]),
        ({"spec": {"l": [1, 2]}}, {"spec": {"l": [2, 1]}}, ["spec.l"]),
        ({"spec": {}, "status": {"x": 1}}, {"spec": {}, "status": {"x": 2}}, []),
        ({"metadata": {"labels": None}}, {"metadata": {"labels": {"a": "b"}}}, ["metadata.labels.a"]),
        ({"metadata": {"generation": 1}}, {"metadata": {"generation": 2}}, []),
    ],
)
def test_changes_are_named_and_no_value_is(before: dict[str, Any], after: dict[str, Any], fields: list[str]) -> None:
    assert list(changed_fields(before, after)) == fields
