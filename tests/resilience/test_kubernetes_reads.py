"""Faults between us and the API server while we only read: said in a sentence, in time, and nothing made of them."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from remediator.kubernetes import listing
from remediator.kubernetes.transport import Transport
from remediator.sandbox.faults import (
    Fault,
    answering,
    cut,
    dropped,
    hanging,
    late,
    refusing,
    trickling,
)
from tests.resilience.conftest import BRIEF, Storm

pytestmark = pytest.mark.deep

PAGE = {"Content-Type": "text/html"}
TROUBLE = {
    "hangs up": dropped(),
    "hangs up when it has read": dropped(reached=True),
    "hangs": hanging(),
    "trickles": trickling(0.01),
    "trickles from the first byte on": trickling(0.01, head=True),
    "breaks off": cut(60),
    "breaks off at once": cut(0),
    "is in trouble": refusing(500, "etcdserver: leader changed"),
    "is not ready": refusing(503, "the server is currently unable to handle the request", retry_after="0"),
    "is initializing without end": refusing(429, "storage is (re)initializing", retry_after="0"),
    "asks for an hour": refusing(429, "too many requests", retry_after="3600"),
    "knows us no more": refusing(401, "Unauthorized", reason="Unauthorized"),
    "is a proxy's login page": answering(200, "<html>Please log in</html>", PAGE),
    "is a gateway without upstream": answering(502, "<html>Bad gateway</html>", PAGE),
    "says nothing": answering(200, ""),
    "says something else": answering(200, '"pong"', {"Content-Type": "application/json"}),
    "speaks no UTF-8": answering(
        200, b'{"items": [{"metadata": {"name": "\xff"}}', {"Content-Type": "application/json"}
    ),
}
RESYNC = "Resync"
COMMANDS = [("scan", "-A"), ("explain", "checkout"), ("run", "-A"), ("run", "-A", "--approve", "--proposal", "p-1")]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_LONG_PAGE", 2)


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_an_api_server_that_cannot_be_read_is_one_sentence(storm: Storm, trouble: Fault) -> None:
    """And never an empty table: it would read as if all were well."""
    storm.kubernetes.add(trouble)
    result = storm("scan", "-A", "-o", "json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) <= 2
    assert "<html>" not in result.err


@pytest.mark.parametrize("words", COMMANDS[1:], ids=" ".join)
@pytest.mark.parametrize("trouble", ["hangs up", "trickles"])
def test_every_command_ends_alike(storm: Storm, words: tuple[str, ...], trouble: str) -> None:
    storm.kubernetes.add(TROUBLE[trouble])
    result = storm(*words)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: ")


def test_an_expired_token_says_what_to_do(storm: Storm) -> None:
    storm.kubernetes.add(TROUBLE["knows us no more"])
    said = storm("scan").err
    assert "does not accept our credentials: Unauthorized" in said
    assert "Log in again, or renew the token of the kubeconfig." in said


def test_a_server_that_is_late_is_waited_for(storm: Storm) -> None:
    storm.kubernetes.add(late(BRIEF.read / 3))
    assert storm("scan", "-A").code == 0


def test_a_server_that_is_initializing_is_borne_with(storm: Storm) -> None:
    """After a restart it says 429 for some ten seconds; here, for as many answers as fit into our patience."""
    storm.kubernetes.add(refusing(429, "storage is (re)initializing", retry_after="0"), path="functions$", times=3)
    assert storm("scan", "-A").code == 0
    assert BRIEF._field_defaults["throttled"] >= 30


def test_retry_after_is_honoured(storm: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = partial(Transport, patience=BRIEF._replace(throttled=3.0))
    monkeypatch.setattr("remediator.cli.wiring.Transport", patient)
    storm.kubernetes.add(refusing(429, "storage is (re)initializing", retry_after="1"), path="functions$", times=1)
    began = time.monotonic()
    assert storm("scan", "-A").code == 0
    assert time.monotonic() - began >= 1.0


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "trouble", ["hangs up", "hangs", "trickles", "breaks off", "is in trouble", "asks for an hour", "speaks no UTF-8"]
)
def test_a_list_that_breaks_off_is_shown_as_far_as_it_came(storm: Storm, trouble: str) -> None:
    storm.kubernetes.add(TROUBLE[trouble], path="functions$", after=1)
    result = storm("scan", "-A", "-o", "json")
    assert result.code == 5
    document = json.loads(result.out)
    assert {each["name"]: each["remedy"] for each in document["results"]} == {"archive": RESYNC, "checkout": RESYNC}
    (missing,) = document["partial"]
    assert missing.startswith("the list of Functions broke off after 2 of about 3: ")
    assert f"not seen: {missing}" in result.err
    assert "(partial: not everything was seen)" in result.err


@pytest.mark.usefixtures("small_pages")
def test_a_run_over_half_a_list_is_partial_too(storm: Storm) -> None:
    storm.kubernetes.add(TROUBLE["knows us no more"], path="functions$", after=1)
    result = storm("run", "-A")
    assert result.code == 5
    assert "Log in again" in result.err


@pytest.mark.parametrize(
    ("witness", "trouble"),
    [
        ("deployments$", "hangs up"),
        ("leases$", "hangs up"),
        ("deployments$|leases$", "hangs"),
        ("deployments$|leases$", "is a proxy's login page"),
        ("deployments$|leases$", "knows us no more"),
    ],
)
def test_what_is_not_known_of_the_controller_is_not_held_against_it(storm: Storm, witness: str, trouble: str) -> None:
    """Nothing has moved for twelve hours: that condemns the controller where nobody else can be asked."""

    def archive() -> Any:
        result = storm("scan", "-A", "-o", "json")
        assert result.code == 0
        return next(each for each in json.loads(result.out)["results"] if each["name"] == "archive")

    assert archive()["remedy"] == "ClearFinalizer"
    storm.kubernetes.add(TROUBLE[trouble], path=witness)
    assert archive()["remedy"] == RESYNC
    assert archive()["evidence"]["controller"].startswith("unknown: ")
