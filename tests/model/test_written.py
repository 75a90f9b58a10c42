"""What is told of a write: every path of it, and of the values those that are ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.leftover import undo_leftover
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.model.finding import FindingName
from remediator.model.masking import MASK
from remediator.model.resource import DELETION_POLICY, FUNCTION_FINALIZER, IGNORE_UNTIL, RESYNC_ANNOTATION
from remediator.model.written import before, shown
from tests.builders import GONE, active, decoded, deleting, function, observe

POLICY = "/metadata/annotations/services.k8s.aws~1deletion-policy"
PLACES = ("environment", "annotations", "description")
MARK = "/metadata/annotations/ack-remediator.dev~1resync"


@pytest.mark.parametrize("build", [resync, release, clear_finalizer])
def test_what_we_write_ourselves_is_told_whole(build: Any) -> None:
    plan = build(observe(deleting(), GONE), FindingName.FINALIZER_LEFT)
    for step in plan.steps:
        assert shown(step.patch) == step.patch


def test_what_was_there_before_is_told_by_its_path() -> None:
    raw = deleting(metadata={"annotations": {DELETION_POLICY: "delete"}})
    [first, *_] = release(observe(raw, active()), FindingName.DELETION_BLOCKED).steps
    was = before(first.patch, decoded(raw))
    assert was.pop(POLICY) == "delete"
    assert set(was.values()) == {None}
    assert {MARK, "/spec/publish"} <= was.keys()


def test_the_finalizer_that_went_is_named_and_no_other() -> None:
    raw = deleting()
    raw["metadata"]["finalizers"] = ["hers.example.com/keep", FUNCTION_FINALIZER]
    [step] = clear_finalizer(observe(raw, GONE), FindingName.FINALIZER_LEFT).steps
    assert before(step.patch, decoded(raw)) == {"/metadata/finalizers/1": FUNCTION_FINALIZER}
    removed = [{"op": "remove", "path": f"/metadata/finalizers/{index}"} for index in (0, 7)]
    told = before(removed, decoded(raw))
    assert told == {"/metadata/finalizers/0": MASK, "/metadata/finalizers/7": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/metadata/annotations", {"a": "s3cret", RESYNC_ANNOTATION: "0a1b"}),
        (POLICY, "s3cret"),
        (MARK, "s3cret!"),
        (MARK, "s" * 65),
        ("/metadata/annotations/ack-remediator.dev~1deletion-policy-before", "was s3cret"),
        ("/metadata/annotations/team", "s3cret"),
        ("/metadata/finalizers/0", "s3cret"),
        ("/spec/publish", "s3cret"),
        ("/spec/environment/variables/A", "s3cret"),
    ],
)
def test_what_is_anybody_elses_is_masked(path: str, value: Any) -> None:
    [told] = shown([{"op": "add", "path": path, "value": value}])
    assert "s3cret" not in json.dumps(told) and MASK in json.dumps(told, ensure_ascii=False)
    assert "ssss" not in json.dumps(told)


def test_what_is_undone_is_told_without_what_somebody_wrote_there() -> None:
    raw = function(
        metadata={
            "annotations": {DELETION_POLICY: "retain", "ack-remediator.dev/deletion-policy-before": "was hunter2"}
        }
    )
    operations = undo_leftover(decoded(raw))
    assert "hunter2" in json.dumps(operations)
    assert "hunter2" not in json.dumps([shown(operations), before(operations, decoded(raw))])


@given(st.text(alphabet="abcxyz0123456789", min_size=12), st.sampled_from(PLACES))
def test_no_value_of_the_spec_gets_out(secret: str, where: str) -> None:
    spec = {"environment": {"variables": {"A": secret}}, "description": secret}
    raw = function(spec=spec, metadata={"annotations": {"team": secret}})
    path = {"annotations": "/metadata/annotations", "description": "/spec/description"}.get(
        where, "/spec/environment/variables/A"
    )
    patch = [{"op": "add", "path": path, "value": {"team": secret} if where == "annotations" else secret}]
    assert secret not in json.dumps([shown(patch), before(patch, decoded(raw))])


def test_a_restart_and_an_opt_out_are_told_by_their_times_and_by_nothing_else() -> None:
    template = "/spec/template/metadata/annotations"
    when = "2026-11-22T12:00:00Z"
    told: list[dict[str, Any]] = [
        {"op": "add", "path": template, "value": {}},
        {"op": "add", "path": f"{template}/kubectl.kubernetes.io~1restartedAt", "value": when},
        {"op": "add", "path": "/metadata/annotations/ack-remediator.dev~1ignore-until", "value": when},
        {"op": "add", "path": "/metadata/annotations", "value": {IGNORE_UNTIL: when}},
    ]
    assert shown(told) == tuple(told)
    for path in (
        f"{template}/kubectl.kubernetes.io~1restartedAt",
        "/metadata/annotations/ack-remediator.dev~1ignore-until",
    ):
        assert shown([{"op": "add", "path": path, "value": "s3cret"}]) == ({"op": "add", "path": path, "value": MASK},)
    [masked] = shown([{"op": "add", "path": template, "value": {"a": "s3cret"}}])
    assert masked["value"] == MASK
