"""What a policy wants to be told: of what it names, once, and not again by each run where nobody remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from remediator.model.event import EventReason
from remediator.model.message import Message
from remediator.policy.webhook import WebhookSection
from remediator.webhook import Deliveries, Webhook
from tests.builders import NOW
from tests.webhook.receiving import event, section


class Posted(Deliveries):
    """Keeps what is posted."""

    def __init__(self, **more: Any) -> None:
        super().__init__(lambda _: None, **more)
        self.messages: list[Message] = []

    def post(self, to: WebhookSection, message: Message) -> None:
        self.messages.append(message)


def webhook(posted: Posted, directory: Path, *, forgets: str = "", **more: Any) -> Webhook:
    to = section("https://chat.example.com/", directory, **more)
    return Webhook(to, posted, cluster="kind-shop", by="pod@host", now=lambda: NOW, forgets=lambda: forgets)


def test_all_that_is_new_is_one_message(tmp_path: Path) -> None:
    posted = Posted()
    hook = webhook(posted, tmp_path)
    hook.tell([event("a"), event("b", reason=EventReason.ACTED)])
    hook.tell([event("c")])
    assert [[each.resource.name for each in one.items] for one in posted.messages] == [["a", "b"], ["c"]]
    first, second = posted.messages
    assert (first.cluster, first.at, first.sender.name) == ("kind-shop", NOW, "pod@host")
    assert first.id != second.id
    assert first.id.startswith("msg_")


def test_nothing_new_is_no_message(tmp_path: Path) -> None:
    posted = Posted()
    webhook(posted, tmp_path).tell([])
    assert posted.messages == []


def test_what_still_holds_is_not_told_again(tmp_path: Path) -> None:
    posted = Posted()
    webhook(posted, tmp_path).tell([structs.replace(event(), again=True)])
    assert posted.messages == []


def test_it_tells_what_is_asked_for(tmp_path: Path) -> None:
    posted = Posted()
    every = [event(reason.value, reason=reason) for reason in EventReason]
    webhook(posted, tmp_path, reasons=["Resolved", "Acted"], cluster="prod").tell(every)
    [told] = posted.messages
    assert ([each.reason for each in told.items], told.cluster) == ([EventReason.ACTED, EventReason.RESOLVED], "prod")


@pytest.mark.parametrize(("lasting", "count"), [(True, 5), (False, 1)])
def test_where_nobody_remembers_only_a_process_that_lasts_tells_what_it_found(
    tmp_path: Path, lasting: bool, count: int
) -> None:
    posted = Posted(lasting=lasting)
    every = [event(reason.value, reason=reason) for reason in EventReason]
    webhook(posted, tmp_path, forgets="no records").tell(every)
    [told] = posted.messages
    assert (len(told.items), told.items[0].reason) == (count, EventReason.ACTED)
