"""Metrics pushed to a gateway: what it is told, what it forgets, and that nobody waits for it."""

from __future__ import annotations

import socket
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remediator.sandbox.faults import Faults, trickling
from remediator.telemetry.metrics import Metrics
from remediator.telemetry.pushing import push
from tests.builders import NOW, function
from tests.telemetry.passes import Story, stuck, written
from tests.wire import SILENCE, Answer, Wire, answer

TAKEN = answer(200)
SUCCESS = "remediator_last_success_timestamp_seconds"


class Gateway:
    """Keeps what it is told as a Pushgateway does: a POST replaces metrics by their name, and leaves others."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, float]] = {}

    def take(self, metrics: Metrics, *, ended_well: bool = True) -> None:
        with Wire(TAKEN) as wire:
            assert push(metrics, wire.url, "ack-remediator", {"cluster": "eu1"}, ended_well=ended_well) == ""
            [heard] = wire.heard
        assert (heard.method, heard.path) == ("POST", "/metrics/job/ack-remediator/cluster/eu1")
        for family in text_string_to_metric_families(heard.body.decode()):
            samples = {written(each.name, **each.labels): each.value for each in family.samples}
            if samples:
                self.kept[family.name] = samples


def test_a_gateway_is_told_what_a_scrape_would_read() -> None:
    story, gateway = Story(stuck()), Gateway()
    told = story.look()
    gateway.take(story.metrics)
    kept = {key: value for samples in gateway.kept.values() for key, value in samples.items()}
    assert told.items() <= kept.items()
    assert {value for key, value in kept.items() if key not in told} == {0.0}


def test_what_recovered_is_zero_at_the_gateway() -> None:
    """It would stay as it was, for ever: a gateway forgets nothing unasked."""
    gateway = Gateway()
    for each in (stuck(), function()):
        story = Story(each)
        story.look()
        gateway.take(story.metrics)
        found = gateway.kept["remediator_findings"]
        assert len(found) == 1
        assert sum(found.values()) == (each["status"]["conditions"][0]["type"] == "ACK.Recoverable")
    assert set(gateway.kept["remediator_oldest_finding_age_seconds"].values()) == {0.0}


def test_only_a_run_that_ended_well_tells_of_a_success() -> None:
    gateway, first = Gateway(), Story(function())
    first.look()
    gateway.take(first.metrics)
    broke_off = Story(function())
    broke_off.clock.sleep(300)
    broke_off.look()
    broke_off.metrics.failed()
    gateway.take(broke_off.metrics, ended_well=False)
    assert gateway.kept[SUCCESS] == {SUCCESS: NOW.timestamp()}
    assert gateway.kept["remediator_last_scan_timestamp_seconds"] == {
        "remediator_last_scan_timestamp_seconds": NOW.timestamp() + 300
    }


def test_a_run_that_saw_nothing_takes_nothing_back() -> None:
    gateway, story = Gateway(), Story(stuck())
    story.look()
    gateway.take(story.metrics)
    before = dict(gateway.kept)
    nothing = Metrics(now=lambda: NOW)
    nothing.failed()
    gateway.take(nothing, ended_well=False)
    assert gateway.kept.pop("remediator_scans") == {written("remediator_scans_total", result="error"): 1.0}
    changed = {name for name, samples in gateway.kept.items() if samples != before[name]}
    assert changed == {"remediator_scan_duration_seconds"}


def test_labels_may_say_anything() -> None:
    with Wire(TAKEN) as wire:
        push(Metrics(now=lambda: NOW), f"{wire.url}/prefix/", "a/b", {"cluster": "a/b c", "env": "p"}, ended_well=True)
        [heard] = wire.heard
    assert heard.path == "/prefix/metrics/job@base64/YS9i/cluster@base64/YS9iIGM=/env/p"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (SILENCE, "timed out"),
        (b"", "closed"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "SSH"),
        (answer(400, "pushed metrics are invalid or inconsistent"), "it answered 400: pushed metrics are invalid"),
        (answer(302, "", Location="http://elsewhere.invalid/"), "it answered 302"),
        (answer(503), "it answered 503"),
    ],
    ids=["silence", "a hang-up", "no HTTP", "a refusal", "a redirect", "trouble"],
)
def test_a_gateway_that_does_not_take_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch, said: Answer, why: str) -> None:
    monkeypatch.setattr("remediator.telemetry.pushing._READ", 0.2)
    with Wire(said) as wire:
        trouble = push(Metrics(now=lambda: NOW), wire.url, "tests", {}, ended_well=True)
        assert len(wire.heard) == 1
    assert trouble.startswith(f"metrics could not be pushed to {wire.url}: ")
    assert why in trouble
    assert "object at 0x" not in trouble and "\n" not in trouble


def test_a_gateway_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.telemetry.pushing._ANSWER", 0.3)
    with Wire(answer(200, "x" * 4000)) as wire, Faults(wire.url) as faults:
        faults.add(trickling(0.02))
        began = time.monotonic()
        assert "could not be pushed" in push(Metrics(now=lambda: NOW), faults.url, "tests", {}, ended_well=True)
        assert time.monotonic() - began < 20


def test_where_nobody_listens_that_is_said() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        assert "refused" in push(Metrics(now=lambda: NOW), url, "tests", {}, ended_well=True)
