"""`remediator daemon` tells a webhook, and ends in time where that does not listen."""

from __future__ import annotations

import time

import pytest

from tests.cli.shop import Shop
from tests.daemon.process import started
from tests.webhook.receiving import HOOK, read, section
from tests.wire import SILENCE, Answer, Wire, answer

pytestmark = [pytest.mark.deep, pytest.mark.timeout(180)]


def furnish(shop: Shop, wire: Wire) -> list[str]:
    section(f"{wire.url}{HOOK}", shop.directory)
    files = f"urlFile: {shop.directory / 'url'}, secretFile: {shop.directory / 'secret'}"
    shop.write_policy(f"webhook: {{{files}}}\nschedule: {{interval: 5s, jitter: 0s}}\n")
    shop.furnish()
    return ["-A", "--policy", str(shop.policy)]


def test_it_tells_once_what_it_finds_and_counts_that(shop: Shop) -> None:
    with Wire(answer(200)) as wire, started(*furnish(shop, wire)) as process:
        process.told("told the webhook")
        first = len([each for each in process.log if each["event"] == "scanned"])
        process.told("scanned", lambda _: len([each for each in process.log if each["event"] == "scanned"]) > first + 1)
        assert 'remediator_webhook_deliveries_total{result="delivered"} 1.0' in process.get("/metrics")[1]
        process.terminate()
        assert process.ends(20) == 0
        [heard] = wire.heard
    assert {each["reason"] for each in read(heard)["items"]} >= {"Found"}
    assert HOOK not in str(process.log) + str(process.odd)


@pytest.mark.parametrize("said", [SILENCE, answer(503, after="300")], ids=["silence", "later"])
def test_it_ends_in_time_whatever_it_delivers(shop: Shop, said: Answer) -> None:
    with Wire(said) as wire, started(*furnish(shop, wire)) as process:
        process.told("scanned")
        while not wire.heard:
            time.sleep(0.05)
        began = time.monotonic()
        process.terminate()
        assert process.ends(30) == 0
        assert time.monotonic() - began < 15
    assert [each["messages"] for each in process.log if each["event"] == "the webhook did not take all in time"] == [1]
