"""`remediator scan -o html`: one file that says what the other commands say, and no more."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.shop import CONTEXT, SECRET, Shop
from tests.page.markup import Markup


@pytest.fixture
def page(shop: Shop) -> str:
    told = shop("scan", "-A", "-o", "html")
    assert told.code == 0
    return told.out


def test_it_is_one_page_with_everything_that_a_scan_found(page: str) -> None:
    read = Markup(page)
    assert page.lstrip().startswith("<!doctype html>")
    assert f"{CONTEXT}, all namespaces" in read.words
    assert "8 functions: 3 stuck, 2 waiting, 1 advisory, 2 healthy." in read.words
    found = re.findall(r"function/(\w+) in \w+ (?:stuck|waiting|advisory) (\w+)", read.words)
    assert found == [
        ("archive", "FinalizerLeft"),
        ("checkout", "UpdateFailed"),
        ("legacy", "FinalizerLeft"),
        ("exports", "UnclassifiedError"),
        ("payments", "FunctionPending"),
        ("receipts", "ChecksumMismatch"),
    ]
    assert "mailer" not in page


def test_it_says_the_sentences_of_scan_and_explain(shop: Shop, page: str) -> None:
    words = Markup(page).words
    explained = json.loads(shop("explain", "checkout", "-n", "shop", "-o", "json").out)
    assert explained["evidence"]
    for key, value in explained["evidence"].items():
        assert f"{key} {' '.join(value.split())}" in words, key
    # Some are answered by `explain`, which asks the API server; some by a scan alone, which counts.
    asked = ("permission", "rehearsal", "breaker")
    gates = [each for each in explained["gates"] if each["gate"] not in asked]
    assert len(gates) > 15
    for gate in gates:
        assert f"{gate['ruling']} {gate['gate']} {' '.join(gate['reason'].split())}" in words


def test_what_can_be_typed_next_is_there_to_copy(shop: Shop, page: str) -> None:
    results = json.loads(shop("scan", "-A", "-o", "json").out)["results"]
    proposal = next(each["proposalId"] for each in results if each["name"] == "checkout")
    words = Markup(page).words
    assert "remediator explain function/checkout -n shop" in words
    assert "remediator findings UpdateFailed" in words
    # This cluster has no place for records, so no word would be kept in it.
    assert f"remediator run -A --approve --proposal {proposal}" in words


def test_a_spell_is_told_in_the_order_in_which_it_came(page: str) -> None:
    lists = re.findall(r'<ol class="timeline".*?</ol>', page, re.DOTALL)
    assert len(lists) == 6
    for each in lists:
        past = re.findall(r'<li class="(?!coming)\w+">\s*<p class="when"><time datetime="([^"]+)"', each)
        assert past and past == sorted(past)
    assert any("should heal by itself" in each for each in lists)


def test_no_secret_is_on_it(page: str) -> None:
    assert SECRET not in page
    assert "•••" in page


def test_the_sums_are_told_beside_it(shop: Shop) -> None:
    told = shop("scan", "-A", "-o", "html")
    assert "3 stuck" in told.err


def test_a_file_cannot_be_looked_at_again(page: str) -> None:
    assert ">look again</a>" not in page


def test_it_lists_no_healthy_ones_and_says_so_where_they_are_asked_for(shop: Shop) -> None:
    told = shop("scan", "-A", "--all", "-o", "html")
    assert (told.code, told.out) == (2, "")
    assert "a page shows what is unwell" in told.err


@pytest.mark.parametrize("command", ["explain", "run", "list", "history", "diagnose"])
def test_no_other_command_writes_one(shop: Shop, command: str) -> None:
    told = shop(command, "-o", "html", policy=False)
    assert told.code == 2
    assert "html" in told.err
