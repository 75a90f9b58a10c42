"""What chats are sent: it fits, it says what is new, and no name or text of others is markup in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.message import MOST_ITEMS
from remediator.policy.webhook import Format
from remediator.webhook.formats import body
from tests.builders import NOW
from tests.webhook.receiving import event, news

HOSTILE = "<!channel> <https://evil.example|click> *bold* [click](https://evil.example) <at>everyone</at> & `code`"
# Anything that a name or an error can be made of, and what means something to a chat more often than by chance.
texts = st.text(max_size=600) | st.lists(
    st.sampled_from(["<!here>", "<@U1>", "&amp;", "&", "<", ">", "*", "_", "`", "[a](b)", ":tada:", '"', "\\", "😀"])
).map("".join)


def slack(*args: Any, **more: Any) -> Any:
    return json.loads(body(news(*args, **more), Format.SLACK))


def teams(*args: Any, **more: Any) -> Any:
    return json.loads(body(news(*args, **more), Format.TEAMS))


def card(document: Any) -> Any:
    [attachment] = document["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


def objects(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from objects(each)


def test_json_is_the_message() -> None:
    assert json.loads(body(news(event(note=HOSTILE)), Format.JSON)) == {
        "apiVersion": "ack-remediator.dev/v1alpha1",
        "kind": "News",
        "id": "msg_1",
        "at": NOW.isoformat().replace("+00:00", "Z"),
        "cluster": "prod-eu1",
        "sender": {"name": "pod@host", "version": "1.2.3"},
        "items": [
            {
                "reason": "Found",
                "action": "Diagnose",
                "type": "Warning",
                "resource": {"kind": "Function", "namespace": "shop", "name": "checkout", "uid": "uid-checkout"},
                "note": HOSTILE,
            }
        ],
        "leftOut": 0,
    }


def test_slack_is_told_in_plain_text() -> None:
    document = slack(event(note="UpdateFailed: a < b & c"))
    assert document["text"] == "ack-remediator, prod-eu1: 1 found"
    assert [each["text"]["text"] for each in document["blocks"]] == [
        "ack-remediator, prod-eu1: 1 found",
        "⚠ Found: Function shop/checkout\nUpdateFailed: a &lt; b &amp; c",
    ]


def test_teams_is_told_in_runs() -> None:
    shown = [each["text"] for each in objects(card(teams(event(note="UpdateFailed: a < b")))) if "text" in each]
    assert shown == ["ack-remediator, prod-eu1: 1 found", "⚠ Found: Function shop/checkout", "UpdateFailed: a < b"]


@pytest.mark.parametrize("form", [Format.SLACK, Format.TEAMS])
def test_of_many_ten_are_shown_and_the_others_are_counted(form: Format) -> None:
    told = body(news(*(event(f"f{number}") for number in range(MOST_ITEMS + 3))), form).decode()
    assert told.count("Function shop/f") == 10
    assert f"{MOST_ITEMS + 3 - 10} more: `remediator scan` shows all." in told


@given(name=texts, note=texts, cluster=texts)
def test_slack_reads_no_markup_in_what_others_wrote(name: str, note: str, cluster: str) -> None:
    document = slack(*[event(name, note=note)] * 12, cluster=cluster)
    assert len(document["blocks"]) <= 50
    assert document["mrkdwn"] is False
    written = [each["text"] for each in document["blocks"]]
    assert {(each["type"], each["emoji"]) for each in written} == {("plain_text", False)}
    for text in (document["text"], *(each["text"] for each in written)):
        assert not {"<", ">"} & set(text)
        assert text.count("&") == len(re.findall("&(?:amp|lt|gt);", text))
        assert 1 <= len(text) <= 3000


@given(name=texts, note=texts, cluster=texts)
def test_teams_reads_no_markup_in_what_others_wrote(name: str, note: str, cluster: str) -> None:
    sent = body(news(*[event(name, note=note)] * 12, cluster=cluster), Format.TEAMS)
    assert len(sent) < 28_000
    document = json.loads(sent)
    assert "entities" not in card(document)["msteams"]
    assert {each["type"] for each in objects(card(document)["body"])} == {"RichTextBlock", "TextRun"}
    assert document["type"] == "message"
