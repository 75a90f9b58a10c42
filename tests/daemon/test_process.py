"""`remediator daemon` in a process of its own, over the sandbox: what it serves, and how it ends."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest

from remediator.cli.board import STANDS_BY
from remediator.cli.daemon import PAGE_PORT
from remediator.sandbox.faults import Faults, late
from remediator.telemetry.listening import LOOPBACK
from tests.cli.shop import Json, Shop
from tests.daemon.process import Process, started
from tests.page.markup import Markup
from tests.telemetry.certificates import Certificates, certificates

__all__ = ["certificates"]

# A machine that is busy with other tests takes its time to start a process.
pytestmark = [pytest.mark.deep, pytest.mark.timeout(180)]

_RECORDS = "ack-remediator.dev/v1alpha1"
_AUTO = "mode: auto\nsightings: 1\nbreaker: {percent: 100}\nschedule: {interval: 5s, jitter: 0s}\n"


def lease(shop: Shop, name: str) -> Json:
    spec: Json = shop.api.stored("coordination.k8s.io/v1", "Lease", "ack-remediator", name)["spec"]
    return spec


def attempts(shop: Shop, name: str) -> list[Json]:
    uid = shop.stored(name)["metadata"]["uid"]
    found: list[Json] = shop.api.stored(_RECORDS, "Remediation", "ack-remediator", f"function-{uid}")["status"].get(
        "attempts", []
    )
    return found


@pytest.fixture
def words(shop: Shop) -> list[str]:
    return ["-A", "--policy", str(shop.policy)]


def begun(process: Process, shop: Shop) -> None:
    """Wait until the writes of a Resync are out, and only its effect is still to be seen."""
    process.told("acting")
    deadline = time.monotonic() + 50.0
    while not any("accepted" in each for each in attempts(shop, "checkout")):
        assert time.monotonic() < deadline, process.log
        time.sleep(0.1)


# Python that sends the process a SIGTERM while it sets up the page: the port of its metrics is served by then.
_TOLD_TO_END_AT_ONCE = """
import os, signal
from remediator.cli import daemon
daemon._serve_page = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
"""


def test_whoever_sees_it_serve_may_end_it_at_once(shop: Shop, words: list[str]) -> None:
    with started(*words, before=_TOLD_TO_END_AT_ONCE) as process:
        process.told("serving")
        assert process.ends(20) == 0
    assert all(each["event"] != "scanned" for each in process.log)


def test_it_looks_serves_what_it_saw_and_ends_when_told(shop: Shop, words: list[str]) -> None:
    shop.furnish()
    with started(*words) as process:
        scanned = process.told("scanned")
        assert (scanned["level"], scanned["healthy"]) == ("info", 2)
        assert process.is_ready()
        status, metrics = process.get("/metrics")
        assert (status, "remediator_leader 1.0" in metrics) == (200, True)
        assert lease(shop, "ack-remediator-leader")["holderIdentity"]
        process.terminate()
        assert process.ends(20) == 0
    assert "holderIdentity" not in lease(shop, "ack-remediator-leader"), "a standby takes over at once"
    assert (process.odd, [each for each in process.log if each["level"] == "error"]) == ([], [])
    assert "correct-horse-battery" not in str(process.log)


def test_its_page_shows_what_it_saw(shop: Shop, words: list[str]) -> None:
    shop.furnish()
    with started(*words) as process:
        process.told("scanned")
        assert process.is_ready()
        page = process.page()
    read = Markup(page).words
    assert "shop-cluster, all namespaces Last look" in read
    assert "8 functions: 3 stuck, 2 waiting, 1 advisory, 2 healthy." in read
    assert "function/checkout in shop stuck UpdateFailed" in read
    assert "dry-run: it shows, and changes nothing" in read
    assert "correct-horse-battery" not in page


def test_who_stands_by_says_so_on_its_page(shop: Shop, words: list[str]) -> None:
    shop.furnish()
    with started(*words) as first:
        first.told("scanned")
        with started(*words) as second:
            second.told("standing by: another daemon leads")
            assert STANDS_BY in Markup(second.page()).words
            assert "function/checkout" in first.page()


def test_no_page_where_none_is_wanted(shop: Shop, words: list[str]) -> None:
    shop.furnish()
    with started(*words, page=("--no-page",)) as process:
        process.told("scanned")
        assert not [each for each in process.log if each["event"] == "serving the page"]


def test_a_usual_port_that_is_taken_keeps_it_from_no_pass(shop: Shop, words: list[str]) -> None:
    shop.furnish()
    with socket.socket() as other:
        with suppress(OSError):  # whoever else has it does as well
            other.bind((LOOPBACK, PAGE_PORT))
            other.listen()
        with started(*words, page=()) as process:
            assert (
                f"cannot listen on {LOOPBACK}:{PAGE_PORT} for the page" in process.told("the page is not served")["why"]
            )
            process.told("scanned")


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(shop: Shop, words: list[str]) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = str(other.getsockname()[1])
        with started(*words, page=("--page-port", taken)) as process:
            assert process.ends() == 2
    assert f"cannot listen on {LOOPBACK}:{taken} for the page" in " ".join(" ".join(process.odd).split())


def test_with_certificates_it_answers_those_who_have_one_only(
    shop: Shop, words: list[str], certificates: Certificates
) -> None:
    shop.furnish()
    files = certificates.server(clients=True)
    flags = ["--metrics-cert", str(files.certificate), "--metrics-key", str(files.key)]
    with started(*words, *flags, "--metrics-client-ca", str(files.clients)) as process:
        serving = process.told("serving")
        address = f"https://127.0.0.1:{serving['port']}/metrics"
        with urlopen(address, timeout=10, context=certificates.trusting(as_client=True)) as answer:
            assert (serving["tls"], answer.status) == (True, 200)
        with pytest.raises((OSError, HTTPException)):
            urlopen(address, timeout=10, context=certificates.trusting())
        process.terminate()
        assert process.ends(20) == 0


def test_told_to_end_while_it_looks_it_begins_nothing(shop: Shop, words: list[str], tmp_path: Path) -> None:
    shop.controller()
    shop.rolled_back()
    shop.write_policy(_AUTO)
    before = shop.stored("checkout")
    with Faults(shop.api.url, ca=shop.certificate) as faults:
        faults.add(late(3.0), path="/functions$")
        through = faults.kubeconfig(shop.kubeconfig, tmp_path / "through")
        with started(*words, KUBECONFIG=str(through)) as process:
            process.told("leading")
            time.sleep(0.5)
            process.terminate()
            assert process.ends(20) == 0
    assert shop.stored("checkout") == before
    assert [each for each in process.log if each["event"] in ("acting", "acted")] == []


def test_told_to_end_while_it_watches_for_an_effect_it_leaves_that_to_the_next(shop: Shop, words: list[str]) -> None:
    """No controller is at work here: nothing tells that the Resync had an effect."""
    shop.controller()
    shop.rolled_back()
    shop.write_policy(_AUTO)
    with started(*words, "--grace-period", "5") as process:
        begun(process, shop)
        process.terminate()
        assert process.ends(20) == 130, process.log
    assert [each["left_to_the_next"] for each in process.log if each["event"] == "a pass was broken off"] == [True]
    (attempt,) = attempts(shop, "checkout")
    assert "accepted" in attempt and "result" not in attempt
    assert "publish" not in shop.stored("checkout")["spec"]
    for name in ("ack-remediator-leader", "ack-remediator-action"):
        assert "holderIdentity" not in lease(shop, name)


def test_told_twice_it_ends_at_once(shop: Shop, words: list[str]) -> None:
    shop.controller()
    shop.rolled_back()
    shop.write_policy(_AUTO)
    with started(*words, "--grace-period", "60") as process:
        begun(process, shop)
        process.terminate()
        time.sleep(1.0)
        process.terminate()
        assert process.ends(5) == 130
    (attempt,) = attempts(shop, "checkout")
    assert "result" not in attempt


def test_what_cannot_be_used_from_the_start_ends_it_with_a_sentence(shop: Shop, words: list[str]) -> None:
    shop.write_policy("mode: yolo\n")
    with started(*words) as process:
        assert process.ends() == 2
    assert any("mode" in line and "yolo" in line for line in process.odd)


def test_an_address_that_is_taken_ends_it_with_a_sentence(shop: Shop, words: list[str]) -> None:
    with started(*words) as first:
        taken = first.told("serving")["port"]
        with started(*words, "--metrics-port", str(taken)) as second:
            assert second.ends() == 2
    assert any("cannot listen on 127.0.0.1" in line for line in second.odd)
