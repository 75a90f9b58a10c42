"""What one run saw, the next one knows: records in the cluster, where there is a place for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files
from tests.bed.http import MERGE_PATCH, Http
from tests.cli.shop import SECRET, Shop

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"


@pytest.fixture
def recorded(shop: Shop) -> Shop:
    """A shop in a cluster that knows Remediations."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    return shop


def record(shop: Shop, name: str, namespace: str = "shop") -> dict[str, Any]:
    """Read the record of a Function; its status."""
    uid = shop.stored(name, namespace)["metadata"]["uid"]
    stored = shop.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, f"function-{uid}")
    status: dict[str, Any] = stored["status"]
    return status


def test_a_run_writes_down_what_is_stuck_and_a_scan_does_not(recorded: Shop) -> None:
    recorded("scan", "-A")
    with pytest.raises(LookupError):
        record(recorded, "checkout")
    told = recorded("run", "-A")
    assert told.code == 0
    assert "Records:" not in told.err
    kept = record(recorded, "checkout")
    assert kept["findings"][0]["name"] == "UpdateFailed"
    assert kept["proposal"]["action"] == "Resync"
    with pytest.raises(LookupError):
        record(recorded, "mailer")


def test_what_each_gate_says_is_in_the_record(recorded: Shop) -> None:
    recorded("run", "-A")
    verdicts = {each["gate"]: each for each in record(recorded, "checkout")["verdicts"]}
    assert verdicts["mode"]["ruling"] == "held"
    assert verdicts["mode"]["reason"] == "dry-run: nothing is changed without --approve"
    assert (verdicts["owner"]["ruling"], verdicts["action-lock"]["ruling"]) == ("allowed", "later")


def test_the_next_command_knows_since_when(recorded: Shop) -> None:
    recorded("run", "-A")
    first = record(recorded, "checkout")["firstSeen"]
    out = recorded("explain", "checkout", "-o", "json").out
    assert json.loads(out)["since"] == f"{first[:19]}Z"
    recorded("run", "-A")
    kept = record(recorded, "checkout")
    assert (kept["firstSeen"], kept["sightings"]) == (first, 2)


def test_a_look_after_tidying_up_is_no_second_pass(recorded: Shop, tmp_path: Path) -> None:
    recorded.write_policy("mode: approve\n")
    recorded.function("archive", annotations={"ack-remediator.dev/resync": "0a1b2c3d4e5f6071"}, publish=False)
    file = tmp_path / "ack-remediator.prom"
    told = recorded("run", "-A", "--metrics-file", str(file))
    assert "Undid an interrupted action" in told.err
    assert "sightings" not in record(recorded, "checkout"), "one is not written"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {'remediator_scans_total{result="success"} 1.0', "remediator_scan_duration_seconds_count 1.0"} <= {*lines}


def test_what_is_gone_is_resolved(recorded: Shop) -> None:
    recorded("run", "-A")
    uid = recorded.stored("checkout")["metadata"]["uid"]
    client = Http(recorded.api.url, recorded.api.token)
    path = "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions/checkout"
    client("PATCH", path, {"metadata": {"finalizers": None}}, kind=MERGE_PATCH)
    assert client("DELETE", path).code == 200
    client.close()
    recorded("run", "-A")
    stored = recorded.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, f"function-{uid}")
    assert (stored["status"]["phase"], stored["status"]["resolvedBy"]) == ("Resolved", "deleted")


def test_what_was_tried_is_remembered(recorded: Shop) -> None:
    proposal = next(
        each["proposalId"]
        for each in json.loads(recorded("scan", "-A", "-o", "json").out)["results"]
        if each["name"] == "checkout"
    )
    recorded("run", "-A", "--approve", "--proposal", proposal)
    (attempt,) = record(recorded, "checkout")["attempts"]
    assert (attempt["action"], attempt["result"]) == ("Resync", "unknown")  # no controller runs here
    assert attempt["by"]


def test_a_dry_run_leaves_no_record(recorded: Shop) -> None:
    recorded("run", "-A", "--dry-run")
    with pytest.raises(LookupError):
        record(recorded, "checkout")


def test_without_a_place_for_them_a_run_says_so_once_and_goes_on(shop: Shop) -> None:
    told = shop("run", "-A", columns=300)
    assert told.code == 0
    (line,) = [each for each in told.err.splitlines() if each.startswith("Records:")]
    assert "this cluster does not know remediations.ack-remediator.dev" in line
    assert "Records:" not in shop("scan", "-A").err


def test_another_home_can_be_named(shop: Shop) -> None:
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    shop("run", "-A", "--home-namespace", "elsewhere")
    uid = shop.stored("checkout")["metadata"]["uid"]
    assert shop.api.stored("ack-remediator.dev/v1alpha1", "Remediation", "elsewhere", f"function-{uid}")["status"]


def test_no_secret_is_in_a_record(recorded: Shop) -> None:
    recorded("run", "-A")
    assert SECRET not in json.dumps(record(recorded, "checkout"))


def proposal_of(shop: Shop, name: str) -> str:
    found = json.loads(shop("scan", "-A", "-o", "json").out)["results"]
    return next(str(each["proposalId"]) for each in found if each["name"] == name)


def test_an_hour_has_to_pass_after_an_attempt_unless_who_approves_says_why(recorded: Shop) -> None:
    recorded("run", "-A")
    uid = recorded.stored("checkout")["metadata"]["uid"]
    stored = recorded.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, f"function-{uid}")
    attempt = {"id": "p-0-1", "action": "Resync", "digest": "0" * 64, "intended": recorded.ago(minutes=5)}
    stored["status"]["attempts"] = [attempt | {"result": "unknown", "concluded": recorded.ago(minutes=4)}]
    recorded.api.seed(stored)
    again = ("run", "-A", "--approve", "--proposal", proposal_of(recorded, "checkout"))
    held = recorded(*again, columns=300)
    assert held.code == 4
    assert "cool-down: attempt 1 of Resync was at" in held.err
    passed = recorded(*again, "--override", "cool-down", "--reason", "the controller is back", columns=300)
    assert passed.code == 5, passed.err
    assert len(record(recorded, "checkout")["attempts"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--override", "cool-down", "--reason", "because"), "--override and --reason go with --approve"),
        (("--approve", "--proposal", "p-1", "--override", "cool-down"), "--override needs a --reason"),
        (("--approve", "--proposal", "p-1", "--override", "proofs", "--reason", "x"), "proofs cannot be overridden"),
        (("--approve", "--proposal", "p-1", "--override", "cooldown", "--reason", "x"), "Did you mean cool-down?"),
    ],
)
def test_an_override_is_a_person_saying_why(shop: Shop, words: tuple[str, ...], told: str) -> None:
    result = shop("run", "-A", *words, columns=200)
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_one_namespace_says_nothing_of_what_is_gone_in_another(recorded: Shop) -> None:
    recorded("run", "-A")
    uid = recorded.stored("exports", "post")["metadata"]["uid"]
    client = Http(recorded.api.url, recorded.api.token)
    path = "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/post/functions/exports"
    client("PATCH", path, {"metadata": {"finalizers": None}}, kind=MERGE_PATCH)
    client("DELETE", path)
    client.close()

    def phase() -> str:
        stored = recorded.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, f"function-{uid}")
        return str(stored["status"]["phase"])

    recorded("run", "-n", "shop")
    assert phase() != "Resolved"
    recorded("run", "-A")
    assert phase() == "Resolved"


def test_a_record_of_another_kind_goes_by_its_own_name(recorded: Shop) -> None:
    """An Alias is called as its Function is: each has a record of its own, and is named by its kind."""
    conditions = [{"type": "ACK.Terminal", "status": "True", "message": "no such version"}]
    alias = recorded.api.seed(
        {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Alias",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {"name": "checkout", "functionName": "checkout", "functionVersion": "7"},
            "status": {"conditions": conditions},
        }
    )
    assert recorded("run").code == 0
    name = f"alias-{alias['metadata']['uid']}"
    stored = recorded.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, name)
    assert (stored["spec"]["target"]["kind"], stored["status"]["finding"]) == ("Alias", "TerminalError")
    assert "proposal" not in stored["status"] or stored["status"]["proposal"] is None
    listed = {(each["kind"], each["name"]) for each in _document(recorded, "list")["records"]}
    assert {("Alias", "checkout"), ("Function", "checkout")} <= listed
    assert "alias/checkout" in recorded("list", policy=False, columns=300).out
    (event,) = _document(recorded, "history", "alias/checkout")["events"]
    assert event["record"] == name
    refused = recorded("approve", "alias/checkout", policy=False, typed="y\n")
    assert refused.code != 0
    assert "nothing is proposed" in refused.err
    recorded.api.seed({**alias, "status": {"conditions": [{"type": "ACK.ResourceSynced", "status": "True"}]}})
    recorded("run")
    recorded("run")
    told = recorded.api.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, name)["status"]
    assert told["phase"] == "Resolved"


def _document(shop: Shop, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(shop(*words, "-o", "json", policy=False).out)
    return told
