"""`remediator scan`: what is stuck, said on stdout; what is told beside it, on stderr; and nothing changed."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from tests.cli.shop import CONTEXT, FINALIZER, SECRET, Shop

RESULT_KEYS = [
    "apiVersion", "kind", "namespace", "name", "uid", "account", "region", "heartbeat", "finding", "state", "summary",
    "since", "stuckAt", "selfHealsAt", "remedy", "proposalId", "decision", "also", "evidence", "references",
]  # fmt: skip
REMEDIES = {"Wait", "Report", "Resync", "Release", "ClearFinalizer", "RestartController", None}
STATES = {"waiting", "stuck", "advisory", "unknown", "healthy"}


def document(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def by_name(text: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in document(text)["results"]}


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_fits_the_terminal(shop: Shop, columns: int) -> None:
    result = shop("scan", "-A", columns=columns)
    assert result.code == 0
    for line in (*result.out.splitlines(), *result.err.splitlines()):
        assert len(line.rstrip()) <= columns, line


def test_the_table_is_read_from_the_top(shop: Shop) -> None:
    result = shop("scan", "-A", columns=200)
    lines = result.out.splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION"]
    rows = [line.split() for line in lines[1:] if not line.startswith(" ")]
    assert [(row[1], row[2], row[3], row[-2], row[-1]) for row in rows] == [
        ("archive", "FinalizerLeft", "stuck", "Resync", "propose"),
        ("checkout", "UpdateFailed", "stuck", "Resync", "propose"),
        ("legacy", "FinalizerLeft", "stuck", "Resync", "blocked"),
        ("exports", "UnclassifiedError", "waiting", "Wait", "wait"),
        ("payments", "FunctionPending", "waiting", "Wait", "wait"),
        ("receipts", "ChecksumMismatch", "advisory", "Report", "report"),
    ]


def test_each_row_has_its_sentence(shop: Shop) -> None:
    out = shop("scan", "-A", columns=200).out
    assert "    AWS rolled back the last update; the function runs the old version" in out
    assert "    Lambda is still bringing the function up (zip package)" in out
    assert "Counts as stuck from" in out or "Should heal by itself by" in out


def test_the_healthy_are_shown_on_request(shop: Shop) -> None:
    assert "mailer" not in shop("scan", "-A").out
    out = shop("scan", "-A", "--all", columns=200).out
    assert "shop       mailer    -                  healthy " in out
    assert "Nothing is wrong." in out


def test_nothing_wrong_is_said_in_one_line(empty_shop: Shop) -> None:
    empty_shop.function("mailer")
    result = empty_shop("scan")
    assert (result.code, result.out) == (0, "")
    assert result.err.strip() == f"{CONTEXT}, namespace shop: 1 function: 1 healthy."


def test_no_function_at_all(empty_shop: Shop) -> None:
    result = empty_shop("scan", "-A")
    assert (result.code, result.out) == (0, "")
    assert "all namespaces: 0 functions: none." in result.err


def test_narration_is_on_stderr(shop: Shop) -> None:
    result = shop("scan", "-A", columns=200)
    assert f"{CONTEXT}, all namespaces: 8 functions: 3 stuck, 2 waiting, 1 advisory, 2 healthy." in result.err
    assert "Next: remediator explain function/archive -n shop" in result.err
    assert "remediator run -A --approve   (2 proposed)" in result.err
    assert "Next:" not in result.out


def test_control_characters_of_others_do_not_reach_the_terminal(empty_shop: Shop) -> None:
    empty_shop.function(
        "evil", error="\x1b]0;owned\x07\x1b[2J AWS said so\r\nall is well", heartbeat=empty_shop.ago(minutes=1)
    )
    out = empty_shop("scan", columns=200).out
    assert "AWS said so" in out
    assert not set(out) & {chr(code) for code in (*range(9), *range(11, 32), 127, *range(128, 160))}


# ---- the document ----------------------------------------------------------------------------------------------------


def test_the_document_has_the_shape_that_is_promised(shop: Shop) -> None:
    result = shop("scan", "-A", "-o", "json")
    told = document(result.out)
    assert list(told) == ["schemaVersion", "results", "partial", "cluster", "controller", "unknown", "summary"]
    assert (told["schemaVersion"], told["partial"]) == ("1", [])
    assert told["summary"] == {"total": 8, "stuck": 3, "waiting": 2, "unknown": 0, "advisory": 1, "healthy": 2}
    assert [each["name"] for each in told["results"]] == [
        "exports", "archive", "checkout", "legacy", "payments", "receipts"
    ]  # fmt: skip
    for each in told["results"]:
        assert list(each) == RESULT_KEYS
        assert each["state"] in STATES
        assert each["remedy"] in REMEDIES
        for key in ("heartbeat", "since", "stuckAt", "selfHealsAt"):
            assert each[key] is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each[key])
        assert all(isinstance(value, str) for value in each["evidence"].values())
    assert f"{CONTEXT}, all namespaces" in result.err


def test_one_result_in_full(shop: Shop) -> None:
    stored = shop.stored("archive")
    found = by_name(shop("scan", "-o", "json").out)["archive"]
    assert found.pop("summary").startswith("AWS no longer has the function")
    evidence = found.pop("evidence")
    assert found.pop("proposalId").startswith("p-")
    deleted = datetime.fromisoformat(found.pop("since"))
    assert (datetime.fromisoformat(found.pop("stuckAt")) - deleted).total_seconds() == 20 * 60
    assert found == {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "namespace": "shop",
        "name": "archive",
        "uid": stored["metadata"]["uid"],
        "account": "123456789012",
        "region": "us-east-1",
        "heartbeat": stored["status"]["conditions"][0]["lastTransitionTime"],
        "finding": "FinalizerLeft",
        "state": "stuck",
        "selfHealsAt": None,
        "remedy": "Resync",
        "decision": "propose",
        "also": [],
        "references": [],
    }
    assert evidence["aws"] == "gone"
    assert evidence["gone"] == "proven"
    assert evidence["finalizers"] == "finalizers.lambda.services.k8s.aws/Function"


def test_a_healthy_result_says_null(shop: Shop) -> None:
    found = by_name(shop("scan", "--all", "-o", "json").out)["mailer"]
    assert found["state"] == "healthy"
    for key in ("finding", "remedy", "since", "stuckAt", "selfHealsAt", "proposalId", "decision"):
        assert found[key] is None
    assert (found["also"], found["evidence"]) == ([], {})


def test_the_same_situation_has_the_same_proposal(shop: Shop) -> None:
    first, second = (by_name(shop("scan", "-o", "json").out)["archive"]["proposalId"] for _ in range(2))
    assert first == second


# ---- which ones ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {"archive", "checkout", "legacy", "payments", "receipts"}),
        (("-n", "post"), {"exports"}),
        (("--namespace", "post"), {"exports"}),
        (("-n", "nowhere"), set()),
        (("-A",), {"archive", "checkout", "exports", "legacy", "payments", "receipts"}),
        (("--all-namespaces", "-l", "team=shop"), {"archive", "checkout"}),
        (("-l", "team in (shop, healthy)", "--all"), {"archive", "checkout", "mailer", "search"}),
        (("--selector", "team=nobody"), set()),
    ],
)
def test_scope_is_said_as_to_kubectl(shop: Shop, words: tuple[str, ...], found: set[str]) -> None:
    assert set(by_name(shop("scan", "-o", "json", *words).out)) == found


def test_one_namespace_or_all(shop: Shop) -> None:
    result = shop("scan", "-n", "shop", "-A")
    assert (result.code, result.out) == (2, "")
    assert "-n and -A exclude each other" in result.err


@pytest.mark.parametrize(("words", "code"), [(("--exit-code",), 3), ((), 0), (("--exit-code", "-n", "nowhere"), 0)])
def test_findings_are_an_exit_code_on_request(shop: Shop, words: tuple[str, ...], code: int) -> None:
    assert shop("scan", *words).code == code


# ---- nothing is changed, no call is wasted ---------------------------------------------------------------------------


def test_a_scan_changes_nothing(shop: Shop) -> None:
    shop.api.refuse("patch", "*", code=403, reason="Forbidden", message="a scan does not write")
    shop.api.refuse("create", "*", code=403, reason="Forbidden", message="a scan does not write")
    before = {name: shop.stored(name) for name in ("archive", "checkout", "mailer")}
    assert shop("scan", "-A").code == 0
    assert before == {name: shop.stored(name) for name in before}


def test_the_healthy_cost_no_call(shop: Shop) -> None:
    begin = len(shop.cloud.calls)
    shop("scan", "-A")
    asked = {each.function for each in shop.cloud.calls_since(begin) if each.function}
    assert asked == {"archive", "checkout", "exports", "legacy", "payments", "receipts"}
    assert {each.operation for each in shop.cloud.calls_since(begin)} == {
        "GetCallerIdentity", "GetFunctionConfiguration"
    }  # fmt: skip


# ---- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", ["", "-vvvv"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_environment_values_are_shown_nowhere(shop: Shop, verbose: str, output: str) -> None:
    """AWS's message about `exports` quotes one; the runner of these tests looks for it in everything."""
    result = shop("scan", "-A", "--all", "-o", output, verbose=verbose)
    assert "••• is no stage" in result.out
    assert SECRET not in result.out + result.err


def test_the_link_to_the_code_is_shown_nowhere(shop: Shop) -> None:
    shop.write_policy("breaker: {percent: 100}\n")
    text = shop.policy.read_text(encoding="utf-8").replace("aws: {", "aws: {call: GetFunction, ")
    shop.policy.write_text(text, encoding="utf-8")
    result = shop("scan", "-A", "-o", "json", verbose="-vv")
    assert "GetFunction" in {each.operation for each in shop.cloud.calls}
    assert "awslambda-" not in result.out + result.err
    assert "Location" not in result.out + result.err


# ---- what cannot be seen ---------------------------------------------------------------------------------------------


def test_one_unreadable_object_is_named_and_the_rest_is_shown(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": ["not", "a", "name"]}
    shop.api.seed(broken)
    result = shop("scan", "-A", "-o", "json")
    assert result.code == 5
    (told,) = document(result.out)["partial"]
    assert told.startswith("Function shop/mailer cannot be read and was left out")
    assert "checkout" in by_name(result.out)
    assert "not seen: Function shop/mailer" in result.err
    assert "(partial: not everything was seen)" in " ".join(result.err.split())
    assert shop("scan", "-A", "--exit-code").code == 5


STRANGE: list[tuple[str, dict[str, Any]]] = [
    ("no status", {"status": None}),
    ("an empty status", {"status": {}}),
    ("null conditions", {"status": {"conditions": None}}),
    ("a condition without type", {"status": {"conditions": [{}]}}),
    ("a strange timestamp", {"status": {"conditions": [
        {"type": "ACK.ResourceSynced", "status": "False", "lastTransitionTime": "yesterday"}]}}),
    ("an unknown state", {"status": {"state": "Hibernating", "lastUpdateStatus": "Odd"}}),
    ("an unknown condition status", {"status": {"conditions": [{"type": "ACK.ResourceSynced", "status": "Maybe"}]}}),
    ("an ARN that is none", {"status": {"ackResourceMetadata": {"arn": "arn", "region": "us-east-1"}}}),
    ("no spec", {"spec": None}),
    ("no name", {"spec": {}}),
    ("an old and broken creation", {"metadata": {"creationTimestamp": "31 Dec 1999"}, "status": None}),
    ("a broken deletion", {"metadata": {"deletionTimestamp": "soon", "finalizers": [FINALIZER]}}),
]  # fmt: skip


@pytest.mark.parametrize("output", ["table", "json"])
def test_strange_objects_end_no_scan(shop: Shop, output: str) -> None:
    for number, (_, odd) in enumerate(STRANGE):
        made = shop.stored("mailer")
        for key in ("uid", "resourceVersion"):
            del made["metadata"][key]
        made["metadata"]["name"] = f"odd-{number:02d}"
        for part, value in odd.items():
            made[part] = {**made[part], **value} if part == "metadata" else value
        shop.api.seed(made)
    result = shop("scan", "-A", "--all", "-o", output)
    assert result.code == 0
    for number, (what, _) in enumerate(STRANGE):
        assert f"odd-{number:02d}" in result.out, what


def test_an_interrupted_resync_is_told_and_left(empty_shop: Shop) -> None:
    mark = {"ack-remediator.dev/resync": "0a1b2c3d4e5f6071"}
    empty_shop.function("checkout", annotations=mark, publish=False)
    result = empty_shop("scan", columns=200)
    assert result.code == 0
    assert "Function shop/checkout: an interrupted action left its mark" in result.err
    assert empty_shop.stored("checkout")["metadata"]["annotations"] == mark
