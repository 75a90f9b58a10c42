"""What goes wrong before anything is judged: each time one clear sentence, and the right exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from remediator.kubernetes.transport import Patience, Transport
from tests.cli.shop import CONTEXT, Shop, Typing
from tests.kubernetes.conftest import write_kubeconfig
from tests.wire import SILENCE, Wire, answer, status

COMMANDS = [
    ("scan", "-A"),
    ("explain", "checkout"),
    ("wait", "checkout", "--for", "synced"),
    ("run", "-A"),
    ("run", "-A", "--approve", "--proposal", "p-1"),
]
commands = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def one_sentence(err: str) -> str:
    """Return the message; it begins as errors do and speaks no Python."""
    assert err.startswith("error: ")
    for python in ("Error(", "0x", "<class", "HTTPConnectionPool", "None", "msgspec", "urllib3"):
        assert python not in err
    return " ".join(err.split())


# ---- Kubernetes ------------------------------------------------------------------------------------------------------


@commands
def test_no_kubeconfig(typed_anywhere: Typing, machine: Path, words: tuple[str, ...]) -> None:
    result = typed_anywhere(*words, columns=200)
    assert (result.code, result.out) == (2, "")
    said = one_sentence(result.err)
    assert str(machine / ".kube/config") in said
    assert "--kubeconfig" in said


def test_a_kubeconfig_that_is_broken(typed_anywhere: Typing, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text("clusters: [}", encoding="utf-8")
    result = typed_anywhere("scan", "--kubeconfig", str(path))
    assert (result.code, result.out) == (2, "")
    assert str(path) in one_sentence(result.err)


def test_a_context_that_there_is_not(shop: Shop) -> None:
    result = shop("scan", "--context", "produktion")
    assert (result.code, result.out) == (2, "")
    assert one_sentence(result.err).endswith(f"It has: {CONTEXT}.")


@commands
def test_an_api_server_that_is_not_there(typed_anywhere: Typing, tmp_path: Path, words: tuple[str, ...]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", server)
        result = typed_anywhere(*words, "--kubeconfig", str(kubeconfig))
    assert (result.code, result.out) == (1, "")
    said = one_sentence(result.err)
    assert f"no answer from the API server {server}" in said
    assert "VPN" in said


def test_an_api_server_that_hangs(typed_anywhere: Typing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.cli.wiring.Transport", partial(Transport, patience=Patience(read=0.2)))
    with Wire(SILENCE) as wire:
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", wire.url)
        result = typed_anywhere("scan", "--kubeconfig", str(kubeconfig))
    assert (result.code, result.out) == (1, "")
    assert "timed out" in one_sentence(result.err)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(answer(404, "404 page not found\n", kind="text/plain"), "does not know functions", id="no CRD"),
        pytest.param(status(401, "Unauthorized"), "does not accept our credentials", id="unknown to it"),
        pytest.param(status(500, "etcdserver: no leader"), "500: etcdserver: no leader", id="in trouble"),
        pytest.param(answer(200, "<html>log in</html>", kind="text/html"), "error: ", id="a page"),
        pytest.param(answer(200, {"kind": "Status"}), "error: ", id="another object"),
    ],
)
def test_an_api_server_that_cannot_answer(typed_anywhere: Typing, tmp_path: Path, told: bytes, said: str) -> None:
    """Never an empty table: it would read as if all were well."""
    with Wire(told) as wire:
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", wire.url)
        result = typed_anywhere("scan", "-A", "-o", "json", "--kubeconfig", str(kubeconfig))
    assert (result.code, result.out) == (1, "")
    assert said in one_sentence(result.err)


@pytest.mark.parametrize("words", [each for each in COMMANDS if each[0] not in ("explain", "wait")], ids=" ".join)
def test_no_permission_to_list(shop: Shop, words: tuple[str, ...]) -> None:
    said = 'functions.lambda.services.k8s.aws is forbidden: User "joe" cannot list resource "functions"'
    shop.api.refuse("list", "functions", code=403, reason="Forbidden", message=said)
    result = shop(*words)
    assert (result.code, result.out) == (1, "")
    told = one_sentence(result.err)
    assert said in told
    assert "manifests/ has the roles" in told


def test_explain_needs_no_more_than_to_read_one(shop: Shop) -> None:
    """A person may be allowed to get what is theirs, and not to list what is everybody's."""
    shop.api.refuse("list", "functions", code=403, reason="Forbidden", message="not everybody's")
    result = shop("explain", "checkout")
    assert result.code == 0
    assert "UpdateFailed" in result.out


def test_no_permission_to_look_at_the_controller(shop: Shop) -> None:
    for resource in ("deployments", "leases"):
        shop.api.refuse("list", resource, code=403, reason="Forbidden", message="not yours")
    result = shop("scan", "-A", "-o", "json")
    assert result.code == 0
    assert "Deployments may not be listed" in result.out


# ---- AWS -------------------------------------------------------------------------------------------------------------


def unreadable(shop: Shop, *words: str) -> dict[str, dict[str, Any]]:
    """Scan; the command succeeds, and what AWS does not answer for is unknown."""
    result = shop("scan", "-A", "-o", "json", *words)
    assert result.code == 0
    found = {each["name"]: each for each in json.loads(result.out)["results"]}
    assert found["archive"]["finding"] == "Unreadable"
    assert (found["archive"]["remedy"], found["archive"]["proposalId"]) == ("Report", None)
    return found


def test_expired_credentials(shop: Shop) -> None:
    said = "The security token included in the request is expired"
    shop.cloud.refuse("GetCallerIdentity", "ExpiredToken", said)
    begin = len(shop.cloud.calls)
    assert said in unreadable(shop)["archive"]["summary"]
    assert len(shop.cloud.calls_since(begin)) == 1


def test_no_credentials(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "credentials" in unreadable(shop)["archive"]["summary"]


def test_a_profile_that_there_is_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    result = shop("scan", "-A")
    assert (result.code, result.out) == (1, "")
    assert "production" in one_sentence(result.err)


def test_the_wrong_region(shop: Shop) -> None:
    """The controller worked elsewhere than the ARN says: what is not found there is not gone."""
    moved = shop.stored("archive")
    moved["status"]["ackResourceMetadata"]["arn"] = "arn:aws:lambda:eu-west-1:123456789012:function:other"
    moved["status"]["ackResourceMetadata"]["region"] = "eu-west-1"
    shop.api.seed(moved)
    result = shop("scan", "-A", "-o", "json")
    found = {each["name"]: each for each in json.loads(result.out)["results"]}["archive"]
    assert found["finding"] != "FinalizerLeft"
    assert found["proposalId"] is None


def test_not_found_that_is_about_something_else(shop: Shop) -> None:
    said = "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"
    shop.cloud.refuse("GetFunctionConfiguration", "ResourceNotFoundException", said)
    assert said in unreadable(shop)["archive"]["summary"]


def test_another_account(shop: Shop) -> None:
    shop.cloud.identify("AKIAONCALL", "210987654321")
    assert "account 123456789012, we are in 210987654321" in unreadable(shop)["archive"]["summary"]


def test_an_endpoint_that_the_policy_does_not_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", shop.cloud.endpoint)
    result = shop("scan", "-A", "-o", "json", policy=False)
    found = {each["name"]: each for each in json.loads(result.out)["results"]}["archive"]
    assert found["finding"] == "Unreadable"
    assert "aws.endpointURL" in found["summary"]


def test_one_refusal_concerns_one_function(shop: Shop) -> None:
    shop.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "not this one", name="archive")
    assert unreadable(shop)["checkout"]["finding"] == "UpdateFailed"


# ---- the policy ------------------------------------------------------------------------------------------------------


@commands
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: [", ":4:8: expected the node content"),
        ("mdoe: dry-run\n", ":4:1: unknown key mdoe; did you mean mode?"),
        ("mode: always\n", ":4:1: mode: input should be 'dry-run', 'approve' or 'auto'"),
        ("timeouts:\n  deletion: soon\n", ":5:3: timeouts.deletion: 'soon' is no duration"),
    ],
)
def test_a_policy_that_cannot_be_used(shop: Shop, words: tuple[str, ...], text: str, said: str) -> None:
    shop.write_policy(text)
    result = shop(*words, columns=200)
    assert (result.code, result.out) == (2, "")
    assert f"{shop.policy}{said}" in result.err
    assert "Nothing was done." in result.err
    assert result.err.startswith("error: ")


def test_a_policy_that_is_not_there(shop: Shop) -> None:
    shop.policy.unlink()
    result = shop("run", "-A")
    assert (result.code, result.out) == (2, "")
    assert "cannot read the policy" in one_sentence(result.err)


# ---- flags -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("scan", "--no-such-flag"),
        ("scan", "-o", "xml"),
        ("scan", "extra"),
        ("explain", "a", "b"),
        ("explain", "a", "-A"),
        ("run", "--proposal"),
        ("frobnicate",),
    ],
)
def test_flags_that_there_are_not(typed_anywhere: Typing, words: tuple[str, ...]) -> None:
    result = typed_anywhere(*words)
    assert (result.code, result.out) == (2, "")
    assert "Error: " in result.err


def test_flags_come_from_the_environment_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_SCAN_OUTPUT", "json")
    monkeypatch.setenv("REMEDIATOR_SCAN_NAMESPACE", "post")
    assert [each["name"] for each in json.loads(shop("scan").out)["results"]] == ["exports"]


@pytest.mark.parametrize("words", [("scan",), ("explain", "checkout"), ("run",)], ids=" ".join)
def test_one_variable_names_the_policy_of_every_command(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REMEDIATOR_POLICY", str(tmp_path / "nowhere.yaml"))
    assert "nowhere.yaml" in one_sentence(shop(*words, policy=False).err)
    assert shop(*words).code == 0, "the flag goes before it"


# ---- pipes -----------------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_left_without_a_word(empty_shop: Shop) -> None:
    """As in `remediator scan -A --all -o json | head -1`."""
    empty_shop.function("mailer")
    words = ["scan", "-A", "--all", "-o", "json", "--policy", str(empty_shop.policy)]
    program = [sys.executable, "-c", "from remediator.cli import main; main()", *words]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=here) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
    assert err == ""
    assert running.returncode == 1, "as click ends, and most commands do"
