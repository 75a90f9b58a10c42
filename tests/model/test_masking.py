"""Secrets stay out of every text."""

from __future__ import annotations

import html
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.masking import MASK, SHORTEST_SECRET, mask, one_line, without_links

# The mask's own character cannot be hidden behind the mask.
words = st.text(st.characters(exclude_characters="•", exclude_categories=["Cs"]), max_size=12)


def test_every_occurrence_is_masked() -> None:
    assert mask("key=hunter2; again: hunter2!", ["hunter2"]) == f"key={MASK}; again: {MASK}!"


def test_the_longest_goes_first_so_that_nothing_of_it_is_left() -> None:
    assert mask("password-of-prod", ["password", "password-of-prod"]) == MASK


def test_short_values_are_no_secrets() -> None:
    assert mask("switch it on: 1", ["on", "1", ""]) == "switch it on: 1"


def test_three_characters_are_a_secret() -> None:
    assert mask("the pin is 739", ["739"]) == f"the pin is {MASK}"


def test_a_text_without_secrets_is_untouched() -> None:
    assert mask("nothing to hide", []) == "nothing to hide"


@given(text=words, secrets=st.lists(words), glue=words)
def test_no_secret_survives(text: str, secrets: list[str], glue: str) -> None:
    masked = mask(glue.join([text, *secrets, text]), secrets)
    assert not [secret for secret in secrets if len(secret) >= SHORTEST_SECRET and secret in masked]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_secret_is_masked_as_go_writes_it_in_json(ascii_only: bool) -> None:
    secret = "<a&b>-grün"
    told = json.dumps({"A": secret}, ensure_ascii=ascii_only)
    for char in "<>&":
        told = told.replace(char, f"\\u{ord(char):04x}")
    assert mask(told, [secret]) == f'{{"A": "{MASK}"}}'


@pytest.mark.parametrize("secret", ['a"b-c', "back\\slash", "two\nlines", "grün", "tab\there"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_secret_that_is_quoted_is_masked_as_it_is_spelled_there(secret: str, ascii_only: bool) -> None:
    """As an API server does that quotes a value which it refuses: in JSON, or in JSON within JSON."""
    once = json.dumps({"A": secret}, ensure_ascii=ascii_only)
    for text in (once, json.dumps(once, ensure_ascii=ascii_only)):
        masked = mask(text, [secret])
        assert MASK in masked
        assert secret not in masked
        assert json.dumps(secret, ensure_ascii=ascii_only)[1:-1] not in masked


PEM = "-----BEGIN KEY-----\nTUlJRXBBSUJBQUtDQVFFQTdk\n  bGx0\t<x>\n-----END KEY-----\n"


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_secret_of_several_lines_is_masked_in_a_text_that_was_put_into_one(ascii_only: bool) -> None:
    """Sentences are made of what controllers say, and say it in one line."""
    go = json.dumps(PEM, ensure_ascii=ascii_only).replace("<", "\\u003c").replace(">", "\\u003e")
    for said in (PEM, json.dumps(PEM), go, json.dumps(one_line(PEM)), json.dumps(go)):
        masked = mask(one_line(f"it is {said} now"), [PEM])
        assert "TUlJ" not in masked
        assert "KEY" not in masked


@pytest.mark.parametrize("secret", [" \n ", "a\n\n", "\ton "])
def test_a_secret_that_is_too_short_in_one_line_takes_no_text_apart(secret: str) -> None:
    assert mask("a man on the moon", [secret]) == "a man on the moon"


LINK = "https://bucket.example.invalid/code?versionId=1&X-Amz-Security-Token=5ec7e7&X-Amz-Expires=600"
FIRST = "https://bucket.example.invalid/code?X-Amz-Security-Token=5ec7e7&X-Amz-Expires=600"


@pytest.mark.parametrize("link", [LINK, FIRST])
@pytest.mark.parametrize("form", ["plain", "go", "go in json", "html", "url", "url in url"])
def test_a_presigned_link_is_found_in_each_form(link: str, form: str) -> None:
    by_go = link.replace("&", "\\u0026")
    spelled = {
        "plain": link,
        "go": by_go,
        "go in json": json.dumps(by_go)[1:-1],
        "html": html.escape(link),
        "url": quote(link, safe=""),
        "url in url": quote(quote(link, safe=""), safe=""),
    }[form]
    for text in (f"see {spelled} now", f"see {spelled.lower()} now"):
        assert without_links(text) == "see (a presigned link) now"


def test_other_links_stay() -> None:
    text = "see https://example.invalid/?page=2&X-Other=1 and X-Amz-Date"
    assert without_links(text) == text


def test_a_long_text_that_only_looks_like_links_is_searched_in_a_moment() -> None:
    text = "http:" * 20_000
    began = time.process_time()
    assert without_links(text) == text
    assert time.process_time() - began < 10
