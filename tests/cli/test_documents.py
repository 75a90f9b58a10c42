"""`-o json` and `-o yaml`: one document, which every reader reads alike and no terminal obeys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from remediator.cli import documents
from tests.cli.shop import SECRET, Shop, Typing

Document = dict[str, Any]

# What a terminal obeys, or what turns round the order of what is read.
HARMFUL = {
    chr(code)
    for code in (*range(10), *range(11, 32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), 0x2066, 0x2069)
}

TEXTS_LIKE_MORE = (
    "yes", "No", "on", "OFF", "y", "null", "~", "", "true", "1", "0o17", "017", "0x1f", "1e3", ".inf", "1_000",
    "12:30:45", "2026-11-22", "2026-11-22T02:00:00Z", "=", "<<", "- a", "a: b", "a #b", "#", "&a", "*a", "!a", "%a",
    "@a", "`a", "[red]", "{a", "'", '"', "\\", " a ", "a\nb", "a\n\n b\n", "\ttab", "a\t", "\x85", "\u2028", "\ufeff",
    "\x1b[2J", "\x9b2J", "\u202e", "🦑", "---", "...", "? a", "|", ">", "a:", ":a", "-", "--- a", "trailing ",
    "a,b", "a: ", "a :b", "a::", "it's", "a'", "a - b", "a -", "x=", "\ufffe",
    "\uffff", "\U0001fffe",
)  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(TEXTS_LIKE_MORE)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
written = st.dictionaries(texts, values, max_size=5)


def read_yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


# ---- whatever is in it -----------------------------------------------------------------------------------------------


@given(written)
@example({"all of them": list(TEXTS_LIKE_MORE)})
@example({each: each for each in TEXTS_LIKE_MORE})
def test_yaml_and_json_are_the_same_document(document: Document) -> None:
    told = json.loads(documents.as_json(document))
    assert told == document
    assert read_yaml(documents.as_yaml(document)) == told


@given(written)
@example({"all of them": list(TEXTS_LIKE_MORE)})
def test_readers_of_the_older_yaml_read_the_same(document: Document) -> None:
    """PyYAML reads YAML 1.1, as much of what people script with does: `yes` and `12:30` are no texts there."""
    assert pyyaml.safe_load(documents.as_yaml(document)) == document


@given(written)
@example({"all of them": list(TEXTS_LIKE_MORE)})
def test_no_character_reaches_the_terminal_that_steers_it(document: Document) -> None:
    for text in (documents.as_json(document), documents.as_yaml(document)):
        assert not set(text) & HARMFUL


def test_the_order_of_the_keys_is_kept() -> None:
    told = documents.as_yaml({"b": 1, "a": {"d": [], "c": {}}})
    assert told == "b: 1\na:\n  d: []\n  c: {}"


def test_what_occurs_twice_is_written_twice() -> None:
    """An alias would be right, and unreadable to a person."""
    same = {"state": "stuck"}
    assert documents.as_yaml({"one": same, "other": same}) == "one:\n  state: stuck\nother:\n  state: stuck"


def test_plain_words_are_not_quoted_and_doubtful_ones_are() -> None:
    told = documents.as_yaml(
        {"arn": "arn:aws:lambda:us-east-1:1:function:a", "said": "It is so, they say.", "on": "On"}
    )
    assert told == 'arn: arn:aws:lambda:us-east-1:1:function:a\nsaid: It is so, they say.\n"on": "On"'


def test_long_lines_are_not_folded() -> None:
    sentence = "what is searched for has to be on one line, " * 50
    assert sentence.strip() in documents.as_yaml({"summary": sentence.strip()})


# ---- as the commands print it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("scan", "-A"),
        ("scan", "--all"),
        ("scan", "-n", "nowhere"),
        ("explain", "checkout"),
        ("explain", "mailer"),
        ("run", "-A"),
    ],
    ids=" ".join,
)
def test_a_command_says_the_same_in_both(shop: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    now = shop.clock.now()
    monkeypatch.setattr(shop.clock, "now", lambda: now)
    as_json, as_yaml = shop(*words, "-o", "json"), shop(*words, "-o", "yaml")
    assert as_json.code == as_yaml.code == 0
    assert as_yaml.err == as_json.err
    told = read_yaml(as_yaml.out)
    assert told == json.loads(as_json.out)
    assert list(told) == list(json.loads(as_json.out))
    assert as_yaml.out.endswith("\n") and not as_yaml.out.endswith("\n\n")


def test_a_diagnosis_says_the_same_in_both(shop: Shop, typed_anywhere: Typing, tmp_path: Path) -> None:
    """Of several documents, too: both answer in one."""
    dump = tmp_path / "dump.yaml"
    names = ["checkout", "mailer", "payments"]
    dump.write_text("---\n".join(documents.as_yaml(shop.stored(name)) + "\n" for name in names), encoding="utf-8")
    words = ("diagnose", "-f", str(dump), "--now", "2026-11-22T02:00:00Z")
    told = read_yaml(typed_anywhere(*words, "-o", "yaml").out)
    assert told == json.loads(typed_anywhere(*words, "-o", "json").out)
    assert [each["name"] for each in told["results"]] == names


def test_an_approved_run_tells_its_outcomes_in_yaml(shop: Shop) -> None:
    """No controller runs here: a Resync has no effect."""
    found = {each["name"]: each["proposalId"] for each in read_yaml(shop("scan", "-o", "yaml").out)["results"]}
    told = read_yaml(shop("run", "--approve", "--proposal", found["archive"], "-o", "yaml").out)
    assert list(told)[-1] == "outcomes"
    assert [(each["name"], each["result"]) for each in told["outcomes"]] == [("archive", "unknown")]


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml"])
@pytest.mark.parametrize(
    ("words", "code"), [(("explain", "nobody"), 1), (("scan", "--context", "nowhere"), 2)], ids=["missing", "usage"]
)
def test_errors_are_on_stderr(shop: Shop, words: tuple[str, ...], code: int, output: str) -> None:
    result = shop(*words, "-o", output)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")


@pytest.mark.parametrize("words", [("scan",), ("explain", "x"), ("run",), ("diagnose", "-f", "x")], ids=" ".join)
def test_every_command_says_which_outputs_there_are(typed_anywhere: Typing, words: tuple[str, ...]) -> None:
    outputs = ["table", "wide", "json", "yaml", *(["html"] if words == ("scan",) else [])]
    shown = typed_anywhere(words[0], "--help", columns=200).out
    assert f"[{'|'.join(outputs)}]" in shown
    wrong = typed_anywhere(*words, "-o", "xml")
    assert wrong.code == 2
    assert f"{', '.join(map(repr, outputs))}." in wrong.err


def test_the_secret_is_in_no_document(shop: Shop) -> None:
    for output in ("wide", "json", "yaml"):
        assert SECRET not in shop("scan", "-A", "--all", "-o", output).out
