"""A message as those take it that show it to people.

What others wrote goes where no markup is read: into plain text at Slack, into text runs at Teams. So no name and no
error text makes a link, mentions anybody, or looks like what we say ourselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from remediator.model.event import EventType
from remediator.model.message import Item, Message
from remediator.policy.webhook import Format

# A chat shows so many, each with so much of its text in bytes: Slack takes 50 blocks, Teams 28 KB.
_MOST = 10
_LONGEST = 400

_WARNS = {EventType.WARNING: "⚠ ", EventType.NORMAL: ""}


def body(message: Message, form: Format) -> bytes:
    """Write a message in a format, as UTF-8."""
    return _FORMATS[form](message)


def _json(message: Message) -> bytes:
    return msgspec.json.encode(message)


def _slack(message: Message) -> bytes:
    """Write what an incoming webhook of Slack takes: blocks, and the line that notifications show."""
    headline = _escaped(_headline(message))
    blocks = [
        _section(headline),
        *(_section(_escaped(f"{_title(each)}\n{_cut(each.note)}")) for each in _shown(message)),
    ]
    if more := _more(message):
        blocks.append(_section(more))
    return _written({"text": headline, "mrkdwn": False, "blocks": blocks})


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _escaped(text: str) -> str:
    """Spell the three characters that steer Slack, in plain text as well."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(message: Message) -> bytes:
    """Write what a workflow of Teams takes: a message with one Adaptive Card."""
    lines = [_runs(_headline(message), bold=True)]
    for each in _shown(message):
        lines += [_runs(_title(each), bold=True, apart=True), _runs(_cut(each.note))]
    if more := _more(message):
        lines.append(_runs(more, apart=True))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": _headline(message),
        "body": lines,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return _written({"type": "message", "attachments": [attachment]})


def _runs(text: str, *, bold: bool = False, apart: bool = False) -> dict[str, Any]:
    """Write a line as text runs: those of a TextBlock would be Markdown."""
    weight = {"weight": "Bolder"} if bold else {}
    spacing = {"spacing": "Medium" if apart else "None"}
    return {"type": "RichTextBlock", **spacing, "inlines": [{"type": "TextRun", "text": text, **weight}]}


def _headline(message: Message) -> str:
    return f"ack-remediator, {_cut(message.cluster)}: {message.headline}"


def _title(item: Item) -> str:
    return f"{_WARNS[item.type]}{item.reason}: {_cut(str(item.resource))}"


def _shown(message: Message) -> tuple[Item, ...]:
    return message.items[:_MOST]


def _more(message: Message) -> str:
    left = len(message.items) - len(_shown(message)) + message.left_out
    return f"{left} more: `remediator scan` shows all." if left else ""


def _cut(text: str) -> str:
    if len(text.encode()) <= _LONGEST:
        return text
    return f"{text.encode()[:_LONGEST].decode(errors='ignore')}…"


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


_FORMATS: dict[Format, Callable[[Message], bytes]] = {
    Format.JSON: _json,
    Format.SLACK: _slack,
    Format.TEAMS: _teams,
}
