"""`remediator run` tells Prometheus what it saw and did, and changes nothing else by it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remediator.kubernetes.resources import KubernetesCluster
from tests.cli.shop import CONTEXT, SECRET, Shop, Typing
from tests.telemetry.passes import Scrape, of, written
from tests.wire import SILENCE, Wire, answer

YES = f"{CONTEXT}\n"


def read(text: str) -> Scrape:
    return {
        written(sample.name, **sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ack-remediator.prom"


def told(file: Path) -> Scrape:
    return read(file.read_text(encoding="utf-8"))


def test_a_run_writes_what_it_saw(shop: Shop, file: Path) -> None:
    assert shop("run", "-A", "--metrics-file", str(file)).code == 0
    found = told(file)
    assert of(found, "remediator_scans_total") == {written("remediator_scans_total", result="success"): 1.0}
    assert sum(of(found, "remediator_resources").values()) == 8
    assert found[written("remediator_findings", finding="UpdateFailed", namespace="shop")] == 1
    assert found[written("remediator_findings", finding="FinalizerLeft", namespace="shop")] == 2
    assert found["remediator_approvals_pending"] == 2
    assert of(found, "remediator_actions_total") == {}
    assert SECRET not in file.read_text(encoding="utf-8")


def test_requests_are_counted_where_they_are_made(shop: Shop, file: Path) -> None:
    before = len(shop.cloud.calls)
    shop("run", "-A", "--metrics-file", str(file))
    found, calls = told(file), shop.cloud.calls_since(before)
    asked = of(found, "remediator_aws_requests_total")
    assert sum(asked.values()) == len(calls) > 1
    assert asked[written("remediator_aws_requests_total", operation="GetCallerIdentity", code="ok")] == 1
    gone = written(
        "remediator_aws_requests_total", operation="GetFunctionConfiguration", code="ResourceNotFoundException"
    )
    assert asked[gone] == 4
    answered = of(found, "remediator_kubernetes_requests_total")
    assert answered[written("remediator_kubernetes_requests_total", verb="GET", code="200")] >= 1
    assert written("remediator_kubernetes_requests_total", verb="PATCH", code="200") in answered


def test_what_was_done_is_counted_as_it_was_told(shop: Shop, file: Path) -> None:
    words = ("-n", "shop", "-l", "team=shop", "--approve", "-o", "json", "--metrics-file", str(file))
    result = shop("run", *words, typed=YES + YES)
    outcomes = Counter((each["action"], each["result"]) for each in json.loads(result.out)["outcomes"])
    assert ("ClearFinalizer", "resolved") in outcomes
    assert of(told(file), "remediator_actions_total") == {
        written("remediator_actions_total", action=action, mode="approve", outcome=came): float(count)
        for (action, came), count in outcomes.items()
    }
    assert told(file)[written("remediator_budget_used", scope="day")] == outcomes.total()


def test_a_dry_run_does_nothing_and_counts_nothing_as_done(shop: Shop, file: Path) -> None:
    shop.write_policy("mode: auto\nbreaker: {percent: 100}\n")
    assert shop("run", "-A", "--dry-run", "--metrics-file", str(file)).code == 0
    assert of(told(file), "remediator_actions_total") == {}
    assert told(file)[written("remediator_budget_used", scope="run")] == 0


def test_a_pass_that_did_not_see_everything_is_no_success(
    shop: Shop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop("run", "-A", "--metrics-file", str(file))
    success = told(file)["remediator_last_success_timestamp_seconds"]
    resources = KubernetesCluster.resources
    monkeypatch.setattr(KubernetesCluster, "resources", lambda self: [*resources(self), "the list broke off"])
    assert shop("run", "-A", "--metrics-file", str(file)).code == 5
    found = told(file)
    assert of(found, "remediator_scans_total") == {written("remediator_scans_total", result="partial"): 1.0}
    assert found["remediator_last_success_timestamp_seconds"] == success
    assert found["remediator_last_scan_timestamp_seconds"] >= success


def test_a_run_that_breaks_off_leaves_the_file_and_pushes_that_it_failed(shop: Shop, file: Path) -> None:
    shop("run", "-A", "--metrics-file", str(file))
    before = file.read_bytes()
    with Wire(answer(200)) as gateway:
        words = ("--metrics-file", str(file), "--push", gateway.url)
        result = shop("run", "-A", "--context", "nowhere", *words)
        [heard] = gateway.heard
    assert result.code == 2
    assert file.read_bytes() == before
    pushed = read(heard.body.decode())
    assert of(pushed, "remediator_scans_total") == {written("remediator_scans_total", result="error"): 1.0}
    assert not {"remediator_last_success_timestamp_seconds", "remediator_approvals_pending"} & pushed.keys()


def test_a_run_that_breaks_off_after_it_looked_pushes_what_it_saw_and_that_it_failed(shop: Shop, file: Path) -> None:
    """Under auto nothing is done where nobody will remember it."""
    shop.write_policy("mode: auto\n")
    with Wire(answer(200)) as gateway:
        assert shop("run", "-A", "--metrics-file", str(file), "--push", gateway.url).code == 2
        [heard] = gateway.heard
    assert not file.exists()
    pushed = read(heard.body.decode())
    assert of(pushed, "remediator_scans_total") == {
        written("remediator_scans_total", result="success"): 1.0,
        written("remediator_scans_total", result="error"): 1.0,
    }
    assert pushed[written("remediator_findings", finding="FinalizerLeft", namespace="shop")] == 2
    assert "remediator_last_scan_timestamp_seconds" in pushed
    assert "remediator_last_success_timestamp_seconds" not in pushed


def test_a_run_pushes_under_the_labels_that_it_is_given(shop: Shop) -> None:
    with Wire(answer(200)) as gateway:
        words = ("--push", gateway.url, "--push-job", "stuck", "--push-label", "cluster=eu1", "--push-label", "env=p")
        assert shop("run", "-A", *words).code == 0
        [heard] = gateway.heard
    assert heard.path == "/metrics/job/stuck/cluster/eu1/env/p"
    assert read(heard.body.decode())[written("remediator_findings", finding="FinalizerLeft", namespace="shop")] == 2


@pytest.mark.parametrize("said", [SILENCE, answer(500, "no disk")], ids=["silence", "trouble"])
def test_a_gateway_that_fails_is_a_sentence_and_no_exit_code(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    monkeypatch.setattr("remediator.telemetry.pushing._READ", 0.2)
    with Wire(said) as gateway:
        result = shop("run", "-A", "--push", gateway.url)
    assert result.code == 0
    assert f"Metrics could not be pushed to {gateway.url}" in " ".join(result.err.split())


def test_a_file_that_cannot_be_written_is_a_sentence_and_no_exit_code(
    shop: Shop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("remediator.telemetry.textfile._replace", full)
    result = shop("run", "-A", "--metrics-file", str(file))
    assert result.code == 0
    assert "Metrics could not be written to" in result.err
    assert "No space left on device" in " ".join(result.err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--metrics-file", "metrics.txt"), "end in .prom"),
        (("--metrics-file", "nowhere/metrics.prom"), "there is no directory nowhere"),
        (("--push", "gateway:9091"), "takes the URL"),
        (("--push", "ftp://gateway"), "takes the URL"),
        (("--push", "http://gateway:no"), "takes the URL"),
        (("--push", "http://gateway/?x=1"), "takes the URL"),
        (("--push", "http://me:secret@gateway:9091"), "no password"),
        (("--push", "http://g", "--push-label", "cluster"), "NAME=VALUE"),
        (("--push", "http://g", "--push-label", "a-b=c"), "NAME=VALUE"),
        (("--push", "http://g", "--push-label", "cluster="), "NAME=VALUE"),
        (("--push", "http://g", "--push-label", "namespace=a"), "namespace: that name is taken"),
        (("--push", "http://g", "--push-label", "job=a"), "job: that name is taken"),
        (("--push", "http://g", "--push-label", "a=b", "--push-label", "a=c"), "a: that name is taken"),
        (("--push", "http://g", "--push-job", ""), "--push-job takes a name"),
        (("--push-label", "cluster=eu1"), "goes with --push"),
    ],
)
def test_what_can_never_arrive_is_refused_before_anything_is_asked(
    typed_anywhere: Typing, words: tuple[str, ...], said: str
) -> None:
    result = typed_anywhere("run", "-A", *words)
    assert (result.code, result.out) == (2, "")
    assert said in " ".join(result.err.split())
    assert "secret" not in result.err
