"""What of the controller's log is about an object, and what of that may be shown.

`lambda-controller.log` is what the real one wrote (main of 2026-07-23, after 1.14.1), with invented values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remediator.kubernetes.log_entries import about
from remediator.model.log import LogLine
from remediator.model.resource import Ref

REAL = (Path(__file__).parent / "lambda-controller.log").read_text(encoding="utf-8").splitlines()
CHECKOUT = Ref("shop", "checkout", "uid-1")
PRESIGNED = "https://bucket.example.invalid/code?versionId=1&X-Amz-Signature=5ec7e7&X-Amz-Expires=600"


def entry(message: str = "updated resource", **more: Any) -> str:
    said = {"level": "info", "ts": "2026-11-22T09:31:00.000Z", "msg": message, "kind": "Function"}
    return json.dumps(said | {"namespace": "shop", "name": "checkout"} | more)


def texts(*log: str, ref: Ref = CHECKOUT) -> list[str]:
    return [each.text for each in about(ref, log)]


def test_what_the_real_controller_wrote() -> None:
    panic = (
        "Observed a panic: runtime error: invalid memory address or nil pointer dereference, in "
        "function.(*resourceManager).updateFunctionConfiguration (hooks.go:361), called by "
        "function.(*resourceManager).customUpdateFunction (hooks.go:150), called by "
        "function.(*resourceManager).sdkUpdate (sdk.go:"
    )
    told = about(CHECKOUT, REAL)
    assert [(each.at[11:19], each.level, each.text[: len(panic)], each.times) for each in told] == [
        ("09:30:59", "info", "created new resource", 1),
        ("09:31:00", "info", "desired resource state has changed: Spec.Environment.Variables, Spec.MemorySize", 1),
        ("09:31:03", "info", "desired resource state has changed: Spec.TracingConfig.Mode", 1),
        ("09:31:03", "info", "desired resource state has changed: Spec.Timeout, Spec.TracingConfig.Mode", 1),
        ("09:31:03", "error", panic, 2),
        ("09:31:07", "info", "desired resource state has changed: Spec.Timeout", 1),
        ("09:31:09", "info", "desired resource state has changed: Spec.Environment.Variables", 2),
        ("09:31:09", "info", "updated resource", 4),
    ]


def test_no_value_is_told_old_or_new() -> None:
    """Of the old ones nobody could know that they are secrets: they are in no object any more."""
    assert "third-secret-value" in "".join(REAL)
    assert "old-secret-value" in "".join(REAL)
    said = " ".join(texts(*REAL))
    for value in ("correct-horse-battery", "old-secret-value", "x1y2z3", "quite-another-secret", "third-secret-value"):
        assert value not in said


@pytest.mark.parametrize(
    "ref",
    [Ref("shop", "check", "u"), Ref("shopping", "checkout", "u"), Ref("shop", "checkout", "u", "Alias")],
)
def test_other_objects_are_other_objects(ref: Ref) -> None:
    assert about(ref, REAL) == ()


def test_an_error_is_told_without_what_changes_or_leads_to_the_code() -> None:
    error = (
        f"operation error Lambda: UpdateFunctionCode, RequestID: 8e1f44f6-050a-4db8-8819-fc8150a41ae5, see {PRESIGNED}"
    )
    [said] = texts(entry("Reconciler error", level="error", error=error))
    assert said == (
        "Reconciler error: operation error Lambda: UpdateFunctionCode, RequestID: …, see (a presigned link)"
    )


def test_what_we_do_not_know_is_not_told() -> None:
    assert texts(entry("patched resource metadata + spec", json='{"spec":"hunter2"}', account="1")) == [
        "patched resource metadata + spec"
    ]


def test_the_steps_of_debugging_are_left_out() -> None:
    assert texts(entry("> r.Sync"), entry("< r.Sync"), entry()) == ["updated resource"]


def test_development_mode_is_read_too() -> None:
    said = json.dumps({"kind": "Function", "namespace": "shop", "name": "checkout", "generation": 2})
    line = f"2026-11-22T09:31:00.212Z\tINFO\tackrt\tupdated resource\t{said}"
    assert about(CHECKOUT, [line]) == (LogLine("2026-11-22T09:31:00.212Z", "info", "updated resource"),)


def test_two_pods_are_told_in_the_order_of_time() -> None:
    assert texts(entry("second", ts="2026-11-22T09:31:02Z"), entry("first", ts="2026-11-22T09:31:01Z")) == [
        "first",
        "second",
    ]


def test_a_crash_of_the_whole_controller_is_everybodys() -> None:
    crash = [
        "panic: runtime error: invalid memory address or nil pointer dereference [recovered]",
        "\tpanic: runtime error: invalid memory address or nil pointer dereference",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1d5f1f4]",
        "",
        "goroutine 412 [running]:",
        "sigs.k8s.io/controller-runtime/pkg/internal/controller.(*Controller).Reconcile.func1()",
        "\t/go/pkg/mod/sigs.k8s.io/controller-runtime@v0.16.2/pkg/internal/controller/controller.go:119 +0x1fa",
        "github.com/aws-controllers-k8s/lambda-controller/pkg/resource/alias.(*resourceManager).setAlias(0xc000a1)",
        "\t/github.com/aws-controllers-k8s/lambda-controller/pkg/resource/alias/hooks.go:88 +0x2b",
    ]
    log = [entry("first", name="another"), *crash, entry("after it", ts="2026-11-22T09:31:05Z")]
    first, second = about(CHECKOUT, log)
    assert (first.level, first.at) == ("fatal", "2026-11-22T09:31:00.000Z")
    assert first.text.startswith("the controller crashed: runtime error: invalid memory address")
    assert first.text.endswith(", in alias.(*resourceManager).setAlias (hooks.go:88)")
    assert second.text == "after it"
    assert [each.level for each in about(CHECKOUT, crash)] == ["fatal"]


def test_a_trace_without_a_call_of_acks_names_the_first() -> None:
    trace = "main.main()\n\t/src/main.go:7 +0x1\nother text"
    assert texts(entry("Observed a panic", panic="boom", stacktrace=trace)) == [
        "Observed a panic: boom, in main.main (main.go:7)"
    ]
    assert texts(entry("Observed a panic", panic="boom")) == ["Observed a panic: boom"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[1]",
        "I1122 09:31:00 reflector.go:1] watch ended",
        "a\tb\tc",
        "a\tb\tc\t{",
        '{"a":' * 100_000,
        json.dumps({"kind": "Function", "namespace": "shop", "name": "checkout"}),
        entry(7),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_entry_is_passed_over(line: str) -> None:
    assert texts(line, entry("fine")) == ["fine"]


@pytest.mark.parametrize("diff", [None, 7, "x", [7], [{}], [{"Path": 7}], [{"Path": {"Parts": "x"}}]])
def test_a_difference_of_another_shape_is_left_out(diff: Any) -> None:
    assert texts(entry("changed", diff=diff)) == ["changed"]


def test_a_text_without_end_is_left_whole_until_it_is_masked() -> None:
    [said] = texts(entry("Reconciler error", error="x" * 5000))
    assert said == f"Reconciler error: {'x' * 5000}"


def test_a_link_that_go_quoted_is_taken_out() -> None:
    quoted = PRESIGNED.replace("&", "\\u0026")
    assert texts(entry("Reconciler error", error=f'{{"Location":"{quoted}"}}')) == [
        'Reconciler error: {"Location":"(a presigned link)"}'
    ]
