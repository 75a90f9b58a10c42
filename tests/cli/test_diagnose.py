"""`remediator diagnose`: what people attach to a support case, in every shape, and broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from remediator.model.finding import FindingName
from tests.builders import BUSY, NOW, Json, at, deleting, failing, function, synced
from tests.cli.conftest import Remediator

CASES = Path(__file__).parent.parent / "cases"
AT_NOON = ("--now", "2026-11-21T12:00:00Z")
PENDING = {
    "FunctionName": "checkout",
    "State": "Pending",
    "StateReasonCode": "Creating",
    "LastModified": "2026-11-21T11:58:00.000+0000",
}


@pytest.fixture
def put(tmp_path: Path) -> Any:
    """Write a file: bytes as they are, texts as UTF-8, and anything else as JSON."""

    def write(content: Any, name: str = "dump") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def yaml(value: Any, path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(value, file)
    return path


def stuck(name: str = "checkout") -> Json:
    return function(name, conditions=failing("odd"))


# -- the document ---------------------------------------------------------------------------------------------------

KEYS = [
    *("apiVersion", "kind", "namespace", "name", "uid", "account", "region", "heartbeat", "finding", "state"),
    *(
        "summary",
        "since",
        "stuckAt",
        "selfHealsAt",
        "remedy",
        "proposalId",
        "decision",
        "also",
        "evidence",
        "references",
    ),
    "nextPass",
]


def test_the_document_is_as_it_was_promised(remediator: Remediator, put: Any) -> None:
    ran = remediator("diagnose", "-f", put(stuck()), "--live", put(PENDING, "live"), *AT_NOON, "-o", "json")
    assert ran.code == 0
    assert list(ran.document) == ["schemaVersion", "results", "partial", "cluster", "controller", "unknown", "summary"]
    assert ran.document["schemaVersion"] == "1"
    assert ran.document["partial"] == []
    assert ran.document["summary"] == {
        "total": 1,
        "stuck": 0,
        "waiting": 1,
        "unknown": 0,
        "advisory": 0,
        "healthy": 0,
    }
    (result,) = ran.document["results"]
    assert list(result) == KEYS
    evidence = result.pop("evidence")
    assert result.pop("nextPass")["call"] in ("none", "unknown")
    assert result.pop("references") == []
    assert result == {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "namespace": "shop",
        "name": "checkout",
        "uid": "uid-of-shop-checkout",
        "account": "123456789012",
        "region": "us-east-1",
        "heartbeat": "2026-11-21T11:59:40Z",
        "finding": "FunctionPending",
        "state": "waiting",
        "summary": "Lambda is still bringing the function up (zip package): Creating",
        "since": "2026-11-21T11:58:00Z",
        "stuckAt": "2026-11-21T12:08:00Z",
        "selfHealsAt": "2026-11-21T12:08:00Z",
        "remedy": "Wait",
        "proposalId": None,
        "decision": "wait",
        "also": [],
    }
    assert evidence["aws"] == "Pending/None"


def test_a_healthy_one_is_answered_too(remediator: Remediator, put: Any) -> None:
    ran = remediator("diagnose", "-f", put(function()), *AT_NOON, "-o", "json")
    (result,) = ran.document["results"]
    assert list(result) == KEYS
    assert (result["finding"], result["state"], result["remedy"]) == (None, "healthy", None)
    assert (result["since"], result["decision"], result["also"], result["evidence"]) == (None, None, [], {})
    assert ran.document["summary"]["healthy"] == 1


def test_what_could_be_approved_has_an_id(remediator: Remediator, put: Any) -> None:
    live = put({"Error": {"Code": "ResourceNotFoundException"}}, "live")
    ran = remediator("diagnose", "-f", put(deleting()), "--live", live, *AT_NOON, "-o", "json")
    (result,) = ran.document["results"]
    assert (result["finding"], result["remedy"], result["decision"]) == ("FinalizerLeft", "Resync", "propose")
    assert result["proposalId"].startswith("p-")
    assert "unproven" in result["summary"]


def test_data_is_on_stdout_and_narration_on_stderr(remediator: Remediator, put: Any) -> None:
    ran = remediator("diagnose", "-f", put([stuck(), function("well")]), *AT_NOON)
    assert "Unreadable" in ran.out
    assert "well" in ran.out
    assert "2 functions: 1 unknown, 1 healthy." in ran.err
    assert "2 functions" not in ran.out


# -- the shapes of a dump -------------------------------------------------------------------------------------------


def names(ran: Any) -> list[str]:
    assert ran.code == 0, ran.err
    return [each["name"] for each in ran.document["results"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(stuck("a")), ["a"]),
        (json.dumps([stuck("a"), stuck("b")]), ["a", "b"]),
        (json.dumps({"kind": "List", "apiVersion": "v1", "items": [stuck("a"), stuck("b")]}), ["a", "b"]),
        (json.dumps({"kind": "FunctionList", "items": [stuck("a")]}), ["a"]),
        (json.dumps(stuck("a")) + "\n" + json.dumps(stuck("b"), indent=2), ["a", "b"]),
        (json.dumps(stuck("a")) + json.dumps(stuck("b")), ["a", "b"]),
        ("---\nkind: Function\nmetadata: {name: a}\n---\n---\nkind: Function\nmetadata: {name: b}\n", ["a", "b"]),
        ("{kind: Function, metadata: {name: a}}", ["a"]),
        ("metadata: {name: a}\n", ["a"]),
        ("\ufeffmetadata: {name: a}\n", ["a"]),
        ("# kubectl get function a -o yaml\n\nmetadata:\n  name: a\n", ["a"]),
    ],
    ids=[
        "one",
        "array",
        "List",
        "FunctionList",
        "stream",
        "stream without a break",
        "YAML stream with an empty document",
        "YAML's flow style",
        "no kind",
        "byte order mark",
        "comments",
    ],
)
def test_every_shape_is_read(remediator: Remediator, put: Any, text: str, expected: list[str]) -> None:
    assert names(remediator("diagnose", "-f", put(text), *AT_NOON, "-o", "json")) == expected


def test_yaml_as_kubectl_prints_it(remediator: Remediator, tmp_path: Path) -> None:
    path = yaml({"kind": "List", "items": [stuck("a"), function("b")]}, tmp_path / "dump.yaml")
    assert names(remediator("diagnose", "-f", path, *AT_NOON, "-o", "json")) == ["a", "b"]


def test_a_dash_is_stdin(remediator: Remediator) -> None:
    ran = remediator("diagnose", "-f", "-", *AT_NOON, "-o", "json", stdin=json.dumps(stuck()).encode())
    assert names(ran) == ["checkout"]


def test_many_cases_in_one_stream(remediator: Remediator, put: Any) -> None:
    texts = [each.read_text("utf-8") for each in sorted(CASES.glob("*/*/resource.yaml"))[::4]]
    ran = remediator("diagnose", "-f", put("---\n".join(texts)), *AT_NOON, "-o", "json")
    assert len(names(ran)) == len(texts)
    assert {each["finding"] for each in ran.document["results"]} >= {FindingName.UNREADABLE, None}


# -- AWS's side -----------------------------------------------------------------------------------------------------


def findings(ran: Any) -> dict[str, str]:
    return {each["name"]: each["finding"] for each in ran.document["results"]}


@pytest.mark.parametrize("answer", [PENDING, {"Configuration": PENDING, "Code": {"Location": "https://x.example"}}])
def test_one_answer_of_either_call(remediator: Remediator, put: Any, answer: Json) -> None:
    ran = remediator("diagnose", "-f", put(stuck()), "--live", put(answer, "live"), *AT_NOON, "-o", "json")
    assert findings(ran) == {"checkout": "FunctionPending"}


def test_one_answer_is_about_its_function_alone(remediator: Remediator, put: Any) -> None:
    dump = put([stuck(), stuck("other")])
    ran = remediator("diagnose", "-f", dump, "--live", put(PENDING, "live"), *AT_NOON, "-o", "json")
    assert findings(ran) == {"checkout": "FunctionPending", "other": "Unreadable"}


def test_a_mapping_of_names_to_answers(remediator: Remediator, put: Any) -> None:
    live = {
        "checkout": PENDING,
        "gone": {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found: x"}},
        "refused": {"Error": {"Code": "AccessDeniedException", "Message": "not for you"}},
        "bare": {"Error": "Throttling"},
        "odd": 5,
    }
    dump = put([stuck(), deleting("gone"), stuck("refused"), stuck("bare"), stuck("odd"), stuck("absent")])
    ran = remediator("diagnose", "-f", dump, "--live", put(live, "live"), *AT_NOON, "-o", "json")
    assert findings(ran) == {
        "checkout": "FunctionPending",
        "gone": "FinalizerLeft",
        "refused": "Unreadable",
        "bare": "Unreadable",
        "odd": "Unreadable",
        "absent": "Unreadable",
    }
    summaries = {each["name"]: each["summary"] for each in ran.document["results"]}
    assert summaries["refused"].endswith("AccessDeniedException: not for you")
    assert summaries["bare"].endswith("Throttling")
    assert summaries["absent"].endswith("no answer of AWS was given with --live")


def test_an_error_without_a_name_is_about_the_one_function(remediator: Remediator, put: Any) -> None:
    live = put({"Error": {"Code": "ResourceNotFoundException"}}, "live")
    ran = remediator("diagnose", "-f", put(deleting()), "--live", live, *AT_NOON, "-o", "json")
    assert findings(ran) == {"checkout": "FinalizerLeft"}


def test_an_error_without_a_name_among_several_functions_is_refused(remediator: Remediator, put: Any) -> None:
    live = put({"Error": {"Code": "ResourceNotFoundException"}}, "live")
    ran = remediator("diagnose", "-f", put([deleting(), deleting("b")]), "--live", live)
    assert ran.code == 2
    assert "does not say which of 2 functions it is about" in ran.err


@pytest.mark.parametrize("content", ["[]", "", "5", "a: 1\n---\nb: 2\n"])
def test_what_is_no_answer_is_refused(remediator: Remediator, put: Any, content: str) -> None:
    ran = remediator("diagnose", "-f", put(stuck()), "--live", put(content, "live"))
    assert ran.code == 2
    assert "is not one mapping" in ran.err


def test_an_answer_of_odd_types_is_still_an_answer(remediator: Remediator, put: Any) -> None:
    answer = {
        "FunctionName": "checkout",
        "StateReason": 5,
        "LastUpdateStatus": None,
        "VpcConfig": [],
        "Environment": "x",
    }
    ran = remediator("diagnose", "-f", put(stuck()), "--live", put(answer, "live"), *AT_NOON, "-o", "json")
    assert findings(ran) == {"checkout": "UnclassifiedError"}


def test_secrets_of_a_dump_are_masked(remediator: Remediator, put: Any) -> None:
    raw = function(
        conditions=failing("AWS echoes hunter2 and hunter3"),
        spec={"environment": {"variables": {"A": "hunter2"}}},
    )
    live = put({"FunctionName": "checkout", "Environment": {"Variables": {"A": "hunter3"}}}, "live")
    for output in ("json", "table"):
        ran = remediator("diagnose", "-f", put(raw), "--live", live, *AT_NOON, "-o", output)
        assert "AWS echoes ••• and •••" in ran.out
        assert "hunter" not in ran.out + ran.err


# -- times and policy -----------------------------------------------------------------------------------------------


def test_since_is_taken_as_given(remediator: Remediator, put: Any) -> None:
    raw = function(conditions=failing(BUSY, at(minutes=1)))
    live = put({"FunctionName": "checkout", "LastUpdateStatus": "Successful"}, "live")
    common = ("diagnose", "-f", put(raw), "--live", live, *AT_NOON, "-o", "json")
    (without,) = remediator(*common).document["results"]
    (given,) = remediator(*common, "--since", "2026-11-21T11:57:00Z").document["results"]
    assert (without["since"], without["selfHealsAt"]) == ("2026-11-21T12:00:00Z", "2026-11-21T12:16:40Z")
    assert (given["since"], given["selfHealsAt"]) == ("2026-11-21T11:57:00Z", "2026-11-21T12:02:00Z")


@pytest.mark.parametrize("flag", ["--since", "--now"])
@pytest.mark.parametrize("text", ["yesterday", "", "2026-11-21", "9999-12-31T23:59:59Z"])
def test_a_time_that_is_none_is_refused(remediator: Remediator, put: Any, flag: str, text: str) -> None:
    ran = remediator("diagnose", "-f", put(stuck()), flag, text)
    assert ran.code == 2
    assert f"{flag} {text!r} is no RFC 3339 time" in ran.err
    assert "2026-11-21T14:32:00Z" in ran.err


def test_without_now_it_is_the_present(remediator: Remediator, put: Any) -> None:
    assert NOW.year == 2026
    ran = remediator("diagnose", "-f", put(function(conditions=synced("2020-01-01T00:00:00Z"))))
    assert ran.code == 0


def test_the_policy_counts(remediator: Remediator, put: Any) -> None:
    policy = put("apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\ntimeouts: {functionPending: 60s}\n", "policy")
    common = ("diagnose", "-f", put(stuck()), "--live", put(PENDING, "live"), *AT_NOON, "-o", "json")
    assert remediator(*common).document["results"][0]["state"] == "waiting"
    assert remediator(*common, "--policy", policy).document["results"][0]["state"] == "stuck"


def test_a_faulty_policy_is_refused(remediator: Remediator, put: Any) -> None:
    policy = put("apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\nmod: approve\n", "policy")
    ran = remediator("diagnose", "-f", put(stuck()), "--policy", policy)
    assert (ran.code, ran.out) == (2, "")
    assert f"error: {policy}:3:1: unknown key mod; did you mean mode?" in ran.err


# -- broken input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kind: Function\nmetadata:\n  name: a\n bad: x\n", "dump:4:2: "),
        ("kind: [\n", "dump:2:1: "),
        ("metadata: {name: a}\nmetadata: {name: b}\n", "dump:2:1: "),
        ("metadata: !custom {name: a}\n", "dump:1:11: "),
        ('{"kind": "Function", "metadata": {"name": "a"', "dump:1:46: "),
        ('{"kind": "Function"} trailing', "dump:1:22: "),
        (b"\xff\xfek\x00i\x00", "dump: is not UTF-8 text (byte 0)"),
        ("", "dump: has no object in it"),
        ("# nothing\n---\n", "dump: has no object in it"),
        ('{"kind": "List", "items": []}', "dump: has no object in it"),
        ('{"kind": "List", "items": null}', "dump: has no object in it"),
        ('{"kind": "List", "items": 5}', "dump: the items of its List are no list"),
        ("kind: List\nitems: abc\n", "dump: the items of its List are no list"),
        ("\x00\x00", "dump: unacceptable character"),
        ("[" * 100_000, "dump: is nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_place(remediator: Remediator, put: Any, content: Any, said: str) -> None:
    path = put(content)
    ran = remediator("diagnose", "-f", path)
    assert (ran.code, ran.out) == (2, "")
    assert f"error: {path.parent}/{said}" in ran.err


def test_a_file_that_is_not_there(remediator: Remediator, tmp_path: Path) -> None:
    ran = remediator("diagnose", "-f", tmp_path / "absent")
    assert ran.code == 2
    assert "cannot be read: No such file or directory" in ran.err
    assert remediator("diagnose", "-f", tmp_path).code == 2


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}},
            "Pod web (v1) is no resource of ACK's lambda-controller",
        ),
        (
            {"apiVersion": "iam.services.k8s.aws/v1alpha1", "kind": "Role", "metadata": {"name": "app"}},
            "Role app (iam.services.k8s.aws/v1alpha1) is no resource of ACK's lambda-controller",
        ),
        ({"apiVersion": "example.com/v1", "kind": "Function", "metadata": 5}, "Function ? (example.com/v1)"),
        ({"kind": None}, "None ? (lambda.services.k8s.aws/v1alpha1)"),
        ("text", "a str is no Kubernetes object"),
        (["nested"], "a list is no Kubernetes object"),
        (stuck() | {"spec": "text"}, "Function shop/checkout cannot be read and was left out"),
        (stuck() | {"metadata": {"namespace": "shop"}}, "Function shop/? cannot be read"),
        (function(metadata={"finalizers": "one"}), "Function shop/checkout cannot be read"),
        (function(conditions=[None]), "Function shop/checkout cannot be read"),  # type: ignore[list-item]
        (function(spec={"memorySize": "256"}), "Function shop/checkout cannot be read"),
    ],
    ids=str,
)
def test_one_that_cannot_be_used_stands_beside_a_good_one(
    remediator: Remediator, put: Any, other: Any, said: str
) -> None:
    ran = remediator("diagnose", "-f", put([other, stuck("good")]), *AT_NOON, "-o", "json", "--exit-code")
    assert ran.code == 5
    assert [each["name"] for each in ran.document["results"]] == ["good"]
    (missing,) = ran.document["partial"]
    assert missing.startswith(said)
    assert f"not seen: {missing}" in ran.err
    assert "(partial: not everything was seen)" in ran.err


@pytest.mark.parametrize(
    "raw",
    [
        {"metadata": {"name": "bare"}},
        {"metadata": {"name": "bare"}, "spec": None, "status": None},
        function("bare") | {"status": {}},
        function("bare") | {"status": {"conditions": None}},
        function("bare", conditions=[{}]),
        function("bare", conditions=[{"type": "ACK.ResourceSynced"}]),
        function("bare", conditions=[{"type": "ACK.ResourceSynced", "status": "Maybe", "lastTransitionTime": "noon"}]),
        function("bare", metadata={"creationTimestamp": "0001-01-01T00:00:00Z", "deletionTimestamp": "soon"}),
        function("bare", status={"state": "Hibernating", "lastUpdateStatus": "Dreaming"}),
        function("bare", metadata={"generation": 10**30}),
        function("bare", status={"unknownField": {"a": [1, 2]}}),
        function("bare", status={"ackResourceMetadata": {"arn": "arn::::"}}),
    ],
    ids=str,
)
def test_a_malformed_function_is_answered(remediator: Remediator, put: Any, raw: Json) -> None:
    live = put({"FunctionName": "bare", "State": "Active"}, "live")
    for more in ((), ("--live", live)):
        ran = remediator("diagnose", "-f", put(raw), *AT_NOON, "-o", "json", *more)
        assert names(ran) == ["bare"]


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-11-21T12:00:00Z", "12:30:45", "0001-01-01"])
def test_times_without_quotes_are_texts(remediator: Remediator, put: Any, text: str) -> None:
    dump = put(f"metadata: {{name: a, creationTimestamp: {text}}}\n---\nmetadata: {{name: b}}\n")
    assert names(remediator("diagnose", "-f", dump, *AT_NOON, "-o", "json")) == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    ['{"metadata": {"name": "\\ud800"}}', "metadata: {name: a}\nspec: &a {x: *a}\n", "metadata: {name: .nan}\n"],
    ids=["lone surrogate", "an alias of itself", "no number"],
)
def test_what_no_json_can_carry_is_left_out(remediator: Remediator, put: Any, text: str) -> None:
    ran = remediator("diagnose", "-f", put(text), *AT_NOON)
    assert ran.code == 5
    assert "cannot be read and was left out" in ran.err


def test_control_characters_do_not_reach_the_terminal(remediator: Remediator, put: Any) -> None:
    raw = function(conditions=[{"type": "ACK.Terminal", "status": "True", "message": "\x1b[31mred\x1b[0m\x07"}])
    ran = remediator("diagnose", "-f", put(raw), *AT_NOON)
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


# -- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "flags", "code"),
    [
        (function(), [], 0),
        (function(), ["--exit-code"], 0),
        (stuck(), [], 0),
        (stuck(), ["--exit-code"], 3),
        ([function(), stuck("b")], ["--exit-code"], 3),
        ([function(), "text"], [], 5),
        ([stuck(), "text"], ["--exit-code"], 5),
        (["text"], [], 5),
    ],
)
def test_exit_codes(remediator: Remediator, put: Any, content: Any, flags: list[str], code: int) -> None:
    assert remediator("diagnose", "-f", put(content), *AT_NOON, *flags).code == code


def test_a_file_has_to_be_named(remediator: Remediator) -> None:
    ran = remediator("diagnose")
    assert ran.code == 2
    assert "-f" in ran.err


def test_another_region_on_the_object_is_told_of_a_dump_too(remediator: Remediator, put: Any) -> None:
    moved = function(metadata={"annotations": {"services.k8s.aws/region": "eu-west-1"}})
    ran = remediator("diagnose", "-f", put(moved), *AT_NOON, "-o", "wide")
    assert "annotation services.k8s.aws/region says eu-west-1, status says us-east-1: ACK does nothing then" in ran.out
