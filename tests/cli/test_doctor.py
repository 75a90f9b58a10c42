"""`remediator doctor` on the sandbox: what each part says, well and unwell.

What the sandbox has no admission policy for is told on the real API server (`tests/cluster/test_doctor.py`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from remediator.kubernetes.access import Allowed
from remediator.policy import LambdaCall
from tests import yaml_files
from tests.cli.shop import API_VERSION, SECRET, Result, Shop, Typing
from tests.wire import SILENCE, Wire, answer

BASE = Path(__file__).parents[2] / "manifests" / "base"

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let AWS be asked one call after the other, as it is on nobody's account."""
    monkeypatch.setattr("remediator.aws.live._SECONDS_BETWEEN", dict.fromkeys(LambdaCall, 0.0))


@pytest.fixture
def installed(empty_shop: Shop) -> Shop:
    """A shop with something in it, a controller, and the definition of Remediations."""
    empty_shop.controller()
    empty_shop.function("mailer")
    empty_shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
    empty_shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    return empty_shop


def checks(result: Result, area: str) -> list[Json]:
    return [each for each in json.loads(result.out)["checks"] if each["area"] == area]


def levels(result: Result, area: str) -> list[str]:
    return [each["level"] for each in checks(result, area)]


def only(result: Result, area: str, level: str) -> Json:
    """Give the one check of a part that is at a level."""
    [found] = [each for each in checks(result, area) if each["level"] == level]
    return found


def test_each_part_is_told_and_summed_up(installed: Shop) -> None:
    result = installed("doctor", "-A", columns=80)
    marks = {line[:9].strip() for line in result.out.splitlines()} - {""}
    assert marks == {"ok", "note", "FAILURE"}
    assert max(len(line) for line in result.out.splitlines()) <= 80
    for area in ("API server", "definitions", "resources", "controller", "rights", "approvals", "AWS", "metrics"):
        assert f" {area} " in result.out
    assert "ack-remediator-read: may do all of 46 verbs" in result.out
    failures = result.out.count("FAILURE")
    assert f"{failures} failure" in result.err
    assert result.code == 1, "the sandbox takes forged approvals"


def test_wide_tells_each_verb(installed: Shop) -> None:
    out = installed("doctor", "-A", "-o", "wide", columns=300).out
    assert "may list functions.lambda.services.k8s.aws in all namespaces" in out
    assert "may get pods/log in namespace ack-system" in out


def test_the_document_is_the_same_in_both_spellings(installed: Shop) -> None:
    as_json, as_yaml = (installed("doctor", "-A", "-o", form) for form in ("json", "yaml"))
    document = json.loads(as_json.out)
    assert yaml.safe_load(as_yaml.out) == document
    assert document["schemaVersion"] == "1"
    assert sum(document["summary"].values()) == len(document["checks"])
    assert {each["level"] for each in document["checks"]} <= document["summary"].keys()
    assert all(each["fix"] for each in document["checks"] if each["level"] == "failure")


def test_it_writes_nothing(installed: Shop) -> None:
    before = installed.api.stored(API_VERSION, "Function", "shop", "mailer")
    records = "ack-remediator.dev/v1alpha1"
    installed("doctor", "-A", "-o", "json")
    assert installed.api.stored(API_VERSION, "Function", "shop", "mailer") == before
    with pytest.raises(LookupError):
        installed.api.stored(records, "Remediation", "ack-remediator", "probe-of-the-admission-policy")
    writing = {each.operation for each in installed.cloud.calls if not each.operation.startswith(("Get", "List"))}
    assert writing == set()


def test_an_api_server_that_is_away_hides_nothing_of_aws(typed_anywhere: Typing, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "away"
    text = shop.kubeconfig.read_text(encoding="utf-8")
    path.write_text(text.replace(shop.api.url, "https://127.0.0.1:1"), encoding="utf-8")
    result = typed_anywhere(
        *("doctor", "-A", "-o", "json", "--kubeconfig", str(path), "--policy", str(shop.policy)), columns=80
    )
    failure = only(result, "API server", "failure")
    assert "no answer from the API server https://127.0.0.1:1" in failure["said"]
    assert "VPN" in failure["fix"]
    assert (result.code, len(levels(result, "AWS"))) == (1, 1)


def test_without_the_definition_nothing_is_remembered(shop: Shop) -> None:
    shop.controller()
    warning = only(shop("doctor", "-A", "-o", "json"), "definitions", "warning")
    assert "nothing is remembered" in warning["said"]
    shop.write_policy("mode: approve\n")
    failure = only(shop("doctor", "-A", "-o", "json"), "definitions", "failure")
    assert "crd-remediations.yaml" in failure["fix"]


def test_a_controller_that_is_down_is_a_failure_with_advice(installed: Shop) -> None:
    installed.controller(available=False)
    failure = only(installed("doctor", "-A", "-o", "json"), "controller", "failure")
    assert failure["said"].startswith("ControllerDown: ")
    assert "Do not remove finalizers" in failure["fix"]


def test_a_version_with_known_bugs_is_a_warning(installed: Shop) -> None:
    deployment = installed.api.stored("apps/v1", "Deployment", "ack-system", "ack-lambda-controller")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = container["image"].replace("1.14.1", "1.5.0")
    installed.api.seed(deployment)
    warning = only(installed("doctor", "-A", "-o", "json"), "controller", "warning")
    assert warning["said"].startswith("ControllerVersion: Version 1.5.0")


def test_a_clock_that_is_wrong_is_a_failure(installed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    now = type(installed.clock).now
    monkeypatch.setattr(
        "remediator.clock.SystemClock.now", lambda _: now(installed.clock) + timedelta(minutes=7), raising=True
    )
    failure = only(installed("doctor", "-A", "-o", "json"), "API server", "failure")
    assert "our clock is 4" in failure["said"] and "ahead of" in failure["said"]


# ---- AWS -------------------------------------------------------------------------------------------------------------


def test_each_call_is_asked_for_once_in_each_place(installed: Shop) -> None:
    installed.function("search")
    installed.cloud.calls.clear()
    result = installed("doctor", "-A", "-o", "json")
    assert "failure" not in levels(result, "AWS")
    asked = [each.operation for each in installed.cloud.calls]
    assert asked.count("GetFunctionConfiguration") == 1
    assert {"GetAlias", "GetEventSourceMapping", "GetFunctionUrlConfig", "GetLayerVersion"} <= set(asked)


def test_a_call_that_is_denied_is_named(installed: Shop) -> None:
    installed.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "not authorized to perform")
    failure = only(installed("doctor", "-A", "-o", "json"), "AWS", "failure")
    assert "GetFunctionConfiguration was answered AccessDeniedException" in failure["said"]
    assert "lambda:GetFunctionConfiguration" in failure["fix"]


def test_a_call_that_nothing_here_needs_is_a_note(installed: Shop) -> None:
    installed.cloud.refuse("GetAlias", "AccessDeniedException", "not authorized to perform")
    notes = [each["said"] for each in checks(installed("doctor", "-A", "-o", "json"), "AWS") if each["level"] == "note"]
    assert any("lambda:GetAlias is not answered, and nothing here needs it" in each for each in notes)


def test_what_aws_echoes_of_an_environment_is_not_shown(installed: Shop) -> None:
    """The shop itself looks through all that is printed."""
    echo = f"not authorized: DB_PASSWORD={SECRET}, see https://x.example.invalid/c?v=1&X-Amz-Signature=5ec7e7"
    installed.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", echo)
    failure = only(installed("doctor", "-A", "-o", "json"), "AWS", "failure")
    assert "DB_PASSWORD=" in failure["said"]
    assert "5ec7e7" not in failure["said"]


def test_another_account_says_what_is_missing(installed: Shop) -> None:
    arn = "arn:aws:lambda:us-east-1:210987654321:function:exports"
    place = {"arn": arn, "ownerAccountID": "210987654321", "region": "us-east-1"}
    installed.function("exports", live=False, status={"ackResourceMetadata": place})
    failure = only(installed("doctor", "-A", "-o", "json"), "AWS", "failure")
    assert failure["said"].startswith("210987654321, us-east-1: Function shop/exports: ")
    assert "aws.assumeRole: true" in failure["said"]


def test_without_credentials_the_rest_is_told(installed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this")
    result = installed("doctor", "-A", "-o", "json")
    assert "nobody-has-this" in only(result, "AWS", "failure")["said"]
    assert "ok" in levels(result, "rights")


# ---- metrics ---------------------------------------------------------------------------------------------------------


def metrics(shop: Shop, *words: str) -> Json:
    [found] = checks(shop("doctor", "-A", "-o", "json", *words), "metrics")
    return found


def test_metrics_that_nobody_names_are_a_note(installed: Shop) -> None:
    assert metrics(installed)["level"] == "note"


def test_a_file_that_can_be_written_and_one_that_cannot(
    installed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "remediator.prom"
    assert metrics(installed, "--metrics-file", str(file))["level"] == "ok"
    assert not file.exists()
    # Who is root may write anywhere.
    monkeypatch.setattr("remediator.doctor.metrics.os", SimpleNamespace(access=lambda *_: False, W_OK=2, X_OK=1))
    refused = metrics(installed, "--metrics-file", str(file))
    assert (refused["level"], "cannot be written to" in refused["said"]) == ("failure", True)


@pytest.mark.parametrize(
    "words",
    [
        ("--metrics-file", "/nowhere/at/all.prom"),
        ("--metrics-file", "metrics.txt"),
        ("--push", "pushgateway:9091"),
        ("--metrics-url", "localhost:9464"),
        ("--metrics-url", "http://me:secret@localhost:9464/metrics"),
    ],
)
def test_where_metrics_can_never_go_is_refused_as_run_refuses_it(shop: Shop, words: tuple[str, str]) -> None:
    result = shop("doctor", "-A", *words)
    assert (result.code, result.out) == (2, "")
    assert f"{words[0]} " in result.err
    assert "me:secret" not in result.err


def test_by_a_cron_expression_nobody_says_how_late_is_late(installed: Shop) -> None:
    installed.write_policy("schedule: {cron: 0 6 * * *}\n")
    with Wire(page(installed, hours=2)) as wire:
        assert metrics(installed, "--metrics-url", f"{wire.url}/metrics")["level"] == "note"


@pytest.mark.parametrize(
    ("said", "level", "why"),
    [
        (answer(200, "OK"), "ok", "is ready"),
        (answer(503, "not yet"), "failure", "it answered 503"),
        (SILENCE, "failure", "timed out"),
    ],
    ids=["ready", "not ready", "silent"],
)
def test_a_pushgateway_is_asked_whether_it_is_ready(installed: Shop, said: Any, level: str, why: str) -> None:
    with Wire(said) as wire:
        told = metrics(installed, "--push", wire.url)
        assert (wire.heard[0].method, wire.heard[0].path) == ("GET", "/-/ready")
    assert (told["level"], why in told["said"]) == (level, True)


def page(shop: Shop, **ago: float) -> bytes:
    at = (shop.clock.now() - timedelta(**ago)).timestamp()
    name = "remediator_last_success_timestamp_seconds"
    return answer(200, f"# TYPE {name} gauge\n{name} {at}\n", kind="text/plain")


def test_a_daemon_that_saw_everything_lately_is_ok_and_one_that_did_not_is_none(installed: Shop) -> None:
    for ago, level in (({"seconds": 90}, "ok"), ({"hours": 2}, "failure")):
        with Wire(page(installed, **ago)) as wire:
            assert metrics(installed, "--metrics-url", f"{wire.url}/metrics")["level"] == level


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(200, "<html>", kind="text/html"), "serves no"),
        (answer(200, "up 1\n", kind="text/plain"), "not ours"),
        (answer(404, "no"), "it answered 404"),
        (answer(200, "remediator_last_success_timestamp_seconds NaN\n", kind="text/plain"), "is no time"),
    ],
)
def test_what_is_no_daemon_of_ours_is_a_failure(installed: Shop, said: bytes, why: str) -> None:
    with Wire(said) as wire:
        told = metrics(installed, "--metrics-url", wire.url)
    assert told["level"] == "failure"
    assert why in told["said"]


# ---- as another ------------------------------------------------------------------------------------------------------


def test_rights_are_those_of_whom_it_asks_as(installed: Shop) -> None:
    account = "system:serviceaccount:ack-remediator:ack-remediator"
    result = installed("doctor", "-A", "-o", "json", "--as", account)
    assert checks(result, "API server")[0]["said"].startswith(f"we are {account} at ")
    lost = {each["said"].partition(" in ")[0] for each in checks(result, "rights") if each["level"] == "failure"}
    assert lost == {f"may not {verb} functions.lambda.services.k8s.aws" for verb in ("get", "list")}
    assert any("credentials of this shell" in each["said"] for each in checks(result, "AWS"))


def test_a_reason_with_braces_in_it_is_a_text_like_any_other(installed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authorizer may give its reasons as JSON."""
    why = Allowed(False, '{"policy": "{0}", "code": {}}')
    monkeypatch.setattr("remediator.doctor.rights.ask", lambda *_: why)
    result = installed("doctor", "-A", columns=300)
    assert result.code == 1
    assert '({"policy": "{0}", "code": {}}): no Function is seen' in result.out
    assert "may not get functions.lambda.services.k8s.aws, list functions.lambda.services.k8s.aws in" in result.out


def test_a_controller_that_is_being_replaced_is_told(installed: Shop) -> None:
    """It is down for a moment, which is no finding."""
    deployment = installed.api.stored("apps/v1", "Deployment", "ack-system", "ack-lambda-controller")
    deployment["metadata"]["generation"] = 2
    deployment["status"] = {"observedGeneration": 1, "replicas": 1, "conditions": []}
    installed.api.seed(deployment)
    said = [
        each for each in checks(installed("doctor", "-A", "-o", "json"), "controller") if "is being" in each["said"]
    ]
    assert [each["level"] for each in said] == ["warning"]


def test_a_role_that_is_missing_is_told_in_a_few_lines(installed: Shop) -> None:
    out = installed("doctor", "-A", "--as", "alice", columns=200).out
    said = [line for line in out.splitlines() if " rights " in line]
    assert any("may not get functions.lambda.services.k8s.aws, list functions" in line for line in said)
    assert len(said) < 30


def test_a_machine_whose_writes_nobody_holds_to_anything_is_a_warning(installed: Shop) -> None:
    account = "system:serviceaccount:ack-remediator:ack-remediator"
    role = {"metadata": {"name": "all"}, "apiVersion": "rbac.authorization.k8s.io/v1"}
    installed.api.seed(
        role | {"kind": "ClusterRole", "rules": [{"apiGroups": ["*"], "resources": ["functions"], "verbs": ["*"]}]}
    )
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": account}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"}
    installed.api.seed(role | {"kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": reference})
    before = installed.stored("mailer")
    warning = only(installed("doctor", "-A", "-o", "json", "--as", account), "writes", "warning")
    assert "writes.yaml" in warning["fix"]
    assert installed.stored("mailer") == before, "it was a dry run"


@pytest.mark.parametrize("words", [("-A", "-n", "shop"), ("-n", "Not_A_Name"), ("--home-namespace", "Not_A_Name")])
def test_words_that_make_no_sense_are_refused(shop: Shop, words: tuple[str, ...]) -> None:
    assert shop("doctor", *words).code == 2
