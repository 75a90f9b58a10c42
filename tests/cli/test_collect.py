"""`remediator collect`, and `diagnose` of what it wrote."""

from __future__ import annotations

import gzip
import io
import json
import stat
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from remediator.cli import main
from remediator.cli.bundles import unpack
from remediator.kubernetes.log_entries import about
from remediator.model.log import ControllerLog, LogLine
from tests.cli.shop import SECRET, Shop

NAMES = ["checkout", "archive", "legacy", "payments", "receipts", "mailer"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in."""
    directory = tmp_path / "case"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def document(shop: Shop, *words: str) -> Any:
    told = shop(*words, "-o", "json")
    assert told.code == 0, told.err
    return json.loads(told.out)


@pytest.mark.parametrize("name", NAMES)
def test_diagnose_says_the_same_of_the_bundle(shop: Shop, here: Path, name: str) -> None:
    assert shop("collect", name, "-o", "it.tar.gz").code == 0
    [again] = document(shop, "diagnose", "-f", "it.tar.gz")["results"]
    direct = document(shop, "explain", name)
    for key in ("finding", "state", "remedy", "summary", "also", "nextPass", "uid", "account", "region", "heartbeat"):
        assert again[key] == direct[key], key
    told = json.loads(json.dumps(again["evidence"]))
    assert told == direct["evidence"]


def test_what_is_written_where_is_said(shop: Shop, here: Path) -> None:
    result = shop("collect", "function/checkout", columns=200)
    assert (result.code, result.out) == (0, "")
    content = (here / "shop-checkout.tar.gz").read_bytes()
    size = f"{len(content):,} bytes"
    assert result.err == f"shop-checkout.tar.gz: {size}, 1 value is masked. Look through it before you send it.\n"
    assert stat.S_IMODE((here / "shop-checkout.tar.gz").stat().st_mode) == 0o600
    versions = unpack("it", content).versions
    assert set(versions) == {"remediator", "kubernetes", "python"}
    assert versions["kubernetes"].startswith("v1.")


def logged(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let the controller have logged just this."""
    log = ControllerLog((LogLine("2026-11-22T09:31:00Z", "error", text),))
    monkeypatch.setattr("remediator.kubernetes.resources.controller_log.log_lines", lambda *_: log)


def test_no_secret_leaves_the_house(shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged(monkeypatch, f"{SECRET} is no stage, and no theatre")
    shop("collect", "exports", "-n", "post", "-o", "it.tar.gz")
    said = gzip.decompress((here / "it.tar.gz").read_bytes()).decode()
    assert SECRET not in said
    told = "<masked-1> is no stage, and no theatre"
    bundle = unpack("it", (here / "it.tar.gz").read_bytes())
    assert bundle.log.lines[0].text == told
    assert bundle.explained["controllerLog"]["lines"][0]["text"] == told
    assert f"error {told} (x1)" in said


def test_a_secret_at_the_end_of_what_is_shown_is_not_cut_in_two(
    shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(monkeypatch, f"{'x' * 590} {SECRET} {'y' * 600}")
    shop("collect", "exports", "-n", "post", "-o", "it.tar.gz")
    assert SECRET[:6] not in gzip.decompress((here / "it.tar.gz").read_bytes()).decode()
    bundle = unpack("it", (here / "it.tar.gz").read_bytes())
    assert len(bundle.log.lines[0].text) == 601


def test_a_secret_of_several_lines_is_told_nowhere_in_one(
    empty_shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A summary and a log entry are one line each, whatever they are made of."""
    key = "-----BEGIN KEY-----\nTUlJRXBBSUJBQUtDQVFF\n  bGx0cGFydA\n-----END KEY-----\n"
    error = f"InvalidParameterValueException: environment variable value {key} is not allowed"
    moment = empty_shop.ago(minutes=1)
    empty_shop.function("exports", error=error, heartbeat=moment, environment={"variables": {"KEY": key}})
    said = {"level": "error", "ts": "2026-11-22T09:31:00Z", "msg": "Reconciler error", "error": error}
    entry = json.dumps(said | {"kind": "Function", "namespace": "shop", "name": "exports"})
    monkeypatch.setattr(
        "remediator.kubernetes.resources.controller_log.log_lines", lambda _, ref: ControllerLog(about(ref, [entry]))
    )
    assert empty_shop("collect", "exports", "-o", "it.tar.gz").code == 0
    bundle = gzip.decompress((here / "it.tar.gz").read_bytes()).decode()
    asked = (("scan", "-A"), ("explain", "exports"), ("explain", "exports", "-o", "yaml"))
    told = [bundle, *(empty_shop(*words, columns=1000).out for words in asked)]
    for each in told:
        assert "environment variable value" in each
        for part in ("TUlJ", "bGx0", "BEGIN KEY"):
            assert part not in each


def test_the_log_is_in_it(shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ControllerLog((LogLine("2026-11-22T09:31:00Z", "error", "Observed a panic"),))
    monkeypatch.setattr("remediator.kubernetes.resources.controller_log.log_lines", lambda *_: log)
    shop("collect", "checkout", "-o", "it.tar.gz")
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert "The controller's log says\n  2026-11-22T09:31:00Z  Observed a panic\n" in shop(
        "diagnose", "-f", "it.tar.gz", "-o", "wide"
    ).out  # fmt: skip
    [told] = document(shop, "diagnose", "-f", "it.tar.gz")["results"]
    assert told["controllerLog"]["lines"][0]["text"] == "Observed a panic"


def test_it_changes_nothing(shop: Shop, here: Path) -> None:
    before = shop.stored("checkout")
    shop("collect", "checkout")
    assert shop.stored("checkout") == before


# ---- the file --------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten_unless_forced(shop: Shop, here: Path) -> None:
    path = here / "it.tar.gz"
    path.write_text("mine", encoding="utf-8")
    path.chmod(0o644)
    begin = len(shop.cloud.calls)
    refused = shop("collect", "checkout", "-o", "it.tar.gz")
    assert (refused.code, path.read_text(encoding="utf-8")) == (2, "mine")
    assert "it.tar.gz is there already" in refused.err
    assert len(shop.cloud.calls) == begin
    assert shop("collect", "checkout", "-o", "it.tar.gz", "--force").code == 0
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed(shop: Shop, here: Path) -> None:
    (here / "aim").write_text("mine", encoding="utf-8")
    (here / "it.tar.gz").symlink_to("aim")
    assert shop("collect", "checkout", "-o", "it.tar.gz", "--force").code == 2
    (here / "dangling.tar.gz").symlink_to("nowhere")
    assert shop("collect", "checkout", "-o", "dangling.tar.gz").code == 2
    assert ((here / "aim").read_text(encoding="utf-8"), (here / "nowhere").exists()) == ("mine", False)


def test_where_it_cannot_be_written_is_said(shop: Shop, here: Path) -> None:
    result = shop("collect", "checkout", "-o", "no/such/it.tar.gz")
    assert result.code == 2
    assert "cannot write no/such/it.tar.gz: No such file or directory" in result.err


def test_a_dash_is_standard_output(shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(["collect", "checkout", "--policy", str(shop.policy), "-o", "-"])
    assert ended.value.code == 0
    assert isinstance(out.buffer, io.BytesIO)
    assert unpack("it", out.buffer.getvalue()).object["metadata"]["name"] == "checkout"
    assert not list(here.iterdir())
    out.close()


def test_account_ids_are_replaced_where_asked_for(shop: Shop, here: Path) -> None:
    shop("collect", "checkout", "--mask-accounts", "-o", "it.tar.gz")
    assert shop.cloud.account not in gzip.decompress((here / "it.tar.gz").read_bytes()).decode()
    [told] = document(shop, "diagnose", "-f", "it.tar.gz")["results"]
    assert (told["finding"], told["account"]) == ("UpdateFailed", "000000000001")


def test_masks_that_hide_what_tells_are_owned_up_to(shop: Shop, here: Path) -> None:
    stored = shop.stored("exports", "post")
    error = "function in 'Pending' state, cannot be modified or deleted"
    stored["spec"]["environment"]["variables"]["SAID"] = error
    stored["status"]["conditions"] = [
        {"type": "ACK.Recoverable", "status": "True", "message": error},
        {"type": "ACK.ResourceSynced", "status": "Unknown", "lastTransitionTime": shop.ago(minutes=1)},
    ]
    shop.api.seed(stored)
    result = shop("collect", "exports", "-n", "post", "-o", "it.tar.gz", columns=200)
    [told] = document(shop, "diagnose", "-f", "it.tar.gz")["results"]
    direct = document(shop, "explain", "exports", "-n", "post")
    assert told["finding"] != direct["finding"]
    said = f"the bundle's diagnosis is {told['finding']}, where the resource's is {direct['finding']}"
    assert result.err.startswith(f"mind: Masks hide what tells: {said}.")


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_one_that_is_not_there(shop: Shop, here: Path) -> None:
    result = shop("collect", "nobody")
    assert (result.code, list(here.iterdir())) == (1, [])
    assert "there is no Function 'nobody' in namespace shop" in result.err


def test_what_somebody_keeps_writing_to_is_collected_as_it_is(
    shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remediator.kubernetes.resources import KubernetesCluster

    read, reads = KubernetesCluster.raw, []

    def raw(self: KubernetesCluster, ref: Any) -> bytes:
        reads.append(ref)
        stored = shop.stored("checkout")
        stored["metadata"].setdefault("labels", {})["touched"] = str(len(reads))
        shop.api.seed(stored)
        return read(self, ref)

    monkeypatch.setattr(KubernetesCluster, "raw", raw)
    assert shop("collect", "checkout", "-o", "it.tar.gz").code == 0
    assert len(reads) == 3


def test_a_namespace_and_a_version_that_may_not_be_read(
    shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remediator.errors import Forbidden
    from remediator.kubernetes.transport import Transport

    get = Transport.get

    def without_version(self: Transport, path: str, query: Any = None) -> bytes:
        if path.startswith("/api/v1/namespaces"):
            raise Forbidden("namespaces is forbidden")
        return b"<html>" if path == "/version" else get(self, path, query)

    monkeypatch.setattr(Transport, "get", without_version)
    assert shop("collect", "checkout", "-o", "it.tar.gz").code == 0
    bundle = unpack("it", (here / "it.tar.gz").read_bytes())
    assert (bundle.versions["kubernetes"], bundle.observed().namespace) == ("not known", None)


# ---- diagnose --------------------------------------------------------------------------------------------------------


def test_what_is_given_goes_before_what_is_in_the_bundle(shop: Shop, here: Path) -> None:
    shop("collect", "checkout", "-o", "it.tar.gz")
    (here / "live.json").write_text(json.dumps({"FunctionName": "checkout", "State": "Failed"}), encoding="utf-8")
    [told] = document(shop, "diagnose", "-f", "it.tar.gz", "--live", "live.json")["results"]
    assert told["finding"] == "CreateFailed"
    [told] = document(shop, "diagnose", "-f", "it.tar.gz", "--since", "2026-01-01T00:00:00Z")["results"]
    assert told["since"] == "2026-01-01T00:00:00Z"
    shop("collect", "payments", "-o", "it.tar.gz", "--force")
    assert document(shop, "diagnose", "-f", "it.tar.gz")["results"][0]["state"] == "waiting"
    later = document(shop, "diagnose", "-f", "it.tar.gz", "--now", "2030-01-01T00:00:00Z")["results"]
    assert later[0]["state"] == "stuck"


def test_the_policys_timeouts_go_before_those_of_the_bundle(shop: Shop, here: Path) -> None:
    shop.write_policy("timeouts: {functionPending: 2h}\n")
    shop("collect", "payments", "-o", "it.tar.gz")

    def stuck_at(**more: Any) -> str:
        told = shop("diagnose", "-f", "it.tar.gz", "-o", "json", **more)
        return str(json.loads(told.out)["results"][0]["stuckAt"])

    own = stuck_at(policy=False)
    shop.write_policy("timeouts: {functionPending: 3h}\n")
    assert stuck_at(policy=False) == own
    assert stuck_at() > own


def test_a_bundle_comes_from_stdin_too(shop: Shop, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from remediator.cli.dumps import diagnose_dumps
    from remediator.policy import Policy

    shop("collect", "checkout", "-o", "it.tar.gz")
    pipe = io.TextIOWrapper(io.BytesIO((here / "it.tar.gz").read_bytes()))
    monkeypatch.setattr("sys.stdin", pipe)
    policy = Policy.model_validate({"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"})
    scan, _ = diagnose_dumps("-", None, None, None, policy)
    assert [each.seen.resource.metadata.name for each in scan.results] == ["checkout"]


def test_a_broken_bundle_is_an_error_with_its_name(shop: Shop, here: Path) -> None:
    (here / "it.tar.gz").write_bytes(b"\x1f\x8bnot at all")
    result = shop("diagnose", "-f", "it.tar.gz")
    assert result.code == 2
    assert "it.tar.gz: is no bundle that can be unpacked" in result.err


@pytest.mark.parametrize("columns", [80, 200])
def test_its_help_has_an_example_and_fits(shop: Shop, columns: int) -> None:
    out = shop("collect", "--help", policy=False, columns=columns).out
    assert "remediator collect function/checkout -n shop -o checkout.tar.gz" in out
    assert max(map(len, out.splitlines())) <= columns
