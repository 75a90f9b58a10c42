"""`remediator explain`: one resource, both sides' evidence, every gate, and the commands to do it by hand."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any

import pytest

from remediator.model.log import ControllerLog, LogLine
from tests.cli.shop import CONTEXT, SECRET, Shop

GATES = [
    *("mode", "approval", "guard", "selection", "opt-out", "pause", "identity", "proofs", "unchanged"),
    "evidence-age",
    *(
        "sightings",
        "owner",
        "controller",
        "crd",
        "permission",
        "rehearsal",
        "window",
        "budget",
        "breaker",
        "cool-down",
        "quarantine",
    ),
    "clock-skew",
]


@pytest.mark.parametrize(
    ("name", "columns"), [("archive", 80), ("checkout", 80), ("legacy", 80), ("receipts", 80), ("checkout", 200)]
)
def test_it_fits_the_terminal_but_for_what_is_to_be_copied(shop: Shop, name: str, columns: int) -> None:
    result = shop("explain", name, columns=columns)
    assert result.code == 0
    for line in result.out.splitlines():
        assert len(line.rstrip()) <= columns or line.startswith("  kubectl patch "), line


@pytest.mark.parametrize(
    "target",
    [
        "checkout",
        "function/checkout",
        "functions/checkout",
        "Function/checkout",
        "functions.lambda.services.k8s.aws/checkout",
    ],
)
def test_a_function_is_named_as_to_kubectl(shop: Shop, target: str) -> None:
    result = shop("explain", target)
    assert result.code == 0
    assert result.out.startswith("function/checkout in shop\n")


def test_it_tells_all_of_a_stuck_one(shop: Shop) -> None:
    out = shop("explain", "checkout", columns=200).out
    for told in (
        "  UpdateFailed, stuck: AWS rolled back the last update; the function runs the old version, although the ",
        "  since               ",
        "  heals by itself     nothing says that it will",
        "Kubernetes says\n  conditions          ACK.ResourceSynced=True\n  heartbeat           ",
        "  controller          alive: Deployment ack-system/ack-lambda-controller is available",
        "AWS says\n  arn                 arn:aws:lambda:us-east-1:123456789012:function:checkout",
        "  aws                 Active/Failed",
        "  awsUpdateReason     InternalError: An internal error occurred.",
        "  awsIdentity         arn:aws:sts::123456789012:",
        "Decision: propose\n  remedy              Resync: make the controller look again",
        "  proposal            p-",
        "  HELD  mode ",
        "  HELD  approval ",
        "The same by hand\n  # ",
    ):
        assert told in out


def test_every_gate_and_every_need_has_its_line(shop: Shop) -> None:
    out = shop("explain", "archive", columns=200).out
    lines = out.split("Gates\n")[1].split("\n\n")[0].splitlines()
    told = {line[8:].split("  ")[0].strip(): line[2:8].strip() for line in lines}
    assert list(told)[: len(GATES)] == GATES
    assert (told["mode"], told["approval"], told["opt-out"], told["unchanged"]) == ("HELD", "HELD", "ok", "later")
    for need in ("spec.publish is free", "controller works", "controller watches it", "AWS has settled"):
        assert told[need] == "ok"


def test_a_gate_that_holds_says_why(shop: Shop) -> None:
    out = shop("explain", "legacy", columns=200).out
    assert "Decision: blocked" in out
    assert "HELD  opt-out" in out
    assert "ack-remediator.dev/ignore is set" in out


def test_what_needs_no_action_says_what_happens_next(shop: Shop) -> None:
    out = shop("explain", "payments", columns=200).out
    assert "Decision: wait" in out
    assert "Wait: wait; nothing needs to be done now (remediator findings FunctionPending)" in out
    assert "\n  stuck from          20" in out
    assert "Gates" not in out
    out = shop("explain", "receipts", columns=200).out
    assert "Report: a person has to look at it (remediator findings ChecksumMismatch)" in out


def test_a_healthy_one(shop: Shop) -> None:
    result = shop("explain", "mailer")
    assert result.code == 0
    assert result.out == (
        "function/mailer in shop\n  healthy  Nothing is wrong.\n\nThe next pass would change\n"
        "  call                none\n  why                 ACK finds no difference: it only reads.\n\n"
        "The controller's log says\n"
        "  No Deployment of the controller is seen here: its log is elsewhere, as with\n  EKS's own.\n"
    )


# ---- what the next pass would change ---------------------------------------------------------------------------------


def drifted(shop: Shop, **spec: Any) -> Any:
    """Let the object ask for something else than what AWS has."""
    stored = shop.stored("mailer")
    stored["spec"] |= spec
    shop.api.seed(stored)
    return json.loads(shop("explain", "mailer", "-o", "json").out)["nextPass"]


def test_the_fields_that_a_pass_would_set_are_told(shop: Shop) -> None:
    told = drifted(shop, memorySize=512, tracingConfig={"mode": "Active"})
    assert (told["call"], told["why"]) == (
        "UpdateFunctionConfiguration",
        "ACK updates the configuration (memorySize, tracingConfig.mode).",
    )
    assert told["differences"][0] == {"field": "memorySize", "spec": "512", "aws": "256", "note": ""}
    assert told["notCompared"] == [
        "codeSigningConfigARN", "functionEventInvokeConfig", "reservedConcurrentExecutions", "tags"
    ]  # fmt: skip
    out = shop("explain", "mailer").out
    assert "  call                UpdateFunctionConfiguration\n" in out
    assert "  memorySize          512 in the spec, 256 in AWS\n" in out


def test_what_the_code_takes_with_it_is_told(shop: Shop) -> None:
    """The controller of the shop is 1.14.1."""
    told = drifted(shop, code={**shop.cloud.code, "sha256": "9f" * 32}, timeout=9)
    assert (told["call"], told["lost"]) == ("UpdateFunctionCode", ["timeout"])


def test_variables_are_told_by_name_alone(shop: Shop) -> None:
    told = drifted(shop, environment={"variables": {"DB_PASSWORD": "quite-another-secret", "NEW": "brand-new-secret"}})
    assert told["environment"] == {"added": ["NEW"], "removed": [], "changed": ["DB_PASSWORD"]}
    for columns in (80, 200):
        out = shop("explain", "mailer", "-o", "wide", columns=columns).out
        assert "  environment         adds NEW; changes DB_PASSWORD\n" in out
        assert "secret" not in out


def test_a_secret_in_another_field_is_masked(shop: Shop) -> None:
    told = drifted(shop, description=f"uses {SECRET}")
    assert told["differences"] == [{"field": "description", "spec": "uses •••", "aws": "", "note": ""}]
    assert '  description         uses ••• in the spec, "" in AWS\n' in shop("explain", "mailer").out


def test_what_cannot_be_compared_is_said(shop: Shop) -> None:
    told = drifted(shop, role=None, roleRef={"from": {"name": "lambda"}})
    assert (told["call"], told["unknown"]) == ("none", ["role (from roleRef)"])
    assert "  not known           role (from roleRef)\n" in shop("explain", "mailer").out


def test_the_healthy_are_asked_about_too(shop: Shop) -> None:
    """Here a person asks: what AWS says is worth a call."""
    begin = len(shop.cloud.calls)
    shop("explain", "mailer")
    assert "mailer" in {each.function for each in shop.cloud.calls_since(begin)}


def test_it_changes_nothing(shop: Shop) -> None:
    before = shop.stored("checkout")
    assert shop("explain", "checkout").code == 0
    assert shop.stored("checkout") == before


# ---- the commands ----------------------------------------------------------------------------------------------------


def commands(out: str) -> list[list[str]]:
    return [shlex.split(line) for line in out.splitlines() if line.startswith("  kubectl ")]


def test_the_commands_are_those_that_would_be_run(shop: Shop) -> None:
    """Copied into a shell they do what a Resync does: the sandbox takes them, and the spec is as before."""
    before = shop.stored("checkout")
    steps = commands(shop("explain", "checkout").out)
    assert len(steps) == 2
    for step in steps:
        assert step[:6] == ["kubectl", "patch", "functions.lambda.services.k8s.aws", "checkout", "-n", "shop"]
        assert step[6:8] == ["--type=json", "-p"]
        apply(shop, json.loads(step[8]))
    after = shop.stored("checkout")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2
    assert after["metadata"].get("annotations", {}) == before["metadata"].get("annotations", {})


def test_the_commands_are_guarded(shop: Shop) -> None:
    first = json.loads(commands(shop("explain", "checkout").out)[0][8])
    tested = {each["path"] for each in first if each["op"] == "test"}
    assert {"/metadata/uid", "/metadata/resourceVersion"} <= tested


def apply(shop: Shop, patch: list[dict[str, Any]]) -> None:
    from remediator.kubernetes.connection import Connection
    from remediator.kubernetes.resources import KubernetesCluster
    from remediator.kubernetes.transport import Transport
    from remediator.model.resource import Ref

    cluster = KubernetesCluster(Transport(Connection(shop.kubeconfig, None)))
    cluster.patch(Ref("shop", "checkout", ""), patch)


def test_a_shell_reads_the_commands_as_they_are_meant(shop: Shop) -> None:
    shop.left("o-quoting", annotations={"ack-remediator.dev/ignore": "it's"})
    out = shop("explain", "o-quoting").out
    for line in (each.strip() for each in out.splitlines() if each.startswith("  kubectl ")):
        read = subprocess.run(
            ["sh", "-c", f'kubectl() {{ for word; do printf "%s\\n" "$word"; done; }}; {line}'],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(read.stdout.splitlines()[-1])


# ---- JSON ------------------------------------------------------------------------------------------------------------


def test_the_document(shop: Shop) -> None:
    result = shop("explain", "archive", "-o", "json")
    told = json.loads(result.out)
    assert (told["schemaVersion"], told["name"], told["finding"]) == ("1", "archive", "FinalizerLeft")
    assert [each["gate"] for each in told["gates"]][: len(GATES)] == GATES
    assert {each["ruling"] for each in told["gates"]} == {"allowed", "held", "later"}
    assert all(each["reason"] for each in told["gates"])
    assert len(told["commands"]) == 2
    assert told["proposalId"].startswith("p-")


def test_the_document_of_a_healthy_one(shop: Shop) -> None:
    told = json.loads(shop("explain", "mailer", "-o", "json").out)
    assert (told["state"], told["finding"], told["gates"], told["commands"]) == ("healthy", None, [], [])


def test_scan_and_explain_agree(shop: Shop) -> None:
    scanned = json.loads(shop("scan", "-o", "json").out)["results"]
    for each in scanned:
        told = json.loads(shop("explain", each["name"], "-o", "json").out)
        for key in ("finding", "state", "remedy", "proposalId"):
            assert told[key] == each[key]


# ---- what is not there -----------------------------------------------------------------------------------------------


def test_a_name_that_is_not_there_says_where_it_looked(shop: Shop) -> None:
    result = shop("explain", "chekout")
    assert (result.code, result.out) == (1, "")
    assert f"there is no Function 'chekout' in namespace shop ({CONTEXT})" in result.err
    assert "Name the namespace with -n; `remediator scan -A`" in result.err


def test_the_right_name_in_the_wrong_namespace(shop: Shop) -> None:
    assert shop("explain", "checkout", "-n", "post").code == 1
    assert shop("explain", "exports", "-n", "post").code == 0


@pytest.mark.parametrize("kind", ["pod", "bucket", "deployment.apps", "functions.other.example"])
def test_another_kind_is_refused(shop: Shop, kind: str) -> None:
    result = shop("explain", f"{kind}/checkout")
    assert (result.code, result.out) == (2, "")
    assert f"cannot explain a '{kind}'" in result.err
    assert "function/NAME" in result.err


@pytest.mark.parametrize("target", ["", "function/", "..", "function/../../secrets", "a b", "checkout?watch=1"])
def test_what_cannot_be_a_name_is_refused(shop: Shop, target: str) -> None:
    result = shop("explain", target)
    assert result.code in (1, 2)
    assert result.out == ""
    assert result.err.startswith("error: ")


def test_without_a_name(shop: Shop) -> None:
    result = shop("explain")
    assert result.code == 2
    assert "[KIND/]NAME" in result.err.upper()


def test_one_that_cannot_be_read(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": 7}
    shop.api.seed(broken)
    result = shop("explain", "mailer")
    assert (result.code, result.out) == (1, "")
    assert "Function shop/mailer cannot be read" in result.err


def test_a_broken_neighbour_does_not_matter(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": 7}
    shop.api.seed(broken)
    assert shop("explain", "checkout").code == 0


def test_one_whom_aws_does_not_show(shop: Shop) -> None:
    shop.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "no identity-based policy allows it")
    out = shop("explain", "checkout", columns=200).out
    assert "Unreadable, unknown" in out
    assert "AccessDeniedException: no identity-based policy allows it" in out
    assert "Gates" not in out


# ---- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "json"])
def test_environment_values_are_masked_wherever_aws_or_kubectl_repeat_them(shop: Shop, output: str) -> None:
    applied = {"spec": {"environment": {"variables": {"TOKEN": "an-older-secret-value"}}}}
    remembered = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    said = f"api error ValidationException: {SECRET}, an-older-secret-value and a-secret-of-aws are too long"
    shop.function("leaky", error=said, heartbeat=shop.ago(minutes=1), annotations=remembered)
    shop.cloud.remove("leaky")
    shop.cloud.create_function("leaky", Environment={"Variables": {"A": "a-secret-of-aws"}})
    result = shop("explain", "leaky", "-o", output, verbose="-vv", columns=200)
    assert "ValidationException: •••, ••• and ••• are too long" in result.out
    for secret in ("an-older-secret-value", "a-secret-of-aws"):
        assert secret not in result.out + result.err


# ---- the controller's log --------------------------------------------------------------------------------------------


def logged(monkeypatch: pytest.MonkeyPatch, log: ControllerLog) -> list[Any]:
    """Let the controller have logged something; the list has what was asked about."""
    asked: list[Any] = []

    def log_lines(_: object, ref: Any) -> ControllerLog:
        asked.append(ref)
        return log

    monkeypatch.setattr("remediator.kubernetes.resources.controller_log.log_lines", log_lines)
    return asked


def test_the_controllers_last_words_are_told_and_masked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        LogLine("2026-11-22T09:31:00.212Z", "info", "desired resource state has changed: Spec.Timeout"),
        LogLine("2026-11-22T09:31:03.252Z", "error", f"Reconciler error: {SECRET} is no stage", 8),
    )
    asked = logged(monkeypatch, ControllerLog(lines))
    out = shop("explain", "checkout", columns=200).out
    assert (
        "\nThe controller's log says\n"
        "  2026-11-22T09:31:00Z  desired resource state has changed: Spec.Timeout\n"
        "  2026-11-22T09:31:03Z  Reconciler error: ••• is no stage (8 times)\n"
    ) in out
    told = json.loads(shop("explain", "checkout", "-o", "json").out)["controllerLog"]
    assert told["lines"][1] == {
        "at": "2026-11-22T09:31:03.252Z", "level": "error", "text": "Reconciler error: ••• is no stage", "times": 8
    }  # fmt: skip
    assert [(each.namespace, each.name) for each in asked] == [("shop", "checkout")] * 2
    for columns in (80, 200):
        for line in shop("explain", "mailer", columns=columns).out.splitlines():
            assert len(line.rstrip()) <= columns


def test_without_a_log_one_sentence_is_told(shop: Shop) -> None:
    assert "The controller's log says\n  No Deployment of the controller is seen here" in shop("explain", "mailer").out
    assert json.loads(shop("explain", "mailer", "-o", "json").out)["controllerLog"]["lines"] == []


def test_a_scan_reads_no_log(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = logged(monkeypatch, ControllerLog())
    shop("scan")
    shop("run")
    assert asked == []
