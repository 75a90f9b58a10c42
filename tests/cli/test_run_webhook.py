"""`remediator run` tells a webhook what is new; what goes wrong there neither changes a run nor keeps it waiting."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remediator.webhook import Deliveries, sending
from tests import yaml_files
from tests.cli.shop import CONTEXT, SECRET, Shop
from tests.webhook.receiving import HOOK, read, section
from tests.wire import SILENCE, Heard, Wire, answer

BASE = Path(__file__).parents[2] / "manifests" / "base"
RECORDED = "breaker: {percent: 100}\n"

Tell = Callable[..., None]


@pytest.fixture
def tell(shop: Shop, tmp_path: Path) -> Tell:
    """Write a policy that names a webhook, on a cluster that keeps records."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))

    def write(url: str, more: str = RECORDED, keys: str = "") -> None:
        section(f"{url}{HOOK}", tmp_path)
        files = f"urlFile: {tmp_path / 'url'}, secretFile: {tmp_path / 'secret'}"
        shop.write_policy(f"{more}webhook: {{{files}{keys}}}\n")

    return write


def told(wire: Wire) -> list[set[tuple[str, str]]]:
    """List what each message told, by reason and name."""
    return [{(each["reason"], each["resource"]["name"]) for each in read(heard)["items"]} for heard in wire.heard]


def test_what_a_pass_finds_is_one_message_from_however_many_runs(shop: Shop, tell: Tell) -> None:
    with Wire(answer(200)) as wire:
        tell(wire.url)
        for _ in range(2):
            assert shop("run", "-A").code == 0
        [heard] = wire.heard
    [found] = told(wire)
    assert {("Found", "checkout"), ("Proposed", "checkout"), ("Found", "archive")} <= found
    assert read(heard)["cluster"] == CONTEXT
    assert SECRET not in heard.body.decode()
    assert "•••" in heard.body.decode() or "TeapotException" not in heard.body.decode()


@pytest.mark.parametrize("words", [("scan", "-A"), ("explain", "checkout"), ("run", "-A", "--dry-run")])
def test_who_only_looks_tells_nobody(shop: Shop, tell: Tell, words: tuple[str, ...]) -> None:
    with Wire(answer(200)) as wire:
        tell(wire.url)
        assert shop(*words).code == 0
        assert wire.heard == []


def test_it_is_told_where_events_are_off(shop: Shop, tell: Tell) -> None:
    with Wire(answer(200)) as wire:
        tell(wire.url, f"{RECORDED}events: false\n", ", format: slack, cluster: 'prod <eu1>'")
        assert shop("run", "-A").code == 0
        [heard] = wire.heard
    assert read(heard)["text"].startswith("ack-remediator, prod &lt;eu1&gt;: ")


def test_what_is_done_is_told_once_it_is_known(shop: Shop, tell: Tell) -> None:
    with Wire(answer(200)) as wire:
        tell(wire.url, keys=", reasons: [Acted]")
        shop("run", "-n", "shop", "-l", "team=shop", "--approve", typed=f"{CONTEXT}\n{CONTEXT}\n")
        acted = told(wire)
    assert acted
    assert {reason for each in acted for reason, _ in each} == {"Acted"}


def test_without_records_a_run_tells_only_what_it_did(shop: Shop, tell: Tell) -> None:
    """Every run would find everything anew."""
    elsewhere = ("--home-namespace", "nowhere")
    with Wire(answer(200)) as wire:
        tell(wire.url)
        assert shop("run", "-A", *elsewhere).code == 0
        assert wire.heard == []
        shop("run", "-n", "shop", "-l", "team=shop", "--approve", *elsewhere, typed=f"{CONTEXT}\n{CONTEXT}\n")
        assert {reason for each in told(wire) for reason, _ in each} == {"Acted"}


def test_a_person_who_asks_for_an_action_by_name_has_it_told(shop: Shop, tell: Tell) -> None:
    with Wire(answer(200)) as wire:
        tell(wire.url)
        shop.left("adrift", annotations={"services.k8s.aws/region": "eu-west-1"})
        shop("clear-finalizer", "adrift", "--confirm", CONTEXT)
        assert ("Acted", "adrift") in {one for each in told(wire) for one in each}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(403, "invalid_token"), "it answered 403 (invalid_token)"),
        (answer(302, Location="https://elsewhere.invalid/"), "redirects are not followed"),
    ],
)
def test_a_receiver_that_refuses_changes_nothing_but_the_log(shop: Shop, tell: Tell, said: Any, why: str) -> None:
    with Wire(said) as wire:
        tell(wire.url)
        result = shop("run", "-A", columns=400)
        assert len(wire.heard) == 1
    assert result.code == 0
    assert result.err.count("the webhook was not told") == 1
    assert why in result.err


def test_a_file_that_is_missing_changes_nothing_but_the_log(shop: Shop, tell: Tell, tmp_path: Path) -> None:
    tell("https://chat.example.com")
    (tmp_path / "url").unlink()
    result = shop("run", "-A", columns=400)
    assert result.code == 0
    assert "urlFile" in result.err and "cannot be read" in result.err


def test_a_receiver_that_hangs_is_not_waited_for(shop: Shop, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.cli.telling._PATIENCE", 0.5)
    file = shop.directory / "told.prom"
    with Wire(SILENCE) as wire:
        tell(wire.url)
        result = shop("run", "-A", "--metrics-file", str(file), columns=400)
        assert len(wire.heard) == 1
    assert result.code == 0
    assert "The webhook did not take 1 message within" in result.err
    [family] = [
        each
        for each in text_string_to_metric_families(file.read_text(encoding="utf-8"))
        if each.name == "remediator_webhook_deliveries"
    ]
    assert [(each.labels, each.value) for each in family.samples] == [({"result": "dropped"}, 1.0)]


def test_it_ends_when_it_is_told_to_while_it_delivers(shop: Shop, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.cli.telling._PATIENCE", 60.0)
    waits, close = threading.Event(), Deliveries.close
    ended: list[float] = []

    def waiting(self: Deliveries, patience: float) -> int:
        waits.set()
        return close(self, patience)

    def end(_: Heard) -> bytes:
        assert waits.wait(60)
        time.sleep(0.2)
        ended.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(3)
        return answer(200)

    monkeypatch.setattr(Deliveries, "close", waiting)
    with Wire(end) as wire:
        tell(wire.url)
        result = shop("run", "-A")
        assert len(wire.heard) == 1
        assert time.monotonic() - ended[0] < 2
    assert result.code == 130


@pytest.mark.parametrize(
    "said",
    [
        answer(500, HOOK),
        answer(404, HOOK),
        b"HTTP/1.1 200 OK\r\nContent-Length : x\r\n bad\r\n: :\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header at all\r\n\r\n",
        b"\x00\x01",
        b"",
    ],
    ids=["500", "404", "broken headers", "no header", "no HTTP", "a hang-up"],
)
def test_the_address_is_in_no_log_however_much_is_logged(
    shop: Shop, tell: Tell, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("remediator.cli.telling._PATIENCE", 1.0)
    monkeypatch.setattr(sending, "_READ", 0.5)
    with Wire(said) as wire:
        tell(wire.url)
        result = shop("run", "-A", verbose="-vv", columns=400)
        assert wire.heard
    assert result.code == 0
    for each in (*HOOK.split("/")[2:], "of-the-tests", (shop.directory / "secret").read_text().strip()):
        assert each not in result.out + result.err
